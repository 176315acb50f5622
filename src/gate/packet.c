/* packet.c - sendmsg(2) and recvmsg(2). */

#include "packet.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for exactly one descriptor: of more the kernel closes the rest, and says so. */
union control {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr head;
};

ssize_t packet_receive(int socket, void *packet, size_t size, int flags, int *ret_fd)
{
        union control control;
        struct iovec part = { .iov_base = packet, .iov_len = size };
        struct msghdr message = {
                .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        ssize_t n = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
        const struct cmsghdr *head;

        *ret_fd = -1;
        if (n < 0)
                return errno == EINTR ? -EAGAIN : -errno;
        head = CMSG_FIRSTHDR(&message);
        if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
            head->cmsg_len == CMSG_LEN(sizeof(int)))
                memcpy(ret_fd, CMSG_DATA(head), sizeof(int));
        if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
                if (*ret_fd >= 0)
                        close(*ret_fd);
                *ret_fd = -1;
                return -EMSGSIZE;
        }
        return n;
}

int packet_send(int socket, const void *packet, size_t length, int fd)
{
        union control control = { 0 };
        struct iovec part = { .iov_base = (void *)(uintptr_t)packet, .iov_len = length };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

        if (fd >= 0) {
                struct cmsghdr *head = &control.head;

                message.msg_control = &control;
                message.msg_controllen = sizeof(control);
                head->cmsg_level = SOL_SOCKET;
                head->cmsg_type = SCM_RIGHTS;
                head->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(head), &fd, sizeof(int));
        }
        if (sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                return errno == EINTR ? -EAGAIN : -errno;
        return 0;
}
