/*
 * coordination.h - a move among several controllers: written down in etcd with the ledger's, for `controller`, `switch` and
 * `return`. A NULL coordinator is a site with one controller: then all of this does nothing.
 */
#ifndef CLI_COORDINATION_H
#define CLI_COORDINATION_H

#include "traffic/coordinator.h"
#include "traffic/ledger.h"

/* *ret_coordinator is NULL when the configuration has no coordination. */
int coordination_open(const struct config *config, bool leads, struct coordinator **ret_coordinator, struct error *err);

/* A move that the ledger has just begun, or one in the place of `old` (NULL: of none). If that is refused, the ledger's ends
 * at once, undone. */
int coordination_begin(struct coordinator *coordinator, struct ledger *ledger, const struct move *move, struct machine *machine,
                       const struct move *old, struct error *err);

/* One that the ledger has. -ESTALE: another controller has ended it, and the ledger knows that now. */
int coordination_resume(struct coordinator *coordinator, struct ledger *ledger, const struct move *move, struct machine *machine,
                        struct error *err);

/* A move that somebody else has overtaken (steps_overtaken()): the ledger knows that it is over, undone as far as it goes. */
void coordination_overtaken(struct ledger *ledger, const struct move *move, struct machine *machine);

/* After conduct(). That it could not be written down is said, and no more: the next leader finds what is done. */
void coordination_end(struct coordinator *coordinator, const struct move *move, enum action action);

/* A controller that runs here has a lock in its state folder, which ends with its process alone; the other tells whether. */
void coordination_mark(const char *state);
bool coordination_runs(const char *state);

#endif
