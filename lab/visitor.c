/*
 * visitor.c - a visitor of the lab's site: opens one page after the other, again and again, until told to stop, and
 * writes down what he was given. He judges nothing: whether a page was genuine is decided by whoever reads the log, by
 * the SHA-256 of the bytes that arrived here.
 *
 *     understudy-visitor [--pause MS] http://192.0.2.80 PATHS LOG
 *
 * PATHS is a file with a path a line. LOG gets a line for each page, appended in one write:
 *
 *     MILLISECONDS STATUS SERVER SHA256 PATH
 *
 * with the time of CLOCK_MONOTONIC, the HTTP status, what the server called itself in X-Served-By ("-": nothing), and
 * the digest of the body. A page that did not come, or not to its end, has status 0 and "-" for the digest.
 *
 * Three of four pages are opened over a connection of their own, as by visitors who come and go, the fourth over one
 * that is kept open: after the address has moved, that is the connection that breaks.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "crypto/digest.h"

#define PATHS_MAXIMUM      65536 /* bytes of the list */
#define PAGE_TIMEOUT_MS    2000L
#define CONNECT_TIMEOUT_MS 500L
#define SERVER_SIZE        64
#define KEPT_EVERY         4 /* each fourth page over the kept connection */

static volatile sig_atomic_t told_to_stop;

static void stop(int signal_number)
{
        (void)signal_number;
        told_to_stop = 1;
}

struct visitor {
        CURL *curl;
        struct hasher *hasher;
        int log;
        const char *base;
};

static size_t body_arrived(char *bytes, size_t size, size_t count, void *context)
{
        struct hasher *hasher = context;

        return hasher_add(hasher, bytes, size * count) < 0 ? 0 : size * count;
}

/* What the server calls itself, as one word. */
static void server_name(CURL *curl, char name[static SERVER_SIZE])
{
        struct curl_header *header = NULL;

        if (curl_easy_header(curl, "X-Served-By", 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
            header->value[0] == '\0' || strpbrk(header->value, " \t\r\n") != NULL)
                snprintf(name, SERVER_SIZE, "-");
        else
                snprintf(name, SERVER_SIZE, "%s", header->value);
}

static int write_down(const struct visitor *visitor, int64_t time_ms, long status, const char *server,
                      const struct digest *digest, const char *path)
{
        _cleanup_(buffer_done) struct buffer line = BUFFER_INIT(PATHS_MAXIMUM + 256);
        char hex[DIGEST_HEX_SIZE] = "-";
        int r;

        if (digest != NULL)
                digest_hex(digest, hex);
        r = buffer_printf(&line, "%" PRId64 " %ld %s %s %s\n", time_ms, status, server, hex, path);
        if (r < 0)
                return r;
        return write_full(visitor->log, line.data, line.length);
}

static int open_page(const struct visitor *visitor, const char *path, bool kept)
{
        _cleanup_(buffer_done) struct buffer url = BUFFER_INIT(PATHS_MAXIMUM + 256);
        char server[SERVER_SIZE];
        struct digest digest;
        int64_t time_ms = clock_monotonic_ms();
        long status = 0;
        int r;

        r = buffer_printf(&url, "%s%s", visitor->base, path);
        if (r < 0)
                return r;
        r = hasher_begin(visitor->hasher);
        if (r < 0)
                return r;
        curl_easy_setopt(visitor->curl, CURLOPT_URL, buffer_text(&url));
        curl_easy_setopt(visitor->curl, CURLOPT_FRESH_CONNECT, kept ? 0L : 1L);
        curl_easy_setopt(visitor->curl, CURLOPT_FORBID_REUSE, kept ? 0L : 1L);
        if (curl_easy_perform(visitor->curl) != CURLE_OK)
                return write_down(visitor, time_ms, 0, "-", NULL, path);
        r = hasher_end(visitor->hasher, &digest);
        if (r < 0)
                return r;
        curl_easy_getinfo(visitor->curl, CURLINFO_RESPONSE_CODE, &status);
        server_name(visitor->curl, server);
        return write_down(visitor, time_ms, status, server, &digest, path);
}

/* Goes through the list until told to stop. */
static int visit(const struct visitor *visitor, const struct buffer *paths, long pause_ms)
{
        const struct timespec pause = { pause_ms / 1000, pause_ms % 1000 * 1000000 };
        const char *end = paths->data + paths->length;
        unsigned int count = 0;

        while (!told_to_stop) {
                const char *cursor = paths->data, *line;
                size_t length;

                while (!told_to_stop && text_next_line(&cursor, end, &line, &length)) {
                        char path[256];
                        int r;

                        if (length == 0 || length >= sizeof path)
                                return -EINVAL;
                        memcpy(path, line, length);
                        path[length] = '\0';
                        r = open_page(visitor, path, ++count % KEPT_EVERY == 0);
                        if (r < 0)
                                return r;
                        nanosleep(&pause, NULL);
                }
        }
        return 0;
}

static int run(const char *base, const char *list, const char *log, long pause_ms, struct error *err)
{
        _cleanup_(buffer_done) struct buffer paths = BUFFER_INIT(PATHS_MAXIMUM);
        _cleanup_(hasher_freep) struct hasher *hasher = NULL;
        _cleanup_(fd_closep) int fd = -1;
        struct visitor visitor;
        int r;

        r = file_read(AT_FDCWD, list, &paths, err);
        if (r < 0)
                return r;
        if (paths.length == 0)
                return error_usage(err, "the list of pages %s is empty", list);
        fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0)
                return error_errno(err, errno, "cannot open %s", log);
        r = hasher_new(&hasher, err);
        if (r < 0)
                return r;
        visitor = (struct visitor){ .curl = curl_easy_init(), .hasher = hasher, .log = fd, .base = base };
        if (visitor.curl == NULL)
                return error_memory(err);
        curl_easy_setopt(visitor.curl, CURLOPT_WRITEFUNCTION, body_arrived);
        curl_easy_setopt(visitor.curl, CURLOPT_WRITEDATA, hasher);
        curl_easy_setopt(visitor.curl, CURLOPT_TIMEOUT_MS, PAGE_TIMEOUT_MS);
        curl_easy_setopt(visitor.curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
        curl_easy_setopt(visitor.curl, CURLOPT_PROXY, "");
        curl_easy_setopt(visitor.curl, CURLOPT_NOSIGNAL, 1L);
        r = visit(&visitor, &paths, pause_ms);
        curl_easy_cleanup(visitor.curl);
        if (r < 0)
                return error_errno(err, -r, "cannot visit the pages of %s", list);
        return 0;
}

int main(int argc, char *argv[])
{
        static const struct option options[] = {
                {"pause", required_argument, NULL, 'p' },
                { 0  }
        };
        struct error error = ERROR_NONE;
        uint64_t pause_ms = 10;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (c != 'p' || text_parse_u64(optarg, strlen(optarg), 60000, &pause_ms) < 0)
                        return EXIT_USAGE;
        }
        if (argc - optind != 3) {
                fprintf(stderr, "usage: understudy-visitor [--pause MS] URL PATHS LOG\n");
                return EXIT_USAGE;
        }
        signal(SIGTERM, stop);
        signal(SIGINT, stop);
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
                return EXIT_FAILED;
        if (run(argv[optind], argv[optind + 1], argv[optind + 2], (long)pause_ms, &error) < 0)
                fprintf(stderr, "understudy-visitor: %s\n", error.text);
        curl_global_cleanup();
        return error.status;
}
