/*
 * sender_curl.c - one mail over SMTP or one POST over HTTP (libcurl), to a server that may be broken, slow or hostile.
 *
 * Redirects are not followed, what the server says is not kept: the status decides. A 2xx whose body never ends or
 * drips is a delivery; everything else has one limit of time for the whole try, and one of bytes for headers and body.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/password_file.h"
#include "base/text.h"
#include "late/curl.h"
#include "notify/sender_parts.h"

#define CONNECT_MS       15000
#define HEADERS_MAXIMUM  (64U << 10) /* bytes of all headers of one answer, informational ones included */
#define BODY_MAXIMUM     (64U << 10)
#define CA_MAXIMUM       (4U << 20)
#define HEADER_LINES     16

struct sender_curl {
        CURL *easy;
        const struct notify_target *target;
        struct buffer ca;
        struct buffer password;
        char curl_words[CURL_ERROR_SIZE];
        /* of the job at hand */
        const struct sender_job *job;
        size_t sent, header_bytes, body_bytes;
        bool recipient; /* of a mail: the last command named one */
        bool answered; /* the head of its answer, not only of an informational one, has come whole */
};

/* ---- callbacks ---- */

static size_t on_read(char *bytes, size_t one, size_t length, void *context)
{
        struct sender_curl *curl = context;
        size_t left = curl->job->length - curl->sent;

        length *= one;
        if (length > left)
                length = left;
        memcpy(bytes, curl->job->payload + curl->sent, length);
        curl->sent += length;
        return length;
}

/* libcurl begins a mail or a body anew on a connection that had died. */
static int on_seek(void *context, curl_off_t offset, int origin)
{
        struct sender_curl *curl = context;

        if (origin != SEEK_SET || offset < 0 || (size_t)offset > curl->job->length)
                return CURL_SEEKFUNC_FAIL;
        curl->sent = (size_t)offset;
        return CURL_SEEKFUNC_OK;
}

static size_t on_header(char *bytes, size_t one, size_t length, void *context)
{
        struct sender_curl *curl = context;
        long status = 0;

        length *= one;
        curl->header_bytes += length;
        curl_easy_getinfo(curl->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status >= 200 && length <= 2 && (length == 0 || *bytes == '\r' || *bytes == '\n'))
                curl->answered = true;
        return curl->header_bytes > HEADERS_MAXIMUM ? 0 : length;
}

static size_t on_body(char *bytes _unused_, size_t one, size_t length, void *context)
{
        struct sender_curl *curl = context;

        curl->body_bytes += one * length;
        return curl->body_bytes > BODY_MAXIMUM ? 0 : one * length;
}

/* The commands that libcurl sends: an answer to RCPT is about one recipient, one to MAIL about us. */
static int on_command(CURL *easy _unused_, curl_infotype type, char *bytes, size_t length, void *context)
{
        struct sender_curl *curl = context;

        if (type == CURLINFO_HEADER_OUT && length > 4 && memcmp(bytes, "QUIT", 4) != 0) /* which comes after a refusal */
                curl->recipient = memcmp(bytes, "RCPT", 4) == 0 || memcmp(bytes, "DATA", 4) == 0;
        return 0;
}

/* ---- set-up ---- */

static int read_files(struct sender_curl *curl, struct error *err)
{
        const struct notify_target *target = curl->target;
        int r = *target->password_file ? password_file_read(target->password_file, &curl->password, err) : 0;

        if (r == 0 && *target->ca_file)
                r = file_read(AT_FDCWD, target->ca_file, &curl->ca, err);
        return r;
}

