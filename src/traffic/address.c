#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "netlink.h"
#include "segment.h"

/* How often a probe is sent within the time that is given to it: a single packet may get lost. */
#define PROBES 3

static size_t size_of(const struct address *address)
{
        return address->family == AF_INET ? 4 : 16;
}

/* Addresses that cannot be a server's, or that mean something else in each server. */
static bool is_service_address(const struct address *address)
{
        const uint8_t *b = address->bytes;

        if (address->family == AF_INET)
                return b[0] != 0 && b[0] != 127 && b[0] < 224;
        return !IN6_IS_ADDR_MULTICAST((const struct in6_addr *)b) &&
               !IN6_IS_ADDR_UNSPECIFIED((const struct in6_addr *)b) &&
               !IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)b) && !IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)b);
}

int address_parse(const char *text, const char *interface, struct address *ret_address, struct error *err)
{
        struct address address = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
        unsigned int longest = address.family == AF_INET ? 32 : 128;
        const char *slash = strchr(text, '/');
        size_t length = slash ? (size_t)(slash - text) : strlen(text);
        char bare[ADDRESS_TEXT_SIZE] = "";
        uint64_t prefix = longest;

        if (strlen(interface) == 0 || strlen(interface) >= sizeof(address.interface))
                return error_usage(err, _("%s is not the name of a network interface; `ip link` shows them"),
                                   interface);
        if (length < sizeof(bare))
                memcpy(bare, text, length);
        if (inet_pton(address.family, bare, address.bytes) != 1 || !is_service_address(&address) ||
            (slash && (text_parse_u64(slash + 1, strlen(slash + 1), longest, &prefix) < 0 || prefix == 0)))
                return error_usage(
                        err, _("%s is not an address that a server can have; write it as 192.0.2.80 or 2001:db8::80"),
                        text);
        address.prefix = (unsigned int)prefix;
        memcpy(address.interface, interface, strlen(interface));
        *ret_address = address;
        return 0;
}

void address_text(const struct address *address, char text[static ADDRESS_TEXT_SIZE])
{
        if (!inet_ntop(address->family, address->bytes, text, ADDRESS_TEXT_SIZE))
                text[0] = '\0';
}

/* ---------------------------------------------------------------- reading back */

/* IPv4 addresses go by their labels, of which the part behind a colon is anybody's choice. */
static bool is_on(const char *label, const char *interface)
{
        size_t length = strlen(interface);

        return strncmp(label, interface, length) == 0 && (label[length] == '\0' || label[length] == ':');
}

static bool is_same(const struct address *address, const struct sockaddr *other)
{
        if (!other || other->sa_family != address->family)
                return false;
        if (address->family == AF_INET)
                return memcmp(&((const struct sockaddr_in *)(const void *)other)->sin_addr, address->bytes, 4) == 0;
        return memcmp(&((const struct sockaddr_in6 *)(const void *)other)->sin6_addr, address->bytes, 16) == 0;
}

/* Whether a server could listen on it: 1, 0 or a negative errno. Any port, so that nobody is in the way. */
static int can_bind(const struct address *address, unsigned int index)
{
        struct sockaddr_in in = { .sin_family = AF_INET };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_scope_id = index };
        _cleanup_(fd_closep) int fd = socket(address->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int r;

        if (fd < 0)
                return -errno;
        memcpy(&in.sin_addr, address->bytes, 4);
        memcpy(&in6.sin6_addr, address->bytes, 16);
        r = address->family == AF_INET ? bind(fd, (struct sockaddr *)&in, sizeof(in))
                                       : bind(fd, (struct sockaddr *)&in6, sizeof(in6));
        if (r < 0)
                return errno == EADDRNOTAVAIL ? 0 : -errno;
        return 1;
}

