/*
 * standing.h - may visitors be sent to a tree, and to this server? The one rule of `status` and of `withdraw --back`.
 */
#ifndef CLI_STANDING_H
#define CLI_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/error.h"
#include "crypto/key.h"
#include "manifest/release.h"
#include "traffic/withdrawal.h"

/* What is known of one DEST. */
struct standing {
        uint64_t release;
        char site[RELEASE_NAME_SIZE];
        char verified[CLOCK_TEXT_SIZE];
        int64_t verified_at; /* seconds since 1970; 0: never */
        bool pulled, busy, genuine, this_boot;
        bool holds_program;    /* the one that runs now is a file of it, as it is in place now */
        struct public_key pub; /* that it was pulled with */
        json_t *guard;        /* its own words, ours; NULL: none runs */
        bool guard_silent;    /* one is there, but does not answer */
        bool guard_died;      /* none is there, the last one did not end in order, and nobody has looked since */
        const char *obstacle; /* why visitors may not be sent here, translated; NULL: they may */
};

/* Reads the state of DEST and asks its guard. */
int standing_look(const char *state_directory, const char *dest, struct standing *ret_standing, struct error *err);
void standing_done(struct standing *standing);

/* After a withdrawal at `since` it must have been compared again: by verify, by a pull, or by a guard that finds
 * nothing now. (Proofs have whole seconds: one of the same second may be from before.) The obstacle, NULL when there is
 * none. */
const char *standing_obstacle_since(const struct standing *standing, int64_t since);

/* ---- the whole server ---- */

struct stage {
        struct withdrawal withdrawal; /* what the state says */
        bool unreadable;              /* it could not be read, which counts as a withdrawal */
        bool looked;                  /* the packet filter was asked; else `words` says why not */
        enum filter_sight sight;
        char words[ERROR_TEXT_SIZE];
};

void stage_look(const char *state_directory, struct stage *ret_stage);

/* Why no visitor is to be sent to this server, whatever its trees are; NULL: nothing is known against it. */
const char *stage_obstacle(const struct stage *stage);

/* {"since", "reason", "actor", "ports", "refused" (null: not known)}, or null when it is on stage. A new reference. */
json_t *stage_json(const struct stage *stage);

/* For people; nothing when there is nothing to say. */
void stage_show(const struct stage *stage);

#endif
