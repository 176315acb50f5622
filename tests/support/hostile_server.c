/*
 * hostile_server.c - serves a folder over HTTP on 127.0.0.1, in one of many wrong ways.
 *
 * hostile_server FOLDER MODE [PART]
 *
 * Prints its port. What MODE does happens to paths that contain PART (to all without it); others are served as any web
 * server does, with ranges. One process a connection, which keeps it open. Ends when its standard input does.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_MAXIMUM 8192
#define CUT_AT       5000  /* bytes of a file */
#define CUT_STEP     30000 /* bytes of a connection */

struct request {
        int socket;
        char path[1024];
        bool ranged;
        size_t from, to; /* inclusive; as asked for */
        char *bytes;     /* of the file */
        size_t size;
};

static const char *mode;
static int *requests_seen; /* of the mode's files, over all connections */

static bool mode_is(const char *name)
{
        return strcmp(mode, name) == 0;
}

static void put(int socket, const void *bytes, size_t length)
{
        const char *next = bytes;

        while (length > 0) {
                ssize_t n = send(socket, next, length, MSG_NOSIGNAL);

                if (n <= 0)
                        _exit(0);
                next += n;
                length -= (size_t)n;
        }
}

static void put_text(int socket, const char *text)
{
        put(socket, text, strlen(text));
}

static void put_head(int socket, const char *status, size_t length, const char *more)
{
        char head[1024];

        snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status, length, more);
        put_text(socket, head);
}

static void put_status(const struct request *request, const char *status)
{
        put_head(request->socket, status, 5, "");
        put_text(request->socket, "oops\n");
}

/* As it should be. */
static void serve_right(const struct request *request, const char *more, const char *bytes)
{
        char headers[256];
        size_t to = request->to < request->size ? request->to : request->size - 1;

        if (!request->ranged) {
                put_head(request->socket, "200 OK", request->size, more);
                put(request->socket, bytes, request->size);
        } else if (request->from >= request->size) {
                put_status(request, "416 Range Not Satisfiable");
        } else {
                snprintf(headers, sizeof(headers), "Content-Range: bytes %zu-%zu/%zu\r\n%s", request->from, to,
                         request->size, more);
                put_head(request->socket, "206 Partial Content", to - request->from + 1, headers);
                put(request->socket, bytes + request->from, to - request->from + 1);
        }
}

/* The right head, then only what lies before `end` in the file, and a closed connection. */
static void serve_until(const struct request *request, size_t end)
{
        char head[256];
        size_t from = request->ranged ? request->from : 0;
        size_t to = request->ranged && request->to < request->size ? request->to : request->size - 1;

        if (request->ranged)
                snprintf(head, sizeof(head),
                         "HTTP/1.1 206 Partial Content\r\nContent-Length: %zu\r\nContent-Range: bytes "
                         "%zu-%zu/%zu\r\n\r\n",
                         to - from + 1, from, to, request->size);
        else
                snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", request->size);
        put_text(request->socket, head);
        if (end > to + 1)
                end = to + 1;
        if (end > from)
                put(request->socket, request->bytes + from, end - from);
        shutdown(request->socket, SHUT_RDWR);
        _exit(0);
}

