/*
 * notify_sink.c - what alerts are sent to in tests: an SMTP server, a webhook, a syslog receiver, well behaved or not.
 *
 *     notify_sink KIND FOLDER [MODE [PORT]]     KIND is smtp, http, udp, tcp, or unix (PORT is the socket's path then)
 *
 * Prints its port and serves until its standard input ends. Each message becomes a file in FOLDER: NNNN.smtp (envelope,
 * empty line, the mail as it came but for the dots of SMTP), NNNN.http (the request as it came), NNNN.udp, NNNN.tcp,
 * NNNN.unix. The answers are the MODE's:
 *
 *     accept        takes all (the default)
 *     CODE          http: that status; smtp: that answer to the mail's end
 *     rcpt550       smtp: nobody of that name here
 *     picky         smtp: 550 for gone...@, 450 for later...@, 421 for busy...@, and takes the others
 *     redirect      http: to /elsewhere of itself
 *     close         hangs up when it has read all
 *     silent        reads, and never answers
 *     drip          answers, a byte every 100 ms
 *     dripbody      http: says 200 at once, and drips the body
 *     endless       headers (http) or lines of an answer (smtp) without end
 *     endlessbody   http: 200 and a body without end
 *     slow=MS       answers after that time
 *     killonce      hangs up after it has read the first message, which it keeps; then takes all
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *folder, *kind, *mode = "accept";

static bool is(const char *text)
{
        return strcmp(mode, text) == 0;
}

/* A new file NNNN.KIND, written beside and linked into place, so that a test sees whole ones only. */
static void keep(const char *bytes, size_t length)
{
        char temporary[4096], name[4096];
        int fd;

        snprintf(temporary, sizeof(temporary), "%s/.%d.tmp", folder, (int)getpid());
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
                exit(3);
        close(fd);
        for (int number = 1; number < 10000; number++) {
                snprintf(name, sizeof(name), "%s/%04d.%s", folder, number, kind);
                if (link(temporary, name) == 0)
                        break;
                if (errno != EEXIST)
                        exit(3);
        }
        unlink(temporary);
}

static void put(int fd, const char *text, size_t length)
{
        bool drip = is("drip");

        for (size_t sent = 0; sent < length;) {
                ssize_t n = send(fd, text + sent, drip ? 1 : length - sent, MSG_NOSIGNAL);

                if (n <= 0)
                        _exit(0);
                sent += (size_t)n;
                if (drip)
                        usleep(100000);
        }
}

static void say(int fd, const char *text)
{
        if (strncmp(mode, "slow=", 5) == 0)
                usleep((useconds_t)strtoul(mode + 5, NULL, 10) * 1000);
        if (is("silent"))
                pause();
        put(fd, text, strlen(text));
}

/* The first message is kept and never answered, by whichever connection it comes. */
static void hang_up_once(void)
{
        char name[4096];
        int fd;

        if (is("close"))
                _exit(0);
        if (!is("killonce"))
                return;
        snprintf(name, sizeof(name), "%s/.once", folder);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (fd >= 0)
                _exit(0);
}

/* ---- SMTP ---- */

static bool read_line(FILE *in, char *line, size_t size)
{
        if (!fgets(line, (int)size, in))
                return false;
        line[strcspn(line, "\r\n")] = '\0';
        return true;
}

static void endless_lines(int fd, const char *line)
{
        while (is("endless"))
                put(fd, line, strlen(line));
}

static void take_mail(int fd, FILE *in, const char *envelope)
{
        size_t length = strlen(envelope), size = 1U << 20;
        char *mail = malloc(size), line[65536], answer[64];
        int code = (int)strtol(mode, NULL, 10);
        bool more;

        if (!mail)
                _exit(3);
        memcpy(mail, envelope, length);
        while ((more = fgets(line, sizeof(line), in) != NULL) && strcmp(line, ".\r\n") != 0) {
                const char *text = line[0] == '.' ? line + 1 : line;

                if (length + strlen(text) >= size)
                        _exit(3);
                memcpy(mail + length, text, strlen(text));
                length += strlen(text);
        }
        if (!more)
                _exit(0);
        if (code == 0)
                keep(mail, length);
        free(mail);
        hang_up_once();
        snprintf(answer, sizeof(answer), "%d said the test\r\n", code ? code : 250);
        say(fd, answer);
}

static void serve_smtp(int fd)
{
        FILE *in = fdopen(dup(fd), "r");
        char line[4096], envelope[65536] = "";

        endless_lines(fd, "220-welcome\r\n");
        say(fd, "220 sink ESMTP\r\n");
        while (in && read_line(in, line, sizeof(line))) {
                size_t used = strlen(envelope);

                if (strncasecmp(line, "EHLO", 4) == 0)
                        say(fd, "250-sink\r\n250 8BITMIME\r\n");
                else if (strncasecmp(line, "DATA", 4) == 0) {
                        say(fd, "354 go on\r\n");
                        snprintf(envelope + used, sizeof(envelope) - used, "\n");
                        take_mail(fd, in, envelope);
                        envelope[0] = '\0';
                } else if (strncasecmp(line, "QUIT", 4) == 0) {
                        say(fd, "221 bye\r\n");
                        _exit(0);
                } else if (is("picky") && strncasecmp(line, "RCPT TO:<gone", 13) == 0)
                        say(fd, "550 nobody of that name here\r\n");
                else if (is("picky") && strncasecmp(line, "RCPT TO:<later", 14) == 0)
                        say(fd, "450 come back later\r\n");
                else if (is("picky") && strncasecmp(line, "RCPT TO:<busy", 13) == 0)
                        say(fd, "421 closing\r\n");
                else if (is("rcpt550") && strncasecmp(line, "RCPT", 4) == 0)
                        say(fd, "550 nobody of that name here\r\n");
                else {
                        snprintf(envelope + used, sizeof(envelope) - used, "%s\n", line);
                        say(fd, "250 ok\r\n");
                }
        }
}

