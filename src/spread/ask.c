#include "ask.h"

#include <errno.h>
#include <string.h>

#include "accesslog/beacon.h"
#include "analyze/summary_private.h"
#include "base/memory.h"
#include "spread/answer.h"
#include "spread/asking.h"
#include "spread/question.h"
#include "spread/row.h"
#include "spread/salted.h"
#include "spread/visits.h"

#define DAY_HOURS 24
#define HOUR_US   INT64_C(3600000000)

bool ask_has_list(int dimension)
{
        return question_has_list(dimension) || visits_has_list(dimension);
}

bool ask_has_visits(int dimension)
{
        return visits_has_list(dimension);
}

/* ---------------------------------------------------------------- rows */

struct row_taker {
        const struct asking *asking;
        struct answer_rows *rows;
        int span;
        bool visits, ends; /* they are visits (visits.h), of first or last pages */
};

static int take_answer(void *context, size_t shard, const struct buffer *answer, struct error *err)
{
        const struct row_taker *taker = context;
        int r = taker->visits ? answer_take_visits(taker->rows, answer, taker->span, taker->ends)
                              : answer_take(taker->rows, answer, taker->span);

        return r == -EBADMSG ? asking_bad_answer(taker->asking, shard, err) : r;
}

/* The rows' names lie in the answers. `visits`: what is counted by visit, and not by line. */
static int ask_rows(struct asking *asking, const struct question *question, bool visits,
                    struct buffer answers[SPREAD_SHARDS_MAXIMUM], struct answer_rows *rows, struct error *err)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(ASKING_SQL_MAXIMUM);
        struct row_taker taker = {
                .asking = asking,
                .rows = rows,
                .span = question->query->span,
                .visits = visits,
                .ends = visits && visits_are_all(question->dimension)
        };
        int r = visits ? visits_put(&sql, question) : question_put(&sql, question);

        return r < 0 ? error_memory(err) : asking_all(asking, buffer_text(&sql), answers, take_answer, &taker, err);
}

/* Whoever answered the one question and not the other is left out with both. */
static void drop_silent(const struct asking *asking, const struct buffer answers[SPREAD_SHARDS_MAXIMUM],
                        struct answer_rows *rows)
{
        for (size_t i = 0; i < asking->shards->count; i++)
                if (!asking->servers[i])
                        answer_drop(rows, &answers[i]);
}

/* ---------------------------------------------------------------- whose referrers are the site's own */

/* Names of a list, the most first, as texts that are in `memory`. */
static int ask_names(struct asking *asking, const struct question *question, size_t top, struct summary *memory,
                     const char *own[], size_t maximum, size_t *count, struct error *err)
{
        struct buffer answers[SPREAD_SHARDS_MAXIMUM] = { 0 };
        struct answer_rows rows = ANSWER_ROWS_INIT;
        int r = ask_rows(asking, question, false, answers, &rows, err);

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
        asking_answers_done(answers);
        return r;
}

#define OWN_MAXIMUM 1000

/* As of a whole log: those that were given and the virtual hosts; without any the host that most pictures and style
 * sheets are embedded by. */
static int find_own(struct asking *asking, const struct question *asked, struct summary *memory,
                    const char *own[static OWN_MAXIMUM + 1], struct error *err)
{
        const struct store_query *query = asked->query, all = { .site = query->site, .span = QUERY_ONCE };
        struct question question = { .query = &all,
                                     .dimension = DIMENSION_HOSTS,
                                     .beacon = asked->beacon,
                                     .rollup = asked->rollup };
        size_t count = 0;
        int r;

        for (size_t i = 0; query->own_hosts && query->own_hosts[i] && count < OWN_MAXIMUM; i++)
                own[count++] = query->own_hosts[i];
        r = ask_names(asking, &question, 0, memory, own, OWN_MAXIMUM, &count, err);
        if (r < 0 || count)
                return r;
        question.dimension = QUESTION_EMBEDDING;
        return ask_names(asking, &question, 1, memory, own, OWN_MAXIMUM, &count, err);
}

/* ---------------------------------------------------------------- whose salt was replaced */

struct salt_taker {
        const struct asking *asking;
        struct replaced_salts *salts;
};

static int take_salts(void *context, size_t shard, const struct buffer *answer, struct error *err)
{
        const struct salt_taker *taker = context;

        return salted_take(taker->salts, answer) < 0 ? asking_bad_answer(taker->asking, shard, err) : 0;
}

