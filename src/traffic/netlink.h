/*
 * netlink.h - questions to the kernel about addresses, sockets and the packet filter.
 *
 * One request, all of its answers, and an end to waiting: the kernel answers at once or not at all. Each caller opens
 * its own, so that what is read back never comes from the socket by which it was written.
 *
 *     _cleanup_(netlink_close) struct netlink netlink = NETLINK_NONE;
 *     r = netlink_open(&netlink, NETLINK_ROUTE);
 *     message = netlink_message(buffer, RTM_NEWADDR, NLM_F_CREATE);     (then mnl_attr_put()...)
 *     r = netlink_ask(&netlink, message, NULL, NULL);
 */
#ifndef TRAFFIC_NETLINK_H
#define TRAFFIC_NETLINK_H

#include <stdint.h>
#include <stddef.h>

#include <libmnl/libmnl.h>

struct netlink {
        struct mnl_socket *socket;
        unsigned int sequence;
};

#define NETLINK_NONE ((struct netlink){ NULL, 0 })

/* Room for a request; answers have a buffer of their own. */
#define NETLINK_REQUEST_SIZE 4096

/* `bus` is NETLINK_ROUTE and the like. 0 or a negative errno without words. */
int netlink_open(struct netlink *netlink, int bus);
void netlink_close(struct netlink *netlink);

/* Begins a request in the caller's NETLINK_REQUEST_SIZE bytes; NLM_F_REQUEST is always set. */
struct nlmsghdr *netlink_message(void *buffer, uint16_t type, uint16_t flags);

/*
 * Sends it (for a dump as it is, otherwise asking for an acknowledgement) and calls `each` for every message that comes
 * back; `each` returns 0, or a negative errno that ends it. 0, or the negative errno that the kernel answered with.
 * -EINTR: what was dumped changed meanwhile; ask again. -ETIMEDOUT: no answer within two seconds.
 */
typedef int (*netlink_each)(const struct nlmsghdr *message, void *context);
int netlink_ask(struct netlink *netlink, struct nlmsghdr *message, netlink_each each, void *context);

#endif
