/*
 * controller_left.h - the controller makes up for what the last move had to leave (left.h), by `understudy switch --finish` in a
 * process of its own: the one that looks at the site never waits for a name server.
 */
#ifndef CLI_CONTROLLER_LEFT_H
#define CLI_CONTROLLER_LEFT_H

#include <stdint.h>
#include <sys/types.h>

struct controller_left {
        const char *config, *pub, *state; /* arguments of the command; pub may be NULL */
        pid_t pid;                        /* of the one that is at it; 0: none */
        int64_t next_ms;                  /* when is looked again */
        int64_t pause_ms;                 /* after the last that could not */
};

/* In each turn. */
void controller_left_tick(struct controller_left *left);

/* Ends the one that is at it: the site is about to move, and it has the lock of moves. */
void controller_left_stop(struct controller_left *left);

#endif
