/*
 * conductor.h - a move, done: the machine says what comes next, the ledger writes it down, the stage does it and looks.
 *
 * Whoever calls decides nothing and believes nothing: an act that fails is only words for the person who watches, for what
 * counts is the look behind it.
 */
#ifndef TRAFFIC_CONDUCTOR_H
#define TRAFFIC_CONDUCTOR_H

#include "base/error.h"
#include "ledger.h"
#include "machine.h"

struct stage {
        /* Does the step, or undoes it; may be called again when it was done already. The result is words only. */
        int (*act)(void *context, enum step step, bool undo, struct error *err);
        /* What is so, seen another way than it was done. For anything but what is wanted, err says what was seen. */
        enum event (*look)(void *context, enum step step, bool undo, struct error *err);
        /* Before each action and after each look; err is NULL or says what went wrong. */
        void (*progress)(void *context, const struct machine *machine, enum action action, const struct error *err);
        void *context;
};

/*
 * Goes on with `event` (EVENT_BEGIN or EVENT_UNDO) until the move has ended: *ret_action is ACTION_FINISH (machine->back
 * tells whether it was undone), ACTION_STOP (*err says why a person is needed, and what to call then) or ACTION_REFUSE (too
 * late to be undone). A negative errno: the journal could not be written, and nothing more was done.
 */
int conduct(struct ledger *ledger, const struct move *move, struct machine *machine, enum event event,
            const struct stage *stage, enum action *ret_action, struct error *err);

#endif
