/* steps_private.h - for steps.c, steps_fence.c, steps_address.c, steps_dns.c, steps_power.c and steps_exec.c. */
#ifndef TRAFFIC_STEPS_PRIVATE_H
#define TRAFFIC_STEPS_PRIVATE_H

#include <jansson.h>

#include "agent_client.h"
#include "carry/book.h"
#include "steps.h"

struct steps {
        struct steps_options options;
        const struct config_server *from, *to, *database;
        struct agent_client *agents[3]; /* of from, to, database: the first that is the same server */
        bool lent[3];                   /* it belongs to the caller */
        bool hung[3];                   /* what it was asked for made no progress: it is not waited for so long again */
        bool proven;                    /* the one that comes, to this process */
        bool deaf;                      /* failover: the old one did not answer, and is not waited for again */
        bool heard;                     /* what it said when others asked was taken into account */
        struct steps_early *early;      /* the status of the one that comes, asked before its step; NULL: not */
        bool claimed;                   /* this process has asked for an epoch: it may have been granted, unheard */
        uint64_t epoch;                 /* that the database's host has granted this move; 0: not seen yet */
        uint32_t longest_ttl;           /* of the site's names, that this process saw before it lowered them */
        int64_t restore_until;          /* so long it is tried to give the usual TTL back; 0: not begun */
        bool waited;                    /* it was waited out by this process */
        bool drained;                   /* the time for it is over */
        struct carry_book book;         /* of mutable areas; its lock is held from the first batch to the end */
};

enum steps_side { STEPS_FROM, STEPS_TO, STEPS_DATABASE };

const struct config_server *steps_server(const struct steps *steps, enum steps_side side);

/* Asks one server's agent; the arguments' reference is taken. *ret_result (may be NULL) is a new reference. */
int steps_ask(struct steps *steps, enum steps_side side, const char *verb, json_t *arguments, int64_t deadline_ms,
              json_t **ret_result, struct error *err);

/* The same for work on a whole tree: as long as it makes progress. */
int steps_ask_long(struct steps *steps, enum steps_side side, const char *verb, json_t **ret_result, struct error *err);

/* Both servers at the same time, when what they answer does not matter but that they can; the arguments' references are taken.
 * What the one that comes says against it comes first. */
int steps_ask_both(struct steps *steps, const char *verb, json_t *to, json_t *from, int64_t deadline_ms, struct error *err);

/* ---- still clean ---- */
/* Asks, and does not wait; only over a connection that stands, and when nobody else has asked since the site failed. */
void steps_clean_ask(struct steps *steps);
void steps_clean_forget(struct steps *steps);
enum event steps_clean_look(struct steps *steps, struct error *err);

/* ---- the fence: claim, admit, fence ---- */
int steps_claim(struct steps *steps, bool undo, struct error *err);
enum event steps_claim_look(struct steps *steps, bool undo, struct error *err);
int steps_open(struct steps *steps, enum steps_side side, struct error *err);
int steps_close(struct steps *steps, enum steps_side side, struct error *err);
/* Refused when the database's host acts for a newer epoch than this move's. */
int steps_still_ours(struct steps *steps, bool undo, struct error *err);
/* That server's lease of the service's address is renewed from now on. */
int steps_lease(struct steps *steps, enum steps_side side, struct error *err);
/* Is that server let in, or proven out? WANTED when it is as `in` says, BEFORE when it is the other. */
enum event steps_fence_look(struct steps *steps, enum steps_side side, bool in, struct error *err);

/* ---- a stand-by that rests powered off ---- */
/* It rests so, and nobody answers there. */
bool steps_is_off(struct steps *steps);
int steps_power_on(struct steps *steps, struct error *err);

/* ---- established connections ---- */
int steps_relay(struct steps *steps, bool undo, struct error *err);
int steps_relay_end(struct steps *steps, struct error *err);
/* WANTED when it is set up, or when no trace of it is left. */
enum event steps_relay_look(struct steps *steps, bool set_up, struct error *err);

/* ---- the service's address ---- */
int steps_address(struct steps *steps, bool undo, struct error *err);
enum event steps_address_look(struct steps *steps, struct error *err);

/* ---- mutable areas ---- */
/* A batch before the move; backwards: what the one that had come was given meanwhile, as far as it can be had. */
int steps_carry(struct steps *steps, bool undo, struct error *err);
enum event steps_carry_look(struct steps *steps, bool undo, struct error *err);
/* What the old one was given until nobody wrote there any more. The one while it drains records nothing. */
int steps_carry_last(struct steps *steps, struct error *err);
enum event steps_carry_last_look(struct steps *steps, struct error *err);
int steps_carry_draining(struct steps *steps, struct error *err);

/* ---- DNS ---- */
int steps_dns(struct steps *steps, bool undo, struct error *err);
enum event steps_dns_look(struct steps *steps, struct error *err);
/* Lowered, and the old one waited out; or the usual one again. */
int steps_ttl(struct steps *steps, bool lower, struct error *err);
enum event steps_ttl_look(struct steps *steps, bool lower, bool undo, struct error *err);
int steps_dns_ready(struct steps *steps, struct error *err);

/* ---- programs of the operator's ---- */
int steps_exec(struct steps *steps, bool undo, struct error *err);
enum event steps_exec_look(struct steps *steps, struct error *err);
int steps_exec_ready(struct steps *steps, struct error *err);

#endif
