/* store_query.c - figures by name and time: which names first, from the largest rollups, then their rows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/store_ask.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"

#define LOOKUPS_MAXIMUM 20000 /* rows that are looked up one by one; beyond, all of the time are read */

struct query {
        struct ask ask;
        const struct store_query *query;
        struct store_answer *answer;
        struct sum *chosen; /* the names, the most first */
        size_t chosen_count;
        size_t *places; /* by slot of `sums`: where in chosen, + 1 */
        struct sums sums;
        uint32_t last_id; /* of the row before */
};

uint64_t store_metric(const struct figures *figures, enum store_metric metric)
{
        switch (metric) {
        case METRIC_VISITORS: return figures->visitors;
        case METRIC_VISITS: return figures->visits;
        case METRIC_BYTES: return figures->bytes;
        case METRIC_BOT_HITS: return figures->bot_hits;
        case METRIC_ERRORS: return figures->errors;
        default: return figures->hits;
        }
}

void store_answer_done(struct store_answer *answer)
{
        free(answer->rows);
        summary_done(&answer->memory);
        memset(answer, 0, sizeof(*answer));
}

/* ---------------------------------------------------------------- which names */

static bool fits(const char *wanted, const char *text, size_t length)
{
        size_t wanted_length = strlen(wanted);

        if (wanted_length && wanted[wanted_length - 1] == '*')
                return length >= wanted_length - 1 && memcmp(text, wanted, wanted_length - 1) == 0;
        return length == wanted_length && memcmp(text, wanted, length) == 0;
}

/* NOT_FOUND, ENTRY and EXIT have the names of other lists. */
static unsigned int names_of(int dimension)
{
        switch (dimension) {
        case DIMENSION_ENTRY:
        case DIMENSION_EXIT: return DIMENSION_PAGES;
        default: return (unsigned int)dimension;
        }
}

/* Whether a name is asked for: -ENOENT when not. */
static int is_wanted(struct query *query, uint32_t id)
{
        const char *wanted = query->query->name;
        int dimension = query->query->dimension;
        bool referrers = dimension == DIMENSION_REFERRERS || dimension == DIMENSION_REFERRER_PAGES;
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(2 * LOG_LINE_MAXIMUM);
        int r;

        if (!wanted && !referrers)
                return 0;
        r = store_text(query->ask.store, id, &text, query->ask.err);
        if (r < 0)
                return r;
        if (wanted && !fits(wanted, buffer_text(&text), text.length))
                return -ENOENT;
        return ask_is_own_row(query->ask.summary, (unsigned int)dimension, buffer_text(&text), text.length) ? -ENOENT
                                                                                                            : 0;
}

/* The name itself when one is asked for by its whole text: then nothing else needs to be read. */
static int find_one(struct query *query, uint32_t *ret_id)
{
        const char *wanted = query->query->name;
        size_t length = wanted ? strlen(wanted) : 0;
        int r;

        *ret_id = 0;
        if (!length || wanted[length - 1] == '*' || query->query->dimension == DIMENSION_NOT_FOUND)
                return 0;
        r = store_name(query->ask.store, names_of(query->query->dimension), wanted, length, false, ret_id,
                       query->ask.err);
        return r < 0 ? r : *ret_id ? 1 : -ENOENT;
}

static enum store_metric order_of_sort; /* qsort(3) has no context; one thread asks */

static int compare_sums(const void *a, const void *b)
{
        const struct sum *first = a, *second = b;
        uint64_t one = store_metric(&first->figures, order_of_sort),
                 other = store_metric(&second->figures, order_of_sort);

        if (one != other)
                return one < other ? 1 : -1;
        return (first->id > second->id) - (first->id < second->id);
}

static int choose_among_all(struct query *query)
{
        int dimension = query->query->dimension == QUERY_ALL ? STORE_TOTAL : query->query->dimension;
        size_t count = 0, taken = 0, top = query->query->top;
        int r = ask_sums(&query->ask, (unsigned int)dimension, &query->sums);

        if (r < 0)
                return r;
        query->chosen = memory_new(query->sums.count + 1, sizeof(*query->chosen));
        if (!query->chosen)
                return error_memory(query->ask.err);
        for (size_t i = 0; query->sums.slots && i <= query->sums.mask; i++)
                if (query->sums.slots[i].used)
                        query->chosen[count++] = query->sums.slots[i];
        order_of_sort = query->query->order;
        qsort(query->chosen, count, sizeof(*query->chosen), compare_sums);
        for (size_t i = 0; i < count; i++) {
                r = dimension == STORE_TOTAL ? 0 : is_wanted(query, query->chosen[i].id);
                if (r < 0 && r != -ENOENT)
                        return r;
                if (r < 0 || !store_metric(&query->chosen[i].figures, METRIC_HITS))
                        continue;
                query->answer->names++;
                if (!top || taken < top)
                        query->chosen[taken++] = query->chosen[i];
        }
        query->chosen_count = taken;
        return 0;
}

