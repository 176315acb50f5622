/* coverage.c - days of bits. */
#include "coverage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "incident/interval.h"

#define DAY_US (COVERAGE_SLOT_US * COVERAGE_DAY_SLOTS)

void coverage_done(struct coverage *coverage)
{
        free(coverage->days);
        *coverage = (struct coverage){ 0 };
}

/* -ENOMEM; NULL and 0 when there are too many days. */
static int find_day(struct coverage *coverage, int64_t day, struct coverage_day **ret_day)
{
        *ret_day = NULL;
        if (coverage->count && coverage->days[coverage->last].day == day) {
                *ret_day = &coverage->days[coverage->last];
                return 0;
        }
        for (size_t i = 0; i < coverage->count; i++)
                if (coverage->days[i].day == day) {
                        coverage->last = i;
                        *ret_day = &coverage->days[i];
                        return 0;
                }
        if (coverage->count == COVERAGE_DAYS) {
                coverage->full = true;
                return 0;
        }
        if (memory_grow(&coverage->days, coverage->count, sizeof(*coverage->days)) < 0)
                return -ENOMEM;
        coverage->last = coverage->count++;
        *ret_day = &coverage->days[coverage->last];
        memset(*ret_day, 0, sizeof(**ret_day));
        (*ret_day)->day = day;
        return 0;
}

int coverage_mark(struct coverage *coverage, int64_t time_us)
{
        struct coverage_day *day;
        int64_t slot;
        int r;

        if (time_us < 0)
                return 0;
        r = find_day(coverage, time_us / DAY_US, &day);
        if (r < 0 || !day)
                return r;
        slot = time_us % DAY_US / COVERAGE_SLOT_US;
        day->bits[slot / 64] |= UINT64_C(1) << slot % 64;
        coverage->lines++;
        return 0;
}

int coverage_merge(struct coverage *into, const struct coverage *from)
{
        for (size_t i = 0; i < from->count; i++) {
                struct coverage_day *day;
                int r = find_day(into, from->days[i].day, &day);

                if (r < 0)
                        return r;
                for (size_t w = 0; day && w < LENGTH(day->bits); w++)
                        day->bits[w] |= from->days[i].bits[w];
        }
        into->lines += from->lines;
        into->full = into->full || from->full;
        return 0;
}

static int compare_days(const void *left, const void *right)
{
        const struct coverage_day *const *a = left, *const *b = right;

        return (*a)->day < (*b)->day ? -1 : (*a)->day > (*b)->day;
}

struct gap_list {
        struct span_of_time *gaps;
        size_t count, maximum;
        int64_t from, to, shortest;
};

/* A silence between two slots; of an end of the logs only that part is known to be silent which was asked for. */
static void add_gap(struct gap_list *list, int64_t from, int64_t to, bool is_end)
{
        int64_t silence = is_end ? 0 : to - from;

        if (from < list->from)
                from = list->from;
        if (to > list->to)
                to = list->to;
        if (from >= to)
                return;
        if (is_end)
                silence = from == TIME_NEVER || to == TIME_OPEN ? TIME_OPEN : to - from;
        if (silence < list->shortest)
                return;
        if (list->count == list->maximum)
                list->gaps[list->count - 1].to_us = list->to;
        else
                list->gaps[list->count++] = (struct span_of_time){ from, to };
}

/* Calls for each slot that has lines, in the order of time, with the end of the one before. */
static void walk(const struct coverage_day *const *days, size_t count, struct gap_list *list)
{
        int64_t end = 0;
        bool first = true;

        for (size_t i = 0; i < count; i++)
                for (unsigned int slot = 0; slot < COVERAGE_DAY_SLOTS; slot++) {
                        int64_t at = days[i]->day * DAY_US + (int64_t)slot * COVERAGE_SLOT_US;

                        if (days[i]->bits[slot / 64] == 0) {
                                slot |= 63;
                                continue;
                        }
                        if (!(days[i]->bits[slot / 64] & UINT64_C(1) << slot % 64))
                                continue;
                        add_gap(list, first ? TIME_NEVER : end, at, first);
                        first = false;
                        end = at + COVERAGE_SLOT_US;
                }
        add_gap(list, first ? TIME_NEVER : end, TIME_OPEN, true);
}

/* How long a silence must be, by the mean distance of lines between the first day and the last. */
static int64_t shortest_gap(const struct coverage *coverage, const struct coverage_day *const *days)
{
        int64_t span = (days[coverage->count - 1]->day - days[0]->day + 1) * DAY_US;
        int64_t mean = span / (int64_t)(coverage->lines ? coverage->lines : 1);

        return mean * COVERAGE_LIKELINESS > COVERAGE_GAP_US ? mean * COVERAGE_LIKELINESS : COVERAGE_GAP_US;
}

size_t coverage_gaps(const struct coverage *coverage, int64_t from_us, int64_t to_us, struct span_of_time *gaps,
                     size_t maximum)
{
        struct gap_list list = { .gaps = gaps, .maximum = maximum, .from = from_us, .to = to_us };
        const struct coverage_day **days = memory_new(coverage->count ? coverage->count : 1, sizeof(void *));

        if (!days || !coverage->count || coverage->full) { /* nothing is known */
                free(days);
                add_gap(&list, TIME_NEVER, TIME_OPEN, true);
                return list.count;
        }
        for (size_t i = 0; i < coverage->count; i++)
                days[i] = &coverage->days[i];
        qsort(days, coverage->count, sizeof(void *), compare_days);
        list.shortest = shortest_gap(coverage, days);
        walk(days, coverage->count, &list);
        free(days);
        return list.count;
}
