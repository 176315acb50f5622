/*
 * heal.h - when to heal: a pure machine. Its caller runs the pulls and tells it what happened.
 *
 *     state     event     ->  state                     action
 *     QUIET     FINDING       RUNNING or WAITING        PULL, or wait until due
 *     WAITING   FINDING       WAITING
 *     WAITING   due           RUNNING                   PULL
 *     RUNNING   FINDING       RUNNING, `again`
 *     RUNNING   DONE          QUIET; `again`: as FINDING
 *     RUNNING   FAILED        WAITING
 *     any       BEGUN         the same, unfinished      (the pull is about to change what stands)
 *     any       UNDONE        the same, not unfinished  (it put everything back)
 *     WAITING   CLEAN         QUIET, if not unfinished  (verified whole, nothing found)
 *
 * A pull that was killed behind its exchange leaves a tree that is found clean, but nobody has said that it is healed,
 * and what it took out is not kept yet. So unfinished ends with DONE alone: another pull comes, however clean the tree.
 *
 * Something that puts the file back every second must not keep the server busy with pulls: the first three heals within a
 * minute start at once, each further one waits twice as long, up to a minute. Files are refused meanwhile. The operator
 * is told once that it is a loop.
 */
#ifndef GUARD_HEAL_H
#define GUARD_HEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAL_WINDOW_MS  60000
#define HEAL_AT_ONCE    3
#define HEAL_LONGEST_MS 60000

enum heal_phase { HEAL_QUIET, HEAL_WAITING, HEAL_RUNNING };

enum heal_event { HEAL_FINDING, HEAL_DONE, HEAL_FAILED, HEAL_CLEAN, HEAL_TICK, HEAL_BEGUN, HEAL_UNDONE };

enum heal_action { HEAL_NOTHING, HEAL_PULL };

struct heal {
        enum heal_phase phase;
        bool again;          /* found something while it ran */
        bool unfinished;     /* a pull has begun to change what stands, and none has come to its end since */
        bool looping;        /* backing off: say so once, when it becomes true */
        unsigned int streak; /* pulls in a row that did not bring a quiet minute */
        int64_t due_ms;      /* WAITING: when */
        int64_t last_ms;     /* when the last pull was started */
};

/* `now_ms` is of a monotonic clock. */
enum heal_action heal_step(struct heal *heal, enum heal_event event, int64_t now_ms);

/* Milliseconds until it wants a HEAL_TICK; -1: not at all. */
int64_t heal_wait_ms(const struct heal *heal, int64_t now_ms);

#endif
