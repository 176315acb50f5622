/*
 * steps.h - what each step of a move does, and how it is seen: by the agents of the servers, by DNS, and as a visitor.
 *
 * The controller's side. Looks and acts go through the same agents, but never by the same way on the server: an address is
 * written by netlink and read back by a bind, the fence is proven by counting sockets, DNS is asked by plain queries, another
 * program than the one that moves says who is on stage, and a visitor's page is fetched over the network.
 */
#ifndef TRAFFIC_STEPS_H
#define TRAFFIC_STEPS_H

#include <jansson.h>

#include "conductor.h"
#include "config/config.h"

/* One check of the configuration, against `address` (NULL: by the name in its URL): 0 when the page is as it should be. */
typedef int steps_probe_function(void *context, const struct config_check *check, const char *address, struct error *err);

struct agent_client;

struct steps_options {
        const struct config *config; /* these outlive the steps */
        const struct move *move;
        const char *state; /* folder: what mutable areas held when they were last carried over; NULL: they are not */
        const char *ssh; /* program; NULL: ssh */
        bool begins;     /* the move is begun by this process: of what it has not asked for nothing was done */
        /* An agent's connection that stands already, borrowed; NULL, or when it gives NULL: one is made. */
        struct agent_client *(*agent)(void *context, const struct config_server *server);
        steps_probe_function *probe;
        /* A new epoch, larger than `seen`, in which `holder` is to be on stage; NULL: the next number, of one controller. */
        int (*epoch)(void *context, const char *holder, uint64_t seen, uint64_t *ret_epoch, struct error *err);
        void (*progress)(void *context, const struct machine *machine, enum action action, const struct error *err);
        /* For a failover: what the one that comes said of its trees since the site failed, borrowed: 1; 0 when it is being asked;
         * negative, or NULL: it was not asked, or not lately. */
        int (*standing)(void *context, const json_t **ret_result);
        void *context; /* of all five */
};

struct steps;

/* -EINVAL when the configuration has not what this move needs. Connects at the first act; asks the one that comes of a
 * failover at once whether it is still clean, unless that is known or being asked. */
int steps_new(const struct steps_options *options, struct steps **ret_steps, struct error *err);
void steps_free(struct steps *steps);
void steps_freep(struct steps **steps);

/*
 * Before a planned move begins, so that what can be known is not found out halfway: DNS answers everywhere as it should, and
 * takes our key; the program that looks sees one of the two servers. Changes nothing. Status 4 when a rule refuses; not for a failover, which has no time for it.
 */
int steps_ready(struct steps *steps, struct error *err);

/* Whether the move has nothing to do: the server is on stage, alone in at the database, and nothing of a move is left. Made all
 * the same, it would hand that server's own established connections to the other one. */
bool steps_is_there(struct steps *steps);

/* Whether the database's host can be asked who is to be on stage: without it no move can be begun, nor taken back. */
int steps_arbiter_answers(struct steps *steps, struct error *err);

/*
 * Before a move that the ledger has is gone on with: 1, with a refusal in words, when somebody else has given the stage to another
 * server since this move claimed it. It may be taken back then, and is over where it is too late for that.
 */
int steps_overtaken(struct steps *steps, const struct machine *machine, struct error *err);

/* For conduct(). */
struct stage steps_stage(struct steps *steps);

/* Whether a move by MOVE_KEEPS could keep established connections, asked of both servers, without a change: refused (status 4)
 * with the reason when it cannot; 1 when the one that comes is powered off, and was not asked. */
int steps_keeps_connections(struct steps *steps, struct error *err);

/* What a move by DNS had to leave (ledger_left()), tried once: the usual TTL of the site's names, seen at every authoritative
 * server. */
int steps_restore_ttl(struct steps *steps, struct error *err);

/* How much there is to be carried over, seen now, with a state folder in the options; `ret_result` is the caller's to end. */
struct carry_result;
int steps_carry_ahead(struct steps *steps, struct carry_result *ret_result, struct error *err);

/* For `--plan`: in English or the operator's language, what the step will change, and how it would be undone; what is not
 * changed is NULL. `change` and `undo` have room for STEPS_WORDS bytes. */
#define STEPS_WORDS 400
void steps_describe(const struct config *config, const struct move *move, enum step step, char change[static STEPS_WORDS],
                    char undo[static STEPS_WORDS]);

/* How a move of this kind goes between these two: who must be which. Usage errors name what the file lacks.
 * A planned move by address keeps established connections (MOVE_KEEPS) unless whoever calls takes that away. */
int steps_plan(const struct config *config, enum move_kind kind, const char *to, struct move *ret_move, struct error *err);

#endif
