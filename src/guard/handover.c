/* handover.c - one fixed packet each way; descriptors go with one of them. */
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
#include "base/text.h"
#include "ipc/packet.h"

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

#define FDS_MAXIMUM (1 + RELEASE_ROOTS_MAXIMUM)
_Static_assert(FDS_MAXIMUM <= PACKET_FDS, "a release's trees go with one packet");

static int send_packet(int socket, const struct packet *packet, const int *fds, size_t count)
{
        return packet_send(socket, packet, offsetof(struct packet, text) + packet->length, fds, count);
}

/* 1, 0 at the end, negative for nonsense; descriptors that came along are the caller's. */
static int receive_packet(int socket, struct packet *packet, int fds[static FDS_MAXIMUM], size_t *ret_count)
{
        ssize_t n = packet_receive(socket, packet, sizeof(*packet), fds, FDS_MAXIMUM, ret_count);

        if (n <= 0)
                return (int)n;
        if ((size_t)n < offsetof(struct packet, text) || packet->length >= HANDOVER_TEXT_SIZE ||
            (size_t)n != offsetof(struct packet, text) + packet->length) {
                while (*ret_count > 0)
                        close(fds[--*ret_count]);
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

static int ask(struct handover *handover, struct packet *packet, const int *fds, size_t count, struct error *err)
{
        struct pollfd poll_fd = { .fd = handover->socket, .events = POLLIN };
        int r = send_packet(handover->socket, packet, fds, count), received[FDS_MAXIMUM];
        size_t received_count = 0;

        if (r == 0 && poll(&poll_fd, 1, HANDOVER_TIMEOUT_MS) <= 0)
                r = -ETIMEDOUT;
        if (r == 0)
                r = receive_packet(handover->socket, packet, received, &received_count);
        while (received_count > 0)
                close(received[--received_count]);
        if (r == 0)
                r = -EPIPE;
        if (r < 0)
                return error_errno(err, -r, _("the guard of this tree does not answer; restart it, or stop it, then "
                                              "pull again"));
        if (packet->verb != HANDOVER_OK)
                return error_refuse(err, _("the guard does not accept this release: %s"), packet->text);
        return 0;
}

static int show_trees(struct handover *handover, enum handover_verb verb, uint64_t release, int kept_next,
                      const struct pull_staged *trees, size_t count, struct error *err)
{
        struct packet packet = { .verb = verb, .release = release };
        int fds[FDS_MAXIMUM] = { kept_next };

        /* The names, a line each, in the order of the descriptors. */
        for (size_t i = 0; i < count && i < RELEASE_ROOTS_MAXIMUM; i++) {
                packet.length += (uint32_t)snprintf(&packet.text[packet.length], sizeof(packet.text) - packet.length,
                                                    "%s\n", trees[i].name);
                fds[1 + i] = trees[i].folder;
        }
        return ask(handover, &packet, fds, 1 + count, err);
}

int handover_staged(struct handover *handover, uint64_t release, int kept_next, const struct pull_staged *trees,
                    size_t count, struct error *err)
{
        return show_trees(handover, HANDOVER_STAGED, release, kept_next, trees, count, err);
}

int handover_mending(struct handover *handover, uint64_t release, int kept_next, const struct pull_staged *trees,
                     size_t count, struct error *err)
{
        return show_trees(handover, HANDOVER_MENDING, release, kept_next, trees, count, err);
}

int handover_mended(struct handover *handover, struct error *err)
{
        struct packet packet = { .verb = HANDOVER_MENDED };

        return ask(handover, &packet, NULL, 0, err);
}

size_t handover_names(struct handover *handover, struct pull_name names[static PULL_MEND_NAMES])
{
        struct packet packet = { .verb = HANDOVER_NAMES };

        /* A guard that does not answer now does not later, either, where that ends the pull with words. */
        return ask(handover, &packet, NULL, 0, NULL) < 0 ? 0 : handover_names_read(packet.text, names);
}

int handover_exchanged(struct handover *handover, bool done, struct error *err)
{
        struct packet packet = { .verb = done ? HANDOVER_EXCHANGED : HANDOVER_UNDONE };

        return ask(handover, &packet, NULL, 0, err);
}

int handover_status(struct handover *handover, char *text, struct error *err)
{
        struct packet packet = { .verb = HANDOVER_STATUS };
        int r = ask(handover, &packet, NULL, 0, err);

        if (r == 0)
                memcpy(text, packet.text, packet.length + 1);
        return r;
}

/* ---- names ---- */

int handover_name_write(struct buffer *text, const char *root, const char *path)
{
        _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(HANDOVER_TEXT_SIZE);

        if (text_escape(&name, path, strlen(path)) < 0)
                return -E2BIG;
        return buffer_printf(text, "%s %s\n", root, buffer_text(&name)) < 0 ? -E2BIG : 0;
}

static bool read_name(const char *line, size_t length, struct pull_name *ret_name)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(PATH_MAX - 1);
        const char *space = memchr(line, ' ', length);
        size_t root = space ? (size_t)(space - line) : 0;

        if (root == 0 || root >= sizeof(ret_name->root) || text_unescape(&path, space + 1, length - root - 1) < 0 ||
            path.length == 0 || strlen(buffer_text(&path)) != path.length)
                return false;
        memcpy(ret_name->root, line, root);
        ret_name->root[root] = '\0';
        memcpy(ret_name->path, buffer_text(&path), path.length + 1);
        return true;
}

size_t handover_names_read(const char *text, struct pull_name names[static PULL_MEND_NAMES])
{
        const char *cursor = text, *end = text + strlen(text), *line;
        size_t count = 0, length;

        while (text_next_line(&cursor, end, &line, &length))
                if (count == PULL_MEND_NAMES || !read_name(line, length, &names[count++]))
                        return 0;
        return count;
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

static bool take_trees(const struct packet *packet, const int *fds, size_t count, struct handover_message *message)
{
        const char *cursor = packet->text, *line;
        size_t length;

        for (size_t i = 0; i < count; i++) {
                if (!text_next_line(&cursor, packet->text + packet->length, &line, &length) ||
                    length >= sizeof(message->trees[i].name))
                        return false;
                memcpy(message->trees[i].name, line, length);
                message->trees[i].name[length] = '\0';
                message->trees[i].folder = fds[i];
        }
        message->tree_count = count;
        return true;
}

int handover_receive(int connection, struct handover_message *ret_message)
{
        struct packet packet = { .verb = 0 };
        int fds[FDS_MAXIMUM], r;
        size_t count = 0;

        r = receive_packet(connection, &packet, fds, &count);
        if (r <= 0)
                return r;
        *ret_message = (struct handover_message){ .verb = packet.verb, .release = packet.release, .folder = -1 };
        if ((packet.verb == HANDOVER_STAGED || packet.verb == HANDOVER_MENDING) == (count > 0) &&
            (count == 0 || take_trees(&packet, &fds[1], count - 1, ret_message))) {
                if (count > 0)
                        ret_message->folder = fds[0];
                return 1;
        }
        while (count > 0)
                close(fds[--count]);
        return -EBADMSG;
}

void handover_message_done(struct handover_message *message)
{
        fd_close(&message->folder);
        while (message->tree_count > 0)
                fd_close(&message->trees[--message->tree_count].folder);
}

int handover_answer(int connection, enum handover_verb verb, const char *text)
{
        struct packet packet = { .verb = verb };
        int n = snprintf(packet.text, sizeof(packet.text), "%s", text);

        packet.length = n < 0 ? 0 : (size_t)n < sizeof(packet.text) ? (uint32_t)n : (uint32_t)sizeof(packet.text) - 1;
        return send_packet(connection, &packet, NULL, 0);
}
