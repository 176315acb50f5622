/* series.c - hours and days put together for a plot. */
#include "series.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

#define HOUR_SECONDS 3600
#define DAY_SECONDS  86400

/* Year and month (0 to 11) of a time. */
static void date_of(int64_t seconds, int64_t *ret_year, int *ret_month)
{
        time_t time = (time_t)seconds;
        struct tm tm = { 0 };

        gmtime_r(&time, &tm);
        *ret_year = (int64_t)tm.tm_year + 1900;
        *ret_month = tm.tm_mon;
}

/* The number of the column that a time is in, counted from some time long ago. */
static int64_t number_of(const struct series *series, int64_t seconds)
{
        int64_t year;
        int month;

        switch (series->step) {
        case STEP_HOUR: return clock_floor(seconds, HOUR_SECONDS);
        case STEP_DAY: return clock_floor(seconds, DAY_SECONDS);
        default: date_of(seconds, &year, &month);
        }
        return series->step == STEP_MONTH ? year * 12 + month : clock_floor(year, series->years);
}

/* The inverse: when it begins. */
static int64_t start_of(const struct series *series, int64_t number)
{
        struct tm tm = { .tm_mday = 1 };

        switch (series->step) {
        case STEP_HOUR: return number * HOUR_SECONDS;
        case STEP_DAY: return number * DAY_SECONDS;
        case STEP_MONTH:
                tm.tm_year = (int)(clock_floor(number, 12) - 1900);
                tm.tm_mon = (int)(number - clock_floor(number, 12) * 12);
                break;
        default: tm.tm_year = (int)(number * series->years - 1900);
        }
        return (int64_t)timegm(&tm);
}

static size_t columns_between(const struct series *series, int64_t first, int64_t last)
{
        return (size_t)(number_of(series, last) - number_of(series, first)) + 1;
}

static void choose_step(struct series *series, int64_t first, int64_t last)
{
        series->years = 1;
        series->step = STEP_HOUR;
        if (columns_between(series, first, last) <= SERIES_HOURS)
                return;
        for (series->step = STEP_DAY; series->step < STEP_YEARS; series->step++)
                if (columns_between(series, first, last) <= SERIES_COLUMNS)
                        return;
        series->years = ((int64_t)columns_between(series, first, last) + SERIES_COLUMNS - 1) / SERIES_COLUMNS;
        if (columns_between(series, first, last) > SERIES_COLUMNS) /* the first and last of them may be cut */
                series->years++;
}

static void add(struct interval *into, const struct interval *from)
{
        into->figures.hits += from->figures.hits;
        into->figures.visitors += from->figures.visitors;
        into->figures.visits += from->figures.visits;
        into->figures.bytes += from->figures.bytes;
        into->figures.bot_hits += from->figures.bot_hits;
        into->figures.errors += from->figures.errors;
        into->human_visitors += from->human_visitors;
}

int series_make(const struct summary *summary, struct series *ret_series, struct error *err)
{
        struct series series = { 0 };
        const struct interval *from = summary->hours;
        size_t count = summary->hour_count;
        int64_t first;

        if (count > 0) {
                choose_step(&series, from[0].start, from[count - 1].start);
                series.count = columns_between(&series, from[0].start, from[count - 1].start);
        }
        series.intervals = memory_new(series.count + 1, sizeof(*series.intervals));
        if (!series.intervals)
                return error_memory(err);
        if (series.step != STEP_HOUR) { /* who came in two hours of a day is one visitor of the day */
                from = summary->days;
                count = summary->day_count;
        }
        first = count ? number_of(&series, from[0].start) : 0;
        for (size_t i = 0; i < series.count; i++)
                series.intervals[i].start = start_of(&series, first + (int64_t)i);
        for (size_t i = 0; i < count; i++)
                add(&series.intervals[number_of(&series, from[i].start) - first], &from[i]);
        *ret_series = series;
        return 0;
}

void series_done(struct series *series)
{
        free(series->intervals);
        memset(series, 0, sizeof(*series));
}

/* ---------------------------------------------------------------- the axes */

static void label_of(const struct series *series, size_t column, const char *format, char *label)
{
        time_t time = (time_t)series->intervals[column].start;
        struct tm tm = { 0 };

        gmtime_r(&time, &tm);
        if (strftime(label, SERIES_LABEL_BYTES, format, &tm) == 0)
                label[0] = '\0';
}

