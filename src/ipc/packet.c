/* packet.c - sendmsg(2) and recvmsg(2) with SCM_RIGHTS. */
#include "ipc/packet.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
        char bytes[CMSG_SPACE(PACKET_FDS * sizeof(int))];
        struct cmsghdr head;
};

int packet_send(int socket, const void *bytes, size_t length, const int *fds, size_t count)
{
        union control control = { 0 };
        struct iovec part = { (void *)(uintptr_t)bytes, length };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
        ssize_t n;

        assert(count <= PACKET_FDS);
        if (count > 0) {
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(count * sizeof(int));
                control.head.cmsg_level = SOL_SOCKET;
                control.head.cmsg_type = SCM_RIGHTS;
                control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
                memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
        }
        do
                n = sendmsg(socket, &message, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : 0;
}

/* Takes up to `maximum` of the descriptors and closes the others; how many there were. (The kernel rounds its room up:
 * there may be one more than was asked for.) */
static size_t take_fds(struct msghdr *message, int *fds, size_t maximum)
{
        size_t total = 0;

        for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
                size_t count = head->cmsg_len >= CMSG_LEN(0) ? (head->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

                if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t i = 0; i < count; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(int));
                        if (total < maximum)
                                fds[total] = fd;
                        else
                                close(fd);
                        total++;
                }
        }
        return total;
}

ssize_t packet_receive(int socket, void *bytes, size_t size, int *fds, size_t maximum, size_t *ret_count)
{
        union control control;
        struct iovec part = { bytes, size };
        struct msghdr message = {
                .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        size_t count;
        ssize_t n;

        *ret_count = 0;
        do
                n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        count = take_fds(&message, fds, maximum);
        if (n > 0 && count <= maximum && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
                *ret_count = count;
                return n;
        }
        for (size_t i = 0; i < count && i < maximum; i++)
                close(fds[i]);
        return n == 0 ? 0 : -EMSGSIZE;
}
