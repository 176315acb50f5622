/* test_late.c - libraries that are loaded when they are needed. */
#include "tests.h"

#include <string.h>

#include "late/late.h"

static void *first, *last;

static const struct late_symbol symbols[] = { { "cos", (void *)&first }, { "sin", (void *)&last } };

static void test_loaded(void **context)
{
        const struct late_library library = { "libm.so.6", "libc6", symbols, 2 };

        (void)context;
        first = last = NULL;
        assert_int_equal(late_load(&library, NULL), 0);
        assert_non_null(first);
        assert_non_null(last);
        first = NULL;
        assert_int_equal(late_load(&library, NULL), 0);
        assert_null(first); /* nothing to do the second time */
}

static void test_not_installed(void **context)
{
        const struct late_library library = { "libof-nobody.so.1", "libof-nobody1", symbols, 2 };
        struct error error = ERROR_NONE;

        (void)context;
        first = last = NULL;
        assert_true(late_load(&library, &error) < 0);
        assert_non_null(strstr(error.text, "install the package libof-nobody1"));
        assert_null(first);
}

static void test_too_old(void **context)
{
        static const struct late_symbol newer[] = { { "cos", (void *)&first }, { "of_tomorrow", (void *)&last } };
        const struct late_library library = { "libm.so.6", "libc6", newer, 2 };
        struct error error = ERROR_NONE;

        (void)context;
        first = last = NULL;
        assert_true(late_load(&library, &error) < 0);
        assert_non_null(strstr(error.text, "has no of_tomorrow"));
        assert_true(late_load(&library, NULL) < 0); /* and it is not taken for loaded */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_loaded),
                cmocka_unit_test(test_not_installed),
                cmocka_unit_test(test_too_old),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