/* Of all days; in the memory of the answer. Before the rows: who does not answer this is left out with those. */
static int ask_salts(struct asking *asking, struct store_answer *found, struct error *err)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(ASKING_SQL_MAXIMUM);
        struct buffer answers[SPREAD_SHARDS_MAXIMUM] = { 0 };
        struct salt_taker taker = { asking, &found->replaced_salts };
        int r;

        if (!asking->salted)
                return 0;
        found->replaced_salts.items =
                summary_allocate(&found->memory, REPLACED_SALTS_MAXIMUM * sizeof(*found->replaced_salts.items));
        if (!found->replaced_salts.items || salted_question(&sql, asking->shards->shared_salts) < 0)
                return error_memory(err);
        r = asking_all(asking, buffer_text(&sql), answers, take_salts, &taker, err);
        asking_answers_done(answers);
        return r;
}

/* Those of the days that the answer is about. */
static void keep_salts(struct store_answer *found)
{
        struct replaced_salts *salts = &found->replaced_salts;
        size_t kept = 0;

        for (size_t i = 0; i < salts->count; i++)
                if (salts->items[i].day * DAY_HOURS < found->until_hour &&
                    (salts->items[i].day + 1) * DAY_HOURS > found->from_hour)
                        salts->items[kept++] = salts->items[i];
        salts->count = kept;
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
        keep_salts(found);
        return 0;
}

static int ask(struct asking *asking, const struct store_query *query, bool beacon, bool visits,
               struct ask_answer *answer, struct error *err)
{
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        _cleanup_(memory_freep) const char **own = memory_new(OWN_MAXIMUM + 1, sizeof(*own));
        struct question question = {
                .query = query, .dimension = query->dimension, .beacon = beacon, .rollup = asking->rollup
        };
        int r = own ? ask_salts(asking, &answer->found, err) : error_memory(err);

        if (r == 0 && (query->dimension == DIMENSION_REFERRERS || query->dimension == DIMENSION_REFERRER_PAGES)) {
                r = find_own(asking, &question, &answer->found.memory, own, err);
                question.own = own;
        }
        if (r == 0 && !visits_are_all(query->dimension))
                r = ask_rows(asking, &question, false, answer->bytes, &rows, err);
        if (r == 0 && (visits || visits_are_all(query->dimension)))
                r = ask_rows(asking, &question, true, answer->visit_bytes, &rows, err);
        drop_silent(asking, answer->bytes, &rows);
        if (r == 0 && answer_settle(&rows, query->order, query->top) < 0)
                r = error_memory(err);
        return r < 0 ? r : take_rows(answer, &rows, query, err);
}

int ask_shards(const struct spread_shards *shards, const struct store_query *query, bool beacon, bool visits,
               struct ask_answer *ret_answer, struct error *err)
{
        struct ask_answer answer = { 0 };
        _cleanup_(asking_done) struct asking asking = { .shards = shards };
        int r = asking_begin(&asking, err);

        if (r == 0)
                r = ask(&asking, query, beacon, visits, &answer, err);
        if (r < 0) {
                ask_answer_done(&answer);
                return r;
        }
        asking_hand_over(&asking, &answer.who);
        *ret_answer = answer;
        return 0;
}

void ask_answer_done(struct ask_answer *answer)
{
        store_answer_done(&answer->found);
        asking_answers_done(answer->bytes);
        asking_answers_done(answer->visit_bytes);
        ask_who_done(&answer->who);
        memset(answer, 0, sizeof(*answer));
}

/* ---------------------------------------------------------------- web vitals */

struct vital_taker {
        const struct asking *asking;
        struct histogram *histograms;
};

static int take_vitals(void *context, size_t shard, const struct buffer *answer, struct error *err)
{
        const struct vital_taker *taker = context;
        const char *at = buffer_text(answer), *end = at + answer->length;
        uint64_t sum = 0;

        while (at < end) {
                uint64_t vital, value, count;

                if (!row_take_u64(&at, end, &vital) || !row_take_u64(&at, end, &value) ||
                    !row_take_u64(&at, end, &count) || vital >= VITAL_COUNT || value > BEACON_VITAL_MAXIMUM ||
                    !answer_add(&sum, count))
                        return asking_bad_answer(taker->asking, shard, err);
                histogram_add_many(&taker->histograms[vital], value, count);
        }
        return 0;
}

int ask_vitals(const struct spread_shards *shards, const struct store_query *query,
               struct histogram ret_histograms[VITAL_COUNT], struct ask_who *ret_who, struct error *err)
{
        _cleanup_(asking_done) struct asking asking = { .shards = shards };
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(ASKING_SQL_MAXIMUM);
        struct buffer answers[SPREAD_SHARDS_MAXIMUM] = { 0 };
        struct vital_taker taker = { &asking, ret_histograms };
        int r = question_put_vitals(&sql, query) < 0 ? error_memory(err) : asking_begin(&asking, err);

        if (r == 0)
                r = asking_all(&asking, buffer_text(&sql), answers, take_vitals, &taker, err);
        asking_answers_done(answers);
        if (r == 0)
                asking_hand_over(&asking, ret_who);
        return r;
}

