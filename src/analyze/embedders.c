/* embedders.c - fetches of the script by day and embedding host. */
#include "embedders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/classify.h"
#include "analyze/store_private.h"
#include "analyze/tag.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"

#define DAY_US     INT64_C(86400000000)
#define SCRIPT_MAX 128 /* bytes of its path */

void embeddings_done(struct embeddings *embeddings)
{
        for (size_t i = 0; i < embeddings->count; i++) {
                free(embeddings->list[i].script);
                free(embeddings->list[i].host);
        }
        free(embeddings->list);
        *embeddings = (struct embeddings){ 0 };
}

static bool is_fetch(const struct log_line *line)
{
        return line->path.length > sizeof(TAG_SCRIPTS) - 1 && line->path.length <= SCRIPT_MAX &&
               memcmp(line->path.text, TAG_SCRIPTS, sizeof(TAG_SCRIPTS) - 1) == 0 &&
               (line->status == 200 || line->status == 206 || line->status == 304);
}

static int32_t day_of(int64_t us)
{
        return (int32_t)clock_floor(us, DAY_US);
}

static struct embedding *find(struct embeddings *embeddings, const struct embedding *wanted)
{
        for (size_t i = embeddings->count; i-- > 0;) {
                struct embedding *one = &embeddings->list[i];

                if (one->day == wanted->day && strcmp(one->host, wanted->host) == 0 &&
                    strcmp(one->script, wanted->script) == 0)
                        return one;
        }
        return NULL;
}

int embeddings_add(struct embeddings *embeddings, const struct log_line *line)
{
        struct referrer referrer = { .host = "" };
        char script[SCRIPT_MAX + 1];
        struct embedding one = { .script = script,
                                 .host = referrer.host,
                                 .day = day_of(line->time_us),
                                 .first_us = line->time_us,
                                 .last_us = line->time_us,
                                 .fetches = 1 },
                         *found;

        if (!is_fetch(line))
                return 0;
        memcpy(script, line->path.text, line->path.length);
        script[line->path.length] = '\0';
        if (!line->referrer.length || !referrer_split(line->referrer, &referrer))
                *referrer.host = '\0';
        found = find(embeddings, &one);
        if (found) {
                found->fetches++;
                found->first_us = line->time_us < found->first_us ? line->time_us : found->first_us;
                found->last_us = line->time_us > found->last_us ? line->time_us : found->last_us;
                return 0;
        }
        if (memory_grow(&embeddings->list, embeddings->count, sizeof(one)) < 0)
                return -ENOMEM;
        one.script = memory_string(script);
        one.host = memory_string(referrer.host);
        if (!one.script || !one.host) {
                free(one.script);
                free(one.host);
                return -ENOMEM;
        }
        embeddings->list[embeddings->count++] = one;
        return 0;
}

/* ---------------------------------------------------------------- the store */

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
        sqlite3_bind_blob64(statement, at, text, strlen(text), SQLITE_STATIC);
}

/* Whether there is room for another host on this day, or it has a row already: the host, or the name of all others. */
static int host_for(struct store *store, const struct embedding *one, const char *server, const char **ret_host,
                    struct error *err)
{
        sqlite3_stmt *statement = store_statement(store, STATEMENT_EMBEDDER_ROOM, err);
        int step;

        if (!statement)
                return -EIO;
        bind_text(statement, 1, server);
        sqlite3_bind_int64(statement, 2, one->day);
        bind_text(statement, 3, one->host);
        bind_text(statement, 4, one->script);
        step = sqlite3_step(statement);
        if (step != SQLITE_ROW) {
                sqlite3_reset(statement);
                return store_fail(store, _("read"), err);
        }
        *ret_host = sqlite3_column_int(statement, 0) || sqlite3_column_int64(statement, 1) < EMBEDDERS_MAXIMUM
                            ? one->host
                            : NAME_OTHER;
        sqlite3_reset(statement);
        return 0;
}

int embeddings_keep(const struct embeddings *embeddings, struct store *store, const char *server, struct error *err)
{
        for (size_t i = 0; i < embeddings->count; i++) {
                const struct embedding *one = &embeddings->list[i];
                sqlite3_stmt *statement;
                const char *host = "";
                int r = host_for(store, one, server, &host, err);

                if (r < 0)
                        return r;
                statement = store_statement(store, STATEMENT_PUT_EMBEDDER, err);
                if (!statement)
                        return -EIO;
                bind_text(statement, 1, server);
                sqlite3_bind_int64(statement, 2, one->day);
                bind_text(statement, 3, host);
                bind_text(statement, 4, one->script);
                sqlite3_bind_int64(statement, 5, one->first_us);
                sqlite3_bind_int64(statement, 6, one->last_us);
                sqlite3_bind_int64(statement, 7, (int64_t)one->fetches);
                r = store_run(store, statement, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static char *text_of(sqlite3_stmt *statement, int column)
{
        return memory_copy(sqlite3_column_blob(statement, column), (size_t)sqlite3_column_bytes(statement, column));
}

int store_embedders(struct store *store, int64_t from_us, int64_t until_us, embedder_function *take, void *context,
                    struct error *err)
{
        static const char text[] =
                "SELECT host, server, script, min(first_us), max(last_us), sum(fetches) FROM embedder"
                " WHERE last_us >= ?1 AND first_us < ?2 GROUP BY host, server, script"
                " ORDER BY host, server, script";
        sqlite3_stmt *statement = NULL;
        int step = 0, r = 0;

        if (sqlite3_prepare_v2(store->database, text, -1, &statement, NULL) != SQLITE_OK)
                return store_fail(store, _("read"), err);
        sqlite3_bind_int64(statement, 1, from_us ? from_us : INT64_MIN);
        sqlite3_bind_int64(statement, 2, until_us ? until_us : INT64_MAX);
        while (r == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW) {
                _cleanup_(memory_freep) char *host = text_of(statement, 0), *server = text_of(statement, 1);
                _cleanup_(memory_freep) char *script = text_of(statement, 2);
                const struct embedder one = { .host = host,
                                              .server = server,
                                              .script = script,
                                              .first_us = sqlite3_column_int64(statement, 3),
                                              .last_us = sqlite3_column_int64(statement, 4),
                                              .fetches = (uint64_t)sqlite3_column_int64(statement, 5) };

                r = host && server && script ? take(context, &one, err) : error_memory(err);
        }
        if (r == 0 && step != SQLITE_DONE)
                r = store_fail(store, _("read"), err);
        sqlite3_finalize(statement);
        return r;
}
