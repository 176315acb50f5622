/*
 * funnel.h - goals that are reached one after the other: how many visitors got how far.
 *
 * A visitor reaches the first step with the first request for it, and each further one with a later request than the
 * step before; what he does in between does not matter. So what is kept is when which goal was reached, by whom; the
 * order in which lines were counted, and by which tally, makes no difference.
 */
#ifndef ANALYZE_FUNNEL_H
#define ANALYZE_FUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FUNNELS_MAXIMUM      8
#define FUNNEL_STEPS_MAXIMUM 8

struct funnel {
        const char *name;
        unsigned int steps[FUNNEL_STEPS_MAXIMUM]; /* indices into the goals */
        size_t count;
};

/* A request that reached goals. */
struct reached {
        uint64_t visitor; /* visitor_key(), which has the day in it */
        uint64_t position;
        uint32_t goals;     /* bits */
        uint32_t time : 27; /* milliseconds of the day */
        uint32_t bot : 1;
};

struct reached_list {
        struct reached *list;
        size_t count, capacity;
};

void reached_done(struct reached_list *reached);

/* False without memory. */
bool reached_add(struct reached_list *reached, const struct reached *one);

/* By visitor and time. */
void reached_sort(struct reached_list *reached);

/* How far the visitor got whose requests begin at `at` in a sorted list; moves `at` to the next visitor. */
size_t funnel_steps(const struct funnel *funnel, const struct reached_list *reached, size_t *at);

#endif
