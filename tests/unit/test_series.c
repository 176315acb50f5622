/* test_series.c - series.h: columns that hold all that was counted, at the right times, never too many. */
#include "tests.h"

#include "analyze/series.h"

/* A summary of so many hours from a time on, each with one hit; days as tally_finish() makes them. */
struct made {
        struct summary summary;
        uint64_t hits;
};

static void make(struct made *made, int64_t first_hour, size_t count)
{
        int64_t first_day = first_hour / 24, last_day = (first_hour + (int64_t)count - 1) / 24;

        memset(made, 0, sizeof(*made));
        made->hits = count;
        made->summary.hour_count = count;
        made->summary.hours = calloc(count, sizeof(struct interval));
        made->summary.day_count = (size_t)(last_day - first_day + 1);
        made->summary.days = calloc(made->summary.day_count, sizeof(struct interval));
        assert_non_null(made->summary.hours);
        assert_non_null(made->summary.days);
        for (size_t i = 0; i < made->summary.day_count; i++)
                made->summary.days[i].start = (first_day + (int64_t)i) * 86400;
        for (size_t i = 0; i < count; i++) {
                made->summary.hours[i].start = (first_hour + (int64_t)i) * 3600;
                made->summary.hours[i].figures.hits = 1;
                made->summary.days[(first_hour + (int64_t)i) / 24 - first_day].figures.hits++;
        }
}

static void unmake(struct made *made)
{
        free(made->summary.hours);
        free(made->summary.days);
}

#define HOURS_2015 INT64_C(394464) /* 2015-01-01T00:00 since 1970 */

static const struct {
        int64_t first;
        size_t hours;
        enum series_step step;
        size_t columns;
        const char *first_label;
} spans[] = {
        {HOURS_2015 + 5,        1,             STEP_HOUR,  1,   "2015-01-01 05:00"},
        { HOURS_2015 + 5,       96,            STEP_HOUR,  96,  "2015-01-01 05:00"},
        { HOURS_2015 + 5,       97,            STEP_DAY,   5,   "2015-01-01"      },
        { HOURS_2015,           400 * 24,      STEP_DAY,   400, "2015-01-01"      },
        { HOURS_2015,           400 * 24 + 1,  STEP_MONTH, 14,  "2015-01"         },
        { HOURS_2015 + 24 * 40, 24 * 366 * 20, STEP_MONTH, 241, "2015-02"         },
        { 0,                    24 * 366 * 45, STEP_YEARS, 46,  "1970"            },
};

static void all_hits_are_in_columns(void **state)
{
        (void)state;
        for (size_t i = 0; i < LENGTH(spans); i++) {
                struct made made;
                struct series series;
                uint64_t hits = 0;
                char label[SERIES_LABEL_BYTES];
                struct series_tick ticks[SERIES_TICKS];
                size_t count;

                make(&made, spans[i].first, spans[i].hours);
                assert_int_equal(series_make(&made.summary, &series, NULL), 0);
                assert_int_equal(series.step, spans[i].step);
                assert_int_equal(series.count, spans[i].columns);
                series_label(&series, 0, label);
                assert_string_equal(label, spans[i].first_label);
                for (size_t k = 0; k < series.count; k++) {
                        hits += series.intervals[k].figures.hits;
                        assert_true(k == 0 || series.intervals[k].start > series.intervals[k - 1].start);
                }
                assert_int_equal(hits, made.hits);
                count = series_ticks(&series, ticks);
                assert_in_range(count, 1, SERIES_TICKS);
                for (size_t k = 0; k < count; k++)
                        assert_true(ticks[k].column < series.count && ticks[k].label[0]);
                series_done(&series);
                unmake(&made);
        }
}

/* Two hits that lie millennia apart: the summary has no gaps filled then. */
static void a_wrong_clock_makes_no_long_page(void **state)
{
        struct interval hours[] = {
                {.start = 0,                      .figures.hits = 1},
                { .start = INT64_C(253402297200), .figures.hits = 2}
        };
        struct interval days[] = {
                {.start = 0,                      .figures.hits = 1},
                { .start = INT64_C(253402214400), .figures.hits = 2}
        };
        struct summary summary = { .hours = hours, .hour_count = 2, .days = days, .day_count = 2 };
        struct series series;

        (void)state;
        assert_int_equal(series_make(&summary, &series, NULL), 0);
        assert_int_equal(series.step, STEP_YEARS);
        assert_in_range(series.count, 100, SERIES_COLUMNS);
        assert_int_equal(series.intervals[0].figures.hits, 1);
        assert_int_equal(series.intervals[series.count - 1].figures.hits, 2);
        series_done(&series);
}

static void nothing_is_no_columns(void **state)
{
        struct summary summary = { 0 };
        struct series series;
        struct series_tick ticks[SERIES_TICKS];

        (void)state;
        assert_int_equal(series_make(&summary, &series, NULL), 0);
        assert_int_equal(series.count, 0);
        assert_int_equal(series_ticks(&series, ticks), 0);
        series_done(&series);
}

static void midnight_has_the_date(void **state)
{
        struct made made;
        struct series series;
        struct series_tick ticks[SERIES_TICKS];

        (void)state;
        make(&made, HOURS_2015 + 10, 80);
        assert_int_equal(series_make(&made.summary, &series, NULL), 0);
        assert_int_equal(series_ticks(&series, ticks), 3);
        assert_string_equal(ticks[0].label, "01-02");
        assert_int_equal(ticks[0].column, 14);
        series_done(&series);
        unmake(&made);
}

static void months_are_marked_where_they_begin(void **state)
{
        struct made made;
        struct series series;
        struct series_tick ticks[SERIES_TICKS];

        (void)state;
        make(&made, HOURS_2015 + 24 * 20, 24 * 300);
        assert_int_equal(series_make(&made.summary, &series, NULL), 0);
        assert_int_equal(series_ticks(&series, ticks), 3); /* of every third month: April, July, October */
        assert_string_equal(ticks[0].label, "2015-04");
        assert_int_equal(ticks[0].column, 70);
        series_done(&series);
        unmake(&made);
}

static void scales_are_round(void **state)
{
        static const uint64_t values[][2] = {
                {0,      2    },
                { 1,     2    },
                { 2,     2    },
                { 3,     4    },
                { 10,    10   },
                { 11,    12   },
                { 57,    60   },
                { 100,   100  },
                { 101,   120  },
                { 999,   1000 },
                { 136,   140  },
                { 8123,  10000},
                { 10000, 10000},
                { 60001, 80000}
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(values); i++)
                assert_int_equal(series_scale(values[i][0]), values[i][1]);
        assert_true(series_scale(UINT64_MAX) >= UINT64_MAX / 2);
}

static void the_week_begins_on_monday(void **state)
{
        struct made made;
        struct week week;

        (void)state;
        make(&made, HOURS_2015, 24 * 14); /* 2015-01-01 was a Thursday */
        made.summary.hours[5].figures.hits = 8;
        week_make(&made.summary, &week);
        assert_int_equal(week.hits[3][5], 9);
        assert_int_equal(week.hours[3][5], 2);
        assert_int_equal(week.hits[0][0], 2);
        unmake(&made);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_hits_are_in_columns),
                cmocka_unit_test(a_wrong_clock_makes_no_long_page),
                cmocka_unit_test(nothing_is_no_columns),
                cmocka_unit_test(midnight_has_the_date),
                cmocka_unit_test(months_are_marked_where_they_begin),
                cmocka_unit_test(scales_are_round),
                cmocka_unit_test(the_week_begins_on_monday),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