static void serve_endless(const struct request *request)
{
        char chunk[65536];

        memset(chunk, 'e', sizeof(chunk));
        put_text(request->socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (;;) {
                put_text(request->socket, "10000\r\n");
                put(request->socket, chunk, sizeof(chunk));
                put_text(request->socket, "\r\n");
        }
}

static void serve_slowly(const struct request *request)
{
        put_head(request->socket, "200 OK", request->size, "");
        for (size_t i = 0; i < request->size; i++) {
                put(request->socket, request->bytes + i, 1);
                usleep(20000);
        }
}

static void serve_headers(const struct request *request, const char *first, const char *header)
{
        put_text(request->socket, first);
        for (;;)
                put_text(request->socket, header);
}

/* One byte of the file is another one. */
static void serve_changed(const struct request *request)
{
        char *changed = malloc(request->size);

        if (!changed)
                _exit(1);
        memcpy(changed, request->bytes, request->size);
        changed[request->size / 2] ^= 8;
        serve_right(request, "", changed);
        free(changed);
}

static void serve_other_range(struct request *request)
{
        char headers[128];
        size_t length;

        if (!request->ranged || request->from == 0) { /* a part where nobody asked for one, or not from there */
                snprintf(headers, sizeof(headers), "Content-Range: bytes 1-%zu/%zu\r\n", request->size - 1,
                         request->size);
                put_head(request->socket, "206 Partial Content", request->size - 1, headers);
                put(request->socket, request->bytes + 1, request->size - 1);
                return;
        }
        length = request->to - request->from + 1;
        snprintf(headers, sizeof(headers), "Content-Range: bytes 0-%zu/%zu\r\n", length - 1, request->size);
        put_head(request->socket, "206 Partial Content", length, headers);
        put(request->socket, request->bytes, length);
}

static void serve_chunked_half(const struct request *request)
{
        char size[32];

        put_text(request->socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        snprintf(size, sizeof(size), "%zx\r\n", request->size / 2);
        put_text(request->socket, size);
        put(request->socket, request->bytes, request->size / 2);
        put_text(request->socket, "\r\n0\r\n\r\n");
}

static void serve_wrong(struct request *request)
{
        int socket = request->socket;
        int seen = __atomic_fetch_add(requests_seen, 1, __ATOMIC_SEQ_CST);

        if (mode_is("good")) {
                serve_right(request, "", request->bytes);
        } else if (mode_is("no-ranges")) {
                request->ranged = false;
                serve_right(request, "", request->bytes);
        } else if (mode_is("short")) {
                put_head(socket, "200 OK", request->size / 2, "");
                put(socket, request->bytes, request->size / 2);
        } else if (mode_is("short-chunked")) {
                serve_chunked_half(request);
        } else if (mode_is("long")) {
                put_head(socket, "200 OK", request->size + 10, "");
                put(socket, request->bytes, request->size);
                put_text(socket, "0123456789");
        } else if (mode_is("long-unsaid")) {
                put_text(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
                put(socket, request->bytes, request->size);
                put_text(socket, "0123456789");
                _exit(0);
        } else if (mode_is("endless")) {
                serve_endless(request);
        } else if (mode_is("endless-headers")) {
                serve_headers(request, "HTTP/1.1 200 OK\r\n", "X-More: and more\r\n");
        } else if (mode_is("endless-header")) {
                serve_headers(request, "HTTP/1.1 200 OK\r\nX-Long: ", "and longer and longer and longer and longer");
        } else if (mode_is("endless-100")) {
                serve_headers(request, "", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
        } else if (mode_is("changed")) {
                serve_changed(request);
        } else if (mode_is("redirect-file")) {
                put_head(socket, "302 Found", 0, "Location: file:///etc/passwd\r\n");
        } else if (mode_is("redirect-host")) {
                put_head(socket, "301 Moved Permanently", 0, "Location: http://other.invalid/repo/\r\n");
        } else if (mode_is("redirect-here")) {
                put_head(socket, "307 Temporary Redirect", 0, "Location: /elsewhere/\r\n");
        } else if (mode_is("drip")) {
                serve_slowly(request);
        } else if (mode_is("stall")) {
                put_head(socket, "200 OK", request->size, "");
                pause();
        } else if (mode_is("silent")) {
                pause();
        } else if (mode_is("cut-once")) {
                if (seen == 0)
                        serve_until(request, CUT_AT);
                serve_right(request, "", request->bytes);
        } else if (mode_is("cut-often")) {
                serve_until(request, (request->ranged ? request->from : 0) + CUT_STEP);
        } else if (mode_is("cut-there")) {
                serve_until(request, CUT_AT);
        } else if (mode_is("other-range")) {
                serve_other_range(request);
        } else if (mode_is("gzip")) {
                serve_right(request, "Content-Encoding: gzip\r\n", request->bytes);
        } else if (mode_is("huge-length")) {
                put_head(socket, "200 OK", (size_t)1 << 50, "");
                put(socket, request->bytes, request->size);
                pause();
        } else if (mode_is("html")) {
                put_head(socket, "200 OK", 34, "Content-Type: text/html\r\n");
                put_text(socket, "<html>Please log in first.</html>\n");
        } else if (mode_is("not-http")) {
                put_text(socket, "220 mail.invalid ESMTP\r\n");
                _exit(0);
        } else if (mode_is("busy-once")) {
                if (seen == 0)
                        put_status(request, "503 Service Unavailable");
                else
                        serve_right(request, "", request->bytes);
        } else {
                put_status(request, mode); /* "404 Not Found" and the like */
        }
}

static bool load(struct request *request, int folder)
{
        int fd = openat(folder, request->path + 1, O_RDONLY | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
                if (fd >= 0)
                        close(fd);
                return false;
        }
        request->size = (size_t)st.st_size;
        request->bytes = mmap(NULL, request->size, PROT_READ, MAP_PRIVATE, fd, 0);
        close(fd);
        return request->bytes != MAP_FAILED;
}

/* Reads the head of a request; false at the end of the connection. */
static bool read_request(int socket, struct request *request)
{
        char head[HEAD_MAXIMUM + 1];
        size_t length = 0;
        const char *range;

        for (;;) {
                ssize_t n = recv(socket, head + length, 1, 0);

                if (n <= 0 || length + 1 >= HEAD_MAXIMUM)
                        return false;
                length++;
                head[length] = '\0';
                if (length >= 4 && memcmp(head + length - 4, "\r\n\r\n", 4) == 0)
                        break;
        }
        *request = (struct request){ .socket = socket };
        if (sscanf(head, "GET %1023s", request->path) != 1)
                return false;
        range = strstr(head, "Range: bytes=");
        request->ranged = range && sscanf(range, "Range: bytes=%zu-%zu", &request->from, &request->to) == 2;
        return true;
}

static void serve_connection(int socket, int folder, const char *part)
{
        struct request request;

        while (read_request(socket, &request)) {
                if (!load(&request, folder)) {
                        put_status(&request, "404 Not Found");
                        continue;
                }
                if (!part || strstr(request.path, part))
                        serve_wrong(&request);
                else
                        serve_right(&request, "", request.bytes);
                munmap(request.bytes, request.size);
        }
        _exit(0);
}

int main(int argc, char *argv[])
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof(address);
        int folder, listener;

        if (argc < 3)
                return 2;
        mode = argv[2];
        folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        requests_seen = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (folder < 0 || requests_seen == MAP_FAILED || bind(listener, (struct sockaddr *)&address, length) < 0 ||
            listen(listener, 16) < 0 || getsockname(listener, (struct sockaddr *)&address, &length) < 0) {
                perror("hostile_server");
                return 3;
        }
        printf("%d\n", ntohs(address.sin_port));
        fflush(stdout);
        signal(SIGCHLD, SIG_IGN);
        for (;;) {
                struct pollfd fds[2] = {
                        {.fd = listener, .events = POLLIN},
                        { .fd = 0,       .events = POLLIN}
                };
                char drop[64];
                int connection;

                if (poll(fds, 2, -1) < 0)
                        return 3;
                if (fds[1].revents && read(0, drop, sizeof(drop)) <= 0)
                        return 0;
                if (!fds[0].revents || (connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
                        continue;
                if (fork() == 0) {
                        prctl(PR_SET_PDEATHSIG, SIGKILL);
                        serve_connection(connection, folder, argc > 3 ? argv[3] : NULL);
                }
                close(connection);
        }
}
