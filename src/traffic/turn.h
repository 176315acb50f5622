/*
 * turn.h - on one server one process at a time has to do with the service's address: the agent, which takes or drops it for a move,
 * or the holder, which renews it and tells the segment of it.
 *
 * The holder looks whether the address is here, and then acts on it. When the agent drops it in between, the holder would put it back
 * (the kernel adds an address that is to be renewed and is not there), or say that it is here while another server has it already: for
 * a moment visitors' packets come to the wrong one, which ends their connections. So both have a lock in the state folder meanwhile,
 * and the holder looks once it has it.
 */
#ifndef TRAFFIC_TURN_H
#define TRAFFIC_TURN_H

#include <stdbool.h>
#include <stdint.h>

/* A descriptor, to be closed; it goes on without a turn (-1) where the state cannot be written: whoever acts says what he cannot. */
int turn_open(const char *state);

#define TURN_MS 1000 /* so long either waits for the other, which takes milliseconds; then it acts without */

/* Whether it was got within that time. One that is stopped while it has its turn must not keep a move from being made. */
bool turn_take(int fd, int64_t patience_ms);
void turn_give(int fd);

#endif
