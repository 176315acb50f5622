#include "netlink.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

#define ANSWER_SIZE    32768 /* what libmnl recommends for dumps is 8 kB; the kernel fills as much as there is */
#define ANSWER_SECONDS 2

int netlink_open(struct netlink *netlink, int bus)
{
        const struct timeval patience = { .tv_sec = ANSWER_SECONDS };

        netlink->sequence = 0;
        netlink->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
        if (!netlink->socket)
                return -errno;
        if (mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
            setsockopt(mnl_socket_get_fd(netlink->socket), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0) {
                int r = -errno;

                netlink_close(netlink);
                return r;
        }
        return 0;
}

void netlink_close(struct netlink *netlink)
{
        int kept = errno;

        if (netlink->socket)
                mnl_socket_close(netlink->socket);
        netlink->socket = NULL;
        errno = kept;
}

struct nlmsghdr *netlink_message(void *buffer, uint16_t type, uint16_t flags)
{
        struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

        message->nlmsg_type = type;
        message->nlmsg_flags = NLM_F_REQUEST | flags;
        return message;
}

struct asked {
        netlink_each each;
        void *context;
        int result;
};

static int pass_on(const struct nlmsghdr *message, void *data)
{
        struct asked *asked = data;

        asked->result = asked->each ? asked->each(message, asked->context) : 0;
        return asked->result < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

int netlink_ask(struct netlink *netlink, struct nlmsghdr *message, netlink_each each, void *context)
{
        static _Thread_local char answer[ANSWER_SIZE] __attribute__((aligned(8)));
        struct asked asked = { .each = each, .context = context };
        ssize_t length;
        int r;

        if ((message->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
                message->nlmsg_flags |= NLM_F_ACK;
        message->nlmsg_seq = ++netlink->sequence;
        if (mnl_socket_sendto(netlink->socket, message, message->nlmsg_len) < 0)
                return -errno;
        do {
                length = mnl_socket_recvfrom(netlink->socket, answer, sizeof(answer));
                if (length < 0 && errno == EINTR)
                        continue;
                if (length < 0)
                        return errno == EAGAIN ? -ETIMEDOUT : -errno;
                r = mnl_cb_run(answer, (size_t)length, netlink->sequence, mnl_socket_get_portid(netlink->socket),
                               pass_on, &asked);
        } while (length < 0 || r > MNL_CB_STOP);
        if (r < 0)
                return asked.result < 0 ? asked.result : -errno;
        return 0;
}
