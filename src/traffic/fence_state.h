/*
 * fence_state.h - what the database host remembers of the fence, and the rules by which it says no.
 *
 * The database host is the arbiter: whoever wants to move the stage shows the epoch that he has seen, and is refused
 * when another has moved it since (compare-and-set). The rules are pure, so that a test enumerates them; every refusal
 * is a sentence with status 4 and -EPERM.
 *
 *     state    | its meaning, and what a restart does about it
 *     ---------|---------------------------------------------------------------------------------------------------
 *     IN       | admitted; nothing
 *     CLOSING  | written before the first act of shutting out: may still be in; shut out again (each act can be
 * repeated) OUT      | shut out, and that was proven; the packet filter is applied again OPENING  | written before the
 * first act of admitting; admit again, or shut out
 *
 * In the filter and in the access rules everybody is kept out who is not IN or OPENING. A server that the state does
 * not know is kept out: a new one is admitted by being named.
 */
#ifndef TRAFFIC_FENCE_STATE_H
#define TRAFFIC_FENCE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "peer.h"

enum fence_place {
        FENCE_OUT,
        FENCE_CLOSING,
        FENCE_OPENING,
        FENCE_IN,
};

#define FENCE_FLIPS 16 /* unplanned moves that are remembered */

struct fence_member {
        char name[PEER_NAME_SIZE];
        enum fence_place place;
};

struct fence_state {
        uint64_t epoch;
        char holder[PEER_NAME_SIZE]; /* who is meant to be on stage */
        char stage[PEER_NAME_SIZE];  /* who may hold the service's address now: whose lease is renewed; "": nobody */
        int64_t flips[FENCE_FLIPS];  /* times of the last unplanned moves, oldest first */
        size_t flip_count;
        struct fence_member members[PEER_HOSTS];
        size_t member_count;
};

/* FENCE_OUT for a server that is not known. */
enum fence_place fence_place_of(const struct fence_state *state, const char *name);

/* Adds the server when it is new; -E2BIG past PEER_HOSTS. */
int fence_place_set(struct fence_state *state, const char *name, enum fence_place place);

const char *fence_place_name(enum fence_place place); /* "in", "out", "closing", "opening": not translated */

/* ---------------------------------------------------------------- the rules */

struct fence_limits {
        int64_t hold_down_s; /* no unplanned move sooner after the one before */
        unsigned int flips;  /* at most so many unplanned moves ... */
        int64_t window_s;    /* ... in that time; 0 flips: no cap. At most FENCE_FLIPS */
};

struct fence_claim {
        uint64_t seen;      /* the epoch that the claimant has seen */
        uint64_t epoch;     /* his new one: larger; etcd's revisions leave gaps */
        const char *holder; /* who is to be on stage */
        bool planned;       /* a person asked for it: hold-down and cap don't apply, and it is no flip */
};

/* Whether the claim is granted. One that was granted already (same epoch, same holder) is granted again: the answer may
 * have been lost. */
int fence_rule_claim(const struct fence_state *state, const struct fence_claim *claim,
                     const struct fence_limits *limits, int64_t now, struct error *err);

/* What a granted claim makes of the state. An unplanned move to another server ends the lease of the one on stage. */
void fence_state_claim(struct fence_state *state, const struct fence_claim *claim, int64_t now);

/* Whether an act in the name of that epoch is: only the newest may do anything. */
int fence_rule_act(const struct fence_state *state, uint64_t epoch, struct error *err);

/* Whether `name` may be let in: every other server must be proven out, but in a planned move (`overlap`), in which the
 * old one is still in. Never while one is only believed to be out. */
int fence_rule_admit(const struct fence_state *state, const char *name, bool overlap, struct error *err);

/* Whether `name` may hold the service's address: only who is let in at the database. */
int fence_rule_stage(const struct fence_state *state, const char *name, struct error *err);
void fence_state_stage(struct fence_state *state, const char *name);

/* ---------------------------------------------------------------- as a file */

/* JSON, for people and programs to read; a file that is damaged is an error and never an empty state. */
#define FENCE_STATE_MAXIMUM 65536
int fence_state_write(const struct fence_state *state, struct buffer *text);
int fence_state_read(const char *text, size_t length, struct fence_state *ret_state, struct error *err);

#endif
