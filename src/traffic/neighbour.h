/*
 * neighbour.h - the packets by which neighbours learn who has an address: ARP and IPv6 neighbour discovery.
 *
 * Pure: bytes in, bytes out. ARP packets are those of RFC 826 on Ethernet; a probe and an announcement are RFC 5227's.
 * IPv6 packets are whole (IPv6 header, ICMPv6 with checksum), without the link's header: RFC 4861 4.3 and 4.4.
 *
 * What comes in was sent by anybody on the segment: it is looked at for one question only, "does somebody else say that
 * this address is his, or that it will be?".
 */
#ifndef TRAFFIC_NEIGHBOUR_H
#define TRAFFIC_NEIGHBOUR_H

#include <stddef.h>
#include <stdint.h>

#define NEIGHBOUR_MAC_SIZE    6
#define NEIGHBOUR_ARP_SIZE    28
#define NEIGHBOUR_PACKET_SIZE 72 /* the largest that is made here */

struct neighbour_mac {
        uint8_t bytes[NEIGHBOUR_MAC_SIZE];
};

/* "02:00:00:00:00:01" */
#define NEIGHBOUR_MAC_TEXT 18
void neighbour_mac_text(const struct neighbour_mac *mac, char text[static NEIGHBOUR_MAC_TEXT]);

enum neighbour_packet {
        NEIGHBOUR_PROBE,    /* "has anybody this address?" - from nobody: it changes no cache */
        NEIGHBOUR_ANNOUNCE, /* "this address is here now", as a request: what RFC 5227 asks for */
        NEIGHBOUR_REPLY,    /* the same as a reply: some only listen to these. IPv6 has one form only */
};

/* Makes a packet about an address that is (to be) at `mac`; returns its length. */
size_t neighbour_make_arp(enum neighbour_packet kind, const struct neighbour_mac *mac, const uint8_t address[static 4],
                          uint8_t packet[static NEIGHBOUR_PACKET_SIZE]);
size_t neighbour_make_ndp(enum neighbour_packet kind, const struct neighbour_mac *mac, const uint8_t address[static 16],
                          uint8_t packet[static NEIGHBOUR_PACKET_SIZE]);

/* Where they go on the link: to everybody, or (an IPv6 probe) to those who could have the address. */
void neighbour_destination(enum neighbour_packet kind, int family, const uint8_t *address,
                           struct neighbour_mac *ret_mac);

enum neighbour_claim {
        NEIGHBOUR_NOTHING, /* not about this address, or ours, or not a valid packet */
        NEIGHBOUR_HOLDS,   /* somebody else says that he has it */
        NEIGHBOUR_WANTS,   /* somebody else is about to take it: his probe (RFC 5227 2.1.1, RFC 4862 5.4.3) */
};

/*
 * What a packet says about `address`. `own` is our hardware address on that link. *ret_mac is whose claim it is; it is
 * set only when there is one. For IPv6 `from` is the link's sender, used when the packet names none.
 */
enum neighbour_claim neighbour_read_arp(const uint8_t *packet, size_t length, const uint8_t address[static 4],
                                        const struct neighbour_mac *own, struct neighbour_mac *ret_mac);
enum neighbour_claim neighbour_read_ndp(const uint8_t *packet, size_t length, const uint8_t address[static 16],
                                        const struct neighbour_mac *own, const struct neighbour_mac *from,
                                        struct neighbour_mac *ret_mac);

#endif
