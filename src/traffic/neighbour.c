#include "neighbour.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* RFC 826 on Ethernet with IPv4. */
#define ARP_REQUEST    1
#define ARP_REPLY      2
#define ARP_SENDER_MAC 8
#define ARP_SENDER_IP  14
#define ARP_TARGET_MAC 18
#define ARP_TARGET_IP  24
static const uint8_t arp_head[6] = { 0, 1, 8, 0, 6, 4 }; /* Ethernet, IPv4, their lengths */

/* RFC 8200 and RFC 4861: the IPv6 header, then ICMPv6 with the target, then options of 8 bytes. */
#define IP6_HEADER        40
#define IP6_PAYLOAD       4
#define IP6_NEXT          6
#define IP6_HOPS          7
#define IP6_SOURCE        8
#define IP6_DESTINATION   24
#define ICMP6             58
#define ICMP6_SOLICIT     135
#define ICMP6_ADVERTISE   136
#define ICMP6_CHECKSUM    (IP6_HEADER + 2)
#define ICMP6_FLAGS       (IP6_HEADER + 4)
#define ICMP6_TARGET      (IP6_HEADER + 8)
#define ICMP6_OPTIONS     (IP6_HEADER + 24)
#define FLAG_OVERRIDE     0x20
#define OPTION_TARGET_MAC 2
#define HOPS_OF_THE_LINK  255 /* a router would have made it less: nobody from outside the segment can send it */

