/* sender_syslog.c - one line to another machine's syslog: a datagram (RFC 5426), or counted octets over TCP (RFC 6587).
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "notify/sender_parts.h"

#define CONNECT_MS 15000
#define UDP_MS     50   /* how long an ICMP "nobody listens there" is waited for */
#define CLOSE_MS   1000 /* how long the other side's close is waited for: there is no acknowledgement in this protocol */

/* 0 or a positive errno. */
static int pending_error(int fd)
{
        socklen_t size = sizeof(int);
        int error = 0;

        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

static int connect_to(const struct addrinfo *address, int64_t timeout_ms, int *ret_fd)
{
        _cleanup_(fd_closep) int fd =
                socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
        int error = 0;

        if (fd < 0)
                return errno;
        if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
                if (errno != EINPROGRESS)
                        return errno;
                error = fd_wait(fd, POLLOUT, clock_monotonic_ms() + timeout_ms) == 0 ? pending_error(fd) : ETIMEDOUT;
        }
        if (error == 0)
                *ret_fd = fd_steal(&fd);
        return error;
}

static int send_all(int fd, const char *bytes, size_t length, int64_t deadline)
{
        while (length > 0) {
                ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);

                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        return errno;
                if (n < 0 && fd_wait(fd, POLLOUT, deadline) < 0)
                        return ETIMEDOUT;
                if (n > 0) {
                        bytes += n;
                        length -= (size_t)n;
                }
        }
        return 0;
}

/* Counted octets, then our close, then the other side's: a reset tells that it did not read it. */
static int send_stream(int fd, const struct sender_job *job, int64_t deadline)
{
        char count[32], drop[256];
        int n = snprintf(count, sizeof(count), "%zu ", job->length);
        int error = send_all(fd, count, (size_t)n, deadline);

        if (error == 0)
                error = send_all(fd, job->payload, job->length, deadline);
        if (error)
                return error;
        shutdown(fd, SHUT_WR);
        if (fd_wait(fd, POLLIN, clock_monotonic_ms() + CLOSE_MS) < 0)
                return 0;
        return recv(fd, drop, sizeof(drop), 0) < 0 && errno != EAGAIN ? errno : 0;
}

static int send_datagram(int fd, const struct sender_job *job)
{
        if (send(fd, job->payload, job->length, MSG_NOSIGNAL) != (ssize_t)job->length)
                return errno;
        return fd_wait(fd, POLLERR, clock_monotonic_ms() + UDP_MS) == 0 ? pending_error(fd) : 0;
}

void sender_syslog_run(const struct notify_target *target, const struct sender_limits *limits,
                       const struct sender_job *job, struct sender_result *result)
{
        bool stream = target->kind == TARGET_SYSLOG_TCP;
        struct addrinfo hints = { .ai_socktype = stream ? SOCK_STREAM : SOCK_DGRAM, .ai_flags = AI_NUMERICSERV };
        int64_t deadline = clock_monotonic_ms() + limits->try_ms;
        struct addrinfo *addresses = NULL;
        char port[8];
        int error;

        snprintf(port, sizeof(port), "%u", target->port);
        error = getaddrinfo(target->host, port, &hints, &addresses);
        if (error) {
                snprintf(result->words, sizeof(result->words), _("the host %s is not known: %s"), target->host,
                         gai_strerror(error));
                return;
        }
        error = EHOSTUNREACH;
        for (struct addrinfo *one = addresses; one && error && clock_monotonic_ms() < deadline; one = one->ai_next) {
                _cleanup_(fd_closep) int fd = -1;

                error = connect_to(one, limits->try_ms < CONNECT_MS ? limits->try_ms : CONNECT_MS, &fd);
                if (error == 0)
                        error = stream ? send_stream(fd, job, deadline) : send_datagram(fd, job);
        }
        freeaddrinfo(addresses);
        if (error == 0)
                result->end = SCHEDULE_DELIVERED;
        else {
                result->end = error == EMSGSIZE ? SCHEDULE_REJECTED : SCHEDULE_LATER;
                snprintf(result->words, sizeof(result->words), "%s", strerror(error));
        }
}
