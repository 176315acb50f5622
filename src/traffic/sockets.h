/*
 * sockets.h - the TCP connections that other servers have to this one: counting them, and ending them.
 *
 * A packet filter stops packets; the sockets behind it live on, with their transactions. SOCK_DESTROY (sock_diag(7),
 * Linux 4.9, CONFIG_INET_DIAG_DESTROY) ends a socket in the kernel, whether its process has looked at it yet or not:
 * the half-open one, the accepted but not authenticated one, the one of a session.
 *
 * Needs CAP_NET_ADMIN, in the network namespace of the database.
 */
#ifndef TRAFFIC_SOCKETS_H
#define TRAFFIC_SOCKETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "peer.h"

struct sockets_which {
        const struct peer *peer; /* the other end; NULL: anybody, at `here` */
        const struct peer_address *here;
        const uint16_t *ports;   /* of this end, in host order */
        size_t port_count;
};

/* The sockets that were ended, for sockets_holders(). */
#define SOCKETS_MAXIMUM 65536
struct sockets_ended {
        uint64_t *inodes; /* owned */
        size_t count;
};
void sockets_ended_done(struct sockets_ended *ended);

/* How many there are, in any state but listening, closed and TIME_WAIT (which holds nothing any more). */
int sockets_count(const struct sockets_which *which, size_t *ret_count, struct error *err);

/* Ends them all and adds their inodes to *ended. -EOPNOTSUPP: this kernel cannot. */
int sockets_destroy(const struct sockets_which *which, struct sockets_ended *ended, struct error *err);

/*
 * How many processes still have one of these sockets open: a server process that has not noticed yet, perhaps one that
 * is about to authenticate from bytes that it received before. Seen through /proc, another way than the one by which
 * the sockets were ended. Processes that this one may not look at are not counted: for root.
 *
 * `server`: only that process and its children are looked at, for whoever waits and will look at all of them in the end;
 * 0: every process of the machine.
 */
int sockets_holders(const struct sockets_ended *ended, pid_t server, size_t *ret_count, struct error *err);

#endif
