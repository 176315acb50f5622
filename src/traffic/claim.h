/*
 * claim.h - holding an address: telling the neighbours again and again, and noticing that somebody else has it, too.
 *
 * One announcement may be lost, and a neighbour's cache may be filled again by the old server's last packet. So an
 * address that was taken is announced for a minute, or as long as the configuration says, often at first. All the time that it is held, the segment is
 * listened to, and asked in turn: a second holder that keeps quiet answers a probe.
 *
 * Nothing here decides or waits; the role that holds the address has the loop:
 *
 *     r = claim_open(&address, 60000, &claim, &error);
 *     poll() claim_fd(claim) for POLLIN, at most claim_wait_ms(claim) long
 *     r = claim_tick(claim, &rival, &error);          1: there is one; what to do is the caller's rule
 */
#ifndef TRAFFIC_CLAIM_H
#define TRAFFIC_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "base/error.h"
#include "neighbour.h"

struct claim;

struct claim_rival {
        enum neighbour_claim claim; /* NEIGHBOUR_HOLDS: two holders; NEIGHBOUR_WANTS: he asks before he takes it */
        struct neighbour_mac mac;
};

/* For an address that was just taken. Packets that come from now on are kept until the next tick. */
int claim_open(const struct address *address, int64_t announce_ms, struct claim **ret_claim, struct error *err);
void claim_close(struct claim *claim);
void claim_closep(struct claim **claim); /* for _cleanup_() */

int claim_fd(const struct claim *claim);

/* Until something is due; never negative. */
int claim_wait_ms(const struct claim *claim);

/*
 * Sends what is due and reads what has come. 1 with *ret_rival, 0 when nobody else claims the address, or a negative
 * errno (an interface that is down, say), after which it goes on with the next tick.
 */
int claim_tick(struct claim *claim, struct claim_rival *ret_rival, struct error *err);

/*
 * Pure: when packet `number` (0, 1, ...) is due, in ms after the address was taken, and whether it also announces.
 * 0, 10, 20, 40 ... doubling to a second, then every second until `announce_ms` are over; after that every ten seconds a
 * probe alone.
 */
struct claim_due {
        int64_t after_ms;
        bool announces;
};
struct claim_due claim_schedule(unsigned int number, int64_t announce_ms);

#endif