static sqlite3_stmt *prepare_one(struct query *query, struct error *err)
{
        static const char text[] = "SELECT start, hits, visitors, visits, bytes, bot_hits, errors FROM rollup WHERE"
                                   " site = ?1 AND span = ?2 AND dimension = ?3 AND start = ?4 AND name = ?5";
        sqlite3_stmt *statement = NULL;

        if (sqlite3_prepare_v2(query->ask.store->database, text, -1, &statement, NULL) == SQLITE_OK)
                return statement;
        store_fail(query->ask.store, _("read"), err);
        return NULL;
}

/* One row by its whole key; false when there is none. */
static bool look_up(struct query *query, sqlite3_stmt *statement, unsigned int dimension, int span, int64_t start,
                    uint32_t id, struct figures *ret_figures)
{
        const struct store_piece piece = { span, start, 0 };
        bool found;

        ask_bind(&query->ask, statement, dimension, &piece);
        sqlite3_bind_int64(statement, 5, id);
        found = sqlite3_step(statement) == SQLITE_ROW;
        if (found)
                *ret_figures = ask_figures(statement, 1);
        sqlite3_reset(statement);
        return found;
}

static int choose_one(struct query *query, uint32_t id)
{
        sqlite3_stmt *statement = prepare_one(query, query->ask.err);
        struct figures figures;

        query->chosen = memory_new(1, sizeof(*query->chosen));
        if (!statement || !query->chosen) {
                sqlite3_finalize(statement);
                return query->chosen ? -EIO : error_memory(query->ask.err);
        }
        query->chosen->id = id;
        for (size_t i = 0; i < query->ask.pieces.count; i++) {
                const struct store_piece *piece = &query->ask.pieces.pieces[i];

                for (int64_t start = piece->first; start < piece->until; start++)
                        if (look_up(query, statement, (unsigned int)query->query->dimension, piece->span, start, id,
                                    &figures))
                                figures_add(&query->chosen->figures, &figures);
        }
        sqlite3_finalize(statement);
        query->chosen_count = query->answer->names = query->chosen->figures.hits > 0;
        return 0;
}

/* ---------------------------------------------------------------- their rows */

static int add_row(struct query *query, uint32_t id, int64_t start, const struct figures *figures)
{
        struct store_answer *answer = query->answer;
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(2 * LOG_LINE_MAXIMUM);
        struct store_row row = { .name = "", .start = start, .figures = *figures };
        const struct store_row *before;
        int r;

        if (memory_grow(&answer->rows, answer->count, sizeof(*answer->rows)) < 0)
                return error_memory(query->ask.err);
        before = answer->count ? &answer->rows[answer->count - 1] : NULL;
        if (query->query->dimension != QUERY_ALL) {
                if (before && query->last_id == id) { /* the name of the row before */
                        row.name = before->name;
                        row.name_length = before->name_length;
                } else {
                        r = store_text(query->ask.store, id, &text, query->ask.err);
                        if (r < 0)
                                return r;
                        row.name = summary_text(&answer->memory, buffer_text(&text), text.length);
                        row.name_length = text.length;
                        if (!row.name)
                                return error_memory(query->ask.err);
                        query->last_id = id;
                }
        }
        answer->rows[answer->count++] = row;
        return 0;
}

/* The span's intervals that the time touches. */
static struct store_piece intervals_of(const struct query *query)
{
        int64_t from = query->ask.from_hour, until = query->ask.until_hour;
        int span = query->query->span;

        if (span == SPAN_HOUR)
                return (struct store_piece){ span, from, until };
        from = clock_floor(from, 24);
        until = clock_floor(until + 23, 24);
        if (span == SPAN_MONTH && from < until)
                return (struct store_piece){ span, store_month_of(from), store_month_of(until - 1) + 1 };
        return (struct store_piece){ span, from, until };
}

struct found_row {
        size_t place;
        uint32_t id;
        int64_t start;
        struct figures figures;
};

struct finding {
        struct query *query;
        struct found_row *rows;
        size_t count;
        bool failed;
};

static void find_row(void *context, uint32_t id, int64_t start, const struct figures *figures)
{
        struct finding *finding = context;
        const struct query *query = finding->query;
        const struct sum *slot = ask_sum(query->sums.slots, query->sums.mask, id);
        size_t place = slot->used ? query->places[slot - query->sums.slots] : 0;

        if (!place || finding->failed)
                return;
        finding->failed = memory_grow(&finding->rows, finding->count, sizeof(*finding->rows)) < 0;
        if (!finding->failed)
                finding->rows[finding->count++] = (struct found_row){ place, id, start, *figures };
}

static int compare_found(const void *a, const void *b)
{
        const struct found_row *first = a, *second = b;

        if (first->place != second->place)
                return first->place < second->place ? -1 : 1;
        return (first->start > second->start) - (first->start < second->start);
}