static void set_mail(struct sender_curl *curl)
{
        static const long levels[] = {
                [TARGET_TLS_NONE] = CURLUSESSL_NONE,
                [TARGET_TLS_TRY] = CURLUSESSL_TRY,
                [TARGET_TLS_REQUIRED] = CURLUSESSL_ALL,
                [TARGET_TLS_FROM_START] = CURLUSESSL_ALL,
        };

        curl_easy_setopt(curl->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
        curl_easy_setopt(curl->easy, CURLOPT_USE_SSL, levels[curl->target->tls]);
        curl_easy_setopt(curl->easy, CURLOPT_PROXY, "");
        curl_easy_setopt(curl->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl->easy, CURLOPT_VERBOSE, 1L); /* to the function, nowhere else */
        curl_easy_setopt(curl->easy, CURLOPT_DEBUGFUNCTION, on_command);
        curl_easy_setopt(curl->easy, CURLOPT_DEBUGDATA, curl);
}

static void set_webhook(struct sender_curl *curl)
{
        curl_easy_setopt(curl->easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(curl->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        curl_easy_setopt(curl->easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(curl->easy, CURLOPT_USERAGENT, "understudy/" UNDERSTUDY_VERSION);
        curl_easy_setopt(curl->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        curl_easy_setopt(curl->easy, CURLOPT_POST, 1L);
        if (*curl->target->user)
                curl_easy_setopt(curl->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
}

static void set_common(struct sender_curl *curl, const struct sender_limits *limits)
{
        curl_easy_setopt(curl->easy, CURLOPT_URL, curl->target->url);
        curl_easy_setopt(curl->easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl->easy, CURLOPT_ERRORBUFFER, curl->curl_words);
        curl_easy_setopt(curl->easy, CURLOPT_TIMEOUT_MS, (long)limits->try_ms);
        curl_easy_setopt(curl->easy, CURLOPT_CONNECTTIMEOUT_MS,
                         limits->try_ms < CONNECT_MS ? (long)limits->try_ms : (long)CONNECT_MS);
        curl_easy_setopt(curl->easy, CURLOPT_FRESH_CONNECT, 1L); /* an alert is rare; an old connection is a dead one */
        curl_easy_setopt(curl->easy, CURLOPT_FORBID_REUSE, 1L);
        curl_easy_setopt(curl->easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(curl->easy, CURLOPT_READDATA, curl);
        curl_easy_setopt(curl->easy, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(curl->easy, CURLOPT_SEEKDATA, curl);
        curl_easy_setopt(curl->easy, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(curl->easy, CURLOPT_HEADERDATA, curl);
        curl_easy_setopt(curl->easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(curl->easy, CURLOPT_WRITEDATA, curl);
        if (*curl->target->user) {
                curl_easy_setopt(curl->easy, CURLOPT_USERNAME, curl->target->user);
                curl_easy_setopt(curl->easy, CURLOPT_PASSWORD, buffer_text(&curl->password));
        }
}

int sender_curl_new(const struct notify_target *target, const struct sender_limits *limits,
                    struct sender_curl **ret_curl, struct error *err)
{
        struct sender_curl *curl = memory_new(1, sizeof(*curl));
        struct curl_blob roots = { .flags = CURL_BLOB_NOCOPY };
        int r = late_load(&late_curl, err);

        if (r < 0) {
                free(curl);
                return r;
        }
        if (!curl || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(curl->easy = curl_easy_init())) {
                free(curl);
                return error_memory(err);
        }
        *ret_curl = curl; /* lives as long as the process */
        curl->target = target;
        curl->password = (struct buffer)BUFFER_INIT(PASSWORD_MAXIMUM);
        curl->ca = (struct buffer)BUFFER_INIT(CA_MAXIMUM);
        r = read_files(curl, err);
        if (r < 0)
                return r;
        set_common(curl, limits);
        if (target->kind == TARGET_MAIL)
                set_mail(curl);
        else
                set_webhook(curl);
        roots.data = curl->ca.data;
        roots.len = curl->ca.length;
        if (curl->ca.length > 0 && curl_easy_setopt(curl->easy, CURLOPT_CAINFO_BLOB, &roots) != CURLE_OK)
                return error_set(err, -ENOTSUP, "%s",
                                 _("this machine's libcurl cannot use a ca-file; install a newer one"));
        return 0;
}

/* ---- one job ---- */

/* An answer that was read: what it means for this message, and for those behind it. */
static void judge_status(struct sender_curl *curl, long status, struct sender_result *result)
{
        const char *where = NULL;

        if (status >= 200 && status < 300) {
                result->end = SCHEDULE_DELIVERED;
                return;
        }
        curl_easy_getinfo(curl->easy, CURLINFO_REDIRECT_URL, &where);
        if (status >= 300 && status < 400 && where)
                snprintf(result->words, sizeof(result->words),
                         _("the server sends us on to another address, which is not followed; give that address itself "
                           "if it is right"));
        else
                snprintf(result->words, sizeof(result->words), _("the server answers with status %ld"), status);
        /* What another message may be spared: its content or size is refused, not the sender or the address. */
        if (status == 400 || status == 413 || status == 415 || status == 422)
                result->end = SCHEDULE_REJECTED;
}

/* RFC 5321 section 4.2.1. 421 is about the server, whatever it answers. Without an answer behind the first byte of the
 * mail (354 is the one before it) nobody knows. */
static enum sender_reach reach_of(const struct sender_curl *curl, long status)
{
        const bool answered = status >= 400 && status < 600 && status != 421;

        if (answered && (curl->recipient || curl->sent > 0))
                return status >= 500 ? SENDER_NEVER : SENDER_LATER;
        return curl->sent > 0 && status < 400 ? SENDER_MAYBE : SENDER_NOT;
}

static void judge(struct sender_curl *curl, CURLcode code, struct sender_result *result)
{
        const char *words = *curl->curl_words ? curl->curl_words : curl_easy_strerror(code);
        long status = 0;

        curl_easy_getinfo(curl->easy, CURLINFO_RESPONSE_CODE, &status);
        if (curl->target->kind == TARGET_WEBHOOK && curl->answered && (code == CURLE_OK || status < 300)) {
                judge_status(curl, status, result);
                return;
        }
        if (code == CURLE_OK) {
                result->end = SCHEDULE_DELIVERED;
                return;
        }
        if (curl->header_bytes > HEADERS_MAXIMUM || curl->body_bytes > BODY_MAXIMUM)
                words = _("its answer has no end");
        else if (code == CURLE_OPERATION_TIMEDOUT)
                words = _("it takes too long");
        snprintf(result->words, sizeof(result->words), status ? "%.500s (%ld)" : "%.500s", words, status);
        if (curl->target->kind == TARGET_MAIL)
                result->reach = reach_of(curl, status);
        /* RFC 5321 section 4.2.1: 5yz is for ever, but only what comes after DATA speaks of this one mail. */
        if (curl->target->kind == TARGET_MAIL && status >= 500 && status < 600 && curl->sent > 0)
                result->end = SCHEDULE_REJECTED;
}

/* The lines of a webhook's head. */
static struct curl_slist *header_list(const struct sender_job *job)
{
        const char *cursor = job->head, *end = job->head + job->head_length, *line;
        struct curl_slist *list = NULL, *longer;
        size_t length, count = 0;
        char text[512];

        while (text_next_line(&cursor, end, &line, &length) && count++ < HEADER_LINES) {
                if (length > 0 && line[length - 1] == '\r')
                        length--;
                snprintf(text, sizeof(text), "%.*s", (int)length, line);
                longer = curl_slist_append(list, text);
                if (!longer)
                        break;
                list = longer;
        }
        return list;
}

void sender_curl_run(struct sender_curl *curl, const struct sender_job *job, struct sender_result *result)
{
        struct curl_slist *list = NULL;
        char from[TARGET_ADDRESS_SIZE + 2];
        CURLcode code;

        curl->job = job;
        curl->sent = curl->header_bytes = curl->body_bytes = 0;
        curl->answered = curl->recipient = false;
        curl->curl_words[0] = '\0';
        if (curl->target->kind == TARGET_MAIL) {
                snprintf(from, sizeof(from), "<%s>", job->head);
                list = curl_slist_append(NULL, curl->target->to);
                curl_easy_setopt(curl->easy, CURLOPT_MAIL_FROM, from);
                curl_easy_setopt(curl->easy, CURLOPT_MAIL_RCPT, list);
        } else {
                list = header_list(job);
                curl_easy_setopt(curl->easy, CURLOPT_HTTPHEADER, list);
                curl_easy_setopt(curl->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)job->length);
        }
        if (list) {
                code = curl_easy_perform(curl->easy);
                judge(curl, code, result);
        } else
                snprintf(result->words, sizeof(result->words), "%s", strerror(ENOMEM));
        curl_easy_setopt(curl->easy, CURLOPT_MAIL_RCPT, NULL);
        curl_easy_setopt(curl->easy, CURLOPT_HTTPHEADER, NULL);
        curl_slist_free_all(list);
        curl->job = NULL;
}
