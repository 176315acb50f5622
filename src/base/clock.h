/*
 * clock.h - time: wall clock in whole seconds since 1970 UTC, durations, and a clock for deadlines.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "error.h"

/* Seconds since 1970-01-01 UTC. */
int64_t clock_now(void);

/* Milliseconds of CLOCK_MONOTONIC: for deadlines and measuring, never stored. */
int64_t clock_monotonic_ms(void);

/* The number of the unit (of so many seconds, microseconds ...) that a time lies in, also before 1970: rounded down, where
 * C's division rounds towards zero. */
static inline int64_t clock_floor(int64_t time, int64_t unit)
{
        return time / unit - (time % unit < 0);
}

/*
 * Waits until the clock that stamps inodes has passed the time of the call, and gives that stamp: what was changed
 * before has an older ctime, what is changed from now on has not. That clock stands still for a tick or two (up to
 * 10 ms); a kernel from 6.13 on uses the fine one where somebody looked in between.
 */
void clock_wait_tick(struct timespec *ret_stamp);

/* "2009-07-06T09:00:00Z" (RFC 3339, UTC, whole seconds). */
#define CLOCK_TEXT_SIZE 32
void clock_format_utc(int64_t seconds, char text[static CLOCK_TEXT_SIZE]);

/* The inverse: "2009-07-06T09:00:00Z", or a date "2009-07-06" (its first second). 0 or -EINVAL. Years 1970 to 9999. */
int clock_parse_utc(const char *text, int64_t *ret_seconds);

/* "90s", "15m", "24h", "7d", "2w" into seconds, at most ten years; anything else is a usage error with words. */
int clock_parse_duration(const char *text, int64_t *ret_seconds, struct error *err);

/* The kernel's boot id (/proc/sys/kernel/random/boot_id), "unknown" when it cannot be read. */
#define CLOCK_BOOT_ID_SIZE 40
void clock_boot_id(char id[static CLOCK_BOOT_ID_SIZE]);

#endif
