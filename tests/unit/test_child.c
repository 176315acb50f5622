/* test_child.c - child.h: statuses, output, time limits. */
#include "tests.h"

#include <errno.h>
#include <signal.h>

#include "base/child.h"

static void status_and_output_come_back(void **state)
{
        _cleanup_(buffer_done) struct buffer output = BUFFER_INIT(1000);
        struct child_options options = { .input = -1, .output = &output };
        struct error error = ERROR_NONE;

        (void)state;
        assert_int_equal(child_run((const char *const[]){ "sh", "-c", "echo out; echo err >&2; exit 7", NULL },
                                   &options, &error),
                         7);
        assert_string_equal(buffer_text(&output), "out\nerr\n");
        assert_int_equal(child_run((const char *const[]){ "sh", "-c", "kill -9 $$", NULL }, NULL, &error),
                         256 + SIGKILL);
        assert_int_equal(child_run((const char *const[]){ "no-such-program-here", NULL }, NULL, &error), -ENOENT);
}

static void too_much_output_is_dropped(void **state)
{
        _cleanup_(buffer_done) struct buffer output = BUFFER_INIT(10000);
        struct child_options options = { .input = -1, .output = &output };
        struct error error = ERROR_NONE;

        (void)state;
        assert_int_equal(
                child_run((const char *const[]){ "head", "-c", "1000000", "/dev/zero", NULL }, &options, &error), 0);
        assert_true(output.length <= 10000);
}

static void a_slow_one_is_ended(void **state)
{
        _cleanup_(buffer_done) struct buffer output = BUFFER_INIT(100);
        struct child_options options = { .input = -1, .timeout_ms = 100, .output = &output };
        struct error error = ERROR_NONE;

        (void)state;
        assert_int_equal(child_run((const char *const[]){ "sleep", "60", NULL }, &options, &error), -ETIMEDOUT);
        options.output = NULL;
        assert_int_equal(child_run((const char *const[]){ "sleep", "60", NULL }, &options, &error), -ETIMEDOUT);
}

static void descriptors_are_not_inherited(void **state)
{
        _cleanup_(buffer_done) struct buffer output = BUFFER_INIT(1000);
        struct child_options options = { .input = -1, .output = &output };
        struct error error = ERROR_NONE;
        int leaked = dup2(1, 77);

        (void)state;
        assert_int_equal(
                child_run((const char *const[]){ "sh", "-c", "test ! -e /proc/self/fd/77", NULL }, &options, &error),
                0);
        close(leaked);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(status_and_output_come_back),
                cmocka_unit_test(too_much_output_is_dropped),
                cmocka_unit_test(a_slow_one_is_ended),
                cmocka_unit_test(descriptors_are_not_inherited),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
