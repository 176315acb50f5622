/*
 * salts_share.h - salts that several servers share, so that a visitor who meets two of them is one: made by one server,
 * once for each day, when the first asks.
 *
 *     PATH        salts.h: those that live
 *     PATH.last   the latest day that ever had one
 *     PATH.lock   held while one is looked for or made: who follows logs here and who answers for others are two
 *
 * A day never gets a second salt, whatever becomes of the clock: only days later than PATH.last get one, and only while
 * they cannot be over for long, so that a clock that ran ahead does not use up the days to come. When the first one's 48
 * hours are over, that day is closed for every server.
 */
#ifndef ANALYZE_SALTS_SHARE_H
#define ANALYZE_SALTS_SHARE_H

#include <stdint.h>

#include "analyze/salts.h"
#include "base/error.h"

#define SALTS_AHEAD_SECONDS 3600 /* a server whose clock is ahead asks before the day has begun here */

struct shared_salt {
        uint8_t bytes[SALT_SIZE]; /* to be wiped by whoever has it */
        int64_t age_seconds;      /* since it was made: clocks of servers differ, so no time is told */
};

/* That of a day, made if it is not there yet; those that are too old are destroyed. -ESTALE: the day has none any more,
 * or can have none. */
int salts_share(const char *path, int32_t day, int64_t now, struct shared_salt *ret_salt, struct error *err);

#endif
