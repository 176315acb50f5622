/*
 * fetch_http.c - bytes of a file over HTTP (libcurl), from a server that may be broken, slow or hostile.
 *
 * One connection is kept and used again. A try ends when the server is too slow; what arrived stays, and the next try
 * asks for the rest by a range. No ETag decides whether the rest belongs to what came before: everything that is
 * fetched in parts has a digest that the release names, and mirrors of one repository differ in their ETags.
 */

#include "fetch.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "late/curl.h"
#include "repository_url.h"

#define HEADERS_MAXIMUM (64U << 10) /* bytes of all headers of one answer, informational ones included */
#define RECEIVED_STEP   (1U << 20)  /* how often the caller learns how much came */
#define PAUSE_MS        100         /* after the first try without progress; then twice as long each time */
#define PAUSE_MAXIMUM   1600
#define CURL_BUFFER     (512L << 10)

struct fetch_http {
        CURL *easy;
        uint64_t received; /* bytes of bodies that the caller was not told of yet */
        char curl_words[CURL_ERROR_SIZE];
};

/* How a try ended. */
enum ending {
        END_COMPLETE, /* the server said all that it wanted to */
        END_ENOUGH,   /* we have what we want and hung up */
        END_BROKEN,   /* worth another try */
        END_FAILED,   /* another try would end the same way */
};

/* One request and the state of its answer. */
struct transfer {
        struct fetch *fetch;
        const struct fetch_range *range;
        fetch_consume *consume;
        void *context;
        struct error *err;

        uint64_t position; /* of the next byte of the file that is to be delivered */
        uint64_t end;      /* bytes from here on are too many */
        uint64_t skip;     /* bytes before position that a server without ranges sends again */
        bool decided;      /* the head of the answer was looked at */
        enum ending ending;
        bool stalled;

        size_t header_bytes;
        bool encoded;        /* it has a Content-Encoding */
        bool has_part;       /* it has a Content-Range that could be read: */
        uint64_t part_from;  /* first byte */
        uint64_t part_last;  /* last byte, inclusive */
        uint64_t part_total; /* of the file, FETCH_SIZE_UNKNOWN for `*` */

        int64_t mark_ms; /* beginning of the window in which the speed is measured */
        uint64_t mark_bytes, bytes;
};

static int fail(struct transfer *transfer, enum ending ending, int code, const char *reason)
{
        transfer->ending = ending;
        return error_set(transfer->err, code, _("cannot get %s/%s: %s"), transfer->fetch->options->shown,
                         transfer->range->path, reason);
}

/* ---- The head of an answer ---- */

static bool read_number(const char **cursor, const char *end, uint64_t *ret_number)
{
        const char *start = *cursor;

        while (*cursor < end && isdigit((unsigned char)**cursor))
                ++*cursor;
        return text_parse_u64(start, (size_t)(*cursor - start), INT64_MAX, ret_number) == 0;
}

/* "bytes 0-99/1234", with an asterisk for a size that the server does not know (RFC 9110, 14.4). */
static void read_content_range(struct transfer *transfer, const char *value, const char *end)
{
        const char *cursor = value + 6;

        transfer->has_part = false;
        if (end - value < 6 || strncasecmp(value, "bytes ", 6) != 0 ||
            !read_number(&cursor, end, &transfer->part_from) || cursor == end || *cursor++ != '-' ||
            !read_number(&cursor, end, &transfer->part_last) || cursor == end || *cursor++ != '/')
                return;
        if (end - cursor == 1 && *cursor == '*')
                transfer->part_total = FETCH_SIZE_UNKNOWN;
        else if (!read_number(&cursor, end, &transfer->part_total) || cursor != end)
                return;
        transfer->has_part = transfer->part_from <= transfer->part_last;
}

