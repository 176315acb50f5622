/*
 * start.h - what happens once, before the first question: memory, limits, what a dead gate left behind, privileges.
 */
#ifndef GATE_START_H
#define GATE_START_H

#include <stddef.h>
#include <stdint.h>

#include "cache.h"

/* How the gate ends. */
enum {
        GATE_EXIT_DONE = 0,      /* GATE_STOP, or a successor of the guard is in charge */
        GATE_EXIT_PROTOCOL = 70, /* the guard talks nonsense: a mistake in our own program */
        GATE_EXIT_SYSTEM = 71,   /* it cannot start here */
};

/* Priority, no signals but its own, never swapped out or chosen by the OOM killer. The signals' descriptor, or -1. */
int start_process(void);

/* Raises the limit of descriptors and makes the table. `held`: descriptors that must stay free. 0 or -1. */
int start_memory(struct cache *cache, uint32_t cache_files, size_t *ret_held);

/* Refuses what was asked of a gate that died, and takes its ignore marks away: nobody holds their leases. */
void start_succeed(const struct cache *cache);

/* Gives up all that is not needed. 0 or -1. */
int start_drop_privileges(void);

#endif
