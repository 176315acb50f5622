#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "late/curl.h"

#define CONNECT_MS    5000
#define WORDS_MAXIMUM (16U << 10) /* of what a server says when it cannot */
#define WORDS_SHOWN   300
#define URL_MAXIMUM   (16U << 10) /* what 18.16 takes */
#define WAIT_MS       50          /* until it is looked whether to stop */

struct server {
        const struct spread_shard *shard;
        const char *database;
        const atomic_bool *stop;
        CURL *easy;
        struct curl_slist *headers;
        char curl_words[CURL_ERROR_SIZE];
        struct buffer url;
        struct buffer words;    /* what it says when its status is not 200 */
        struct buffer *answer;  /* of the exchange; borrowed */
        bool too_long;
};

/* ---------------------------------------------------------------- making */

static int add_header(struct server *server, const char *name, const char *value)
{
        _cleanup_(buffer_done) struct buffer line = BUFFER_INIT(4096);
        struct curl_slist *longer;

        if (!value)
                return 0;
        if (buffer_printf(&line, "%s: %s", name, value) < 0 ||
            !(longer = curl_slist_append(server->headers, buffer_text(&line))))
                return -ENOMEM;
        server->headers = longer;
        return 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
        struct server *server = context;
        struct buffer *into = server->answer;
        size_t length = size * count;
        long status = 0;

        curl_easy_getinfo(server->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status != 200) /* words: what is too much of them is dropped */
                return buffer_append(&server->words, bytes, length) == -ENOMEM ? 0 : length;
        if (!into)
                return length;
        if (buffer_append(into, bytes, length) == 0)
                return length;
        server->too_long = true;
        return 0;
}

static int on_progress(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
        const struct server *server = context;

        (void)down_total, (void)down, (void)up_total, (void)up;
        return server->stop && atomic_load(server->stop);
}

static void set_options(struct server *server)
{
        CURL *easy = server->easy;

        curl_easy_setopt(easy, CURLOPT_PRIVATE, server);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "understudy/" UNDERSTUDY_VERSION);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, server->curl_words);
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, server->headers);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, server);
        curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(easy, CURLOPT_XFERINFODATA, server);
}

int server_new(const struct spread_shard *shard, const char *database, const atomic_bool *stop,
               struct server **ret_server, struct error *err)
{
        struct server *server;
        int r = late_load(&late_curl, err);

        if (r < 0)
                return r;
        server = memory_new(1, sizeof(*server));
        if (!server)
                return error_memory(err);
        server->shard = shard;
        server->database = database;
        server->stop = stop;
        server->url = (struct buffer)BUFFER_INIT(URL_MAXIMUM);
        server->words = (struct buffer)BUFFER_INIT(WORDS_MAXIMUM);
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(server->easy = curl_easy_init()) ||
            add_header(server, "X-ClickHouse-User", shard->user) < 0 ||
            add_header(server, "X-ClickHouse-Key", shard->password) < 0 ||
            add_header(server, "Expect", "") < 0) { /* no waiting for "100 Continue" */
                server_free(server);
                return error_memory(err);
        }
        set_options(server);
        *ret_server = server;
        return 0;
}

void server_free(struct server *server)
{
        if (!server)
                return;
        curl_easy_cleanup(server->easy);
        curl_slist_free_all(server->headers);
        buffer_done(&server->url);
        buffer_done(&server->words);
        free(server);
}

void server_freep(struct server **server)
{
        server_free(*server);
}

const char *server_name(const struct server *server)
{
        return server->shard->name;
}

/* ---------------------------------------------------------------- what came of it */

/* ClickHouse: "Code: 60. DB::Exception: Table ... doesn't exist. ..."; the first line says it. */
static int told_no(struct server *server, long status, struct error *err)
{
        /* no such column, unknown identifier, table, database */
        static const char *const lacking[] = { "Code: 16,", "Code: 16.", "Code: 47,", "Code: 47.",
                                               "Code: 60,", "Code: 60.", "Code: 81,", "Code: 81." };
        const char *words = buffer_text(&server->words);
        int length = (int)strcspn(words, "\n");
        bool older = false;

        for (size_t i = 0; i < LENGTH(lacking); i++)
                older |= strstr(words, lacking[i]) != NULL;
        if (older)
                return error_set(err, -EREMOTEIO,
                                 _("the analysis server %s has no tables yet, or older ones; run 'understudy analyze "
                                   "migrate'"),
                                 server_name(server));
        if (length > WORDS_SHOWN)
                length = WORDS_SHOWN;
        return error_set(err, -EREMOTEIO, _("the analysis server %s says (status %ld): %.*s"), server_name(server), status,
                         length, words);
}

