/* packet.c - what is sent arrives whole, with its descriptors; what is too much leaves nothing open. */
#include "tests.h"

#include <sys/socket.h>

#include "base/attributes.h"
#include "ipc/packet.h"

static int ends[2];

static int make_socket(void **state)
{
        (void)state;
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int close_socket(void **state)
{
        (void)state;
        close(ends[0]);
        close(ends[1]);
        return 0;
}

/* The number that the next descriptor gets: the same before and after when nothing was left open. */
static int next_number(void)
{
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        close(fd);
        return fd;
}

static void bytes_and_descriptors_arrive(void **state)
{
        int pipes[2], fds[2] = { -1, -1 };
        char text[16] = "";
        size_t count = 7;

        (void)state;
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        assert_int_equal(packet_send(ends[0], "hello", 5, pipes, 2), 0);
        assert_int_equal(packet_receive(ends[1], text, sizeof(text), fds, 2, &count), 5);
        assert_string_equal(text, "hello");
        assert_int_equal(count, 2);
        assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
        assert_int_equal(write(fds[1], "x", 1), 1);
        assert_int_equal(read(pipes[0], text, 1), 1);
        assert_int_equal(text[0], 'x');
        for (size_t i = 0; i < 2; i++) {
                close(fds[i]);
                close(pipes[i]);
        }
}

static void the_end_is_told(void **state)
{
        char text[16];
        size_t count = 7;

        (void)state;
        shutdown(ends[0], SHUT_WR);
        assert_int_equal(packet_receive(ends[1], text, sizeof(text), NULL, 0, &count), 0);
        assert_int_equal(count, 0);
}

static void more_than_wanted_is_refused_and_closed(void **state)
{
        int fds[PACKET_FDS], got[PACKET_FDS], before;
        char text[16];
        size_t count;

        (void)state;
        for (size_t i = 0; i < LENGTH(fds); i++)
                fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        before = next_number();
        /* One more than wanted is what the kernel's rounding lets through. */
        for (size_t wanted = 0; wanted < LENGTH(fds); wanted++) {
                for (size_t i = 0; i < LENGTH(got); i++)
                        got[i] = -7;
                assert_int_equal(packet_send(ends[0], "x", 1, fds, wanted + 1), 0);
                assert_int_equal(packet_receive(ends[1], text, sizeof(text), got, wanted, &count), -EMSGSIZE);
                assert_int_equal(count, 0);
                for (size_t i = wanted; i < LENGTH(got); i++)
                        assert_int_equal(got[i], -7); /* nothing was written behind what there was room for */
                assert_int_equal(next_number(), before);
        }
        /* An empty packet looks like the end. */
        assert_int_equal(packet_send(ends[0], "", 0, fds, 3), 0);
        assert_int_equal(packet_receive(ends[1], text, sizeof(text), got, 3, &count), 0);
        assert_int_equal(count, 0);
        assert_int_equal(next_number(), before);
        assert_int_equal(packet_send(ends[0], "longer than the room", 20, fds, 3), 0);
        assert_int_equal(packet_receive(ends[1], text, sizeof(text), got, 3, &count), -EMSGSIZE);
        assert_int_equal(next_number(), before);
        for (size_t i = 0; i < LENGTH(fds); i++)
                close(fds[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(bytes_and_descriptors_arrive, make_socket, close_socket),
                cmocka_unit_test_setup_teardown(the_end_is_told, make_socket, close_socket),
                cmocka_unit_test_setup_teardown(more_than_wanted_is_refused_and_closed, make_socket, close_socket),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
