/*
 * address.h - taking and dropping a service address.
 *
 * An address is taken in well under a millisecond: by netlink, then told to the segment by gratuitous ARP (RFC 5227) or
 * an unsolicited neighbour advertisement (RFC 4861 7.2.6). Without that the neighbours go on sending to the old server
 * until their caches run out. Keeping on telling, and noticing that somebody else has it, too, is claim.h.
 *
 * What is done is read back in another way than it was written: the C library's list of interfaces, and whether a
 * socket can be bound to the address. The kernel's "done" alone counts for nothing here, for an address may be there
 * and still be refused (a tentative or duplicate one of IPv6).
 *
 * An address may be given a limited life: unless it is taken again before, the kernel itself removes it. So a server
 * loses it also when everything that runs on it is stopped.
 *
 * For a process with CAP_NET_ADMIN and CAP_NET_RAW, in the network namespace of the interface. Taking an address that
 * is held already, and dropping one that is not, are success: after a crash the same call goes on.
 *
 *     r = address_parse("192.0.2.80/24", "eth0", &address, &error);
 *     r = address_take(&address, &(struct address_options){ .probe_ms = 100 }, &error);      -EADDRINUSE: held
 *     r = address_drop(&address, &error);                                                     its undo
 */
#ifndef TRAFFIC_ADDRESS_H
#define TRAFFIC_ADDRESS_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "neighbour.h"

struct address {
        int family;        /* AF_INET, AF_INET6 */
        uint8_t bytes[16]; /* 4 or 16 of them, as on the wire */
        unsigned int prefix;
        char interface[IF_NAMESIZE];
};

#define ADDRESS_TEXT_SIZE INET6_ADDRSTRLEN

/*
 * "192.0.2.80", "192.0.2.80/24", "2001:db8::80". Without a length it is a single address (/32, /128), which is what a
 * service address should be: the kernel removes the secondary addresses of a network together with its first one.
 * Multicast, unspecified and loopback addresses are no service addresses: a usage error, as is everything else.
 */
int address_parse(const char *text, const char *interface, struct address *ret_address, struct error *err);

/* Without the length. */
void address_text(const struct address *address, char text[static ADDRESS_TEXT_SIZE]);

enum address_place {
        ADDRESS_NOWHERE,   /* not on this server */
        ADDRESS_HERE,      /* on its interface, and usable */
        ADDRESS_ELSEWHERE, /* on another interface of this server only (as in a move without broken connections) */
        ADDRESS_UNUSABLE,  /* on its interface, but the kernel does not let it be used: a duplicate */
};

/* Where it is now. */
int address_look(const struct address *address, enum address_place *ret_place, struct error *err);

struct address_options {
        int probe_ms;         /* asks the segment for that long before; 0: does not ask */
        bool force;           /* takes it also when somebody answered */
        unsigned int valid_s; /* the kernel drops it after that unless it is taken again; 0: never */
};

/*
 * Takes the address and announces it once. Refused (-EADDRINUSE) when somebody answered for it, unless forced; the
 * sentence has his hardware address.
 */
int address_take(const struct address *address, const struct address_options *options, struct error *err);

/* Gives an address that is here another life of valid_s; tells nobody. -EADDRNOTAVAIL: it is not here, and stays away. */
int address_renew(const struct address *address, unsigned int valid_s, struct error *err);

/* Asks the segment whether somebody has, or is about to take, the address: 1 (*ret_mac: who), 0, or a negative errno.
 */
int address_probe(const struct address *address, int wait_ms, struct neighbour_mac *ret_mac, struct error *err);

/* Puts it there without a word to anybody, for the loopback interface, where no neighbour is asked. */
int address_lay(const struct address *address, struct error *err);

int address_drop(const struct address *address, struct error *err);

#endif
