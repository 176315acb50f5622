/* test_clock.c - clock.h: times and durations that people write. */
#include "tests.h"

#include <errno.h>

#include "base/clock.h"

static void times_go_both_ways(void **state)
{
        char text[CLOCK_TEXT_SIZE];
        int64_t seconds = 0;

        (void)state;
        assert_int_equal(clock_parse_utc("2009-07-06T09:00:00Z", &seconds), 0);
        assert_int_equal(seconds, 1246870800);
        clock_format_utc(seconds, text);
        assert_string_equal(text, "2009-07-06T09:00:00Z");
        assert_int_equal(clock_parse_utc("2009-07-06", &seconds), 0);
        assert_int_equal(seconds, 1246838400);
        assert_int_equal(clock_parse_utc("2024-02-29", &seconds), 0);
}

static void units_are_rounded_down(void **state)
{
        (void)state;
        assert_int_equal(clock_floor(86399, 86400), 0);
        assert_int_equal(clock_floor(86400, 86400), 1);
        assert_int_equal(clock_floor(0, 86400), 0);
        assert_int_equal(clock_floor(-1, 86400), -1);
        assert_int_equal(clock_floor(-86400, 86400), -1);
        assert_int_equal(clock_floor(-86401, 86400), -2);
}

static void what_is_no_time_is_refused(void **state)
{
        static const char *const bad[] = { "",
                                           "2009-02-30",
                                           "2009-13-01",
                                           "2009-7-6",
                                           "1969-12-31",
                                           "2023-02-29",
                                           "2009/07/06",
                                           "2009-07-06T09:00:00",
                                           "2009-07-06T24:00:00Z",
                                           "2009-07-06 09:00:00Z" };
        int64_t seconds = 42;

        (void)state;
        for (size_t i = 0; i < LENGTH(bad); i++)
                assert_int_equal(clock_parse_utc(bad[i], &seconds), -EINVAL);
        assert_int_equal(seconds, 42);
}

static void durations_have_a_unit(void **state)
{
        static const struct {
                const char *text;
                int64_t seconds;
        } good[] = {
                {"90s",  90     },
                { "15m", 900    },
                { "24h", 86400  },
                { "7d",  604800 },
                { "2w",  1209600}
        };
        static const char *const bad[] = { "", "s", "0s", "90", "-1s", "1.5h", "1 h", "07d", "99999999w", "7D" };
        struct error error = ERROR_NONE;
        int64_t seconds = 0;

        (void)state;
        for (size_t i = 0; i < LENGTH(good); i++) {
                assert_int_equal(clock_parse_duration(good[i].text, &seconds, &error), 0);
                assert_int_equal(seconds, good[i].seconds);
        }
        for (size_t i = 0; i < LENGTH(bad); i++) {
                assert_int_equal(clock_parse_duration(bad[i], &seconds, &error), -EINVAL);
                assert_int_equal(error.status, EXIT_USAGE);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(times_go_both_ways),
                cmocka_unit_test(units_are_rounded_down),
                cmocka_unit_test(what_is_no_time_is_refused),
                cmocka_unit_test(durations_have_a_unit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
