/* test_error.c - error.h: statuses, sentences, and nothing that could move a terminal's cursor. */
#include "tests.h"

#include <errno.h>

#include "base/error.h"

static void each_kind_has_its_status(void **state)
{
        struct error error = ERROR_NONE;

        (void)state;
        assert_int_equal(error_set(&error, -EBADMSG, "cannot read %s", "a"), -EBADMSG);
        assert_int_equal(error.status, EXIT_FAILED);
        assert_string_equal(error.text, "cannot read a");
        assert_int_equal(error_usage(&error, "no"), -EINVAL);
        assert_int_equal(error.status, EXIT_USAGE);
        assert_int_equal(error_refuse(&error, "no"), -EPERM);
        assert_int_equal(error.status, EXIT_REFUSED);
        assert_int_equal(error_errno(&error, ENOSPC, "cannot write %s", "b"), -ENOSPC);
        assert_string_equal(error.text, "cannot write b: No space left on device");
        assert_int_equal(error_set(NULL, -EIO, "nobody reads this"), -EIO);
}

static void a_prefix_keeps_code_and_status(void **state)
{
        struct error error = ERROR_NONE;

        (void)state;
        error_refuse(&error, "it is older");
        assert_int_equal(error_prefix(&error, "release %d", 12), -EPERM);
        assert_int_equal(error.status, EXIT_REFUSED);
        assert_string_equal(error.text, "release 12: it is older");
}

static void control_characters_are_shown_not_sent(void **state)
{
        struct error error = ERROR_NONE;

        (void)state;
        error_set(&error, -EIO, "bad name %s", "x\033[2J\ny\x7f");
        assert_string_equal(error.text, "bad name x\\033[2J\\012y\\177");
        error_set(&error, -EIO, "%s",
                  "a\xc2\x9b"
                  "2J\xc2\xa9 \xc2");
        assert_string_equal(error.text, "a\\302\\2332J\xc2\xa9 \xc2");
}

static void a_long_sentence_is_cut(void **state)
{
        struct error error = ERROR_NONE;
        char name[4000];

        (void)state;
        memset(name, '\001', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        error_set(&error, -EIO, "%s", name);
        assert_true(strlen(error.text) < sizeof(error.text));
        error_prefix(&error, "%s", name);
        assert_true(strlen(error.text) < sizeof(error.text));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_kind_has_its_status),
                cmocka_unit_test(a_prefix_keeps_code_and_status),
                cmocka_unit_test(control_characters_are_shown_not_sent),
                cmocka_unit_test(a_long_sentence_is_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
