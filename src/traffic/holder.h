/*
 * holder.h - the process that has the service's address in its hand, and lets it go by itself when the lease is over.
 *
 * It is a process of its own, so that nothing which waits for a network can hold it up: it hears from the keeper what the
 * arbiter answered, and goes by tenure.h. Four things end a tenure, each without the help of the ones before:
 *
 *     the arbiter refuses, or is not heard for self_ms      the holder drops the address
 *     the keeper is stopped or dies                         nothing is heard: the same
 *     the holder is stopped or dies                         the keeper misses its acknowledgements, and drops the address
 *     both are stopped                                      the kernel drops it: it has a life of HOLDER_LIFE_S seconds
 *
 * While it holds the address it announces it and listens for another holder (claim.h).
 *
 *     r = holder_start(&options, &holder, &error);
 *     holder_tell(holder, &(struct holder_word){ .granted = true, .epoch = 8, .asked_ms = asked });
 *     poll() holder_fd() for POLLIN; holder_read(holder);
 *     if (holder_late_ms(holder, now) > self_ms) holder_replace(holder, &error);
 */
#ifndef TRAFFIC_HOLDER_H
#define TRAFFIC_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "base/error.h"

#define HOLDER_LIFE_S    2 /* of the address in the kernel, renewed four times as often */
#define HOLDER_ADDRESSES 8

struct holder_options {
        struct address addresses[HOLDER_ADDRESSES];
        size_t count;
        int64_t self_ms, take_ms;
        int64_t announce_ms; /* how long the segment is told who has the address */
        const char *state;   /* folder, for turn.h */
        int lock; /* of the keeper of this server: the holder waits for it, and has it as long as it lives */
};

/* What the arbiter said. */
struct holder_word {
        bool granted, leave; /* leave: the keeper is started anew; the address stays for the little that the kernel gives it */
        uint64_t epoch;
        int64_t asked_ms; /* grant_now_ms() */
};

struct holder;

/* As real time as the system allows, for whoever has to do with leases: one ends in milliseconds also on a loaded machine. */
void holder_hurry(void);

int holder_start(const struct holder_options *options, struct holder **ret_holder, struct error *err);

/* The holder's process goes on without this one until its lease is over. */
void holder_free(struct holder *holder);

void holder_tell(struct holder *holder, const struct holder_word *word);
int holder_fd(const struct holder *holder);
void holder_read(struct holder *holder);

/* How long the oldest word has not been acknowledged; 0: all are. */
int64_t holder_late_ms(const struct holder *holder, int64_t now_ms);

/* Kills it, drops the address in its place, and starts another. */
int holder_replace(struct holder *holder, struct error *err);

#endif
