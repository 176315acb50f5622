#include "sockets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "netlink.h"

#define CHILDREN_MAXIMUM (1U << 20) /* bytes: their numbers */

/* A dump that changed under our eyes is asked for again. */
#define DUMP_TRIES 8

#define ALL_STATES     0xfffU
#define COUNTED_STATES (ALL_STATES & ~(1U << TCP_LISTEN | 1U << TCP_CLOSE | 1U << TCP_TIME_WAIT))

struct found {
        const struct sockets_which *which;
        struct inet_diag_msg *sockets; /* owned */
        size_t count;
};

static void found_done(struct found *found)
{
        free(found->sockets);
}

static bool is_port(const struct sockets_which *which, uint16_t port)
{
        for (size_t i = 0; i < which->port_count; i++)
                if (which->ports[i] == port)
                        return true;
        return false;
}

static bool is_end(const struct sockets_which *which, const struct inet_diag_msg *one)
{
        return which->peer ? peer_has(which->peer, one->idiag_family, one->id.idiag_dst) :
                             peer_address_is(which->here, one->idiag_family, one->id.idiag_src);
}

static const char *name_of(const struct sockets_which *which)
{
        return which->peer ? which->peer->name : _("visitors");
}

static int keep_match(const struct nlmsghdr *message, void *context)
{
        struct found *found = context;
        const struct inet_diag_msg *one = mnl_nlmsg_get_payload(message);

        if (mnl_nlmsg_get_payload_len(message) < sizeof(*one))
                return -EBADMSG;
        if (!is_port(found->which, ntohs(one->id.idiag_sport)) || !is_end(found->which, one))
                return 0;
        if (found->count == SOCKETS_MAXIMUM)
                return -E2BIG;
        if (memory_grow(&found->sockets, found->count, sizeof(*one)) < 0)
                return -ENOMEM;
        found->sockets[found->count++] = *one;
        return 0;
}

static int dump(struct netlink *netlink, uint8_t family, struct found *found)
{
        char buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(8)));
        size_t before = found->count;
        int r = -EINTR;

        for (int tries = 0; r == -EINTR && tries < DUMP_TRIES; tries++) {
                struct nlmsghdr *message = netlink_message(buffer, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
                struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(message, sizeof(*request));

                request->sdiag_family = family;
                request->sdiag_protocol = IPPROTO_TCP;
                request->idiag_states = COUNTED_STATES;
                found->count = before;
                r = netlink_ask(netlink, message, keep_match, found);
        }
        return r;
}

static int find(struct netlink *netlink, const struct sockets_which *which, struct found *found, struct error *err)
{
        int r = netlink_open(netlink, NETLINK_SOCK_DIAG);

        found->which = which;
        if (r == 0)
                r = dump(netlink, AF_INET, found);
        if (r == 0)
                r = dump(netlink, AF_INET6, found);
        if (r == -ENOMEM)
                return error_memory(err);
        if (r == -E2BIG)
                return error_set(err, r, _("%s has more than %d connections to this server"), name_of(which),
                                 SOCKETS_MAXIMUM);
        if (r < 0)
                return error_errno(err, -r, _("cannot list the connections from %s"), name_of(which));
        return 0;
}

int sockets_count(const struct sockets_which *which, size_t *ret_count, struct error *err)
{
        _cleanup_(netlink_close) struct netlink netlink = NETLINK_NONE;
        _cleanup_(found_done) struct found found = { 0 };
        int r = find(&netlink, which, &found, err);

        if (r == 0)
                *ret_count = found.count;
        return r;
}

void sockets_ended_done(struct sockets_ended *ended)
{
        free(ended->inodes);
        *ended = (struct sockets_ended){ 0 };
}

/* One that ended by itself meanwhile is as well. */
static int destroy(struct netlink *netlink, const struct inet_diag_msg *one)
{
        char buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(8)));
        struct nlmsghdr *message = netlink_message(buffer, SOCK_DESTROY, 0);
        struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
        int r;

        request->sdiag_family = one->idiag_family;
        request->sdiag_protocol = IPPROTO_TCP;
        request->idiag_states = ALL_STATES;
        request->id = one->id;
        r = netlink_ask(netlink, message, NULL, NULL);
        return r == -ENOENT ? 0 : r;
}

