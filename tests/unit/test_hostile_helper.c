/*
 * test_hostile_helper.c - the side with rights (src/store/repository.c) when its helper was taken over. The helper is
 * replaced here by one that breaks the rules of the conversation in one way after the other; whatever it does, each
 * request ends with an error in a bounded time.
 */
#include "tests.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "ipc/frame.h"
#include "store/fetch.h"
#include "store/repository.h"

#define PATIENCE_S 60 /* the test itself is ended then */

/* What the helper does once it was asked for something; never comes back, or returns when it has enough. */
static void (*behave)(int socket);

/* Takes the place of the one in fetch_helper.c. */
void fetch_helper_run(int socket, const struct fetch_options *options)
{
        static uint8_t body[FRAME_BODY_MAXIMUM];
        struct frame frame;

        (void)options;
        alarm(PATIENCE_S);
        if (frame_send(socket, FETCH_READY, 0, NULL, 0) == 0 && frame_receive(socket, &frame, body, -1) == 1)
                behave(socket);
        _exit(0);
}

static void flood(int socket, uint8_t verb, uint64_t argument)
{
        while (frame_send(socket, verb, argument, NULL, 0) == 0)
                ;
}

static void flood_of_alive(int socket)
{
        flood(socket, FETCH_ALIVE, 0);
}

static void flood_of_received(int socket)
{
        flood(socket, FETCH_RECEIVED, UINT64_MAX);
}

static void flood_of_nothing(int socket)
{
        flood(socket, FETCH_DATA, 0);
}

static void flood_of_opens(int socket)
{
        static uint8_t body[FRAME_BODY_MAXIMUM];
        struct frame frame;

        for (;;) {
                int fd = -1;

                if (frame_send(socket, FETCH_OPEN, FETCH_HANDLE_PATH, NULL, 0) < 0 ||
                    frame_receive_fd(socket, &frame, body, -1, &fd) != 1)
                        return;
                fd_close(&fd);
        }
}

static void more_than_asked_for(int socket)
{
        static const char bytes[4096];

        while (frame_send(socket, FETCH_DATA, 0, bytes, sizeof(bytes)) == 0)
                ;
}

static void a_request_for_a_base(int socket)
{
        frame_send(socket, FETCH_NEED_BASE, 0, NULL, 0);
        pause();
}

static void a_pack_that_nobody_named(int socket)
{
        frame_send(socket, FETCH_OPEN, FETCH_HANDLE_PACK(0), NULL, 0);
        pause();
}

static void a_handle_beyond_all(int socket)
{
        frame_send(socket, FETCH_OPEN, UINT64_MAX, NULL, 0);
        pause();
}

static void an_error_that_is_none(int socket)
{
        frame_send(socket, FETCH_FAILED, 0, "well done", 9);
        pause();
}

static void an_error_with_a_number_beyond_all(int socket)
{
        frame_send(socket, FETCH_FAILED, UINT64_C(1) << 63, "x", 1);
        pause();
}