/* ---------------------------------------------------------------- funnels */

struct step_taker {
        const struct asking *asking;
        struct ask_step *steps;
        size_t count;
};

static int take_steps(void *context, size_t shard, const struct buffer *answer, struct error *err)
{
        const struct step_taker *taker = context;
        const char *at = buffer_text(answer), *end = at + answer->length;
        struct ask_step found[FUNNEL_STEPS_MAXIMUM] = { 0 };

        for (size_t i = 0; i < taker->count && answer->length; i++) /* nothing at all: it has no such visitor */
                if (!row_take_u64(&at, end, &found[i].visitors) || !row_take_u64(&at, end, &found[i].human_visitors) ||
                    found[i].visitors > ANSWER_COUNT_MAXIMUM || found[i].human_visitors > found[i].visitors)
                        return asking_bad_answer(taker->asking, shard, err);
        if (at != end)
                return asking_bad_answer(taker->asking, shard, err);
        for (size_t i = 0; i < taker->count; i++) {
                taker->steps[i].visitors += found[i].visitors;
                taker->steps[i].human_visitors += found[i].human_visitors;
        }
        return 0;
}

int ask_funnel(const struct spread_shards *shards, const struct store_query *query, bool beacon,
               const char *const goals[], size_t count, struct ask_step ret_steps[static FUNNEL_STEPS_MAXIMUM],
               struct ask_who *ret_who, struct error *err)
{
        _cleanup_(asking_done) struct asking asking = { .shards = shards };
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(ASKING_SQL_MAXIMUM);
        struct buffer answers[SPREAD_SHARDS_MAXIMUM] = { 0 };
        const struct question question = { .query = query, .beacon = beacon };
        struct ask_step steps[FUNNEL_STEPS_MAXIMUM] = { 0 };
        struct step_taker taker = { &asking, steps, count };
        int r = visits_put_funnel(&sql, &question, goals, count) < 0 ? error_memory(err) : asking_begin(&asking, err);

        if (r == 0)
                r = asking_all(&asking, buffer_text(&sql), answers, take_steps, &taker, err);
        asking_answers_done(answers);
        if (r < 0)
                return r;
        memcpy(ret_steps, steps, sizeof(steps));
        asking_hand_over(&asking, ret_who);
        return 0;
}

/* ---------------------------------------------------------------- who embeds the script */

struct embedder_taker {
        const struct asking *asking;
        embedder_function *take;
        void *context;
};

static int take_embedders(void *context, size_t shard, const struct buffer *answer, struct error *err)
{
        const struct embedder_taker *taker = context;
        const char *at = buffer_text(answer), *end = at + answer->length;
        uint64_t sum = 0;
        int r = 0;

        while (r == 0 && at < end) {
                const char *texts[3] = { 0 };
                _cleanup_(memory_freep) char *host = NULL, *server = NULL, *script = NULL;
                char **copies[] = { &host, &server, &script };
                struct embedder one = { 0 };
                uint64_t first, last;
                size_t length;

                if (!row_take_u64(&at, end, &first) || !row_take_u64(&at, end, &last) ||
                    !row_take_u64(&at, end, &one.fetches) || !answer_times(first, last) ||
                    !answer_add(&sum, one.fetches))
                        return asking_bad_answer(taker->asking, shard, err);
                for (size_t i = 0; i < LENGTH(texts); i++) {
                        if (!row_take_text(&at, end, &texts[i], &length))
                                return asking_bad_answer(taker->asking, shard, err);
                        if (!(*copies[i] = memory_copy(texts[i], length)))
                                return error_memory(err);
                }
                one.host = host;
                one.server = server;
                one.script = script;
                one.first_us = (int64_t)first * 1000;
                one.last_us = (int64_t)last * 1000;
                r = taker->take(taker->context, &one, err);
        }
        return r;
}

int ask_embedders(const struct spread_shards *shards, int64_t from_us, int64_t until_us, embedder_function *take,
                  void *context, struct ask_who *ret_who, struct error *err)
{
        _cleanup_(asking_done) struct asking asking = { .shards = shards };
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(ASKING_SQL_MAXIMUM);
        struct buffer answers[SPREAD_SHARDS_MAXIMUM] = { 0 };
        struct embedder_taker taker = { &asking, take, context };
        int r = question_put_embedders(&sql, from_us, until_us) < 0 ? error_memory(err) : asking_begin(&asking, err);

        if (r == 0)
                r = asking_all(&asking, buffer_text(&sql), answers, take_embedders, &taker, err);
        asking_answers_done(answers);
        if (r == 0)
                asking_hand_over(&asking, ret_who);
        return r;
}