int sockets_destroy(const struct sockets_which *which, struct sockets_ended *ended, struct error *err)
{
        _cleanup_(netlink_close) struct netlink netlink = NETLINK_NONE;
        _cleanup_(found_done) struct found found = { 0 };
        int r = find(&netlink, which, &found, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < found.count; i++) {
                if (ended->count < SOCKETS_MAXIMUM && found.sockets[i].idiag_inode != 0) {
                        if (memory_grow(&ended->inodes, ended->count, sizeof(*ended->inodes)) < 0)
                                return error_memory(err);
                        ended->inodes[ended->count++] = found.sockets[i].idiag_inode;
                }
                r = destroy(&netlink, &found.sockets[i]);
                if (r == -EOPNOTSUPP)
                        return error_set(err, r,
                                         _("cannot end the connections from %s: this kernel has no SOCK_DESTROY "
                                           "(CONFIG_INET_DIAG_DESTROY)"),
                                         name_of(which));
                if (r < 0)
                        return error_errno(err, -r, _("cannot end the connections from %s"), name_of(which));
        }
        return 0;
}

/* ---------------------------------------------------------------- who has them open */

static bool is_ended(const struct sockets_ended *ended, const char *link)
{
        uint64_t inode = 0;
        size_t length = strlen(link);

        if (!text_starts(link, "socket:[") || link[length - 1] != ']' ||
            text_parse_u64(link + 8, length - 9, UINT64_MAX, &inode) < 0)
                return false;
        for (size_t i = 0; i < ended->count; i++)
                if (ended->inodes[i] == inode)
                        return true;
        return false;
}

/* Whether a process, /proc/NAME, has one of them open. One that is gone has none. */
static bool holds(int proc, const char *name, const struct sockets_ended *ended)
{
        char path[32], link[64];
        bool found = false;
        struct dirent *entry;
        ssize_t length;
        DIR *folder;
        int fd;

        if (snprintf(path, sizeof(path), "%s/fd", name) >= (int)sizeof(path))
                return false;
        fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        folder = fd < 0 ? NULL : fdopendir(fd);
        if (!folder) {
                fd_close(&fd);
                return false;
        }
        while (!found && (entry = readdir(folder))) {
                length = readlinkat(dirfd(folder), entry->d_name, link, sizeof(link) - 1);
                if (length <= 0)
                        continue;
                link[length] = '\0';
                found = is_ended(ended, link);
        }
        closedir(folder);
        return found;
}

static int count_all(int proc, const struct sockets_ended *ended, size_t *count)
{
        DIR *folder = fdopendir(fcntl(proc, F_DUPFD_CLOEXEC, 0));
        struct dirent *entry;

        if (!folder)
                return -errno;
        while ((entry = readdir(folder)))
                if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
                        *count += holds(proc, entry->d_name, ended);
        closedir(folder);
        return 0;
}

/* -ENOENT when the kernel does not list them (CONFIG_PROC_CHILDREN), or there is no such process. */
static int count_family(int proc, pid_t server, const struct sockets_ended *ended, size_t *count)
{
        _cleanup_(buffer_done) struct buffer children = BUFFER_INIT(CHILDREN_MAXIMUM);
        char path[64], *next = NULL;
        int r;

        snprintf(path, sizeof(path), "%d/task/%d/children", (int)server, (int)server);
        r = file_read(proc, path, &children, NULL);
        if (r < 0)
                return -ENOENT;
        snprintf(path, sizeof(path), "%d", (int)server);
        *count += holds(proc, path, ended);
        for (char *name = children.length ? strtok_r(children.data, " ", &next) : NULL; name; name = strtok_r(NULL, " ", &next))
                *count += holds(proc, name, ended);
        return 0;
}

int sockets_holders(const struct sockets_ended *ended, pid_t server, size_t *ret_count, struct error *err)
{
        _cleanup_(fd_closep) int proc = -1;
        size_t count = 0;
        int r = -ENOENT;

        if (ended->count == 0) {
                *ret_count = 0;
                return 0;
        }
        proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc >= 0 && server > 0)
                r = count_family(proc, server, ended, &count);
        if (proc >= 0 && r == -ENOENT)
                r = count_all(proc, ended, &count);
        if (proc < 0 || r < 0)
                return error_errno(err, proc < 0 ? errno : -r, _("cannot list the processes in /proc"));
        *ret_count = count;
        return 0;
}
