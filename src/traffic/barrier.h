/*
 * barrier.h - the packet filter in front of the database: who is kept out, as one nftables table of our own.
 *
 * The table `inet understudy_fence` is replaced whole in one transaction, so that what somebody changed in it is gone
 * and no moment is without rules. Its chain looks at packets before connection tracking does (prerouting, priority
 * -310): whatever an administrator's own rules say about established connections comes later, and a re-created
 * conntrack entry does not help anybody.
 *
 *     table inet understudy_fence {
 *             set out4 { type ipv4_addr; elements = { 192.0.2.77 }; }
 *             set out6 { type ipv6_addr; }
 *             set ports { type inet_service; elements = { 5432 }; }
 *             chain fence {
 *                     type filter hook prerouting priority -310; policy accept;
 *                     ip saddr @out4 tcp dport @ports reject with tcp reset
 *                     ip6 saddr @out6 tcp dport @ports reject with tcp reset
 *             }
 *     }
 *
 * A reset and not silence: programs on a server that is shut out get an error at once instead of waiting for minutes.
 *
 * It is written by libnftables (JSON), and read back from the kernel by netlink messages of our own (nftables' rules as
 * they are, not as a library renders them). The rules are gone after a boot and after `nft flush ruleset`: who is
 * responsible for the fence applies them at its start and looks at them from time to time.
 *
 * Needs CAP_NET_ADMIN, in the network namespace of the database.
 */
#ifndef TRAFFIC_BARRIER_H
#define TRAFFIC_BARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "peer.h"

#define BARRIER_TABLE "understudy_fence"
#define BARRIER_PORTS 8

struct barrier {
        const struct peer *const *out; /* who is kept out */
        size_t out_count;
        const uint16_t *ports; /* of the database, at most BARRIER_PORTS */
        size_t port_count;
};

/* Loads what the others need, so that they do not have to: some milliseconds. */
int barrier_prepare(struct error *err);

/* Makes the table say exactly this. */
int barrier_apply(const struct barrier *barrier, struct error *err);

/* Whether the kernel has exactly this in force: 1, 0 (*ret_why, a sentence to be shown, says what is wrong), or a
 * negative errno. ret_why may be NULL. */
int barrier_is_in_force(const struct barrier *barrier, const char **ret_why, struct error *err);

/* Removes the table; no table is success. */
int barrier_remove(struct error *err);

#endif
