#include "segment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"

/* A flood of packets must not keep the caller from what else he has to do. */
#define READ_AT_ONCE 64

/* Neighbour solicitations and advertisements: next header 58, ICMPv6 type 135 or 136. Offsets count from the IPv6
 * header. */
static struct sock_filter discovery_only[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 58, 0, 4),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 40),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 135, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 136, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 256),
        BPF_STMT(BPF_RET | BPF_K, 0),
};

static uint16_t protocol(const struct address *address)
{
        return htons(address->family == AF_INET ? ETH_P_ARP : ETH_P_IPV6);
}

static int find_interface(int fd, const char *name, struct segment *segment, struct error *err)
{
        struct ifreq request = { 0 };

        memcpy(request.ifr_name, name, IF_NAMESIZE);
        if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
                return error_errno(err, errno, _("cannot find the network interface %s"), name);
        segment->index = request.ifr_ifindex;
        if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
                return error_errno(err, errno, _("cannot ask for the hardware address of %s"), name);
        if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
                return error_set(
                        err, -EOPNOTSUPP,
                        _("%s is no Ethernet interface: there are no neighbours on it that could be told where "
                          "an address is"),
                        name);
        memcpy(segment->own.bytes, request.ifr_hwaddr.sa_data, NEIGHBOUR_MAC_SIZE);
        return 0;
}

static int listen_in(int fd, const struct segment *segment)
{
        struct sock_fprog filter = { .len = LENGTH(discovery_only), .filter = discovery_only };
        struct sockaddr_ll here = { .sll_family = AF_PACKET,
                                    .sll_protocol = protocol(&segment->address),
                                    .sll_ifindex = segment->index };
        struct packet_mreq group = { .mr_ifindex = segment->index, .mr_type = PACKET_MR_MULTICAST, .mr_alen = 6 };
        struct neighbour_mac mac;

        if (segment->address.family == AF_INET6) {
                if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
                        return -errno;
                /* Where others' probes go: the kernel itself joins only once it has the address. */
                neighbour_destination(NEIGHBOUR_PROBE, AF_INET6, segment->address.bytes, &mac);
                memcpy(group.mr_address, mac.bytes, NEIGHBOUR_MAC_SIZE);
                if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
                        return -errno;
        }
        return bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 ? -errno : 0;
}

int segment_open(const struct address *address, struct segment *ret_segment, struct error *err)
{
        struct segment segment = { .address = *address };
        /* Protocol 0: nothing is received until the filter is in place and the socket is bound. */
        _cleanup_(fd_closep) int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int r;

        if (fd < 0)
                return error_errno(err, errno, _("cannot open a packet socket for %s (root's right is needed)"),
                                   address->interface);
        r = find_interface(fd, address->interface, &segment, err);
        if (r < 0)
                return r;
        r = listen_in(fd, &segment);
        if (r < 0)
                return error_errno(err, -r, _("cannot listen to the neighbours on %s"), address->interface);
        segment.fd = fd_steal(&fd);
        *ret_segment = segment;
        return 0;
}

void segment_close(struct segment *segment)
{
        fd_close(&segment->fd);
}

int segment_send(const struct segment *segment, enum neighbour_packet kind, struct error *err)
{
        const struct address *address = &segment->address;
        struct sockaddr_ll to = { .sll_family = AF_PACKET,
                                  .sll_protocol = protocol(address),
                                  .sll_ifindex = segment->index,
                                  .sll_halen = NEIGHBOUR_MAC_SIZE };
        uint8_t packet[NEIGHBOUR_PACKET_SIZE];
        struct neighbour_mac mac;
        size_t length;

        neighbour_destination(kind, address->family, address->bytes, &mac);
        memcpy(to.sll_addr, mac.bytes, NEIGHBOUR_MAC_SIZE);
        length = address->family == AF_INET ? neighbour_make_arp(kind, &segment->own, address->bytes, packet)
                                            : neighbour_make_ndp(kind, &segment->own, address->bytes, packet);
        if (fault_point(FAULT_SEND) || sendto(segment->fd, packet, length, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
                return error_errno(err, errno, _("cannot send to the neighbours on %s"), address->interface);
        return 0;
}

int segment_read(const struct segment *segment, struct neighbour_mac *ret_mac, struct error *err)
{
        const struct address *address = &segment->address;

        for (int i = 0; i < READ_AT_ONCE; i++) {
                uint8_t packet[1500] = { 0 };
                struct sockaddr_ll from = { 0 };
                struct neighbour_mac mac;
                socklen_t size = sizeof(from);
                ssize_t length = recvfrom(segment->fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &size);
                enum neighbour_claim claim;

                if (length < 0 && errno == EAGAIN)
                        return NEIGHBOUR_NOTHING;
                if (length < 0 && errno == EINTR)
                        continue;
                if (length < 0)
                        return error_errno(err, errno, _("cannot listen to the neighbours on %s"), address->interface);
                memcpy(mac.bytes, from.sll_addr, NEIGHBOUR_MAC_SIZE);
                claim = address->family == AF_INET
                                ? neighbour_read_arp(packet, (size_t)length, address->bytes, &segment->own, ret_mac)
                                : neighbour_read_ndp(packet, (size_t)length, address->bytes, &segment->own, &mac,
                                                     ret_mac);
                if (claim != NEIGHBOUR_NOTHING)
                        return (int)claim;
        }
        return NEIGHBOUR_NOTHING;
}
