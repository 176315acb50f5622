/*
 * who_connection.c - where a process's connections come from.
 *
 * A socket is borrowed from the process for a moment (pidfd_getfd(2)) and asked for its peer: exact, in whatever
 * network namespace it lives, and without reading a table of all connections of the machine, which a busy web server
 * makes long. Where the kernel does not allow that (Yama's strictest setting), the process's own /proc/PID/net/tcp is
 * read instead.
 */
#include "who_private.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"

#define TABLE_MAXIMUM       ((size_t)4 << 20) /* about 27,000 connections */
#define PORTS_MAXIMUM       16
#define CONNECTIONS_MAXIMUM 1024
#define INODES_MAXIMUM      256 /* sockets that are looked for in the table */

void who_address_text(const struct who_address *address, char text[static WHO_ADDRESS_SIZE])
{
        if (!inet_ntop(address->family, address->bytes, text, WHO_ADDRESS_SIZE))
                text[0] = '\0';
}

bool who_address_equal(const struct who_address *a, const struct who_address *b)
{
        return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* What one descriptor turned out to be, before the process's listening ports are all known. */
struct collected {
        size_t connection_count, port_count;
        struct who_connection connections[CONNECTIONS_MAXIMUM];
        uint16_t ports[PORTS_MAXIMUM];
};

static bool from_sockaddr(const struct sockaddr_storage *from, struct who_address *ret)
{
        struct who_address address = { .family = from->ss_family };

        if (from->ss_family == AF_INET) {
                const struct sockaddr_in *in = (const void *)from;

                memcpy(address.bytes, &in->sin_addr, 4);
                address.port = ntohs(in->sin_port);
        } else if (from->ss_family == AF_INET6) {
                const struct sockaddr_in6 *in6 = (const void *)from;

                memcpy(address.bytes, &in6->sin6_addr, 16);
                address.port = ntohs(in6->sin6_port);
        } else {
                return false;
        }
        who_address_normalize(&address);
        *ret = address;
        return true;
}

static void collect(struct collected *collected, const struct who_connection *connection)
{
        if (connection->listening) {
                if (collected->port_count < PORTS_MAXIMUM)
                        collected->ports[collected->port_count++] = connection->local.port;
        } else if (collected->connection_count < CONNECTIONS_MAXIMUM) {
                collected->connections[collected->connection_count++] = *connection;
        }
}

static void ask_unix(int fd, struct who_sockets *ret)
{
        struct ucred peer = { 0 };
        socklen_t length = sizeof(peer);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || peer.pid <= 0)
                return;
        if (ret->unix_peer && ret->unix_peer != peer.pid)
                ret->unix_peers = true;
        ret->unix_peer = peer.pid;
}

/* A borrowed socket: only asked, never read from or written to. */
static void ask_socket(int fd, struct collected *collected, struct who_sockets *ret)
{
        struct sockaddr_storage local = { 0 }, remote = { 0 };
        socklen_t local_length = sizeof(local), remote_length = sizeof(remote), length = sizeof(int);
        struct who_connection connection = { 0 };
        int listening = 0, type = 0;

        if (getsockname(fd, (struct sockaddr *)&local, &local_length) < 0 ||
            getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || type != SOCK_STREAM)
                return;
        length = sizeof(listening);
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length);
        if (local.ss_family == AF_UNIX) {
                /* One that was accepted has the name of the socket that it came in by; one that went out has none. */
                if (!listening && local_length > offsetof(struct sockaddr_un, sun_path))
                        ask_unix(fd, ret);
                return;
        }
        if (!from_sockaddr(&local, &connection.local))
                return;
        connection.listening = listening != 0;
        if (!listening && (getpeername(fd, (struct sockaddr *)&remote, &remote_length) < 0 ||
                           !from_sockaddr(&remote, &connection.remote)))
                return;
        collect(collected, &connection);
}

/* The table of the process's network namespace, for the sockets whose inodes are known. */
static void ask_table(const struct who_handle *handle, const char *name, const uint64_t *inodes, size_t count,
                      struct collected *collected)
{
        _cleanup_(buffer_done) struct buffer table = BUFFER_INIT(TABLE_MAXIMUM);
        _cleanup_(fd_closep) int fd = openat(handle->directory, name, O_RDONLY | O_CLOEXEC);
        struct who_connection connection;
        const char *cursor, *line;
        size_t length;