/* ---- HTTP ---- */

static void answer_http(int fd, int port)
{
        int code = (int)strtol(mode, NULL, 10);
        char answer[256];

        hang_up_once();
        while (is("endless"))
                put(fd, "X-More: and more and more and more\r\n", 36);
        if (is("redirect"))
                snprintf(answer, sizeof(answer),
                         "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/elsewhere\r\nContent-Length: 0\r\n\r\n",
                         port);
        else if (is("endlessbody") || is("dripbody"))
                snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\n\r\n");
        else
                snprintf(answer, sizeof(answer), "HTTP/1.1 %d Said\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
                         code ? code : 200);
        say(fd, answer);
        while (is("endlessbody"))
                put(fd, "body without end, body without end\n", 35);
        while (is("dripbody")) {
                put(fd, "x", 1);
                usleep(100000);
        }
}

static void serve_http(int fd, int port)
{
        static char request[1U << 20];
        size_t length = 0, head = 0, body = 0;

        if (is("endless"))
                put(fd, "HTTP/1.1 200 OK\r\n", 17);
        for (;;) {
                ssize_t n = read(fd, request + length, sizeof(request) - 1 - length);
                const char *end, *field;

                if (n <= 0)
                        _exit(0);
                length += (size_t)n;
                request[length] = '\0';
                end = strstr(request, "\r\n\r\n");
                if (!end)
                        continue;
                head = (size_t)(end - request) + 4;
                field = strcasestr(request, "\r\nContent-Length:");
                body = field && field < end ? strtoul(field + 17, NULL, 10) : 0;
                if (length >= head + body)
                        break;
        }
        if (is("accept") || is("killonce") || strncmp(mode, "slow=", 5) == 0 || is("endlessbody") || is("dripbody") ||
            (is("redirect") && strstr(request, "/elsewhere")))
                keep(request, head + body);
        answer_http(fd, port);
}

/* ---- syslog ---- */

static void serve_tcp(int fd)
{
        static char all[1U << 20];
        size_t length = 0;
        ssize_t n;

        while ((n = read(fd, all + length, sizeof(all) - length)) > 0)
                length += (size_t)n;
        if (length > 0)
                keep(all, length);
}

static void serve_datagrams(int fd)
{
        char bytes[65536];
        struct pollfd fds[2] = {
                {.fd = fd, .events = POLLIN},
                { .fd = 0, .events = POLLIN}
        };

        for (;;) {
                ssize_t n;

                if (poll(fds, 2, -1) < 0 || (fds[1].revents && read(0, bytes, sizeof(bytes)) <= 0))
                        return;
                n = fds[0].revents ? recv(fd, bytes, sizeof(bytes), 0) : 0;
                if (n > 0)
                        keep(bytes, (size_t)n);
        }
}

/* ---- listening ---- */

static int open_socket(const char *where, int *ret_port)
{
        bool datagrams = strcmp(kind, "udp") == 0;
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof(address);
        int fd, one = 1;

        if (strcmp(kind, "unix") == 0) {
                struct sockaddr_un path = { .sun_family = AF_UNIX };

                snprintf(path.sun_path, sizeof(path.sun_path), "%s", where);
                unlink(where);
                fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                *ret_port = 0;
                return fd >= 0 && bind(fd, (const struct sockaddr *)&path, sizeof(path)) == 0 ? fd : -1;
        }
        address.sin_port = htons((uint16_t)(where ? strtoul(where, NULL, 10) : 0));
        fd = socket(AF_INET, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || (!datagrams && listen(fd, 64) < 0) ||
            getsockname(fd, (struct sockaddr *)&address, &length) < 0)
                return -1;
        *ret_port = ntohs(address.sin_port);
        return fd;
}

static void serve(int connection, int port) __attribute__((noreturn));

static void serve(int connection, int port)
{
        if (strcmp(kind, "smtp") == 0)
                serve_smtp(connection);
        else if (strcmp(kind, "http") == 0)
                serve_http(connection, port);
        else
                serve_tcp(connection);
        _exit(0);
}

int main(int argc, char *argv[])
{
        int listener, port = 0;

        if (argc < 3)
                return 2;
        kind = argv[1];
        folder = argv[2];
        mode = argc > 3 ? argv[3] : mode;
        listener = open_socket(argc > 4 ? argv[4] : NULL, &port);
        if (listener < 0) {
                perror("notify_sink");
                return 3;
        }
        printf("%d\n", port);
        fflush(stdout);
        if (strcmp(kind, "udp") == 0 || strcmp(kind, "unix") == 0) {
                serve_datagrams(listener);
                return 0;
        }
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
                        close(listener);
                        serve(connection, port);
                }
                close(connection);
        }
}
