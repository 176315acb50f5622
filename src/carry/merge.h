/*
 * merge.h - two servers' copies of a mutable area, and what both agreed on last: what is to be done about one name. Pure.
 *
 * The one on stage is where visitors write; the other rests. Time stamps are not asked. Usually the stage decides
 * everything (one way). After a move, what the one that left was given and had not yet handed over counts as well (two ways);
 * so it does when nothing was ever agreed on.
 *
 *     stage     rest      agreed        one way                      two ways
 *     --------  --------  ------------  ---------------------------  ---------------------------
 *     same      same      any           AGREE                        AGREE
 *     x         -         any           TO_REST                      TO_REST
 *     x         r         r             TO_REST                      TO_REST
 *     x         r         x             KEEP, TO_REST                TO_STAGE
 *     x         r         other, none   KEEP, TO_REST                KEEP, TO_REST: a conflict
 *     -         r         r             KEEP                         KEEP
 *     -         r         none          KEEP                         TO_STAGE
 *     -         r         other         KEEP                         KEEP: a conflict
 *     -         -         any           FORGET                       FORGET
 *     refused   any       any           LEAVE                        LEAVE
 *     any       refused   any           LEAVE                        LEAVE
 *
 * Of two folders the owner and mode are the stage's (TO_REST).
 *
 * A name that is missing at the one that rests was never "deleted there": a new disk, or an area that is not mounted, must
 * not empty the stage. KEEP moves what is there aside, where nothing is lost.
 */
#ifndef CARRY_MERGE_H
#define CARRY_MERGE_H

#include <stdbool.h>

#include "carry/entry.h"

enum carry_deed {
        CARRY_AGREE,    /* both have it: that is what is agreed on now */
        CARRY_FORGET,   /* neither has it any more */
        CARRY_LEAVE,    /* what breaks the rules is carried nowhere, and takes no other's place */
        CARRY_TO_REST,  /* in the place of what both agreed on, or of nothing */
        CARRY_TO_STAGE,
        CARRY_KEEP,     /* the one that rests moves it aside */
        CARRY_REPLACE,  /* KEEP, then TO_REST */
};

struct carry_verdict {
        enum carry_deed deed;
        bool conflict; /* both sides wrote it */
};

/* NULL: there is none. `agreed` is never refused. */
struct carry_verdict carry_decide(const struct carry_entry *stage, const struct carry_entry *rest,
                                  const struct carry_entry *agreed, bool two_ways);

#endif
