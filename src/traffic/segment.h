/*
 * segment.h - a packet socket that speaks and hears about one address on one interface. Of this folder only: address.c
 * and claim.c.
 *
 * The kernel's filter lets ARP in, or IPv6 neighbour discovery, and nothing else of the traffic.
 */
#ifndef TRAFFIC_SEGMENT_H
#define TRAFFIC_SEGMENT_H

#include "address.h"
#include "base/error.h"
#include "neighbour.h"

struct segment {
        int fd;
        int index; /* of the interface */
        struct neighbour_mac own;
        struct address address;
};

#define SEGMENT_NONE ((struct segment){ .fd = -1 })

int segment_open(const struct address *address, struct segment *ret_segment, struct error *err);
void segment_close(struct segment *segment);

int segment_send(const struct segment *segment, enum neighbour_packet kind, struct error *err);

/*
 * Reads what has come, without waiting, until a packet that claims the address: what it says (enum neighbour_claim), or
 * NEIGHBOUR_NOTHING when there is no such packet among the next ones, or a negative errno.
 */
int segment_read(const struct segment *segment, struct neighbour_mac *ret_mac, struct error *err);

#endif
