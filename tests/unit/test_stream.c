/* stream.c - frames in pieces, many at once, too long, and to somebody who does not read. */
#include "tests.h"

#include <signal.h>

#include "ipc/stream.h"

static void frames_come_whole_however_they_are_cut(void **state)
{
        struct frame_stream out, in;
        const char *body = NULL;
        struct frame frame;
        int ends[2];

        (void)state;
        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        frame_stream_init(&out, 0, 4096);
        frame_stream_init(&in, 100, 0);
        assert_int_equal(frame_stream_queue(&out, 1, 7, "hello", 5), 0);
        assert_int_equal(frame_stream_queue(&out, 2, UINT64_MAX, NULL, 0), 0);
        assert_int_equal(frame_stream_fill(&in, ends[0]), -EAGAIN);
        for (size_t i = 0; i < out.out.length; i++) { /* a byte at a time */
                assert_int_equal(write(ends[1], out.out.data + i, 1), 1);
                assert_int_equal(frame_stream_fill(&in, ends[0]), 1);
                if (i == FRAME_HEAD_SIZE + 4) {
                        assert_int_equal(frame_stream_next(&in, &frame, &body), 1);
                        assert_int_equal(frame.verb, 1);
                        assert_int_equal(frame.argument, 7);
                        assert_string_equal(body, "hello");
                        assert_false(frame_stream_half(&in));
                } else if (i < out.out.length - 1) {
                        assert_int_equal(frame_stream_next(&in, &frame, &body), 0);
                        assert_true(frame_stream_half(&in));
                }
        }
        assert_int_equal(frame_stream_next(&in, &frame, &body), 1);
        assert_int_equal(frame.verb, 2);
        assert_int_equal(frame.length, 0);
        assert_true(frame.argument == UINT64_MAX);
        assert_int_equal(frame_stream_next(&in, &frame, &body), 0);
        close(ends[1]);
        assert_int_equal(frame_stream_fill(&in, ends[0]), 0);
        close(ends[0]);
        frame_stream_done(&in);
        frame_stream_done(&out);
}

static int next_of(const uint8_t head[FRAME_HEAD_SIZE], uint32_t maximum)
{
        struct frame_stream in;
        const char *body = NULL;
        struct frame frame;
        int ends[2], r;

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        frame_stream_init(&in, maximum, 0);
        assert_int_equal(write(ends[1], head, FRAME_HEAD_SIZE), FRAME_HEAD_SIZE);
        assert_int_equal(frame_stream_fill(&in, ends[0]), 1);
        r = frame_stream_next(&in, &frame, &body);
        frame_stream_done(&in);
        close(ends[0]);
        close(ends[1]);
        return r;
}

static void what_is_too_long_or_none_is_refused_at_its_head(void **state)
{
        uint8_t head[FRAME_HEAD_SIZE];
        struct frame frame = { .verb = 1, .length = 100, .argument = 1 };

        (void)state;
        frame_encode(&frame, head);
        assert_int_equal(next_of(head, 100), 0);
        assert_int_equal(next_of(head, 99), -EBADMSG);
        head[0] = 0;
        assert_int_equal(next_of(head, 100), -EBADMSG);
        assert_int_equal(next_of((const uint8_t *)"Welcome to Debian", 100), -EBADMSG);
}

static void who_does_not_read_is_not_waited_for(void **state)
{
        static char big[FRAME_BODY_MAXIMUM];
        struct frame_stream out;
        int ends[2], r;

        (void)state;
        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        frame_stream_init(&out, 0, 1U << 20);
        while ((r = frame_stream_queue(&out, 1, 1, big, sizeof(big))) == 0)
                assert_int_equal(frame_stream_flush(&out, ends[1]), 1);
        assert_int_equal(r, -ENOBUFS);
        assert_true(out.out.length - out.sent <= 1U << 20);
        close(ends[0]);
        signal(SIGPIPE, SIG_IGN);
        assert_int_equal(frame_stream_flush(&out, ends[1]), -EPIPE);
        close(ends[1]);
        frame_stream_done(&out);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(frames_come_whole_however_they_are_cut),
                cmocka_unit_test(what_is_too_long_or_none_is_refused_at_its_head),
                cmocka_unit_test(who_does_not_read_is_not_waited_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
