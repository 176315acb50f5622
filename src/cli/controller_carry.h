/*
 * controller_carry.h - the controller has mutable areas carried over, by `understudy carry` in a process of its own: the one
 * that looks at the site never waits for a disk or for bytes.
 */
#ifndef CLI_CONTROLLER_CARRY_H
#define CLI_CONTROLLER_CARRY_H

#include <stdint.h>
#include <sys/types.h>

#include "cli/controller_alerts.h"

struct controller_carry {
        const char *config, *pub, *state; /* arguments of the command; pub may be NULL */
        int64_t every_ms;
        pid_t pid;       /* of the one that is at it; 0: none */
        int64_t next_ms; /* when the next is begun */
        int64_t pause_ms;
        uint64_t told; /* refused and in conflict, when that was told last */
};

/* In each turn: begins a batch when it is time, and hears of the end of one. */
void controller_carry_tick(struct controller_carry *carry, struct controller_alerts *alerts);

/* Ends the one that is at it: the site is about to move. */
void controller_carry_stop(struct controller_carry *carry);

#endif
