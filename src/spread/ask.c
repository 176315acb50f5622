#include "ask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/classify.h"
#include "analyze/summary_private.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "spread/answer.h"
#include "spread/server.h"

#define SQL_MAXIMUM    (256U << 10)
#define ANSWER_MAXIMUM (256U << 20) /* of one server */
#define DAY_HOURS      24
#define HOUR_US        INT64_C(3600000000)
#define HOUR_MS        INT64_C(3600000)

/* What a list is made of: its name, and which events are in it. */
struct list {
        int dimension;
        const char *name, *where;
};

static const struct list lists[] = {
        { QUERY_ALL,                  "''",                                        "1"                              },
        { DIMENSION_PAGES,            "path",                                      "method != '' AND asset = 0"     },
        { DIMENSION_ASSETS,           "path",                                      "method != '' AND asset = 1"     },
        { DIMENSION_NOT_FOUND,        "path",                                      "method != '' AND status IN (404, 410)" },
        { DIMENSION_REFERRERS,        "referrer",                                  "referrer != '' AND asset = 0"   },
        { DIMENSION_REFERRER_PAGES,   "referrer_page",                             "referrer_page != ''"            },
        { DIMENSION_CAMPAIGNS,        "campaign",                                  "campaign != ''"                 },
        { DIMENSION_BROWSERS,         "browser",                                   "1"                              },
        { DIMENSION_SYSTEMS,          "system",                                    "1"                              },
        { DIMENSION_DEVICES,          "device",                                    "1"                              },
        { DIMENSION_BOTS,             "bot",                                       "bot != ''"                      },
        { DIMENSION_HOSTS,            "host",                                      "host != ''"                     },
        { DIMENSION_STATUS,           "toString(status)",                          "status != 0"                    },
        { DIMENSION_METHODS,          "method",                                    "method != ''"                   },
        { DIMENSION_COUNTRIES,        "country",                                   "country != ''"                  },
};

static const struct list *find_list(int dimension)
{
        for (size_t i = 0; i < LENGTH(lists); i++)
                if (lists[i].dimension == dimension)
                        return &lists[i];
        return NULL;
}

bool ask_has_list(int dimension)
{
        return find_list(dimension) != NULL;
}

/* ---------------------------------------------------------------- the question in SQL */

/* Any bytes as a text of SQL: nothing of them can be taken for anything else. */
static int put_bytes(struct buffer *sql, const char *bytes, size_t length)
{
        int r = buffer_append_text(sql, "unhex('");

        for (size_t i = 0; i < length && r == 0; i++)
                r = buffer_printf(sql, "%02X", (unsigned char)bytes[i]);
        return r < 0 ? r : buffer_append_text(sql, "')");
}

static int put_name(struct buffer *sql, const struct list *list, const char *wanted)
{
        size_t length = strlen(wanted);
        bool prefix = length && wanted[length - 1] == '*';
        int r;

        length -= prefix;
        r = prefix ? buffer_printf(sql, " AND substring(%s, 1, %zu) = ", list->name, length)
                   : buffer_printf(sql, " AND %s = ", list->name);
        return r < 0 ? r : put_bytes(sql, wanted, length);
}

/* The hosts of the site itself, as referrer_split() writes them. */
static int put_own(struct buffer *sql, const char *const own[])
{
        int r = 0;

        for (size_t i = 0; own && own[i] && r == 0; i++) {
                char normal[REFERRER_HOST_MAXIMUM + 1];
                size_t length;

                if (!host_normalize(own[i], strlen(own[i]), normal, &length))
                        continue;
                r = buffer_append_text(sql, " AND referrer != ");
                if (r == 0)
                        r = put_bytes(sql, normal, length);
        }
        return r;
}

/* Whole hours, wider rather than narrower; with the day, so that other days are not read. */
static int put_time(struct buffer *sql, const struct store_query *query)
{
        static const char clock[] = "toUInt64(toUInt16(day)) * 86400000 + ms";
        int64_t from = query->from_us > 0 ? query->from_us / HOUR_US : 0;
        int64_t until = query->until_us > 0 ? (query->until_us + HOUR_US - 1) / HOUR_US : 0;
        int r = 0;

        if (query->from_us)
                r = buffer_printf(sql, " AND day >= toDate(%" PRId64 ") AND %s >= %" PRId64, from / DAY_HOURS, clock,
                                  from * HOUR_MS);
        if (r == 0 && query->until_us)
                r = buffer_printf(sql, " AND day <= toDate(%" PRId64 ") AND %s < %" PRId64, until / DAY_HOURS, clock,
                                  until * HOUR_MS);
        return r;
}

static const char *start_of(int span)
{
        switch (span) {
        case SPAN_HOUR: return "toInt64(toUInt16(day)) * 24 + intDiv(ms, 3600000)";
        case SPAN_DAY: return "toInt64(toUInt16(day))";
        case SPAN_MONTH: return "(toInt64(toYear(day)) - 1970) * 12 + toMonth(day) - 1";
        default: return "toInt64(0)";
        }
}