int address_look(const struct address *address, enum address_place *ret_place, struct error *err)
{
        enum address_place place = ADDRESS_NOWHERE;
        struct ifaddrs *list = NULL;
        char text[ADDRESS_TEXT_SIZE];

        if (getifaddrs(&list) < 0)
                return error_errno(err, errno, _("cannot list this server's addresses"));
        for (const struct ifaddrs *one = list; one; one = one->ifa_next) {
                if (!is_same(address, one->ifa_addr))
                        continue;
                if (is_on(one->ifa_name, address->interface))
                        place = ADDRESS_HERE;
                else if (place == ADDRESS_NOWHERE)
                        place = ADDRESS_ELSEWHERE;
        }
        freeifaddrs(list);
        if (place == ADDRESS_HERE) {
                int usable = can_bind(address, if_nametoindex(address->interface));

                address_text(address, text);
                if (usable < 0)
                        return error_errno(err, -usable, _("cannot find out whether %s can be used"), text);
                if (!usable)
                        place = ADDRESS_UNUSABLE;
        }
        *ret_place = place;
        return 0;
}

/* ---------------------------------------------------------------- changing */

/* RTM_NEWADDR or RTM_DELADDR; 0 or a negative errno without words. */
static int change(const struct address *address, uint16_t type, uint16_t flags, unsigned int valid_s)
{
        _cleanup_(netlink_close) struct netlink netlink = NETLINK_NONE;
        char buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(8)));
        struct ifa_cacheinfo life = { .ifa_prefered = valid_s, .ifa_valid = valid_s };
        struct nlmsghdr *message;
        struct ifaddrmsg *body;
        unsigned int index = if_nametoindex(address->interface);
        int r;

        if (index == 0)
                return -errno;
        r = netlink_open(&netlink, NETLINK_ROUTE);
        if (r < 0)
                return r;
        message = netlink_message(buffer, type, flags);
        body = mnl_nlmsg_put_extra_header(message, sizeof(*body));
        body->ifa_family = (uint8_t)address->family;
        body->ifa_prefixlen = (uint8_t)address->prefix;
        body->ifa_index = index;
        body->ifa_scope = RT_SCOPE_UNIVERSE;
        mnl_attr_put(message, IFA_LOCAL, size_of(address), address->bytes);
        mnl_attr_put(message, IFA_ADDRESS, size_of(address), address->bytes);
        /* Duplicates were looked for by us; the kernel would take a second for it. */
        if (type == RTM_NEWADDR && address->family == AF_INET6)
                mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD);
        if (type == RTM_NEWADDR && valid_s)
                mnl_attr_put(message, IFA_CACHEINFO, sizeof(life), &life);
        return netlink_ask(&netlink, message, NULL, NULL);
}

static int probe(const struct segment *segment, int wait_ms, struct neighbour_mac *ret_mac, struct error *err)
{
        int64_t begin = clock_monotonic_ms(), now = begin;
        int sent = 0, r;

        for (; now - begin < wait_ms; now = clock_monotonic_ms()) {
                int64_t next = begin + (sent < PROBES ? (int64_t)wait_ms * sent / PROBES : wait_ms);
                struct pollfd one = { .fd = segment->fd, .events = POLLIN };

                if (sent < PROBES && now >= next) {
                        r = segment_send(segment, NEIGHBOUR_PROBE, err);
                        if (r < 0)
                                return r;
                        sent++;
                        continue;
                }
                if (poll(&one, 1, (int)(next - now)) < 0 && errno != EINTR)
                        return error_errno(err, errno, _("cannot listen to the neighbours on %s"),
                                           segment->address.interface);
                r = segment_read(segment, ret_mac, err);
                if (r != NEIGHBOUR_NOTHING)
                        return r < 0 ? r : 1;
        }
        return 0;
}

int address_probe(const struct address *address, int wait_ms, struct neighbour_mac *ret_mac, struct error *err)
{
        _cleanup_(segment_close) struct segment segment = SEGMENT_NONE;
        int r = segment_open(address, &segment, err);

        return r < 0 ? r : probe(&segment, wait_ms, ret_mac, err);
}

