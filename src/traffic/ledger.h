/*
 * ledger.h - a move in the journal: intents durable before their acts, and what is known after a crash.
 *
 * Records of a move carry its id ("move") and, for a step, its name ("step"):
 *
 *     move_began        from, to, move_kind (planned, failover), by (address, dns, exec, keeping-connections)
 *     step_intent       step_done       step_left            forwards
 *     step_undo_intent  step_undone                          backwards
 *     move_stopped      a person was called
 *     move_ended        outcome: done, undone
 *     step_made_up      behind the end: what the move had to leave was done
 *
 * What the move before has left, and nobody has made up for, a move takes over: "left" of its move_began.
 *
 * Beside the journal lies move.json, replaced whole: the id, and the first record that can be the move's. It says where to
 * read from, nothing else; what counts is in the journal. While a ledger is open it holds move.lock: one move at a time.
 */
#ifndef TRAFFIC_LEDGER_H
#define TRAFFIC_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "machine.h"

#define MOVE_ID_SIZE   33
#define MOVE_NAME_SIZE 65 /* of a server, with the NUL */

struct move {
        char id[MOVE_ID_SIZE];
        enum move_kind kind;
        unsigned int by; /* enum move_by */
        char from[MOVE_NAME_SIZE], to[MOVE_NAME_SIZE];
};

struct ledger;

struct ledger_options {
        const char *state;   /* the controller's state folder; its journal is in it */
        const char *actor;   /* for the records */
        const char *program; /* so that witnesses are told (journal.h); NULL: they are not */
        void (*note)(void *context, const char *sentence);
        void *context;
};

/* -EBUSY, refused (status 4): another move is being made. */
int ledger_open(const struct ledger_options *options, struct ledger **ret_ledger, struct error *err);
void ledger_close(struct ledger *ledger); /* NULL is fine */
void ledger_closep(struct ledger **ledger);

/*
 * The move that has not ended: 1, with *ret_move and a machine that stands where it stood; 0: there is none. -EBADMSG when
 * the records cannot be those of one move; then nothing may be done on their word.
 */
int ledger_current(struct ledger *ledger, struct move *ret_move, struct machine *ret_machine, struct error *err);

/* Begins a move: its id is made here. Only when ledger_current() has found none. Durable with the first intent that binds. */
int ledger_begin(struct ledger *ledger, struct move *move, struct error *err);

/*
 * A record of the step that the machine is at: for ACTION_RECORD_INTENT, _DONE, _LEFT. `what` is a sentence in English
 * about it. An intent that binds (machine_binds()) is durable when this returns 0, with all that came before; every other
 * record goes along with the next that does, at the latest with the end: a commit is six fsyncs, and there are twenty
 * records in the second in which a site is down.
 */
int ledger_step(struct ledger *ledger, const struct move *move, const struct machine *machine, enum action action,
                const char *what, struct error *err);

/* ACTION_FINISH and ACTION_STOP: durable, with all that came before. */
int ledger_end(struct ledger *ledger, const struct move *move, const struct machine *machine, enum action action,
               const char *what, struct error *err);

/*
 * What the last move has left (machine.h, ACTION_RECORD_LEFT) and nobody has made up for since: 1, with that move; 0, also while a
 * move is under way. The first takes no lock, and is for who only looks: no state folder, or no journal in it, is nothing left.
 */
int ledger_left_in(const char *state, enum step step, struct move *ret_move, struct error *err);
int ledger_left(struct ledger *ledger, enum step step, struct move *ret_move, struct error *err);

/* It was done, and seen to be; durable. */
int ledger_made_up(struct ledger *ledger, const struct move *move, enum step step, struct error *err);

#endif
