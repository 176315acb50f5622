/* handover.c - a pull and a guard over the socket in the state's folder; and what is no packet of a pull. */
#include "tests.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/attributes.h"
#include "guard/handover.h"
#include "ipc/packet.h"

static char folder[TESTS_FOLDER_SIZE];
static int state_folder = -1, listening = -1;

static int begin(void **state)
{
        (void)state;
        state_folder = tests_folder(folder);
        listening = handover_listen(state_folder, NULL);
        return listening >= 0 ? 0 : -1;
}

static int end(void **state)
{
        (void)state;
        fd_close(&listening);
        fd_close(&state_folder);
        tests_folder_remove(folder);
        return 0;
}

static int next_number(void)
{
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        close(fd);
        return fd;
}

static int take_connection(void)
{
        struct pollfd wait = { .fd = listening, .events = POLLIN };

        assert_int_equal(poll(&wait, 1, 10000), 1);
        return accept4(listening, NULL, NULL, SOCK_CLOEXEC);
}

/* A pull in a process of its own; its exit status: 0 accepted, 4 refused, 3 anything else. */
static pid_t start_pull(int (*speak)(struct handover *handover))
{
        pid_t pid = fork();
        struct handover *handover = NULL;
        int r;

        if (pid != 0)
                return pid;
        r = handover_connect(state_folder, &handover, NULL);
        if (r == 0 && handover)
                r = speak(handover);
        handover_close(handover);
        _exit(r == 0 ? 0 : r == -EPERM ? 4 : 3);
}

static int end_of(pid_t pid)
{
        int status = -1;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WEXITSTATUS(status);
}

static int pull_staged(struct handover *handover)
{
        const struct pull_staged trees[] = { { .name = "docroot", .folder = state_folder },
                                             { .name = "nginx", .folder = state_folder } };

        return handover_staged(handover, 12, state_folder, trees, LENGTH(trees), NULL);
}

static int pull_exchanged(struct handover *handover)
{
        return handover_exchanged(handover, true, NULL);
}

static void a_release_is_shown_with_its_trees(void **state)
{
        pid_t puller = start_pull(pull_staged);
        int connection = take_connection(), before = next_number();
        struct handover_message message;
        struct stat here, there;

        (void)state;
        assert_int_equal(handover_receive(connection, &message), 1);
        assert_int_equal(message.verb, HANDOVER_STAGED);
        assert_int_equal(message.release, 12);
        assert_int_equal(message.tree_count, 2);
        assert_string_equal(message.trees[0].name, "docroot");
        assert_string_equal(message.trees[1].name, "nginx");
        assert_int_equal(fstat(state_folder, &here), 0);
        assert_int_equal(fstat(message.trees[1].folder, &there), 0);
        assert_int_equal(here.st_ino, there.st_ino);
        assert_int_equal(handover_answer(connection, HANDOVER_OK, ""), 0);
        handover_message_done(&message);
        assert_int_equal(next_number(), before);
        assert_int_equal(end_of(puller), 0);
        assert_int_equal(handover_receive(connection, &message), 0); /* it is gone */
        close(connection);
}

static void a_refusal_is_a_rule(void **state)
{
        pid_t puller = start_pull(pull_exchanged);
        int connection = take_connection();
        struct handover_message message;

        (void)state;
        assert_int_equal(handover_receive(connection, &message), 1);
        assert_int_equal(message.verb, HANDOVER_EXCHANGED);
        assert_int_equal(message.folder, -1);
        assert_int_equal(handover_answer(connection, HANDOVER_REFUSED, "its signature does not hold"), 0);
        handover_message_done(&message);
        assert_int_equal(end_of(puller), 4);
        close(connection);
}

static void a_guard_that_dies_is_no_consent(void **state)
{
        pid_t puller = start_pull(pull_exchanged);
        int connection = take_connection();

        (void)state;
        close(connection);
        assert_int_equal(end_of(puller), 3);
}

static void no_guard_is_no_obstacle(void **state)
{
        struct handover *handover = (struct handover *)1;

        (void)state;
        fd_close(&listening); /* it died, and left its socket behind */
        assert_int_equal(handover_connect(state_folder, &handover, NULL), 0);
        assert_null(handover);
        assert_int_equal(unlinkat(state_folder, HANDOVER_SOCKET, 0), 0);
        assert_int_equal(handover_connect(state_folder, &handover, NULL), 0);
        assert_null(handover);
        listening = handover_listen(state_folder, NULL);
        assert_true(listening >= 0);
}

/* The packet as it is on the wire: verb, length of the text, release, text. */
static void nonsense(const void *bytes, size_t length, size_t fds)
{
        int ends[2], before, all[PACKET_FDS];
        struct handover_message message;

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        before = next_number();
        for (size_t i = 0; i < fds; i++)
                all[i] = state_folder;
        assert_int_equal(packet_send(ends[0], bytes, length, all, fds), 0);
        assert_true(handover_receive(ends[1], &message) < 0);
        assert_int_equal(next_number(), before);
        close(ends[0]);
        close(ends[1]);
}

static void what_is_no_packet_leaves_nothing_open(void **state)
{
        struct {
                uint32_t verb, length;
                uint64_t release;
                char text[HANDOVER_TEXT_SIZE];
        } packet = { .verb = HANDOVER_STAGED, .release = 1 };
        const size_t head = offsetof(__typeof__(packet), text);

        (void)state;
        nonsense("x", 1, 0);
        nonsense(&packet, head - 1, 1);
        nonsense(&packet, head, 0);                  /* staged, but nothing comes along */
        nonsense(&packet, head, 2);                  /* a tree without a name */
        nonsense(&packet, head, PACKET_FDS);         /* more trees than a release can have */
        nonsense(&packet, head, 18);                 /* one more */
        packet.verb = HANDOVER_EXCHANGED;
        nonsense(&packet, head, 1);                  /* a descriptor that nobody asked for */
        packet.length = 5;
        nonsense(&packet, head + 4, 0);              /* shorter than it says */
        nonsense(&packet, head + 6, 0);              /* longer */
        packet.length = UINT32_MAX;
        nonsense(&packet, sizeof(packet), 0);
        packet.length = HANDOVER_TEXT_SIZE;
        nonsense(&packet, sizeof(packet), 0);        /* no room for a NUL */
        packet.verb = HANDOVER_STAGED;
        packet.length = 200;
        memset(packet.text, 'a', 199);
        packet.text[199] = '\n';
        nonsense(&packet, head + 200, 2);            /* a name that is too long */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_release_is_shown_with_its_trees, begin, end),
                cmocka_unit_test_setup_teardown(a_refusal_is_a_rule, begin, end),
                cmocka_unit_test_setup_teardown(a_guard_that_dies_is_no_consent, begin, end),
                cmocka_unit_test_setup_teardown(no_guard_is_no_obstacle, begin, end),
                cmocka_unit_test_setup_teardown(what_is_no_packet_leaves_nothing_open, begin, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
