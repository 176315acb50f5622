/* histogram.c - values below 128 exactly, above in 64 classes for each doubling. */
#include "histogram.h"

#include <math.h>
#include <stddef.h>

static size_t class_of(uint64_t value)
{
        unsigned int doublings;
        size_t class;

        if (value < 2 * HISTOGRAM_STEPS)
                return (size_t)value;
        doublings = 63U - (unsigned int)__builtin_clzll(value) - 6U; /* value >> doublings is 64 to 127 */
        class = (size_t)doublings * HISTOGRAM_STEPS + (size_t)(value >> doublings);
        return class < HISTOGRAM_CLASSES ? class : HISTOGRAM_CLASSES - 1;
}

/* The middle of a class. */
static uint64_t value_of(size_t class)
{
        size_t doublings;

        if (class < 2 * (size_t)HISTOGRAM_STEPS)
                return class;
        doublings = class / HISTOGRAM_STEPS - 1;
        return ((uint64_t)(class - doublings * HISTOGRAM_STEPS) << doublings) + ((UINT64_C(1) << doublings) >> 1);
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
        histogram->classes[class_of(value)]++;
        histogram->total++;
}

void histogram_add_many(struct histogram *histogram, uint64_t value, uint64_t count)
{
        histogram->classes[class_of(value)] += count;
        histogram->total += count;
}

void histogram_join(struct histogram *into, const struct histogram *from)
{
        into->total += from->total;
        for (size_t i = 0; i < HISTOGRAM_CLASSES; i++)
                into->classes[i] += from->classes[i];
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
        uint64_t wanted = (uint64_t)ceil(share * (double)histogram->total), seen = 0;

        if (histogram->total == 0)
                return 0;
        if (wanted == 0)
                wanted = 1;
        for (size_t i = 0; i < HISTOGRAM_CLASSES; i++) {
                seen += histogram->classes[i];
                if (seen >= wanted)
                        return value_of(i);
        }
        return value_of(HISTOGRAM_CLASSES - 1);
}

uint64_t histogram_upto(const struct histogram *histogram, uint64_t value)
{
        uint64_t count = 0;

        for (size_t i = 0; i <= class_of(value); i++)
                count += histogram->classes[i];
        return count;
}