/* The value of a header when the line has this name; NULL otherwise. */
static const char *header_value(const char *line, const char *end, const char *name)
{
        size_t length = strlen(name);
        const char *value = line + length + 1;

        if ((size_t)(end - line) <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
                return NULL;
        while (value < end && (*value == ' ' || *value == '\t'))
                value++;
        return value;
}

static size_t on_header(char *line, size_t one, size_t length, void *context)
{
        struct transfer *transfer = context;
        const char *end = line + length, *value;

        (void)one;
        transfer->header_bytes += length;
        if (transfer->header_bytes > HEADERS_MAXIMUM) {
                fail(transfer, END_FAILED, -EBADMSG, _("its headers have no end"));
                return 0;
        }
        while (end > line && isspace((unsigned char)end[-1]))
                end--;
        if (end - line > 5 && strncasecmp(line, "HTTP/", 5) == 0) /* a new answer: the one before was informational */
                transfer->encoded = transfer->has_part = false;
        value = header_value(line, end, "content-range");
        if (value)
                read_content_range(transfer, value, end);
        value = header_value(line, end, "content-encoding");
        if (value && !(end - value == 8 && strncasecmp(value, "identity", 8) == 0))
                transfer->encoded = true;
        return length;
}

static int refuse_redirect(struct transfer *transfer)
{
        const char *target = NULL;
        _cleanup_(memory_freep) char *shown = NULL;
        char words[700];

        curl_easy_getinfo(transfer->fetch->http->easy, CURLINFO_REDIRECT_URL, &target);
        shown = target ? repository_url_without_secrets(target)
                       : NULL; /* a relative one brings our own password back */
        snprintf(words, sizeof(words),
                 _("the server sends us on to %.500s, which is not followed; give that address itself if it is right"),
                 shown ? shown : "?");
        return fail(transfer, END_FAILED, -EREMOTE, words);
}

static int refuse_status(struct transfer *transfer, long status)
{
        char words[160];

        if (status >= 300 && status < 400)
                return refuse_redirect(transfer);
        if (status == 404 || status == 410) {
                transfer->ending = END_FAILED;
                return error_set(transfer->err, -ENOENT, _("the repository %s has no file %s"),
                                 transfer->fetch->options->shown, transfer->range->path);
        }
        if (status == 416)
                return fail(transfer, END_FAILED, -EBADMSG, _("it is shorter than the release says"));
        if (status == 401 || status == 403 || status == 407) {
                snprintf(words, sizeof(words),
                         _("the server refuses it (HTTP status %ld); check the user and password"), status);
                return fail(transfer, END_FAILED, -EACCES, words);
        }
        snprintf(words, sizeof(words), _("the server answers with HTTP status %ld"), status);
        return fail(transfer, status == 408 || status == 429 || status >= 500 ? END_BROKEN : END_FAILED, -EIO, words);
}

/* An answer with a part: it must be the part that was asked for, or its beginning. */
static int decide_part(struct transfer *transfer)
{
        const struct fetch_range *range = transfer->range;

        if (!transfer->has_part || transfer->part_from != transfer->position || transfer->part_last >= range->to ||
            (transfer->part_total != FETCH_SIZE_UNKNOWN && range->size != FETCH_SIZE_UNKNOWN &&
             transfer->part_total != range->size))
                return fail(transfer, END_FAILED, -EBADMSG,
                            _("the server answers with another range than the one asked for"));
        transfer->end = transfer->part_last + 1;
        return 0;
}

/* An answer with the whole file. */
static int decide_whole(struct transfer *transfer)
{
        const struct fetch_range *range = transfer->range;
        curl_off_t announced = -1;
        char words[160];

        curl_easy_getinfo(transfer->fetch->http->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
        transfer->end = range->size == FETCH_SIZE_UNKNOWN ? range->to : range->size;
        if (announced >= 0 && range->size != FETCH_SIZE_UNKNOWN && (uint64_t)announced != range->size) {
                snprintf(words, sizeof(words), _("it has %" PRIu64 " bytes where the release says %" PRIu64),
                         (uint64_t)announced, range->size);
                return fail(transfer, END_FAILED, -EBADMSG, words);
        }
        if (announced >= 0 && (uint64_t)announced > transfer->end) {
                snprintf(words, sizeof(words),
                         _("it has %" PRIu64 " bytes; no more than %" PRIu64 " are allowed there"), (uint64_t)announced,
                         transfer->end);
                return fail(transfer, END_FAILED, -EFBIG, words);
        }
        transfer->skip = transfer->position;
        /* What is skipped and what is passed on the way to later ranges takes its time, too. */
        if (range->from > 0 || range->last > range->to)
                transfer->fetch->deadline_ms += (int64_t)(range->last / FETCH_SLOWEST) * 1000;
        return 0;
}

/* Looks at the head of an answer before its first byte is taken. 0, or negative with transfer->ending set. */
static int decide(struct transfer *transfer)
{
        long status = 0;

        transfer->decided = true;
        curl_easy_getinfo(transfer->fetch->http->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status != 200 && status != 206)
                return refuse_status(transfer, status);
        if (transfer->encoded)
                return fail(transfer, END_FAILED, -EBADMSG,
                            _("the server sends it in an encoding that nobody asked for; switch that off for the "
                              "repository"));
        return status == 206 ? decide_part(transfer) : decide_whole(transfer);
}

/* ---- The body ---- */

static void tell_received(struct fetch *fetch, bool all)
{
        struct fetch_http *http = fetch->http;

        if (http->received == 0 || (!all && http->received < RECEIVED_STEP))
                return;
        fetch_send(fetch, FETCH_RECEIVED, http->received, NULL, 0);
        http->received = 0;
}

static size_t on_body(char *bytes, size_t one, size_t length, void *context)
{
        struct transfer *transfer = context;
        size_t all = length;
        int r;

        (void)one;
        transfer->bytes += length;
        transfer->fetch->http->received += length;
        tell_received(transfer->fetch, false);
        if (!transfer->decided && decide(transfer) < 0)
                return 0;
        if (transfer->skip > 0) {
                size_t skipped = length < transfer->skip ? length : (size_t)transfer->skip;

                transfer->skip -= skipped;
                bytes += skipped;
                length -= skipped;
        }
        if (length == 0)
                return all;
        if (length > transfer->end - transfer->position) {
                fail(transfer, END_FAILED, transfer->range->size == FETCH_SIZE_UNKNOWN ? -EFBIG : -EBADMSG,
                     _("the server sends more than it should"));
                return 0;
        }
        r = transfer->consume(transfer->context, transfer->position, bytes, length, transfer->err);
        transfer->position += length;
        if (r != 0) {
                transfer->ending = r < 0 ? END_FAILED : END_ENOUGH;
                return 0;
        }
        return all;
}

/* Called by libcurl at least once a second. Not 0 ends the try. */
static int on_progress(void *context, curl_off_t total, curl_off_t done, curl_off_t up_total, curl_off_t up)
{
        struct transfer *transfer = context;
        struct fetch *fetch = transfer->fetch;
        int64_t now = fetch_clock_ms(fetch), window = now - transfer->mark_ms;

        (void)total, (void)done, (void)up_total, (void)up;
        fetch_alive(fetch);
        if (now >= fetch->deadline_ms) {
                fail(transfer, END_FAILED, -ETIMEDOUT, _("it takes too long (less than 10 KB/s on the whole)"));
                return 1;
        }
        if (window < fetch->options->stall_ms)
                return 0;
        if (transfer->bytes - transfer->mark_bytes < (uint64_t)window * FETCH_STALL_RATE / 1000) {
                transfer->stalled = true;
                fail(transfer, END_BROKEN, -ETIMEDOUT, _("the server has stopped sending"));
                return 1;
        }
        transfer->mark_ms = now;
        transfer->mark_bytes = transfer->bytes;
        return 0;
}

/* ---- One try ---- */

/* What libcurl says, as an ending. */
static void judge(struct transfer *transfer, CURLcode code)
{
        const char *words = transfer->fetch->http->curl_words;

        if (transfer->ending != END_COMPLETE) /* one of the callbacks has ended it, with words */
                return;
        if (code == CURLE_OK) {
                if (!transfer->decided)
                        decide(transfer);
                return;
        }
        if (!*words)
                words = curl_easy_strerror(code);
        switch (code) {
        case CURLE_OUT_OF_MEMORY: /* also what it says of a header line without end */
                fail(transfer, END_FAILED, -EBADMSG,
                     transfer->header_bytes && !transfer->decided ? _("its headers have no end") : words);
                break;
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_WEIRD_SERVER_REPLY: fail(transfer, END_FAILED, -EIO, words); break;
        default: fail(transfer, END_BROKEN, -EIO, words); break;
        }
}

static void try_once(struct transfer *transfer)
{
        struct fetch *fetch = transfer->fetch;
        const struct fetch_range *range = transfer->range;
        _cleanup_(buffer_done) struct buffer url = BUFFER_INIT(8192);
        CURL *easy = fetch->http->easy;
        char part[64];
        CURLcode code;

        transfer->decided = transfer->stalled = false;
        transfer->ending = END_COMPLETE;
        transfer->header_bytes = 0;
        transfer->skip = 0;
        transfer->mark_ms = fetch_clock_ms(fetch);
        transfer->mark_bytes = transfer->bytes = 0;
        if (buffer_printf(&url, "%s/%s", fetch->options->base, range->path) < 0) {
                fail(transfer, END_FAILED, -ENAMETOOLONG, _("the address is too long"));
                return;
        }
        snprintf(part, sizeof(part), "%" PRIu64 "-%" PRIu64, transfer->position, range->to - 1);
        curl_easy_setopt(easy, CURLOPT_URL, url.data);
        curl_easy_setopt(
                easy, CURLOPT_RANGE,
                transfer->position > 0 || (range->size != FETCH_SIZE_UNKNOWN && range->to < range->size) ? part : NULL);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
        curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer);
        fetch->http->curl_words[0] = '\0';
        fetch_send(fetch, FETCH_REQUESTED, 1, NULL, 0);
        code = curl_easy_perform(easy);
        tell_received(fetch, true);
        judge(transfer, code);
}

static void pause_before_next(struct fetch *fetch, unsigned int failures)
{
        int64_t left = PAUSE_MS << (failures < 5 ? failures : 5);

        usleep((useconds_t)(left < PAUSE_MAXIMUM ? left : PAUSE_MAXIMUM) * 1000);
        fetch_alive(fetch);
}

/* Whether the try has brought all that was asked for. */
static bool complete(const struct transfer *transfer)
{
        if (transfer->ending == END_ENOUGH)
                return true;
        if (transfer->ending != END_COMPLETE)
                return false;
        if (transfer->range->size == FETCH_SIZE_UNKNOWN)
                return !transfer->has_part || transfer->part_total == FETCH_SIZE_UNKNOWN ||
                       transfer->position >= transfer->part_total;
        return transfer->position >= transfer->range->to;
}

int fetch_http_read(struct fetch *fetch, const struct fetch_range *range, fetch_consume *consume, void *context,
                    uint64_t *ret_position, struct error *err)
{
        struct transfer transfer = { .fetch = fetch,
                                     .range = range,
                                     .consume = consume,
                                     .context = context,
                                     .err = err,
                                     .position = range->from };
        uint64_t farthest = range->from;
        char words[160];
        int failures = 0;

        while (range->to > range->from) {
                if (range->size == FETCH_SIZE_UNKNOWN && !range->resume) /* another version may stand there now */
                        transfer.position = range->from;
                try_once(&transfer);
                if (complete(&transfer))
                        break;
                if (transfer.ending == END_FAILED)
                        return err ? err->code : -EIO;
                if (transfer.ending == END_COMPLETE) {
                        snprintf(words, sizeof(words), _("it ends too early, after %" PRIu64 " bytes"),
                                 transfer.position);
                        fail(&transfer, END_BROKEN, -EBADMSG, words);
                }
                failures = transfer.position > farthest && !transfer.stalled ? 0 : failures + 1;
                if (transfer.position > farthest)
                        farthest = transfer.position;
                if (failures >= fetch->options->tries)
                        return err ? err->code : -EIO;
                pause_before_next(fetch, (unsigned int)failures);
                if (fetch_clock_ms(fetch) >= fetch->deadline_ms)
                        return fail(&transfer, END_FAILED, -ETIMEDOUT,
                                    _("it takes too long (less than 10 KB/s on the whole)"));
        }
        *ret_position = transfer.position;
        return 0;
}

int fetch_http_new(struct fetch *fetch, struct fetch_http **ret_http, struct error *err)
{
        const struct fetch_options *options = fetch->options;
        struct fetch_http *http = memory_new(1, sizeof(*http));
        struct curl_blob roots = { .data = (void *)(uintptr_t)options->ca_bytes,
                                   .len = options->ca_length,
                                   .flags = CURL_BLOB_NOCOPY };
        CURL *easy;
        int r = late_load(&late_curl, err);

        if (r < 0)
                return r;
        if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(easy = curl_easy_init()))
                return error_memory(err);
        http->easy = easy;
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "understudy/" UNDERSTUDY_VERSION);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, CURL_BUFFER);
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->stall_ms);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->curl_words);
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
        if (options->ca_bytes && curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &roots) != CURLE_OK)
                return error_set(err, -ENOTSUP, "%s",
                                 _("this machine's libcurl cannot use --ca-file; install a newer one"));
        *ret_http = http;
        return 0;
}
