/* nearest.c: the suggestion is the one that a person would make, or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/attributes.h"
#include "cli/nearest.h"

static const char *const names[] = { "keygen", "publish", "pull", "verify", "releases", "check" };

static void assert_nearest(const char *typed, const char *expected)
{
        const char *found = nearest_name(typed, names, LENGTH(names));

        if (expected)
                assert_string_equal(found ? found : "(none)", expected);
        else
                assert_null(found);
}

static void slips_are_understood(void **state _unused_)
{
        assert_nearest("puplish", "publish");
        assert_nearest("keygne", "keygen");
        assert_nearest("pul", "pull");
        assert_nearest("rel", "releases");
        assert_nearest("veryfi", "verify");
}

static void what_is_far_gets_no_suggestion(void **state _unused_)
{
        assert_nearest("destroy", NULL);
        assert_nearest("x", NULL);
        assert_nearest("", NULL);
        assert_nearest("a-very-long-name-that-is-longer-than-any-command", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(slips_are_understood),
                cmocka_unit_test(what_is_far_gets_no_suggestion),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
