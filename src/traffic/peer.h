/*
 * peer.h - the servers of a site as the database host sees them: a name and the addresses that they come from.
 *
 * Plain data, limits included: what is fenced is a handful of servers, written down in the configuration.
 */
#ifndef TRAFFIC_PEER_H
#define TRAFFIC_PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct peer_address {
        int family; /* AF_INET, AF_INET6 */
        uint8_t bytes[16];
};

#define PEER_NAME_SIZE 64
#define PEER_ADDRESSES 8
#define PEER_HOSTS     32

struct peer {
        char name[PEER_NAME_SIZE]; /* of the server, as in the configuration */
        struct peer_address addresses[PEER_ADDRESSES];
        size_t address_count;
};

#define PEER_ADDRESS_TEXT INET6_ADDRSTRLEN

/* "192.0.2.77", "2001:db8::77"; one that IPv6 maps (::ffff:192.0.2.77) becomes IPv4. A usage error otherwise. */
int peer_address_parse(const char *text, struct peer_address *ret_address, struct error *err);
void peer_address_text(const struct peer_address *address, char text[static PEER_ADDRESS_TEXT]);

/* Whether bytes of a socket's address (of that family) are the peer's; mapped IPv4 counts as IPv4. */
bool peer_address_is(const struct peer_address *address, int family, const void *bytes);
bool peer_has(const struct peer *peer, int family, const void *bytes);

/* Adds an address; a usage error when it is none, or one too many. */
int peer_add(struct peer *peer, const char *address, struct error *err);

#endif
