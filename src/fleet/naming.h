/*
 * naming.h - whose is an address that DNS, an upstream, the database's rules or the packet filter name? Pure.
 */
#ifndef FLEET_NAMING_H
#define FLEET_NAMING_H

#include "fleet/fleet.h"

enum naming {
        NAMING_NOBODY, /* of no server of the register */
        NAMING_SERVER,
        NAMING_SERVICE, /* the site's own address, which moves between servers */
        NAMING_LOCAL,   /* this machine: loopback, a socket, "localhost", an unspecified or link-local address */
        NAMING_NETWORK  /* more than one address */
};

/* `text` is "192.0.2.10", "192.0.2.0/24", "2001:db8::1", "unix:/run/x.sock" or a host's name. *ret_server is set for
 * NAMING_SERVER only; a server that is not retired is preferred. */
enum naming naming_of(const struct fleet *fleet, const struct config *config, const char *text,
                      const struct fleet_server **ret_server);

#endif