static void garbage(int socket)
{
        static const char bytes[FRAME_HEAD_SIZE] = { 'G', 'E', 'T' };

        while (send(socket, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
                ;
}

static void a_head_too_long(int socket)
{
        static const uint8_t head[FRAME_HEAD_SIZE] = { FETCH_DATA, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };

        (void)send(socket, head, sizeof(head), MSG_NOSIGNAL);
        pause();
}

static void the_end(int socket)
{
        (void)socket;
}

static void a_descriptor(int socket)
{
        frame_send_fd(socket, FETCH_DATA, 0, "x", 1, 0);
        frame_send_fd(socket, FETCH_FAILED, EIO, "and nothing more", 16, 0);
        pause();
}

static void terminal_sequences(int socket)
{
        static const char words[] = "\033]0;owned\007\xc2\x9b"
                                    "2J";

        frame_send(socket, FETCH_FAILED, EIO, words, sizeof(words) - 1);
        pause();
}

static void (*const behaviours[])(int) = {
        flood_of_alive,
        flood_of_received,
        flood_of_nothing,
        flood_of_opens,
        more_than_asked_for,
        a_request_for_a_base,
        a_pack_that_nobody_named,
        a_handle_beyond_all,
        an_error_that_is_none,
        an_error_with_a_number_beyond_all,
        garbage,
        a_head_too_long,
        the_end,
        a_descriptor,
        terminal_sequences,
};

static int open_descriptors(void)
{
        int count = 0;

        for (int fd = 0; fd < 256; fd++)
                count += fcntl(fd, F_GETFD) >= 0;
        return count;
}

static struct repository *open_hostile(void)
{
        struct error error = ERROR_NONE;
        struct repository *repository = NULL;

        assert_int_equal(repository_open("/", NULL, &repository, &error), 0);
        return repository;
}

static void a_small_file_ends_with_an_error(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(behaviours) / sizeof(*behaviours); i++) {
                _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(1000);
                struct error error = ERROR_NONE;
                struct repository *repository;
                int before = open_descriptors();

                alarm(PATIENCE_S);
                behave = behaviours[i];
                repository = open_hostile();
                assert_true(repository_get(repository, "etc/hostname", &text, &error) < 0);
                assert_true(*error.text);
                assert_null(strchr(error.text, '\033'));
                assert_null(strstr(error.text, "\xc2\x9b"));
                assert_int_equal(text.length, 0);
                repository_close(repository);
                assert_int_equal(open_descriptors(), before);
        }
}

static void a_large_file_ends_with_an_error(void **state)
{
        static const struct digest digest;

        (void)state;
        for (size_t i = 0; i < sizeof(behaviours) / sizeof(*behaviours); i++) {
                struct error error = ERROR_NONE;
                struct repository *repository;
                int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

                assert_true(fd >= 0);
                alarm(PATIENCE_S);
                behave = behaviours[i];
                repository = open_hostile();
                assert_true(repository_get_file(repository, "etc/hostname", 10000, &digest, fd, -1, 0, &error) < 0);
                assert_true(*error.text);
                assert_true(lseek(fd, 0, SEEK_END) <= 10000);
                repository_close(repository);
                close(fd);
        }
}

static int take(void *context, const struct wanted *wanted, struct error *err)
{
        (void)context, (void)wanted, (void)err;
        return 0;
}

static int take_bytes(void *context, const struct wanted *wanted, const void *bytes, size_t length, struct error *err)
{
        uint64_t *total = context;

        (void)wanted, (void)bytes, (void)err;
        *total += length;
        return 0;
}

/* Begins the object, then sends empty pieces of it. */
static void flood_of_empty_pieces(int socket)
{
        frame_send(socket, FETCH_OBJECT, FETCH_OBJECT_FIRST, "x", 1);
        flood(socket, FETCH_OBJECT, 0);
}

static void the_same_object_again(int socket)
{
        static const char bytes[100];

        while (frame_send(socket, FETCH_OBJECT, FETCH_OBJECT_FIRST | FETCH_OBJECT_LAST, bytes, sizeof(bytes)) == 0)
                ;
}

static void an_object_that_has_no_end(int socket)
{
        static const char bytes[100];

        frame_send(socket, FETCH_OBJECT, FETCH_OBJECT_FIRST, bytes, sizeof(bytes));
        more_than_asked_for(socket);
}

static void done_too_early(int socket)
{
        frame_send(socket, FETCH_DONE, 0, NULL, 0);
        pause();
}

static void objects_end_with_an_error(void **state)
{
        static void (*const more[])(int) = { flood_of_empty_pieces, the_same_object_again, an_object_that_has_no_end,
                                             done_too_early };
        size_t count = sizeof(behaviours) / sizeof(*behaviours);

        (void)state;
        for (size_t i = 0; i < count + sizeof(more) / sizeof(*more); i++) {
                const struct wanted wanted[2] = {
                        {.size = 100,  .base_fd = -1},
                        { .size = 100, .base_fd = -1}
                };
                struct release release = { 0 };
                struct error error = ERROR_NONE;
                struct repository *repository;
                uint64_t total = 0;
                const struct repository_sink sink = { take, take_bytes, take, &total };

                alarm(PATIENCE_S);
                behave = i < count ? behaviours[i] : more[i - count];
                repository = open_hostile();
                assert_true(repository_objects(repository, &release, wanted, 2, &sink, &error) < 0);
                assert_true(*error.text);
                assert_true(total <= 200);
                repository_close(repository);
        }
        alarm(0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_small_file_ends_with_an_error),
                cmocka_unit_test(a_large_file_ends_with_an_error),
                cmocka_unit_test(objects_end_with_an_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
