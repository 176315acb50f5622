/*
 * series.h - a summary's hours and days as the columns of a plot: never more than can be told apart on a screen. Pure.
 *
 * Up to four days are shown by hours, up to 400 days by days, up to 400 months by months, more by so many years that
 * 400 columns are enough. Figures of months and years are sums over their days; so are visitors, who begin anew with
 * each day.
 */
#ifndef ANALYZE_SERIES_H
#define ANALYZE_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "analyze/summary.h"
#include "base/error.h"

#define SERIES_COLUMNS     400
#define SERIES_HOURS       96 /* that are shown one by one */
#define SERIES_TICKS       5
#define SERIES_LABEL_BYTES 32

enum series_step { STEP_HOUR, STEP_DAY, STEP_MONTH, STEP_YEARS };

struct series {
        enum series_step step;
        int64_t years;              /* of a column, with STEP_YEARS */
        struct interval *intervals; /* without gaps; owned */
        size_t count;
};

/* A place on the time axis. */
struct series_tick {
        size_t column;
        char label[SERIES_LABEL_BYTES];
};

int series_make(const struct summary *summary, struct series *ret_series, struct error *err);
void series_done(struct series *series);

/* "2015-05-17 10:00", "2015-05-17", "2015-05", "2015": a column's time. */
void series_label(const struct series *series, size_t column, char label[static SERIES_LABEL_BYTES]);

/* Few of them, at times that people expect; returns how many. */
size_t series_ticks(const struct series *series, struct series_tick ticks[static SERIES_TICKS]);

/* Where the scale of a plot ends whose largest value is this: half of it is a round number, too. */
uint64_t series_scale(uint64_t most);

/* The hours of the week, Monday first, UTC: what was counted in all that the summary has of each. */
struct week {
        uint64_t people[7][24];
        uint64_t hits[7][24];
        uint32_t hours[7][24]; /* how many such hours there were */
};

void week_make(const struct summary *summary, struct week *ret_week);

#endif
