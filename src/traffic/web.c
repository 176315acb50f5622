#include "web.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"

#define TIMEOUT_MS   30000
#define CONNECT_MS   2000
#define PAUSE_US     10000
#define WORDS_LENGTH 300 /* of what a command said, in a sentence of ours */

static int timeout_of(const struct web *web)
{
        return web->timeout_ms ? web->timeout_ms : TIMEOUT_MS;
}

/* 1 accepted, 0 refused, or a negative errno without words. */
static int try_connect(const struct web *web)
{
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(web->port) };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(web->port) };
        bool four = web->address.family == AF_INET;
        _cleanup_(fd_closep) int fd = socket(web->address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int failed = 0;
        socklen_t size = sizeof(failed);

        if (fd < 0)
                return -errno;
        memcpy(&in.sin_addr, web->address.bytes, 4);
        memcpy(&in6.sin6_addr, web->address.bytes, 16);
        if (connect(fd, four ? (struct sockaddr *)&in : (struct sockaddr *)&in6, four ? sizeof(in) : sizeof(in6)) < 0) {
                if (errno != EINPROGRESS)
                        return errno == ECONNREFUSED ? 0 : -errno;
                if (fd_wait(fd, POLLOUT, clock_monotonic_ms() + CONNECT_MS) < 0)
                        return -ETIMEDOUT;
        }
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) < 0)
                return -errno;
        return failed == ECONNREFUSED ? 0 : failed ? -failed : 1;
}

int web_answers(const struct web *web, struct error *err)
{
        char text[PEER_ADDRESS_TEXT];
        int r = try_connect(web);

        if (r >= 0)
                return r;
        peer_address_text(&web->address, text);
        return error_errno(err, -r, _("cannot find out whether the web server is there at %s, port %u"), text,
                           web->port);
}

/*
 * Runs it; its exit status and, in `said`, what it printed. Into a file, not a pipe: the server that it starts may keep
 * its output, and would hold us up.
 */
static int run(const struct web *web, const char *command, struct buffer *said, struct error *err)
{
        _cleanup_(fd_closep) int output = memfd_create("output", MFD_CLOEXEC);
        _cleanup_(buffer_done) struct buffer line = BUFFER_INIT(65536);
        const char *argv[] = { "/bin/sh", "-c", NULL, NULL };
        const struct child_options options = { .input = -1,
                                               .timeout_ms = timeout_of(web),
                                               .output_descriptor = output };
        int status;

        if (!command)
                return error_usage(err, _("no command is configured that does this with the web server"));
        if (output < 0)
                return error_errno(err, errno, _("cannot run %s"), command);
        if (buffer_printf(&line, "exec 2>&1\n%s", command) < 0)
                return error_memory(err);
        argv[2] = buffer_text(&line);
        status = child_run(argv, &options, err);
        if (status >= 0 && lseek(output, 0, SEEK_SET) == 0)
                (void)read_to_end(output, said); /* its beginning, if it said more than that */
        return status;
}

/* Until it answers, or does not any more. */
static int wait_for(const struct web *web, int wanted, struct error *err)
{
        int64_t deadline = clock_monotonic_ms() + timeout_of(web);
        int r;

        for (;;) {
                r = web_answers(web, err);
                if (r == wanted || clock_monotonic_ms() >= deadline)
                        return r;
                usleep(PAUSE_US);
        }
}

static int fail(const struct web *web, const char *command, int status, const struct buffer *said, struct error *err)
{
        const char *words = buffer_text(said);
        size_t length = said->length;
        char text[PEER_ADDRESS_TEXT];

        while (length > 0 && (words[length - 1] == '\n' || words[length - 1] == ' '))
                length--;
        if (length > WORDS_LENGTH) {
                words += length - WORDS_LENGTH;
                length = WORDS_LENGTH;
        }
        peer_address_text(&web->address, text);
        return error_set(err, -EIO,
                         _("\"%s\" ended in %d, and the web server at %s, port %u, is not as it should be then: %.*s"),
                         command, status, text, web->port, (int)length, words);
}

static int run_until(const struct web *web, const char *command, int wanted, bool must_succeed, struct error *err)
{
        _cleanup_(buffer_done) struct buffer said = BUFFER_INIT(65536);
        int status = run(web, command, &said, err), r;

        if (status < 0)
                return status;
        if (must_succeed && status != 0)
                return fail(web, command, status, &said, err);
        r = wait_for(web, wanted, err);
        if (r < 0)
                return r;
        return r == wanted ? 0 : fail(web, command, status, &said, err);
}

int web_start(const struct web *web, struct error *err)
{
        return try_connect(web) == 1 ? 0 : run_until(web, web->start, 1, false, err);
}

int web_stop(const struct web *web, struct error *err)
{
        return try_connect(web) == 0 ? 0 : run_until(web, web->stop, 0, false, err);
}

int web_reload(const struct web *web, struct error *err)
{
        return run_until(web, web->reload, 1, true, err);
}
