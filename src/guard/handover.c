/* handover.c - one fixed packet each way, at most one descriptor. */
#include "guard/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"

struct packet {
        uint32_t verb;
        uint32_t length; /* of text */
        uint64_t release;
        char text[HANDOVER_TEXT_SIZE];
};

struct handover {
        int socket;
};

/* Below a descriptor, so that a long state path fits into an address. */
static void make_address(int folder, struct sockaddr_un *ret)
{
        memset(ret, 0, sizeof(*ret));
        ret->sun_family = AF_UNIX;
        snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", folder, HANDOVER_SOCKET);
}

static int send_packet(int socket, const struct packet *packet, int fd)
{
        char control[CMSG_SPACE(sizeof(int))] = { 0 };
        struct iovec part = { (void *)(uintptr_t)packet, offsetof(struct packet, text) + packet->length };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
        ssize_t n;

        if (fd >= 0) {
                struct cmsghdr *head;

                message.msg_control = control;
                message.msg_controllen = sizeof(control);
                head = CMSG_FIRSTHDR(&message);
                head->cmsg_level = SOL_SOCKET;
                head->cmsg_type = SCM_RIGHTS;
                head->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(head), &fd, sizeof(int));
        }
        do
                n = sendmsg(socket, &message, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : 0;
}

/* 1, 0 at the end, -EBADMSG; a descriptor that came along is the caller's. */
static int receive_packet(int socket, struct packet *packet, int *ret_fd)
{
        char control[CMSG_SPACE(sizeof(int))];
        struct iovec part = { packet, sizeof(*packet) };
        struct msghdr message = {
                .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
        };
        struct cmsghdr *head;
        ssize_t n;

        *ret_fd = -1;
        do
                n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n <= 0)
                return n < 0 ? -errno : 0;
        head = CMSG_FIRSTHDR(&message);
        if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
            head->cmsg_len == CMSG_LEN(sizeof(int)))
                memcpy(ret_fd, CMSG_DATA(head), sizeof(int));
        if ((size_t)n < offsetof(struct packet, text) || packet->length >= HANDOVER_TEXT_SIZE ||
            (size_t)n != offsetof(struct packet, text) + packet->length) {
                fd_close(ret_fd);
                return -EBADMSG;
        }
        packet->text[packet->length] = '\0';
        return 1;
}

/* ---- the pull's side ---- */

int handover_connect(int folder, struct handover **ret_handover, struct error *err)
{
        _cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        struct sockaddr_un address;
        struct handover *handover;

        *ret_handover = NULL;
        make_address(folder, &address);
        if (fd < 0)
                return error_errno(err, errno, _("cannot ask for a guard"));
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
                if (errno == ENOENT || errno == ECONNREFUSED)
                        return 0;
                return error_errno(err, errno, _("cannot speak to the guard"));
        }
        handover = memory_new(1, sizeof(*handover));
        if (!handover)
                return error_memory(err);
        handover->socket = fd_steal(&fd);
        *ret_handover = handover;
        return 0;
}

void handover_close(struct handover *handover)
{
        if (!handover)
                return;
        fd_close(&handover->socket);
        free(handover);
}

static int ask(struct handover *handover, struct packet *packet, int fd, struct error *err)
{
        struct pollfd poll_fd = { .fd = handover->socket, .events = POLLIN };
        int r = send_packet(handover->socket, packet, fd), received = -1;

        if (r == 0 && poll(&poll_fd, 1, HANDOVER_TIMEOUT_MS) <= 0)
                r = -ETIMEDOUT;
        if (r == 0)
                r = receive_packet(handover->socket, packet, &received);
        fd_close(&received);
        if (r == 0)
                r = -EPIPE;
        if (r < 0)
                return error_errno(err, -r, _("the guard of this tree does not answer; restart it, or stop it, then "
                                              "pull again"));
        if (packet->verb != HANDOVER_OK)
                return error_refuse(err, _("the guard does not accept this release: %s"), packet->text);
        return 0;
}

int handover_staged(struct handover *handover, uint64_t release, int kept_next, struct error *err)
{
        struct packet packet = { .verb = HANDOVER_STAGED, .release = release };

        return ask(handover, &packet, kept_next, err);
}

int handover_exchanged(struct handover *handover, bool done, struct error *err)
{
        struct packet packet = { .verb = done ? HANDOVER_EXCHANGED : HANDOVER_UNDONE };

        return ask(handover, &packet, -1, err);
}

int handover_status(struct handover *handover, char *text, struct error *err)
{
        struct packet packet = { .verb = HANDOVER_STATUS };
        int r = ask(handover, &packet, -1, err);

        if (r == 0)
                memcpy(text, packet.text, packet.length + 1);
        return r;
}

/* ---- the guard's side ---- */

int handover_listen(int folder, struct error *err)
{
        _cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un address;

        make_address(folder, &address);
        (void)unlinkat(folder, HANDOVER_SOCKET, 0);
        if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0)
                return error_errno(err, errno, _("cannot make the socket on which pulls speak to the guard"));
        return fd_steal(&fd);
}

int handover_receive(int connection, struct handover_message *ret_message)
{
        struct packet packet;
        int fd = -1, r = receive_packet(connection, &packet, &fd);

        if (r <= 0)
                return r;
        *ret_message = (struct handover_message){ packet.verb, packet.release, fd };
        if ((packet.verb == HANDOVER_STAGED) != (fd >= 0)) {
                fd_close(&fd);
                return -EBADMSG;
        }
        return 1;
}

int handover_answer(int connection, enum handover_verb verb, const char *text)
{
        struct packet packet = { .verb = verb };
        int n = snprintf(packet.text, sizeof(packet.text), "%s", text);

        packet.length = n < 0 ? 0 : (size_t)n < sizeof(packet.text) ? (uint32_t)n : (uint32_t)sizeof(packet.text) - 1;
        return send_packet(connection, &packet, -1);
}