/* The columns that answer_take() reads. */
static int put_question(struct buffer *sql, const struct list *list, const struct store_query *query, bool beacon,
                        const char *const own[])
{
        bool referrers = list->dimension == DIMENSION_REFERRERS || list->dimension == DIMENSION_REFERRER_PAGES;
        int r = buffer_printf(sql,
                              "SELECT %s AS name, toInt64(%s) AS start, toUInt64(count()), "
                              "toUInt64(uniqExactIf(visitor, visitor != 0 AND intDiv(status, 100) != 4)), "
                              "toUInt64(sum(bytes)), toUInt64(countIf(bot != '')), "
                              "toUInt64(countIf(intDiv(status, 100) IN (4, 5))), toUInt16(min(day)), toUInt16(max(day)) "
                              "FROM event WHERE %s AND source %s 0",
                              list->name, start_of(query->span), list->where, beacon ? "!=" : "=");

        if (r == 0 && query->site && *query->site) {
                r = buffer_append_text(sql, " AND host = ");
                if (r == 0)
                        r = put_bytes(sql, query->site, strlen(query->site));
        }
        if (r == 0 && query->name)
                r = put_name(sql, list, query->name);
        if (r == 0 && referrers)
                r = put_own(sql, own);
        if (r == 0)
                r = put_time(sql, query);
        return r < 0 ? r : buffer_append_text(sql, " GROUP BY name, start FORMAT RowBinary");
}

/* ---------------------------------------------------------------- asking */

struct asking {
        const struct spread_shards *shards;
        struct server *servers[SPREAD_SHARDS_MAXIMUM];
};

static void asking_done(struct asking *asking)
{
        for (size_t i = 0; i < asking->shards->count; i++)
                server_free(asking->servers[i]);
}

static int asking_begin(struct asking *asking, const struct spread_shards *shards, struct error *err)
{
        int r = 0;

        asking->shards = shards;
        for (size_t i = 0; i < shards->count && r == 0; i++)
                r = server_new(&shards->items[i], shards->database, NULL, &asking->servers[i], err);
        return r;
}

static int note_silent(struct ask_answer *answer, const struct spread_shard *shard, const struct error *why,
                       struct error *err)
{
        struct ask_silent *silent = &answer->silent[answer->silent_count];

        silent->name = shard->name;
        silent->words = memory_string(why->text);
        if (!silent->words)
                return error_memory(err);
        answer->silent_count++;
        return 0;
}

/* What each server says becomes rows, or a reason. */
static int ask_all(const struct asking *asking, const char *sql, struct ask_answer *answer, struct answer_rows *rows,
                   struct error *err)
{
        struct server_question *questions = memory_new(asking->shards->count, sizeof(*questions));
        int r = 0;

        if (!questions)
                return error_memory(err);
        for (size_t i = 0; i < asking->shards->count; i++)
                questions[i] = (struct server_question){ .server = asking->servers[i],
                                                         .sql = sql,
                                                         .answer = BUFFER_INIT(ANSWER_MAXIMUM) };
        server_ask_all(questions, asking->shards->count, asking->shards->deadline_ms);
        answer->asked = asking->shards->count;
        for (size_t i = 0; i < answer->asked; i++) {
                struct server_question *question = &questions[i];

                answer->bytes[i] = question->answer; /* owned from here on */
                if (r == 0 && question->result == 0)
                        question->result = answer_take(rows, &answer->bytes[i]);
                if (question->result == -EBADMSG)
                        error_set(&question->error, -EBADMSG, _("the analysis server %s answers with what is no row"),
                                  server_name(question->server));
                if (question->result == -ENOMEM)
                        r = error_memory(err);
                else if (question->result == 0)
                        answer->answered++;
                else if (r == 0)
                        r = note_silent(answer, &asking->shards->items[i], &question->error, err);
        }
        if (r == 0 && answer->answered == 0) {
                *err = questions[0].error;
                r = err->code;
        }
        free(questions);
        return r;
}

/* ---------------------------------------------------------------- whose referrers are the site's own */

static int compose(struct buffer *sql, int dimension, const struct store_query *query, bool beacon,
                   const char *const own[], struct error *err)
{
        buffer_clear(sql);
        return put_question(sql, find_list(dimension), query, beacon, own) < 0 ? error_memory(err) : 0;
}

/* Names of a list, the most first, as texts that are in `memory`. */
static int ask_names(const struct asking *asking, const char *sql, size_t top, struct summary *memory,
                     const char *own[], size_t maximum, size_t *count, struct error *err)
{
        struct ask_answer answer = { 0 };
        struct answer_rows rows = ANSWER_ROWS_INIT;
        int r = ask_all(asking, sql, &answer, &rows, err);

        if (r == 0 && answer_settle(&rows, METRIC_HITS, top) < 0)
                r = error_memory(err);
        for (size_t i = 0; i < rows.count && r == 0 && *count < maximum; i++) {
                own[*count] = summary_text(memory, rows.rows[i].name, rows.rows[i].name_length);
                if (!own[*count])
                        r = error_memory(err);
                else
                        ++*count;
        }
        answer_rows_done(&rows);
        ask_answer_done(&answer);
        return r;
}

