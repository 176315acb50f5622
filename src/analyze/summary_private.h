/* summary_private.h - putting a summary together; for tally_finish.c alone. */
#ifndef ANALYZE_SUMMARY_PRIVATE_H
#define ANALYZE_SUMMARY_PRIVATE_H

#include "analyze/histogram.h"
#include "analyze/summary.h"
#include "analyze/tally_private.h"

/* Rows before they are sorted and cut; names are borrowed. */
struct rows {
        struct row *rows;
        size_t count, capacity;
};

void rows_done(struct rows *rows);

/* False without memory, as all of these. */
bool rows_add(struct rows *rows, const char *name, size_t length, const struct figures *figures);

/* The first `top` (0: all) of the rows by hits, then by name, copied into the summary. */
bool summary_take_rows(struct summary *summary, enum dimension_kind kind, struct rows *rows, size_t top);

/* Memory that lives as long as the summary. */
void *summary_allocate(struct summary *summary, size_t size);
const char *summary_text(struct summary *summary, const char *text, size_t length);

/* Makes hours and days for these sorted hours, with those between them when it is not more than fifty years. */
bool summary_make_intervals(struct summary *summary, const struct hour *hours, size_t count);

/* Hours and days since 1970; NULL when there is none such. */
struct interval *summary_hour(struct summary *summary, int64_t hour);
struct interval *summary_day(struct summary *summary, int64_t day);

/* The classes for people, and the percentiles. */
bool summary_take_durations(struct summary *summary, const struct histogram *histogram);

/* One of the web vitals; false without memory. */
bool summary_take_vital(struct summary *summary, unsigned int vital, const struct histogram *histogram);

/* Names a figure that is not exact. At most 32 of them. */
bool summary_approximate(struct summary *summary, const char *figure, double error, const char *reason);

#endif
