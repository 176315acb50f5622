/*
 * tenure.h - may this server hold the service's address, and since when? The keeper's rule. Pure: no I/O, no clock.
 *
 * The keeper asks the arbiter, on the database's host, again and again. A grant is good for self_ms from the moment at which
 * it was *asked for*, by this server's own clock: however long the answer took, the arbiter's view was newer than that. The
 * arbiter lets nobody else have the address sooner than take_ms after its last grant, and self_ms is shorter.
 *
 *     it holds | lease                                          | then
 *     ---------|------------------------------------------------|---------------------------------------------------
 *     yes      | runs                                           | nothing
 *     yes      | over, or refused                               | drop
 *     yes      | somebody put the address there: a move         | nothing for self_ms, by which time it is granted or
 *              |                                                | refused
 *     no       | granted, asked for after the address was gone: |
 *              |   in the epoch in which it was held before     | take: nobody else can have had it since
 *              |   in another one, for take_ms without a break  | take: whoever had it has dropped it by now
 *     no       | else                                           | nothing
 *
 * That a grant must be newer than the loss keeps the keeper from taking back what a planned move has just dropped.
 */
#ifndef TRAFFIC_TENURE_H
#define TRAFFIC_TENURE_H

#include <stdbool.h>
#include <stdint.h>

struct tenure {
        int64_t self_ms, take_ms;
        int64_t until_ms, since_ms; /* the lease: to when, and since when without a break; 0: none */
        int64_t heard_ms;           /* when the newest answer was asked for */
        int64_t changed_ms;         /* when the address came or went */
        uint64_t epoch, held_epoch; /* of the lease; in which the address was held last, 0: never */
        bool holds;
};

enum tenure_act { TENURE_NOTHING, TENURE_TAKE, TENURE_DROP };

/* All times are of one clock that goes on while the machine sleeps, and greater than 0. */
void tenure_init(struct tenure *tenure, int64_t self_ms, int64_t take_ms);

/* An answer to what was asked at asked_ms; one that is older than another which was heard already counts for nothing. */
void tenure_hear(struct tenure *tenure, bool granted, uint64_t epoch, int64_t asked_ms);

/* Whether the address is here now; `ours`: because of what tenure_next() said. */
void tenure_see(struct tenure *tenure, bool here, bool ours, int64_t now_ms);

enum tenure_act tenure_next(struct tenure *tenure, int64_t now_ms);

/* How long tenure_next() says the same if nothing is heard or seen; -1: for ever. */
int tenure_wait_ms(const struct tenure *tenure, int64_t now_ms);

#endif