void series_label(const struct series *series, size_t column, char label[static SERIES_LABEL_BYTES])
{
        static const char *const formats[] = { "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y-%m", "%Y" };

        label_of(series, column, formats[series->step], label);
}

/* Days can be marked by months: a stride of -3 is the first day of every third. */
#define MONTHS(count) (-(count))

static bool begins_month(int64_t seconds, int64_t stride)
{
        time_t time = (time_t)seconds;
        struct tm tm = { 0 };

        gmtime_r(&time, &tm);
        return tm.tm_mday == 1 && tm.tm_mon % stride == 0;
}

/* Whether a column is one that a label may stand at, when those are to be `stride` apart. */
static bool is_round(const struct series *series, size_t column, int64_t stride)
{
        int64_t number = number_of(series, series->intervals[column].start);

        if (stride < 0)
                return begins_month(series->intervals[column].start, -stride);
        if (series->step == STEP_DAY) /* weeks begin on a Monday, and day 0 was a Thursday */
                number += stride % 7 == 0 ? 3 : 0;
        return number - clock_floor(number, stride) * stride == 0;
}

static size_t mark(const struct series *series, int64_t stride, struct series_tick ticks[static SERIES_TICKS])
{
        size_t count = 0;

        for (size_t i = 0; i < series->count; i++) {
                if (!is_round(series, i, stride))
                        continue;
                if (count == SERIES_TICKS)
                        return SERIES_TICKS + 1;
                ticks[count++].column = i;
        }
        return count;
}

size_t series_ticks(const struct series *series, struct series_tick ticks[static SERIES_TICKS])
{
        static const int64_t hours[] = { 1, 2, 3, 6, 12, 24, 0 },
                             days[] = { 1, 2, 7, 14, MONTHS(1), MONTHS(3), MONTHS(6), 0 },
                             months[] = { 1, 3, 6, 12, 24, 60, 120, 0 }, years[] = { 1, 2, 5, 10, 20, 50, 100, 0 };
        static const int64_t *const strides[] = { hours, days, months, years };
        static const char *const formats[] = { "%H:%M", "%m-%d", "%Y-%m", "%Y" };
        const int64_t *stride = strides[series->step];
        size_t count;

        while ((count = mark(series, *stride, ticks)) > SERIES_TICKS && stride[1])
                stride++;
        if (count > SERIES_TICKS)
                count = SERIES_TICKS;
        for (size_t i = 0; i < count; i++) {
                const char *format = formats[series->step];

                if (*stride < 0)
                        format = "%Y-%m";
                else if (series->step == STEP_HOUR && series->intervals[ticks[i].column].start % DAY_SECONDS == 0)
                        format = "%m-%d"; /* midnight */
                label_of(series, ticks[i].column, format, ticks[i].label);
        }
        return count;
}

uint64_t series_scale(uint64_t most)
{
        static const unsigned int steps[] = {
                10, 12, 14, 16, 20, 24, 30, 40, 50, 60, 80, 100
        }; /* of a tenth of power */
        uint64_t power = 1;

        if (most <= 10)
                return most < 2 ? 2 : most + most % 2;
        if (most > UINT64_MAX / 10)
                return most;
        while (most / power >= 10)
                power *= 10;
        for (size_t i = 0; i < LENGTH(steps); i++)
                if (most <= steps[i] * (power / 10))
                        return steps[i] * (power / 10);
        return 10 * power;
}

/* ---------------------------------------------------------------- the week */

void week_make(const struct summary *summary, struct week *ret_week)
{
        memset(ret_week, 0, sizeof(*ret_week));
        for (size_t i = 0; i < summary->hour_count; i++) {
                const struct interval *interval = &summary->hours[i];
                int64_t hour = clock_floor(interval->start, HOUR_SECONDS), day = clock_floor(hour, 24);
                size_t weekday = (size_t)((day + 3) - clock_floor(day + 3, 7) * 7); /* day 0 was a Thursday */
                size_t of_day = (size_t)(hour - day * 24);

                ret_week->people[weekday][of_day] += interval->human_visitors;
                ret_week->hits[weekday][of_day] += interval->figures.hits;
                ret_week->hours[weekday][of_day]++;
        }
}