#define OWN_MAXIMUM 1000

/* As of a whole log: those that were given and the virtual hosts; without any the host that most pictures and style
 * sheets are embedded by. */
static int find_own(const struct asking *asking, const struct store_query *query, bool beacon, struct buffer *sql,
                    struct summary *memory, const char *own[static OWN_MAXIMUM + 1], struct error *err)
{
        const struct store_query all = { .site = query->site, .span = QUERY_ONCE };
        size_t count = 0;
        int r;

        for (size_t i = 0; query->own_hosts && query->own_hosts[i] && count < OWN_MAXIMUM; i++)
                own[count++] = query->own_hosts[i];
        r = compose(sql, DIMENSION_HOSTS, &all, beacon, NULL, err);
        if (r == 0)
                r = ask_names(asking, buffer_text(sql), 0, memory, own, OWN_MAXIMUM, &count, err);
        if (r < 0 || count)
                return r;
        buffer_clear(sql);
        if (put_question(sql, &(struct list){ QUERY_ALL, "referrer", "referrer != '' AND asset = 1" }, &all, beacon,
                         NULL) < 0)
                return error_memory(err);
        return ask_names(asking, buffer_text(sql), 1, memory, own, OWN_MAXIMUM, &count, err);
}

/* ---------------------------------------------------------------- all of it */

static int take_rows(struct ask_answer *answer, const struct answer_rows *rows, const struct store_query *query,
                     struct error *err)
{
        struct store_answer *found = &answer->found;

        found->rows = memory_new(rows->count + 1, sizeof(*found->rows));
        if (!found->rows)
                return error_memory(err);
        for (size_t i = 0; i < rows->count; i++)
                found->rows[i] = (struct store_row){ .name = rows->rows[i].name,
                                                     .name_length = rows->rows[i].name_length,
                                                     .start = rows->rows[i].start,
                                                     .figures = rows->rows[i].figures };
        found->count = rows->count;
        found->names = rows->names;
        if (rows->count) {
                found->from_hour = (int64_t)rows->first_day * DAY_HOURS;
                found->until_hour = ((int64_t)rows->last_day + 1) * DAY_HOURS;
        }
        if (query->from_us)
                found->from_hour = query->from_us / HOUR_US;
        if (query->until_us)
                found->until_hour = (query->until_us + HOUR_US - 1) / HOUR_US;
        found->visitors = query->span == SPAN_HOUR || query->span == SPAN_DAY ||
                                          found->until_hour - found->from_hour <= DAY_HOURS
                                  ? VISITORS_DIFFERENT
                                  : VISITORS_SUM_OF_DAYS;
        return 0;
}

static int ask(const struct asking *asking, const struct store_query *query, bool beacon, struct ask_answer *answer,
               struct error *err)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(SQL_MAXIMUM);
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        _cleanup_(memory_freep) const char **own = memory_new(OWN_MAXIMUM + 1, sizeof(*own));
        int r = own ? 0 : error_memory(err);

        if (r == 0 && (query->dimension == DIMENSION_REFERRERS || query->dimension == DIMENSION_REFERRER_PAGES))
                r = find_own(asking, query, beacon, &sql, &answer->found.memory, own, err);
        if (r == 0)
                r = compose(&sql, query->dimension, query, beacon, own, err);
        if (r == 0)
                r = ask_all(asking, buffer_text(&sql), answer, &rows, err);
        if (r == 0 && answer_settle(&rows, query->order, query->top) < 0)
                r = error_memory(err);
        return r < 0 ? r : take_rows(answer, &rows, query, err);
}

int ask_shards(const struct spread_shards *shards, const struct store_query *query, bool beacon,
               struct ask_answer *ret_answer, struct error *err)
{
        struct ask_answer answer = { 0 };
        _cleanup_(asking_done) struct asking asking = { .shards = shards };
        int r = asking_begin(&asking, shards, err);

        if (r == 0)
                r = ask(&asking, query, beacon, &answer, err);
        if (r < 0) {
                ask_answer_done(&answer);
                return r;
        }
        *ret_answer = answer;
        return 0;
}

void ask_answer_done(struct ask_answer *answer)
{
        store_answer_done(&answer->found);
        for (size_t i = 0; i < SPREAD_SHARDS_MAXIMUM; i++)
                buffer_done(&answer->bytes[i]);
        for (size_t i = 0; i < answer->silent_count; i++)
                free(answer->silent[i].words);
        memset(answer, 0, sizeof(*answer));
}
