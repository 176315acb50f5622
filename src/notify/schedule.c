/* schedule.c - pauses, and who goes first. */
#include "notify/schedule.h"

#define TRIES_BEFORE_GIVING_UP 3

int64_t schedule_pause(const struct schedule_times *times, unsigned int failures, uint64_t chance)
{
        int64_t pause = times->first_ms;

        for (unsigned int i = 1; i < failures && pause < times->last_ms; i++)
                pause *= 2;
        if (pause > times->last_ms)
                pause = times->last_ms;
        return pause - (int64_t)(chance % ((uint64_t)pause / 4 + 1));
}

void schedule_ended(const struct schedule_times *times, enum schedule_end end, int64_t now_ms, uint64_t chance,
                    struct schedule_target *target, struct schedule_item *item)
{
        item->tried = true;
        switch (end) {
        case SCHEDULE_DELIVERED:
                *target = (struct schedule_target){ .failures = 0 };
                item->settled = true;
                break;
        case SCHEDULE_LATER:
                target->failures++;
                target->failed_ms = now_ms;
                target->pause_ms = now_ms + schedule_pause(times, target->failures, chance);
                break;
        case SCHEDULE_REJECTED:
                *target = (struct schedule_target){ .failures = 0 };
                item->rejections++;
                item->pause_ms = now_ms + schedule_pause(times, item->rejections, chance);
                break;
        }
}

int64_t schedule_ready(const struct schedule_times *times, const struct schedule_target *target,
                       const struct schedule_item *item)
{
        int64_t ready = target->pause_ms;
        int64_t fresh = times->last_ms < SCHEDULE_FRESH_MS ? times->last_ms : SCHEDULE_FRESH_MS;

        if (!item->tried && target->failures > 0 && ready > target->failed_ms + fresh)
                ready = target->failed_ms + fresh;
        return item->pause_ms > ready ? item->pause_ms : ready;
}

bool schedule_given_up(const struct schedule_times *times, int64_t age_ms, const struct schedule_target *target,
                       const struct schedule_item *item)
{
        return age_ms > times->give_up_ms &&
               (target->failures >= TRIES_BEFORE_GIVING_UP || item->rejections >= TRIES_BEFORE_GIVING_UP);
}

bool schedule_before(const struct schedule_item *a, const struct schedule_item *b, int order)
{
        if (a->rejections != b->rejections)
                return a->rejections < b->rejections;
        return order < 0;
}
