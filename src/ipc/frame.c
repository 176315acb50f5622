/* frame.c - heads and bodies over a stream socket, whole or not at all. */

#include "frame.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/io.h"
#include "base/little_endian.h"

/* Room for exactly one descriptor, aligned as the kernel wants it. */
union control {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr head;
};

void frame_encode(const struct frame *frame, uint8_t head[static FRAME_HEAD_SIZE])
{
        memset(head, 0, FRAME_HEAD_SIZE);
        head[0] = frame->verb;
        le32_store(head + 4, frame->length);
        le64_store(head + 8, frame->argument);
}

int frame_decode(const uint8_t head[static FRAME_HEAD_SIZE], struct frame *ret_frame)
{
        struct frame frame = { .verb = head[0], .length = le32_load(head + 4), .argument = le64_load(head + 8) };

        if (frame.verb == 0 || head[1] || head[2] || head[3] || frame.length > FRAME_BODY_MAXIMUM)
                return -EBADMSG;
        *ret_frame = frame;
        return 0;
}

/* Sends all of the message, however many calls that takes; a descriptor travels with the first byte. */
static int send_all(int socket, struct msghdr *message)
{
        if (fault_point(FAULT_SEND))
                return -errno;
        for (;;) {
                ssize_t n = sendmsg(socket, message, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == ECONNRESET ? -EPIPE : -errno;
                message->msg_control = NULL;
                message->msg_controllen = 0;
                while (message->msg_iovlen && (size_t)n >= message->msg_iov->iov_len) {
                        n -= (ssize_t)message->msg_iov->iov_len;
                        message->msg_iov++;
                        message->msg_iovlen--;
                }
                if (message->msg_iovlen == 0)
                        return 0;
                message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + n;
                message->msg_iov->iov_len -= (size_t)n;
        }
}

int frame_send_fd(int socket, uint8_t verb, uint64_t argument, const void *body, size_t length, int fd)
{
        uint8_t head[FRAME_HEAD_SIZE];
        struct frame frame = { .verb = verb, .length = (uint32_t)length, .argument = argument };
        struct iovec parts[2] = {
                {.iov_base = head,                     .iov_len = sizeof(head)},
                { .iov_base = (void *)(uintptr_t)body, .iov_len = length      },
        };
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = length ? 2 : 1 };
        union control control = { 0 };

        assert(verb != 0 && length <= FRAME_BODY_MAXIMUM);
        frame_encode(&frame, head);
        if (fd >= 0) {
                message.msg_control = control.bytes;
                message.msg_controllen = sizeof(control.bytes);
                control.head.cmsg_level = SOL_SOCKET;
                control.head.cmsg_type = SCM_RIGHTS;
                control.head.cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(&control.head), &fd, sizeof(int));
        }
        return send_all(socket, &message);
}

int frame_send(int socket, uint8_t verb, uint64_t argument, const void *body, size_t length)
{
        return frame_send_fd(socket, verb, argument, body, length, -1);
}

/* Keeps the descriptor of a control message, closes an older one. */
static void take_fd(const struct msghdr *message, int *fd)
{
        const struct cmsghdr *head = message->msg_controllen ? CMSG_FIRSTHDR(message) : NULL;

        if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
            head->cmsg_len != CMSG_LEN(sizeof(int)))
                return;
        fd_close(fd);
        memcpy(fd, CMSG_DATA(head), sizeof(int));
}

/* Reads exactly `length` bytes; 1, 0 when the stream ended before the first of them, or a negative errno. Most of the
 * time the bytes are there already, so it reads first and waits only when it must. Without `fd` there is no room for a
 * control message: the kernel closes a descriptor that was sent. */
static int receive_all(int socket, void *bytes, size_t length, int64_t deadline, int *fd)
{
        size_t done = 0;

        while (done < length) {
                struct iovec part = { .iov_base = (char *)bytes + done, .iov_len = length - done };
                union control control;
                struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
                ssize_t n;
                int r;

                if (fd) {
                        message.msg_control = control.bytes;
                        message.msg_controllen = sizeof(control.bytes);
                }
                n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN) {
                        r = fd_wait(socket, POLLIN, deadline);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (n < 0 && errno != ECONNRESET)
                        return -errno;
                if (n <= 0)
                        return done == 0 ? 0 : -EBADMSG;
                if (fd)
                        take_fd(&message, fd);
                done += (size_t)n;
        }
        return 1;
}

static int receive(int socket, struct frame *ret_frame, void *body, int timeout_ms, int *fd)
{
        int64_t deadline = timeout_ms >= 0 ? clock_monotonic_ms() + timeout_ms : 0;
        uint8_t head[FRAME_HEAD_SIZE];
        struct frame frame;
        int r;

        if (fault_point(FAULT_READ))
                return -errno;
        r = receive_all(socket, head, sizeof(head), deadline, fd);
        if (r <= 0)
                return r;
        r = frame_decode(head, &frame);
        if (r < 0)
                return r;
        r = receive_all(socket, body, frame.length, deadline, NULL);
        if (r <= 0)
                return r == 0 ? -EBADMSG : r;
        *ret_frame = frame;
        return 1;
}

int frame_receive(int socket, struct frame *ret_frame, void *body, int timeout_ms)
{
        return receive(socket, ret_frame, body, timeout_ms, NULL);
}

int frame_receive_fd(int socket, struct frame *ret_frame, void *body, int timeout_ms, int *ret_fd)
{
        _cleanup_(fd_closep) int fd = -1;
        int r = receive(socket, ret_frame, body, timeout_ms, &fd);

        if (r > 0)
                *ret_fd = fd_steal(&fd);
        return r;
}