void neighbour_mac_text(const struct neighbour_mac *mac, char text[static NEIGHBOUR_MAC_TEXT])
{
        const uint8_t *b = mac->bytes;

        snprintf(text, NEIGHBOUR_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

size_t neighbour_make_arp(enum neighbour_packet kind, const struct neighbour_mac *mac, const uint8_t address[static 4],
                          uint8_t packet[static NEIGHBOUR_PACKET_SIZE])
{
        memset(packet, 0, NEIGHBOUR_ARP_SIZE);
        memcpy(packet, arp_head, sizeof(arp_head));
        packet[7] = kind == NEIGHBOUR_REPLY ? ARP_REPLY : ARP_REQUEST;
        memcpy(packet + ARP_SENDER_MAC, mac->bytes, NEIGHBOUR_MAC_SIZE);
        if (kind != NEIGHBOUR_PROBE) /* a probe's sender is 0.0.0.0, so that no cache learns from it */
                memcpy(packet + ARP_SENDER_IP, address, 4);
        if (kind == NEIGHBOUR_REPLY)
                memset(packet + ARP_TARGET_MAC, 0xff, NEIGHBOUR_MAC_SIZE);
        memcpy(packet + ARP_TARGET_IP, address, 4);
        return NEIGHBOUR_ARP_SIZE;
}

/* ICMPv6's checksum over the pseudo-header and `length` bytes behind the IPv6 header (RFC 8200 8.1); over a valid
 * packet it is 0. */
static uint16_t icmp6_checksum(const uint8_t *packet, size_t length)
{
        uint32_t sum = (uint32_t)length + ICMP6;

        for (size_t i = IP6_SOURCE; i < IP6_HEADER; i += 2)
                sum += (uint32_t)(packet[i] << 8 | packet[i + 1]);
        for (size_t i = 0; i < length; i += 2)
                sum += (uint32_t)(packet[IP6_HEADER + i] << 8 | (i + 1 < length ? packet[IP6_HEADER + i + 1] : 0));
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return (uint16_t)~sum;
}

static void all_nodes(uint8_t group[static 16])
{
        memset(group, 0, 16);
        group[0] = 0xff;
        group[1] = 0x02;
        group[15] = 1;
}

/* ff02::1:ffXX:XXXX, where whoever has an address with these last 24 bits listens (RFC 4291 2.7.1). */
static void solicited_node(const uint8_t address[static 16], uint8_t group[static 16])
{
        all_nodes(group);
        group[11] = 1;
        group[12] = 0xff;
        memcpy(group + 13, address + 13, 3);
}

size_t neighbour_make_ndp(enum neighbour_packet kind, const struct neighbour_mac *mac, const uint8_t address[static 16],
                          uint8_t packet[static NEIGHBOUR_PACKET_SIZE])
{
        size_t payload = kind == NEIGHBOUR_PROBE ? 24 : 32;
        uint16_t checksum;

        memset(packet, 0, NEIGHBOUR_PACKET_SIZE);
        packet[0] = 0x60;
        packet[IP6_PAYLOAD + 1] = (uint8_t)payload;
        packet[IP6_NEXT] = ICMP6;
        packet[IP6_HOPS] = HOPS_OF_THE_LINK;
        memcpy(packet + ICMP6_TARGET, address, 16);
        if (kind == NEIGHBOUR_PROBE) { /* from ::, as in duplicate address detection; it must not name our MAC */
                solicited_node(address, packet + IP6_DESTINATION);
                packet[IP6_HEADER] = ICMP6_SOLICIT;
        } else {
                memcpy(packet + IP6_SOURCE, address, 16);
                all_nodes(packet + IP6_DESTINATION);
                packet[IP6_HEADER] = ICMP6_ADVERTISE;
                packet[ICMP6_FLAGS] = FLAG_OVERRIDE;
                packet[ICMP6_OPTIONS] = OPTION_TARGET_MAC;
                packet[ICMP6_OPTIONS + 1] = 1; /* in units of 8 bytes */
                memcpy(packet + ICMP6_OPTIONS + 2, mac->bytes, NEIGHBOUR_MAC_SIZE);
        }
        checksum = icmp6_checksum(packet, payload);
        packet[ICMP6_CHECKSUM] = (uint8_t)(checksum >> 8);
        packet[ICMP6_CHECKSUM + 1] = (uint8_t)checksum;
        return IP6_HEADER + payload;
}

void neighbour_destination(enum neighbour_packet kind, int family, const uint8_t *address,
                           struct neighbour_mac *ret_mac)
{
        uint8_t group[16];

        if (family == AF_INET) {
                memset(ret_mac->bytes, 0xff, NEIGHBOUR_MAC_SIZE);
                return;
        }
        if (kind == NEIGHBOUR_PROBE)
                solicited_node(address, group);
        else
                all_nodes(group);
        ret_mac->bytes[0] = ret_mac->bytes[1] = 0x33; /* RFC 2464 7 */
        memcpy(ret_mac->bytes + 2, group + 12, 4);
}

static bool is_own(const uint8_t *mac, const struct neighbour_mac *own)
{
        return memcmp(mac, own->bytes, NEIGHBOUR_MAC_SIZE) == 0;
}

enum neighbour_claim neighbour_read_arp(const uint8_t *packet, size_t length, const uint8_t address[static 4],
                                        const struct neighbour_mac *own, struct neighbour_mac *ret_mac)
{
        static const uint8_t nobody[4] = { 0 };
        enum neighbour_claim claim = NEIGHBOUR_NOTHING;

        /* Longer is well: short frames are padded. */
        if (length < NEIGHBOUR_ARP_SIZE || memcmp(packet, arp_head, sizeof(arp_head)) != 0 || packet[6] != 0 ||
            (packet[7] != ARP_REQUEST && packet[7] != ARP_REPLY) || is_own(packet + ARP_SENDER_MAC, own))
                return NEIGHBOUR_NOTHING;
        if (memcmp(packet + ARP_SENDER_IP, address, 4) == 0)
                claim = NEIGHBOUR_HOLDS;
        else if (packet[7] == ARP_REQUEST && memcmp(packet + ARP_SENDER_IP, nobody, 4) == 0 &&
                 memcmp(packet + ARP_TARGET_IP, address, 4) == 0)
                claim = NEIGHBOUR_WANTS;
        if (claim != NEIGHBOUR_NOTHING)
                memcpy(ret_mac->bytes, packet + ARP_SENDER_MAC, NEIGHBOUR_MAC_SIZE);
        return claim;
}

/* What RFC 4861 7.1 asks of every such packet before a word of it is believed; *ret_payload is ICMPv6's length. */
static bool is_discovery(const uint8_t *packet, size_t length, size_t *ret_payload)
{
        size_t payload;

        if (length < ICMP6_OPTIONS || packet[0] >> 4 != 6 || packet[IP6_NEXT] != ICMP6 ||
            packet[IP6_HOPS] != HOPS_OF_THE_LINK || packet[IP6_HEADER + 1] != 0)
                return false;
        payload = (size_t)packet[IP6_PAYLOAD] << 8 | packet[IP6_PAYLOAD + 1];
        if (payload < 24 || payload > length - IP6_HEADER || icmp6_checksum(packet, payload) != 0)
                return false;
        *ret_payload = payload;
        return true;
}

/* The hardware address that the options of an advertisement name; NULL when none, or when an option is broken. */
static const uint8_t *option_mac(const uint8_t *packet, size_t end)
{
        for (size_t at = ICMP6_OPTIONS; at + 8 <= end;) {
                size_t size = (size_t)packet[at + 1] * 8;

                if (size == 0 || size > end - at)
                        return NULL;
                if (packet[at] == OPTION_TARGET_MAC)
                        return packet + at + 2;
                at += size;
        }
        return NULL;
}

enum neighbour_claim neighbour_read_ndp(const uint8_t *packet, size_t length, const uint8_t address[static 16],
                                        const struct neighbour_mac *own, const struct neighbour_mac *from,
                                        struct neighbour_mac *ret_mac)
{
        static const uint8_t nobody[16] = { 0 };
        const uint8_t *mac = from->bytes, *named;
        enum neighbour_claim claim;
        size_t payload = 0;

        if (!is_discovery(packet, length, &payload) || memcmp(packet + ICMP6_TARGET, address, 16) != 0)
                return NEIGHBOUR_NOTHING;
        if (packet[IP6_HEADER] == ICMP6_ADVERTISE) {
                claim = NEIGHBOUR_HOLDS;
                named = option_mac(packet, IP6_HEADER + payload);
                if (named)
                        mac = named;
        } else if (packet[IP6_HEADER] == ICMP6_SOLICIT && memcmp(packet + IP6_SOURCE, nobody, 16) == 0) {
                claim = NEIGHBOUR_WANTS;
        } else {
                return NEIGHBOUR_NOTHING; /* somebody only asks where it is */
        }
        if (is_own(mac, own))
                return NEIGHBOUR_NOTHING;
        memcpy(ret_mac->bytes, mac, NEIGHBOUR_MAC_SIZE);
        return claim;
}
