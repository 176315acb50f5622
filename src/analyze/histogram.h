/*
 * histogram.h - durations in classes of 1/64 of their size: percentiles within 0.8 %, and the same whoever counted
 * what.
 *
 * A t-digest would need no more memory but depends on the order in which values come and digests are put together; the
 * analyzer's figures must not.
 */
#ifndef ANALYZE_HISTOGRAM_H
#define ANALYZE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS   64 /* classes for each doubling */
#define HISTOGRAM_CLASSES (HISTOGRAM_STEPS * 42)
#define HISTOGRAM_ERROR   (0.5 / HISTOGRAM_STEPS)

struct histogram {
        uint64_t total;
        uint64_t classes[HISTOGRAM_CLASSES];
};

void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_add_many(struct histogram *histogram, uint64_t value, uint64_t count);
void histogram_join(struct histogram *into, const struct histogram *from);

/* The value below or at which `share` (0 to 1) of all values are; 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

/* How many values are up to this one: those of its class and all below. */
uint64_t histogram_upto(const struct histogram *histogram, uint64_t value);

#endif