static int judge(struct server *server, CURLcode code, struct error *err)
{
        const char *words = *server->curl_words ? server->curl_words : curl_easy_strerror(code);
        long status = 0;

        curl_easy_getinfo(server->easy, CURLINFO_RESPONSE_CODE, &status);
        if (code == CURLE_OK && status == 200)
                return 0;
        if (code == CURLE_OK)
                return told_no(server, status, err);
        if (server->too_long)
                return error_set(err, -E2BIG,
                                 _("the analysis server %s answers with more than there is room for; ask about a shorter "
                                   "time or fewer names"),
                                 server_name(server));
        if (code == CURLE_ABORTED_BY_CALLBACK)
                return error_set(err, -ECANCELED, _("the analysis server %s was not waited for: we are to end"),
                                 server_name(server));
        if (code == CURLE_OPERATION_TIMEDOUT)
                return error_set(err, -ETIMEDOUT, _("the analysis server %s does not answer in time"),
                                 server_name(server));
        return error_set(err, code == CURLE_COULDNT_CONNECT ? -ECONNREFUSED : -ECONNRESET,
                         _("cannot talk to the analysis server %s at %s: %s"), server_name(server), server->shard->url,
                         words);
}

/* ---------------------------------------------------------------- an exchange */

static int put_parameter(struct server *server, const char *name, const char *value)
{
        char *escaped = curl_easy_escape(server->easy, value, (int)strlen(value));
        int r = escaped ? buffer_printf(&server->url, "&%s=%s", name, escaped) : -ENOMEM;

        curl_free(escaped);
        return r;
}

/* The address with the settings of every exchange: an error is told by the status, also when it comes late. */
static int begin(struct server *server, struct buffer *answer, int64_t deadline_ms)
{
        const char *url = server->shard->url;
        int r;

        buffer_clear(&server->url);
        buffer_clear(&server->words);
        server->answer = answer;
        server->too_long = false;
        *server->curl_words = '\0';
        curl_easy_setopt(server->easy, CURLOPT_TIMEOUT_MS, (long)deadline_ms);
        r = buffer_printf(&server->url, "%s%swait_end_of_query=1", url,
                          strchr(url, '?')        ? "&"
                          : text_ends(url, "/") ? "?"
                                                : "/?");
        return r < 0 ? r : put_parameter(server, "database", server->database);
}

