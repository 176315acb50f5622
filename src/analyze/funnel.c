/* funnel.c - who reached which goals when, and how far that is. */
#include "funnel.h"

#include <stdlib.h>

#include "base/memory.h"

void reached_done(struct reached_list *reached)
{
        free(reached->list);
        *reached = (struct reached_list){ 0 };
}

bool reached_add(struct reached_list *reached, const struct reached *one)
{
        if (reached->count == reached->capacity) {
                size_t capacity = reached->capacity ? 2 * reached->capacity : 64;
                struct reached *grown = memory_resize(reached->list, capacity, sizeof(*grown));

                if (!grown)
                        return false;
                reached->list = grown;
                reached->capacity = capacity;
        }
        reached->list[reached->count++] = *one;
        return true;
}

static int compare(const void *a, const void *b)
{
        const struct reached *first = a, *second = b;

        if (first->visitor != second->visitor)
                return first->visitor < second->visitor ? -1 : 1;
        if (first->time != second->time)
                return first->time < second->time ? -1 : 1;
        return (first->position > second->position) - (first->position < second->position);
}

void reached_sort(struct reached_list *reached)
{
        if (reached->count)
                qsort(reached->list, reached->count, sizeof(*reached->list), compare);
}

size_t funnel_steps(const struct funnel *funnel, const struct reached_list *reached, size_t *at)
{
        uint64_t visitor = reached->list[*at].visitor;
        size_t step = 0;

        for (; *at < reached->count && reached->list[*at].visitor == visitor; ++*at)
                if (step < funnel->count && (reached->list[*at].goals >> funnel->steps[step] & 1))
                        step++;
        return step;
}
