/* unattended.c - which intervals of a journal are new, and when a deadline is told. */
#include "tests.h"

#include "base/attributes.h"
#include "incident/unattended.h"

static struct interval interval(const char *server, const char *path, int64_t first_bad, int64_t last_bad,
                                int64_t first_good)
{
        return (struct interval){
                .server = (char *)(uintptr_t)server,
                .path = (char *)(uintptr_t)path,
                .times = {.first_bad = first_bad, .last_bad = last_bad, .first_good = first_good}
        };
}

static void an_interval_is_known_by_where_and_since_when(void **state _unused_)
{
        struct interval list[] = { interval("web1", "/login.html", 10, 20, TIME_OPEN) };
        const struct intervals known = { list, LENGTH(list) };
        const struct {
                struct interval found;
                enum unattended_news news;
        } cases[] = {
                {interval("web1",  "/login.html", 10, 20, TIME_OPEN), UNATTENDED_KNOWN  },
                { interval("web1", "/login.html", 10, 30, TIME_OPEN), UNATTENDED_CHANGED},
                { interval("web1", "/login.html", 10, 20, 40),        UNATTENDED_CHANGED},
                { interval("web1", "/login.html", 50, 60, TIME_OPEN), UNATTENDED_NEW    }, /* tampered with again */
                { interval("web2", "/login.html", 10, 20, TIME_OPEN), UNATTENDED_NEW    },
                { interval("web1", "/index.html", 10, 20, TIME_OPEN), UNATTENDED_NEW    },
        };
        const struct intervals none = { 0 };

        for (size_t i = 0; i < LENGTH(cases); i++) {
                assert_int_equal(unattended_compare(&known, &cases[i].found), cases[i].news);
                assert_int_equal(unattended_compare(&none, &cases[i].found), UNATTENDED_NEW);
        }
}

#define HOUR INT64_C(3600000000)

static void a_deadline_is_told_before_it_passes(void **state _unused_)
{
        static const struct {
                int64_t left_hours;
                enum unattended_alarm alarm;
        } cases[] = {
                {72,   UNATTENDED_QUIET},
                { 25,  UNATTENDED_QUIET},
                { 24,  UNATTENDED_EARLY},
                { 7,   UNATTENDED_EARLY},
                { 6,   UNATTENDED_LAST },
                { 1,   UNATTENDED_LAST },
                { 0,   UNATTENDED_OVER },
                { -99, UNATTENDED_OVER },
        };
        const int64_t aware = 1246870800 * INT64_C(1000000), due = aware + 72 * HOUR;

        for (size_t i = 0; i < LENGTH(cases); i++)
                assert_int_equal(unattended_deadline(aware, due, due - cases[i].left_hours * HOUR), cases[i].alarm);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_interval_is_known_by_where_and_since_when),
                cmocka_unit_test(a_deadline_is_told_before_it_passes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