static void set_statement(struct server *server, const char *sql)
{
        curl_easy_setopt(server->easy, CURLOPT_MIMEPOST, NULL);
        curl_easy_setopt(server->easy, CURLOPT_URL, buffer_text(&server->url));
        curl_easy_setopt(server->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(server->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(sql));
        curl_easy_setopt(server->easy, CURLOPT_POSTFIELDS, sql);
}

static int begin_ask(struct server *server, const char *sql, int64_t deadline_ms, struct buffer *answer)
{
        int r = begin(server, answer, deadline_ms);

        if (r == 0)
                set_statement(server, sql);
        return r;
}

int server_ask(struct server *server, const char *sql, int64_t deadline_ms, struct buffer *answer, struct error *err)
{
        int r = begin_ask(server, sql, deadline_ms, answer);

        return r < 0 ? error_memory(err) : judge(server, curl_easy_perform(server->easy), err);
}

int server_make_database(struct server *server, const char *database, int64_t deadline_ms, struct error *err)
{
        char sql[128];
        int r;

        snprintf(sql, sizeof(sql), "CREATE DATABASE IF NOT EXISTS `%s`", database);
        server->database = "default"; /* the one that is always there */
        r = server_ask(server, sql, deadline_ms, NULL, err);
        server->database = database;
        return r;
}

/* ---------------------------------------------------------------- several at once */

static void take_results(CURLM *multi, struct server_question questions[], size_t count)
{
        const CURLMsg *message;
        int left;

        while ((message = curl_multi_info_read(multi, &left))) {
                if (message->msg != CURLMSG_DONE)
                        continue;
                for (size_t i = 0; i < count; i++)
                        if (questions[i].server->easy == message->easy_handle)
                                questions[i].result =
                                        judge(questions[i].server, message->data.result, &questions[i].error);
        }
}

void server_ask_all(struct server_question questions[], size_t count, int64_t deadline_ms)
{
        CURLM *multi = curl_multi_init();
        int running = 0;

        for (size_t i = 0; i < count; i++) {
                struct server_question *question = &questions[i];
                int r = multi ? begin_ask(question->server, question->sql, deadline_ms, &question->answer) : -ENOMEM;

                question->result = r < 0 ? error_memory(&question->error) : -EINPROGRESS;
                if (r == 0 && curl_multi_add_handle(multi, question->server->easy) != CURLM_OK)
                        question->result = error_memory(&question->error);
        }
        while (multi && curl_multi_perform(multi, &running) == CURLM_OK && running > 0)
                if (curl_multi_poll(multi, NULL, 0, WAIT_MS, NULL) != CURLM_OK)
                        break;
        if (multi)
                take_results(multi, questions, count);
        for (size_t i = 0; i < count; i++) {
                if (multi)
                        curl_multi_remove_handle(multi, questions[i].server->easy);
                if (questions[i].result == -EINPROGRESS)
                        questions[i].result = error_memory(&questions[i].error);
        }
        curl_multi_cleanup(multi);
}

/* ---------------------------------------------------------------- rows */

/* One block, so that all of it is there or nothing: a batch, and what the rollup makes of it, has fewer rows than that.
 * It is held in memory in any case. */
static int put_one_block(struct server *server)
{
        return buffer_append_text(&server->url, "&max_threads=1&min_insert_block_size_rows=16777216"
                                                "&min_insert_block_size_bytes=4294967296");
}

static int put_insert_settings(struct server *server, const char *sql, const char *id, const char *structure)
{
        int r = put_parameter(server, "query_id", id);

        if (r == 0)
                r = put_parameter(server, "query", sql);
        if (r == 0)
                r = put_parameter(server, "batch_structure", structure);
        if (r == 0)
                r = buffer_append_text(&server->url, "&batch_format=RowBinary");
        return r < 0 ? r : put_one_block(server);
}

int server_fill(struct server *server, const char *sql, const char *id, int64_t deadline_ms, struct error *err)
{
        int r = begin(server, NULL, deadline_ms);

        if (r == 0 && id)
                r = put_parameter(server, "query_id", id);
        if (r == 0)
                r = put_one_block(server);
        if (r < 0)
                return error_memory(err);
        set_statement(server, sql);
        return judge(server, curl_easy_perform(server->easy), err);
}

struct body {
        int fd;
        off_t at, size;
};

static size_t read_body(char *into, size_t size, size_t count, void *context)
{
        struct body *body = context;
        ssize_t length;

        do
                length = pread(body->fd, into, size * count, body->at);
        while (length < 0 && errno == EINTR);
        if (length < 0)
                return CURL_READFUNC_ABORT;
        body->at += length;
        return (size_t)length;
}

static int seek_body(void *context, curl_off_t offset, int origin)
{
        struct body *body = context;

        if (origin != SEEK_SET)
                return CURL_SEEKFUNC_CANTSEEK;
        body->at = (off_t)offset;
        return CURL_SEEKFUNC_OK;
}

static curl_mime *make_body(struct server *server, struct body *body)
{
        curl_mime *mime = curl_mime_init(server->easy);
        curl_mimepart *part = mime ? curl_mime_addpart(mime) : NULL;

        if (part && curl_mime_name(part, "batch") == CURLE_OK &&
            curl_mime_data_cb(part, body->size, read_body, seek_body, NULL, body) == CURLE_OK &&
            curl_mime_filename(part, "batch") == CURLE_OK)
                return mime;
        curl_mime_free(mime);
        return NULL;
}

static int send_body(struct server *server, struct body *body, struct error *err)
{
        curl_mime *mime = make_body(server, body);
        CURLcode code;
        int r;

        if (!mime)
                return error_memory(err);
        curl_easy_setopt(server->easy, CURLOPT_URL, buffer_text(&server->url));
        curl_easy_setopt(server->easy, CURLOPT_POSTFIELDS, NULL);
        curl_easy_setopt(server->easy, CURLOPT_MIMEPOST, mime);
        code = curl_easy_perform(server->easy);
        r = judge(server, code, err);
        curl_easy_setopt(server->easy, CURLOPT_MIMEPOST, NULL);
        curl_mime_free(mime);
        return r;
}

int server_insert(struct server *server, const char *sql, const char *id, const char *structure, int fd,
                  int64_t deadline_ms, struct error *err)
{
        struct body body = { .fd = fd };
        struct stat status;
        int r = begin(server, NULL, deadline_ms);

        if (r == 0)
                r = put_insert_settings(server, sql, id, structure);
        if (r < 0)
                return error_memory(err);
        if (fstat(fd, &status) < 0)
                return error_errno(err, errno, _("cannot read the spool"));
        body.size = status.st_size;
        return send_body(server, &body, err);
}
