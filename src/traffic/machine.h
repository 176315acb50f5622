/*
 * machine.h - the order of a move: which step comes next, and what to do when one fails. Pure: no I/O, no clock.
 *
 * A move (a planned switchover, the return, a failover) is a list of steps out of one table. Each step goes
 *
 *     intent recorded -> act -> look -> done recorded            and backwards: intent -> undo -> look -> undone
 *
 * The driver does what machine_next() says and tells it what came of it. What an act answered decides nothing: only what
 * is then seen does, and it is seen another way than it was done. After a crash machine_restore() takes the records of the
 * journal, and the first thing that is done is to look.
 *
 * Acts and undos are asked for again until the look says that they hold, so they must be such that a second one does no
 * harm. A step that only looks (a probe, a proof) has no act: its look is the step.
 *
 * What may be undone: a planned move up to the last step before the fence, and it goes back by itself when one fails; from
 * the fence on there is only forward. A failover fences first, and may be undone until the new server is let in, but only
 * by a person: the old one is not believed to live, so what fails there stops the move, closed, and calls somebody.
 */
#ifndef TRAFFIC_MACHINE_H
#define TRAFFIC_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

enum move_kind { MOVE_PLANNED, MOVE_FAILOVER };

/* What carries visitors from one server to the other in this move. */
enum move_by {
        MOVE_BY_ADDRESS = 1,
        MOVE_BY_DNS = 2,
        MOVE_KEEPS = 4, /* with the address, planned: connections that stand stay with the old one until they end (relay.h) */
        MOVE_BY_EXEC = 8
};

enum step {
        /* in no order: that of a move is in machine.c */
        STEP_CLAIM,       /* the operation's lock; epoch + 1 at the database's agent by compare-and-set */
        STEP_LOWER_TTL,   /* DNS: a short TTL, and the old one waited out */
        STEP_PROVE_OLD,   /* the server on stage is pulled and verified, so that the return finds it genuine */
        STEP_PROVE_NEW,   /* the server that comes is pulled and verified */
        STEP_PREPARE,     /* its web server runs; it has no address of the site yet */
        STEP_CARRY,       /* what the site itself wrote (mutable areas) is on it, too */
        STEP_ADMIT,       /* the database and its packet filter let the new one in */
        STEP_PROBE_NEW,   /* the new one answers at its own address, through the database */
        STEP_RELAY,       /* what keeps connections that stand is set up on both; it has no effect yet */
        STEP_STILL_CLEAN, /* nothing has been found on it since it was verified */
        STEP_STOP_OLD,    /* failover: the old one is told to leave; it may well not hear it */
        STEP_ADDRESS,     /* the service address moves: dropped there, then taken here */
        STEP_DNS,         /* the name moves: an update whose prerequisite is the old value */
        STEP_EXEC,        /* a program of the operator's moves visitors; another one says that they are */
        STEP_PROBE_SITE,  /* the site answers as a visitor sees it */
        STEP_DRAIN,       /* the old one's connections have ended, or the time for them has */
        STEP_FENCE,       /* the old one is shut out of the database, and that is proven */
        STEP_RELAY_END,   /* no trace of that is left on either; what still stands breaks here */
        STEP_CARRY_LAST,  /* what the old one was still given while it was left is on the new one */
        STEP_RESTORE_TTL, /* DNS: the usual TTL */
        STEP_REST,        /* the old one goes to its rest; the lock is given back */
        STEPS
};

#define MACHINE_TRIES 3 /* how often an act, an undo or a look is asked for before the step counts as failed */

enum phase {
        PHASE_NEXT,   /* nothing is in flight; the step `at` comes next */
        PHASE_INTENT, /* its intent is being recorded */
        PHASE_ACT,
        PHASE_LOOK,
        PHASE_DONE,   /* that it is done is being recorded */
        PHASE_ENDED,  /* the move is at its end, or all of it undone */
        PHASE_STOPPED /* a person was called; resume or undo goes on from here */
};

struct machine {
        enum move_kind kind;
        unsigned int by;        /* enum move_by, together */
        enum step at;           /* STEPS at the end */
        enum phase phase;
        bool back;              /* undoing, from `at` down to the first step */
        unsigned int acts, looks;
};

/* What came of the last action. */
enum event {
        EVENT_BEGIN,       /* a new move; also what goes on after a restore, as `resume` does */
        EVENT_UNDO,        /* a person wants it undone */
        EVENT_RECORDED,    /* the record that was asked for is made; durable where machine_binds() says so */
        EVENT_ACTED,       /* the act or undo has answered, whatever it said, or its time is over */
        EVENT_SEEN_WANTED, /* the look: all is as the step wants it */
        EVENT_SEEN_BEFORE, /* all is as it was before the step */
        EVENT_SEEN_PART,   /* something between, or something else */
        EVENT_SEEN_NOTHING /* it could not be looked */
};

enum action {
        ACTION_RECORD_INTENT,
        ACTION_ACT,
        ACTION_UNDO,
        ACTION_LOOK,
        ACTION_RECORD_DONE,   /* forwards: the step is done; backwards: it is undone */
        ACTION_RECORD_LEFT,   /* a step that may fail has failed, and the move goes on without it */
        ACTION_FINISH,        /* the end: done, or with `back` undone */
        ACTION_STOP,          /* call a person; the sentence is machine_why() */
        ACTION_REFUSE         /* undo was asked for, but it is too late for it */
};

void machine_begin(struct machine *machine, enum move_kind kind, unsigned int by);

/* Is this step part of the move? */
bool machine_has(const struct machine *machine, enum step step);

/* The move's steps in their order, for `--plan`. Returns the next one after `step`, or the first for STEPS; STEPS at the
 * end. */
enum step machine_after(const struct machine *machine, enum step step);
enum step machine_before(const struct machine *machine, enum step step);

/* May the move still be undone while this step is in flight? */
bool machine_undoable(const struct machine *machine, enum step step);

/* Does the step do something, or does it only look? */
bool machine_acts(enum step step);

/*
 * Must the intent of the step that comes be on the disk before anything is done? Up to the point from which nothing can be
 * undone: what a crash loses of a record there would not be undone. Behind it, and of a step that only looks, a lost
 * record makes the resume look once more, which it does anyway.
 */
bool machine_binds(const struct machine *machine);

/* The one transition. An event that does not fit the phase is a programming mistake of the driver. */
enum action machine_next(struct machine *machine, enum event event);

/* What the journal has of a move, oldest first. */
enum record { RECORD_INTENT, RECORD_DONE, RECORD_LEFT, RECORD_UNDO_INTENT, RECORD_UNDONE };

/*
 * After a crash: machine_begin(), then each record of this move in turn, then EVENT_BEGIN or EVENT_UNDO. false when a
 * record cannot follow those before it: the journal is then of another move, and nothing may be done on its word.
 */
bool machine_restore(struct machine *machine, enum record record, enum step step);

/* "lower-ttl": as the journal and --json call it. step_of() gives STEPS for another word. */
const char *step_name(enum step step);
enum step step_of(const char *name);

#endif
