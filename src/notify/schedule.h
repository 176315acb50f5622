/*
 * schedule.h - when what is tried where. Pure: times are milliseconds of a monotonic clock, chance is given.
 *
 *     a try ends       target                              message at this target
 *     delivered        no failures, no pause               done
 *     later            paused: 10 s, 20 s ... 1 h          stays, not counted: the target is down
 *     rejected         goes on with other messages         paused: 10 s, 20 s ... 1 h
 *
 * A pause is the exponential one less up to a quarter by chance, so that many servers do not come back at one moment. A
 * message that was never tried shortens its target's pause to a minute since the last failure: an alert of now does not
 * wait an hour because the mail server was down at night.
 */
#ifndef NOTIFY_SCHEDULE_H
#define NOTIFY_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_FRESH_MS 60000

enum schedule_end {
        SCHEDULE_DELIVERED = 1,
        SCHEDULE_LATER = 2,
        SCHEDULE_REJECTED = 3,
};

struct schedule_times {
        int64_t first_ms, last_ms; /* the pauses: 10 s, 1 h */
        int64_t give_up_ms;        /* 7 days */
};

struct schedule_target {
        unsigned int failures; /* since it last took something, or rejected it */
        int64_t failed_ms;     /* when the last one was */
        int64_t pause_ms;      /* nothing before that moment */
};

struct schedule_item {
        bool settled; /* delivered, or given up */
        bool tried;
        unsigned int rejections;
        int64_t pause_ms;
};

int64_t schedule_pause(const struct schedule_times *times, unsigned int failures, uint64_t chance);

/* What follows from a try that ended at `now_ms`. */
void schedule_ended(const struct schedule_times *times, enum schedule_end end, int64_t now_ms, uint64_t chance,
                    struct schedule_target *target, struct schedule_item *item);

/* The moment from which on this message may be tried at this target. */
int64_t schedule_ready(const struct schedule_times *times, const struct schedule_target *target,
                       const struct schedule_item *item);

/*
 * Whether it is given up: older than the limit, and tried several times in this life of the process (the wall clock may
 * have been set forward, or the machine have been off for a week).
 */
bool schedule_given_up(const struct schedule_times *times, int64_t age_ms, const struct schedule_target *target,
                       const struct schedule_item *item);

/* Whether `a` is to be tried before `b`: what was rejected less often first, then the older. `order` is that of ids. */
bool schedule_before(const struct schedule_item *a, const struct schedule_item *b, int order);

#endif
