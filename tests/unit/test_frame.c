/* test_frame.c - frames arrive whole, in order, in time; broken ones are refused; descriptors go one way only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/memory.h"
#include "ipc/frame.h"

struct pair {
        int ends[2];
        uint8_t *body;
};

static int setup(void **state)
{
        struct pair *pair = memory_new(1, sizeof(*pair));

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair->ends), 0);
        pair->body = memory_new(FRAME_BODY_MAXIMUM, 1);
        *state = pair;
        return 0;
}

static int teardown(void **state)
{
        struct pair *pair = *state;

        fd_close(&pair->ends[0]);
        fd_close(&pair->ends[1]);
        free(pair->body);
        free(pair);
        return 0;
}

static void what_is_sent_arrives(void **state)
{
        struct pair *pair = *state;
        struct frame frame;

        assert_int_equal(frame_send(pair->ends[0], 7, 0x0102030405060708, "hello", 5), 0);
        assert_int_equal(frame_send(pair->ends[0], 255, UINT64_MAX, NULL, 0), 0);
        assert_int_equal(frame_receive(pair->ends[1], &frame, pair->body, 1000), 1);
        assert_int_equal(frame.verb, 7);
        assert_true(frame.argument == 0x0102030405060708);
        assert_int_equal(frame.length, 5);
        assert_memory_equal(pair->body, "hello", 5);
        assert_int_equal(frame_receive(pair->ends[1], &frame, pair->body, 1000), 1);
        assert_int_equal(frame.verb, 255);
        assert_true(frame.argument == UINT64_MAX);
        assert_int_equal(frame.length, 0);
}

/* The largest body is more than the socket holds: it takes both ends at once. */
static void largest_body_arrives(void **state)
{
        struct pair *pair = *state;
        struct frame frame;
        uint8_t *sent = memory_new(FRAME_BODY_MAXIMUM, 1);
        pid_t pid;

        for (size_t i = 0; i < FRAME_BODY_MAXIMUM; i++)
                sent[i] = (uint8_t)(i * 31 + (i >> 8));
        pid = fork();
        if (pid == 0) {
                int r = 0;

                for (int i = 0; r == 0 && i < 20; i++)
                        r = frame_send(pair->ends[0], 1, (uint64_t)i, sent, FRAME_BODY_MAXIMUM);
                _exit(r != 0);
        }
        for (int i = 0; i < 20; i++) {
                memset(pair->body, 0, FRAME_BODY_MAXIMUM);
                assert_int_equal(frame_receive(pair->ends[1], &frame, pair->body, 10000), 1);
                assert_int_equal(frame.argument, i);
                assert_int_equal(frame.length, FRAME_BODY_MAXIMUM);
                assert_memory_equal(pair->body, sent, FRAME_BODY_MAXIMUM);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        free(sent);
}

static void silence_ends_in_time(void **state)
{
        struct pair *pair = *state;
        struct frame frame;
        int64_t before = clock_monotonic_ms();

        assert_int_equal(frame_receive(pair->ends[1], &frame, pair->body, 50), -ETIMEDOUT);
        assert_int_equal(write_full(pair->ends[0], "\1\0\0\0\5\0\0\0", 8), 0); /* half a head */
        assert_int_equal(frame_receive(pair->ends[1], &frame, pair->body, 50), -ETIMEDOUT);
        assert_in_range(clock_monotonic_ms() - before, 100, 5000);
}

static void end_of_the_stream(void **state)
{
        struct pair *pair = *state;
        struct frame frame;

        fd_close(&pair->ends[0]);
        assert_int_equal(frame_receive(pair->ends[1], &frame, pair->body, 1000), 0);
        assert_int_equal(frame_send(pair->ends[1], 1, 0, "x", 1), -EPIPE);
}

static void end_in_the_middle_of_a_frame_is_broken(void **state)
{
        struct pair *pair = *state;
        struct frame frame;

        assert_int_equal(write_full(pair->ends[0], "\1\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0abc", 19), 0);
        fd_close(&pair->ends[0]);
        assert_int_equal(frame_receive(pair->ends[1], &frame, pair->body, 1000), -EBADMSG);
}

static void broken_heads_are_refused(void **state)
{
        static const char heads[][FRAME_HEAD_SIZE] = {
                "\0\0\0\0\0\0\0\0",         /* no verb */
                "\1\1\0\0\0\0\0\0",         /* not zero */
                "\1\0\0\1\0\0\0\0",         /* not zero */
                "\1\0\0\0\1\0\4\0",         /* 256 KiB and one byte */
                "\1\0\0\0\xff\xff\xff\xff", /* four gigabytes */
        };

        for (size_t i = 0; i < LENGTH(heads); i++) {
                struct pair *pair;
                struct frame frame;

                setup(state);
                pair = *state;
                assert_int_equal(write_full(pair->ends[0], heads[i], FRAME_HEAD_SIZE), 0);
                assert_int_equal(frame_receive(pair->ends[1], &frame, pair->body, 1000), -EBADMSG);
                teardown(state);
        }
        setup(state);
}

static int open_descriptors(void)
{
        int count = 0;

        for (int fd = 0; fd < 200; fd++)
                count += fcntl(fd, F_GETFD) >= 0;
        return count;
}

static void descriptor_goes_along(void **state)
{
        struct pair *pair = *state;
        struct frame frame;
        int sent = memfd_create("x", MFD_CLOEXEC), received = -1;
        char text[4] = "";

        assert_int_equal(write_full(sent, "abc", 3), 0);
        assert_int_equal(frame_send_fd(pair->ends[0], 1, 0, "hi", 2, sent), 0);
        assert_int_equal(frame_send_fd(pair->ends[0], 2, 0, NULL, 0, -1), 0);
        assert_int_equal(frame_receive_fd(pair->ends[1], &frame, pair->body, 1000, &received), 1);
        assert_true(received >= 0 && received != sent);
        assert_int_equal(fcntl(received, F_GETFD), FD_CLOEXEC);
        assert_int_equal(read_at(received, text, 3, 0), 3);
        assert_string_equal(text, "abc");
        close(received);
        assert_int_equal(frame_receive_fd(pair->ends[1], &frame, pair->body, 1000, &received), 1);
        assert_int_equal(received, -1);
        close(sent);
}

/* The side with rights cannot be filled with descriptors. */
static void unwanted_descriptor_is_dropped(void **state)
{
        struct pair *pair = *state;
        struct frame frame;
        int before = open_descriptors();

        for (int i = 0; i < 10; i++) {
                assert_int_equal(frame_send_fd(pair->ends[0], 1, 0, "hi", 2, pair->ends[0]), 0);
                assert_int_equal(frame_receive(pair->ends[1], &frame, pair->body, 1000), 1);
                assert_memory_equal(pair->body, "hi", 2);
        }
        assert_int_equal(open_descriptors(), before);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_is_sent_arrives, setup, teardown),
                cmocka_unit_test_setup_teardown(largest_body_arrives, setup, teardown),
                cmocka_unit_test_setup_teardown(silence_ends_in_time, setup, teardown),
                cmocka_unit_test_setup_teardown(end_of_the_stream, setup, teardown),
                cmocka_unit_test_setup_teardown(end_in_the_middle_of_a_frame_is_broken, setup, teardown),
                cmocka_unit_test_teardown(broken_heads_are_refused, teardown),
                cmocka_unit_test_setup_teardown(descriptor_goes_along, setup, teardown),
                cmocka_unit_test_setup_teardown(unwanted_descriptor_is_dropped, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
