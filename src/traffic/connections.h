/*
 * connections.h - the visitors' connections of a web server: how many there are at the addresses and ports that they come to.
 *
 * From /proc/net/tcp and tcp6, of this process's network namespace. A server that leaves the stage is drained when there
 * is none left.
 */
#ifndef TRAFFIC_CONNECTIONS_H
#define TRAFFIC_CONNECTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "peer.h"

struct connections_which {
        const struct peer_address *addresses; /* of this end; none: any */
        size_t address_count;
        const uint16_t *ports; /* of this end, in host order */
        size_t port_count;
};

/* Those over which bytes may still flow: TIME_WAIT, closed and listening ones don't count. */
int connections_count(const struct connections_which *which, size_t *ret_count, struct error *err);

/* Pure: one line of the table (proc_pid_net(5)); false when it is none that counts. `family` is the table's. */
bool connections_line(const char *line, size_t length, int family, const struct connections_which *which);

#endif