/* Not -EPERM, which is also what somebody without root's rights gets. */
static int refuse_held(const struct address *address, const struct neighbour_mac *holder, struct error *err)
{
        char text[ADDRESS_TEXT_SIZE], mac[NEIGHBOUR_MAC_TEXT];

        address_text(address, text);
        neighbour_mac_text(holder, mac);
        error_refuse(err,
                     _("%s was not taken: %s on the same segment answers for it; make that server drop it first, or "
                       "shut it out and force this"),
                     text, mac);
        if (err)
                err->code = -EADDRINUSE;
        return -EADDRINUSE;
}

static int announce(const struct segment *segment, struct error *err)
{
        int r = segment_send(segment, NEIGHBOUR_ANNOUNCE, err);

        if (r == 0 && segment->address.family == AF_INET)
                r = segment_send(segment, NEIGHBOUR_REPLY, err);
        return r;
}

/* After what was done: it must be where it should be. */
static int confirm(const struct address *address, bool here, struct error *err)
{
        enum address_place place = ADDRESS_NOWHERE;
        char text[ADDRESS_TEXT_SIZE];
        int r = address_look(address, &place, err);

        address_text(address, text);
        if (r < 0)
                return r;
        if (here && place == ADDRESS_UNUSABLE)
                return error_set(err, -EADDRNOTAVAIL,
                                 _("%s is on %s, but the kernel does not let it be used: it knows of a duplicate"),
                                 text, address->interface);
        if (here != (place == ADDRESS_HERE || place == ADDRESS_UNUSABLE))
                return error_set(err, -EIO,
                                 here ? _("%s is not on %s, although the kernel said that it was put there")
                                      : _("%s is still on %s, although the kernel said that it was removed"),
                                 text, address->interface);
        return 0;
}

int address_take(const struct address *address, const struct address_options *options, struct error *err)
{
        _cleanup_(segment_close) struct segment segment = SEGMENT_NONE;
        enum address_place place = ADDRESS_NOWHERE;
        struct neighbour_mac holder;
        char text[ADDRESS_TEXT_SIZE];
        int r;

        r = address_look(address, &place, err);
        if (r == 0)
                r = segment_open(address, &segment, err);
        if (r < 0)
                return r;
        if (place != ADDRESS_HERE && options->probe_ms > 0) {
                r = probe(&segment, options->probe_ms, &holder, err);
                if (r < 0)
                        return r;
                if (r > 0 && !options->force)
                        return refuse_held(address, &holder, err);
        }
        r = change(address, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, options->valid_s);
        if (r < 0) {
                address_text(address, text);
                return error_errno(err, -r, _("cannot put %s on %s"), text, address->interface);
        }
        r = announce(&segment, err);
        return r < 0 ? r : confirm(address, true, err);
}

int address_lay(const struct address *address, struct error *err)
{
        char text[ADDRESS_TEXT_SIZE];
        int r = change(address, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, 0);

        if (r < 0) {
                address_text(address, text);
                return error_errno(err, -r, _("cannot put %s on %s"), text, address->interface);
        }
        return confirm(address, true, err);
}

int address_renew(const struct address *address, unsigned int valid_s, struct error *err)
{
        enum address_place place = ADDRESS_NOWHERE;
        char text[ADDRESS_TEXT_SIZE];
        int r = address_look(address, &place, err);

        address_text(address, text);
        if (r < 0)
                return r;
        if (place == ADDRESS_NOWHERE || place == ADDRESS_ELSEWHERE)
                return error_set(err, -EADDRNOTAVAIL, _("%s is not on %s any more"), text, address->interface);
        r = change(address, RTM_NEWADDR, NLM_F_REPLACE, valid_s);
        return r < 0 ? error_errno(err, -r, _("cannot keep %s on %s"), text, address->interface) : 0;
}

int address_drop(const struct address *address, struct error *err)
{
        char text[ADDRESS_TEXT_SIZE];
        int r = change(address, RTM_DELADDR, 0, 0);

        if (r < 0 && r != -EADDRNOTAVAIL) {
                address_text(address, text);
                return error_errno(err, -r, _("cannot remove %s from %s"), text, address->interface);
        }
        return confirm(address, false, err);
}
