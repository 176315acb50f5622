/* dns_exchange.c - messages to DNS servers and back, with a deadline. */
#include "dns_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/io.h"

#define DNS_PORT 53

int dns_connect(const struct dns_server *server, int type, int64_t deadline)
{
        uint16_t port = htons(server->port ? server->port : DNS_PORT);
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = port };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = port };
        bool four = server->address.family == AF_INET;
        _cleanup_(fd_closep) int fd = socket(server->address.family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int failed = 0, r;
        socklen_t size = sizeof(failed);

        if (fd < 0)
                return -errno;
        memcpy(&in.sin_addr, server->address.bytes, 4);
        memcpy(&in6.sin6_addr, server->address.bytes, 16);
        r = connect(fd, four ? (struct sockaddr *)&in : (struct sockaddr *)&in6, four ? sizeof(in) : sizeof(in6));
        if (r < 0 && errno != EINPROGRESS)
                return -errno;
        r = r < 0 ? fd_wait(fd, POLLOUT, deadline) : 0;
        if (r == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) < 0)
                r = -errno;
        if (r < 0 || failed)
                return r < 0 ? r : -failed;
        return fd_steal(&fd);
}

static int send_all(int fd, const uint8_t *bytes, size_t length, int64_t deadline)
{
        while (length > 0) {
                ssize_t n = fault_point(FAULT_SEND) ? -1 : send(fd, bytes, length, MSG_NOSIGNAL);
                int r;

                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        bytes += n;
                        length -= (size_t)n;
                        continue;
                }
                r = fd_wait(fd, POLLOUT, deadline);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int receive_all(int fd, uint8_t *bytes, size_t length, int64_t deadline)
{
        while (length > 0) {
                int r = fd_wait(fd, POLLIN, deadline);
                ssize_t n;

                if (r < 0)
                        return r;
                n = recv(fd, bytes, length, 0);
                if (n == 0)
                        return -ECONNRESET;
                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        bytes += n;
                        length -= (size_t)n;
                }
        }
        return 0;
}

/*
 * An update that is on its way must not arrive when nobody reckons with it any more: what the other end has not got yet is
 * given up with the connection, and not sent again and again.
 */
static int give_up(int fd, int r)
{
        const struct linger none = { .l_onoff = 1, .l_linger = 0 };

        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
        return r;
}

int dns_exchange_tcp(const struct dns_server *server, const uint8_t *request, size_t length, int64_t deadline,
                     struct buffer *answer, bool *ret_sent)
{
        _cleanup_(fd_closep) int fd = dns_connect(server, SOCK_STREAM, deadline);
        _cleanup_(buffer_done) struct buffer message = BUFFER_INIT(DNS_PACKET_MAXIMUM + 2);
        uint8_t head[2] = { (uint8_t)(length >> 8), (uint8_t)length };
        size_t size;
        int r;

        *ret_sent = false;
        if (fd < 0)
                return fd;
        /* In one piece: some servers drop a connection that begins with a length alone. */
        if (buffer_append(&message, head, sizeof(head)) < 0 || buffer_append(&message, request, length) < 0)
                return -ENOMEM;
        r = send_all(fd, (const uint8_t *)message.data, message.length, deadline);
        if (r < 0)
                return give_up(fd, r);
        *ret_sent = true;
        r = receive_all(fd, head, sizeof(head), deadline);
        if (r < 0)
                return give_up(fd, r);
        size = (size_t)head[0] << 8 | head[1];
        buffer_clear(answer);
        if (buffer_reserve(answer, size) < 0)
                return -ENOMEM;
        r = receive_all(fd, (uint8_t *)answer->data, size, deadline);
        if (r == 0)
                answer->length = size;
        return r;
}
