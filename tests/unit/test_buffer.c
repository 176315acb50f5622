/* test_buffer.c - buffer.h: grows, never past its maximum, keeps what it had when it fails. */
#include "tests.h"

#include <errno.h>

#include "base/buffer.h"

static void grows_up_to_its_maximum(void **state)
{
        _cleanup_(buffer_done) struct buffer buffer = BUFFER_INIT(1000);

        (void)state;
        assert_string_equal(buffer_text(&buffer), "");
        for (int i = 0; i < 1000; i++)
                assert_int_equal(buffer_append_byte(&buffer, 'x'), 0);
        assert_int_equal(buffer.length, 1000);
        assert_int_equal(buffer_append_byte(&buffer, 'y'), -E2BIG);
        assert_int_equal(buffer_append_text(&buffer, "yy"), -E2BIG);
        assert_int_equal(buffer_printf(&buffer, "%d", 12345), -E2BIG);
        assert_int_equal(buffer.length, 1000);
        assert_int_equal(strlen(buffer_text(&buffer)), 1000);
        buffer_clear(&buffer);
        assert_int_equal(buffer_printf(&buffer, "%s-%d", "a", 7), 0);
        assert_string_equal(buffer_text(&buffer), "a-7");
}

static void what_fits_is_appended(void **state)
{
        _cleanup_(buffer_done) struct buffer buffer = BUFFER_INIT(5);

        (void)state;
        assert_int_equal(buffer_append_fitting(&buffer, "abc", 3), 0);
        assert_int_equal(buffer_append_fitting(&buffer, "defg", 4), -E2BIG);
        assert_string_equal(buffer_text(&buffer), "abcde");
        assert_int_equal(buffer_append_fitting(&buffer, "", 0), 0);
        assert_int_equal(buffer_append_fitting(&buffer, "h", 1), -E2BIG);
        assert_string_equal(buffer_text(&buffer), "abcde");
}

static void an_absurd_length_does_not_wrap(void **state)
{
        _cleanup_(buffer_done) struct buffer buffer = BUFFER_INIT(SIZE_MAX / 2);

        (void)state;
        assert_int_equal(buffer_append_text(&buffer, "abc"), 0);
        assert_int_equal(buffer_reserve(&buffer, SIZE_MAX - 1), -E2BIG);
        assert_int_equal(buffer_reserve(&buffer, SIZE_MAX / 2 - 2), -E2BIG);
        assert_string_equal(buffer_text(&buffer), "abc");
}

static void steal_hands_over_a_string(void **state)
{
        struct buffer buffer = BUFFER_INIT(10);
        char *text;

        (void)state;
        text = buffer_steal(&buffer);
        assert_string_equal(text, "");
        free(text);
        assert_int_equal(buffer_append(&buffer, "a\0b", 3), 0);
        text = buffer_steal(&buffer);
        assert_memory_equal(text, "a\0b\0", 4);
        assert_int_equal(buffer.length, 0);
        free(text);
        buffer_done(&buffer);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(grows_up_to_its_maximum),
                cmocka_unit_test(what_fits_is_appended),
                cmocka_unit_test(an_absurd_length_does_not_wrap),
                cmocka_unit_test(steal_hands_over_a_string),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