/* All rows of the time, those of the chosen names taken. */
static int scan_rows(struct query *query, unsigned int dimension, const struct store_piece *intervals)
{
        struct finding finding = { .query = query };
        int r;

        for (size_t i = 0; i < query->chosen_count; i++)
                query->places[ask_sum(query->sums.slots, query->sums.mask, query->chosen[i].id) - query->sums.slots] =
                        i + 1;
        r = ask_rows(&query->ask, dimension, intervals, find_row, &finding);
        if (r == 0 && finding.failed)
                r = error_memory(query->ask.err);
        if (r == 0 && finding.count)
                qsort(finding.rows, finding.count, sizeof(*finding.rows), compare_found);
        for (size_t i = 0; i < finding.count && r == 0; i++)
                r = add_row(query, finding.rows[i].id, finding.rows[i].start, &finding.rows[i].figures);
        free(finding.rows);
        return r;
}

static int look_up_rows(struct query *query, unsigned int dimension, const struct store_piece *intervals)
{
        sqlite3_stmt *statement = prepare_one(query, query->ask.err);
        struct figures figures;
        int r = statement ? 0 : -EIO;

        for (size_t i = 0; i < query->chosen_count && r == 0; i++)
                for (int64_t start = intervals->first; start < intervals->until && r == 0; start++)
                        if (look_up(query, statement, dimension, intervals->span, start, query->chosen[i].id, &figures))
                                r = add_row(query, query->chosen[i].id, start, &figures);
        sqlite3_finalize(statement);
        return r;
}

static int take_rows(struct query *query)
{
        unsigned int dimension =
                query->query->dimension == QUERY_ALL ? STORE_TOTAL : (unsigned int)query->query->dimension;
        const struct store_piece intervals = intervals_of(query);
        uint64_t lookups = (uint64_t)(intervals.until - intervals.first) * query->chosen_count;
        int r = 0;

        query->places = memory_new(query->sums.mask + 1, sizeof(*query->places));
        if (!query->places)
                return error_memory(query->ask.err);
        if (query->query->span == QUERY_ONCE) {
                for (size_t i = 0; i < query->chosen_count && r == 0; i++)
                        r = add_row(query, query->chosen[i].id, 0, &query->chosen[i].figures);
                return r;
        }
        if (lookups <= LOOKUPS_MAXIMUM || !query->sums.slots)
                return look_up_rows(query, dimension, &intervals);
        return scan_rows(query, dimension, &intervals);
}

/* ---------------------------------------------------------------- all of it */

static enum store_visitors visitors_of(const struct query *query)
{
        const struct store_pieces *pieces = &query->ask.pieces;
        int64_t days = query->ask.until_hour - query->ask.from_hour;

        if (query->query->span == SPAN_HOUR || query->query->span == SPAN_DAY)
                return VISITORS_DIFFERENT;
        if (query->query->span == SPAN_MONTH)
                return VISITORS_SUM_OF_DAYS;
        for (size_t i = 0; i < pieces->count; i++)
                if (pieces->pieces[i].span == SPAN_HOUR)
                        return days <= 1 ? VISITORS_DIFFERENT : VISITORS_SUM_OF_HOURS;
        return days <= 24 ? VISITORS_DIFFERENT : VISITORS_SUM_OF_DAYS;
}

static int answer(struct query *query)
{
        const struct store_query *asked = query->query;
        uint32_t id = 0;
        int r = ask_begin(&query->ask, asked->site, asked->from_us, asked->until_us, asked->last_days);

        if (r == 0 && (asked->dimension == DIMENSION_REFERRERS || asked->dimension == DIMENSION_REFERRER_PAGES))
                r = ask_find_own(&query->ask);
        if (r < 0)
                return r;
        query->answer->from_hour = query->ask.from_hour;
        query->answer->until_hour = query->ask.until_hour;
        query->answer->visitors = visitors_of(query);
        r = ask_replaced_salts(&query->ask, &query->answer->replaced_salts);
        if (r < 0)
                return r;
        r = find_one(query, &id);
        if (r == -ENOENT)
                return 0; /* no such name: an answer without rows */
        if (r > 0)
                r = choose_one(query, id);
        else if (r == 0)
                r = choose_among_all(query);
        return r < 0 ? r : take_rows(query);
}

int store_query(struct store *store, const struct store_query *query, struct store_answer *ret_answer,
                struct error *err)
{
        struct store_answer found = { 0 };
        struct query run = {
                .ask = {.store = store, .own_hosts = query->own_hosts, .summary = &found.memory, .err = err},
                .query = query,
                .answer = &found,
        };
        int r = answer(&run);

        free(run.chosen);
        free(run.places);
        free(run.sums.slots);
        if (r < 0) {
                store_answer_done(&found);
                return r;
        }
        *ret_answer = found;
        return 0;
}