        if (fd < 0 || (read_to_end(fd, &table) < 0 && table.length == 0))
                return;
        cursor = buffer_text(&table);
        while (text_next_line(&cursor, buffer_text(&table) + table.length, &line, &length)) {
                if (who_parse_tcp(line, length, &connection) < 0)
                        continue;
                for (size_t i = 0; i < count; i++)
                        if (inodes[i] == connection.inode)
                                collect(collected, &connection);
        }
}

/* A handle on the process for pidfd_getfd(2). That the process is still there afterwards proves that it is its own. */
static int open_pidfd(const struct who_handle *handle)
{
        char text[16];
        int fd = (int)syscall(SYS_pidfd_open, handle->pid, 0);

        if (fd >= 0 && who_read(handle->directory, "comm", text, sizeof(text)) < 0)
                fd_close(&fd);
        return fd;
}

static DIR *open_descriptors(const struct who_handle *handle)
{
        int fd = openat(handle->directory, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *directory = fd < 0 ? NULL : fdopendir(fd);

        if (!directory)
                fd_close(&fd);
        return directory;
}

static void look(const struct who_handle *handle, DIR *descriptors, size_t limit, struct collected *collected,
                 struct who_sockets *ret)
{
        _cleanup_(fd_closep) int pidfd = open_pidfd(handle);
        uint64_t inodes[INODES_MAXIMUM], inode, number;
        size_t looked = 0, inode_count = 0;
        struct dirent *entry;
        char link[64];

        while ((entry = readdir(descriptors))) {
                _cleanup_(fd_closep) int borrowed = -1;
                ssize_t length;

                if (text_parse_u64(entry->d_name, strlen(entry->d_name), INT32_MAX, &number) < 0)
                        continue; /* "." and ".." */
                if (looked++ == limit) {
                        ret->cut = true;
                        break;
                }
                length = readlinkat(dirfd(descriptors), entry->d_name, link, sizeof(link));
                if (length < 0 || who_parse_socket_link(link, (size_t)length, &inode) < 0)
                        continue;
                if (pidfd >= 0)
                        borrowed = (int)syscall(SYS_pidfd_getfd, pidfd, (int)number, 0);
                if (borrowed >= 0)
                        ask_socket(borrowed, collected, ret);
                else if (inode_count < INODES_MAXIMUM)
                        inodes[inode_count++] = inode;
        }
        if (inode_count == 0)
                return;
        ask_table(handle, "net/tcp", inodes, inode_count, collected);
        ask_table(handle, "net/tcp6", inodes, inode_count, collected);
}

static bool is_incoming(const struct collected *collected, const struct who_connection *connection)
{
        for (size_t i = 0; i < collected->port_count; i++)
                if (collected->ports[i] == connection->local.port)
                        return true;
        return false;
}

static void keep_incoming(struct collected *collected)
{
        size_t kept = 0;

        for (size_t i = 0; i < collected->connection_count; i++)
                if (is_incoming(collected, &collected->connections[i]))
                        collected->connections[kept++] = collected->connections[i];
        collected->connection_count = kept;
}

/* The first of those from the same address stands for them: it is the oldest one, as descriptors are given out. */
static bool is_repeated(const struct collected *collected, size_t index)
{
        for (size_t i = 0; i < index; i++)
                if (who_address_equal(&collected->connections[i].remote, &collected->connections[index].remote))
                        return true;
        return false;
}

void who_sockets(const struct who_handle *handle, size_t limit, bool incoming_only, struct who_sockets *ret)
{
        struct collected collected = { 0 };
        DIR *descriptors = open_descriptors(handle);

        *ret = (struct who_sockets){ .refused = !descriptors };
        if (!descriptors)
                return;
        look(handle, descriptors, limit, &collected, ret);
        closedir(descriptors);
        ret->listening = collected.port_count > 0;
        ret->remote.holder = handle->pid;
        if (incoming_only)
                keep_incoming(&collected);
        for (size_t i = 0; i < collected.connection_count; i++) {
                if (is_repeated(&collected, i))
                        continue;
                if (ret->remote.count < WHO_CANDIDATES)
                        ret->remote.addresses[ret->remote.count] = collected.connections[i].remote;
                ret->remote.count++;
        }
}
