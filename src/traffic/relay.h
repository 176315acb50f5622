/*
 * relay.h - a planned move of the address that breaks no connection: what is established stays with the server that it began
 * with, until it ends by itself.
 *
 *     the one that comes   FORWARDS: an nftables table at its interface's entrance (netdev, ingress) notes every connection
 *                          that begins with it, and hands any other packet for the service's address on to the one that
 *                          leaves, as a frame, before the kernel's own stack has seen it
 *     the one that leaves  KEEPS: it has the address on its loopback interface, so that its sockets live on and answer the
 *                          visitors directly, and says nothing of it to the segment (arp_ignore, arp_announce)
 *
 * Both are set up before the address moves, and change nothing until then. As the packets are handed on below routing, no
 * forwarding, no rules of routing and no reverse path filter have a part in it: a server does not become a router, and nothing
 * of an administrator's own has to be moved aside. IPv6 is the same, without the two settings: a neighbour is answered for
 * addresses of its own interface only.
 *
 * The table, for one address:
 *
 *     table netdev understudy_relay {
 *             set ports { type inet_service; elements = { 80, 443 } }
 *             set begun4 { typeof ip saddr . ip daddr . tcp sport . tcp dport; flags dynamic, timeout; ... }
 *             chain relay {
 *                     type filter hook ingress device "eth0" priority 0; policy accept;
 *                     meta pkttype host ip daddr 192.0.2.80 tcp dport @ports tcp flags & (syn | ack) == syn
 *                             update @begun4 { ... } accept
 *                     meta pkttype host ip daddr 192.0.2.80 tcp dport @ports ... != @begun4 fwd ip to 192.0.2.77 device "eth0"
 *             }
 *     }
 *
 * A visitor who begins when the set is full is the old server's. Only whoever is on the same segment can be handed a frame.
 *
 * What is written by libnftables is read back by netlink messages, the two settings of /proc/sys by rtnetlink, the address by
 * the C library's list. What was there before is in relay.json of the state folder before it is changed, and is put back
 * exactly; after another boot there is nothing to put back. Every call may be repeated.
 *
 * For the agent: needs CAP_NET_ADMIN and CAP_NET_RAW, in the network namespace of the interface.
 */
#ifndef TRAFFIC_RELAY_H
#define TRAFFIC_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "base/buffer.h"
#include "base/error.h"
#include "peer.h"

#define RELAY_TABLE     "understudy_relay" /* in the family netdev */
#define RELAY_ADDRESSES 8
#define RELAY_PORTS     16

struct relay {
        struct address services[RELAY_ADDRESSES]; /* on this server's interface, all on the same */
        size_t count;
        uint16_t ports[RELAY_PORTS]; /* where connections are kept */
        size_t port_count;
        struct peer other;           /* the server at the other end, by its own addresses */
        unsigned int remember_s;     /* how long the begin of a connection is known, at most */
};

enum relay_sight {
        RELAY_NONE, /* no trace of it */
        RELAY_PART,
        RELAY_ALL   /* all of it is in force */
};

/* ---- relay_table.c: the one that comes ---- */

/* Whether it could, without a change: the other one answers on this segment, and the kernel knows the words of the table.
 * Refused (status 4) with the reason otherwise. */
int relay_can_forward(const struct relay *relay, struct error *err);

/* Nothing is replaced that is in force: the connections that it has noted would be forgotten. */
int relay_forward(const struct relay *relay, struct error *err);
int relay_forwards(const struct relay *relay, enum relay_sight *ret_sight, struct error *err);
int relay_forward_end(struct error *err);

/* Pure: the table as nft(8) reads it, replaced whole. `to4` and `to6` are where packets go; NULL when none of that family. */
int relay_write(const struct relay *relay, const struct peer_address *to4, const struct peer_address *to6, struct buffer *out);

/* ---- relay_keep.c: the one that leaves. `folder`: of its state ---- */

int relay_can_keep(const struct relay *relay, struct error *err);
int relay_keep(const struct relay *relay, int folder, struct error *err);
int relay_keeps(int folder, enum relay_sight *ret_sight, struct error *err);
int relay_keep_end(int folder, struct error *err);

#endif
