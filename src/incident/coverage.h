/*
 * coverage.h - of which time a server's logs tell: what is missing in them must widen what may have happened.
 *
 * Every line marks the span of ten seconds that it is in. A silence is a gap when it is longer than a minute and than
 * what would be likely at the rate of this server's requests. A log that was there at an earlier run and is missing now
 * is a gap however short it was; that is the caller's to add.
 */
#ifndef INCIDENT_COVERAGE_H
#define INCIDENT_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define COVERAGE_SLOT_US    INT64_C(10000000)
#define COVERAGE_DAY_SLOTS  8640
#define COVERAGE_DAYS       4000 /* most days with a line, for each server */
#define COVERAGE_GAP_US     INT64_C(60000000)
#define COVERAGE_LIKELINESS 30 /* a silence of so many mean distances is a gap */

struct coverage_day {
        int64_t day; /* since 1970 */
        uint64_t bits[COVERAGE_DAY_SLOTS / 64];
};

struct coverage {
        struct coverage_day *days; /* owned, in the order in which they came */
        size_t count, last;        /* last: that was marked last */
        uint64_t lines;
        bool full; /* there were more days than fit: nothing is known of the others */
};

void coverage_done(struct coverage *coverage);

/* 0 or -ENOMEM; a time that no log can have is left out. */
int coverage_mark(struct coverage *coverage, int64_t time_us);

/* Adds what another one knows. */
int coverage_merge(struct coverage *into, const struct coverage *from);

struct span_of_time {
        int64_t from_us, to_us;
};

/* The gaps within [from, to), the oldest first: up to `maximum`, the last of which then reaches to the end. Without a
 * line at all that is the whole. */
size_t coverage_gaps(const struct coverage *coverage, int64_t from_us, int64_t to_us, struct span_of_time *gaps,
                     size_t maximum);

#endif
