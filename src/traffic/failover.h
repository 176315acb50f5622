/*
 * failover.h - is the site to be moved now? Pure: what was seen, and how long ago, and the policy, to a decision.
 *
 * In this order, and the first that fits decides:
 *
 *     1  a move has not ended                               stay: whoever makes it decides
 *     2  nothing recent was seen from here                  stay: who is blind moves nothing
 *     3  the site is well, or failed less often than said   stay; a stand-by that differs is healed by policy; at the
 *                                                           first failure the second vantage point and the database are
 *                                                           asked
 *     4  the arbiter does not answer                        stay
 *     5  the stand-by is on stage already                   call a person: never back by itself
 *     6  the stand-by sees the site well                    stay: it is the way from here to the site
 *     7  it does not answer, or not lately                  ask; nobody moves on one pair of eyes
 *     8  the database is down                               call: moving would not help, and its fence cannot be proven
 *     9  the stand-by is not eligible                       heal, if it differs and the policy says so; else call
 *     10 it was not verified lately                         call
 *     11 hold-down, cap on flips                            call (the arbiter refuses it, too)
 *     12 else                                               move
 */
#ifndef TRAFFIC_FAILOVER_H
#define TRAFFIC_FAILOVER_H

#include <stdbool.h>
#include <stdint.h>

enum failover_view { VIEW_NONE, VIEW_GOOD, VIEW_BAD };

enum failover_standing { STANDING_UNKNOWN, STANDING_ELIGIBLE, STANDING_DIFFERS, STANDING_NOT };

/* Ages in ms; negative: never seen. */
struct failover_sight {
        bool moving; /* a move has not ended */
        enum failover_view here; /* the site from the controller, as a visitor */
        int64_t here_age_ms;
        uint64_t failures; /* in a row, from here */
        enum failover_view there; /* the same from the stand-by */
        int64_t there_age_ms;
        enum failover_view database;
        int64_t database_age_ms;
        int64_t arbiter_age_ms;
        bool home; /* production is on stage, or (its lease ended) was meant to be */
        int64_t since_flip_ms; /* negative: there was none */
        uint64_t flips;        /* within the policy's window */
        enum failover_standing standby;
        int64_t standby_age_ms, verified_age_ms;
};

struct failover_policy {
        uint64_t failures;    /* that many in a row are one too many */
        int64_t fresh_ms;     /* what was seen longer ago counts as not seen */
        int64_t standby_ms;   /* the same for the stand-by's standing */
        int64_t verified_ms;
        int64_t hold_down_ms;
        uint64_t flips; /* 0: any */
        bool heal;
};

enum failover_verdict { FAILOVER_STAY, FAILOVER_ASK, FAILOVER_HEAL, FAILOVER_CALL, FAILOVER_MOVE };

enum failover_why {
        WHY_MOVING,
        WHY_BLIND,
        WHY_WELL,
        WHY_SUSPECTED,
        WHY_ARBITER,
        WHY_NOT_HOME,
        WHY_ONE_SIDED,
        WHY_UNCONFIRMED,
        WHY_DATABASE,
        WHY_STANDBY_UNKNOWN,
        WHY_DIFFERS,
        WHY_NOT_ELIGIBLE,
        WHY_NOT_VERIFIED,
        WHY_HOLD_DOWN,
        WHY_FLIPS,
        WHY_DEAD,
        WHYS
};

struct failover_decision {
        enum failover_verdict verdict;
        enum failover_why why;
};

struct failover_decision failover_decide(const struct failover_sight *sight, const struct failover_policy *policy);

/* Could the site fail over now, if it had to? FAILOVER_MOVE, or what is in the way: rules 4, 5 and 8 to 11. */
struct failover_decision failover_readiness(const struct failover_sight *sight, const struct failover_policy *policy);

/* For a person, translated: half a sentence. And for programs: "hold-down". */
const char *failover_why_text(enum failover_why why);
const char *failover_why_name(enum failover_why why);

#endif
