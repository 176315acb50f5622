/* store_ask.c - rows of rollups, added up over the pieces of a span of time. */
#include "analyze/store_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/classify.h"
#include "base/i18n.h"
#include "base/memory.h"

#define OWN_MAXIMUM 1000

int ask_begin(struct ask *ask, const char *site, int64_t from_us, int64_t until_us, unsigned int last_days)
{
        const char *name = site ? site : "";
        int r = store_find_site(ask->store, name, strlen(name), &ask->site, ask->err);

        if (r < 0)
                return r;
        if (!ask->site)
                return error_set(ask->err, -ENOENT, _("the store %s has no figures of the site '%s'"), ask->store->path,
                                 name);
        r = store_bounds(ask->store, ask->site, from_us, until_us, &ask->from_hour, &ask->until_hour, ask->err);
        if (r < 0)
                return r;
        if (last_days && ask->until_hour - ask->from_hour > (int64_t)last_days * 24)
                ask->from_hour = ask->until_hour - (int64_t)last_days * 24;
        store_cut(ask->from_hour, ask->until_hour, &ask->pieces);
        return 0;
}

/* ---------------------------------------------------------------- reading rows */

struct figures ask_figures(sqlite3_stmt *statement, int at)
{
        return (struct figures){ .hits = (uint64_t)sqlite3_column_int64(statement, at),
                                 .visitors = (uint64_t)sqlite3_column_int64(statement, at + 1),
                                 .visits = (uint64_t)sqlite3_column_int64(statement, at + 2),
                                 .bytes = (uint64_t)sqlite3_column_int64(statement, at + 3),
                                 .bot_hits = (uint64_t)sqlite3_column_int64(statement, at + 4),
                                 .errors = (uint64_t)sqlite3_column_int64(statement, at + 5) };
}

void ask_bind(struct ask *ask, sqlite3_stmt *statement, unsigned int dimension, const struct store_piece *piece)
{
        sqlite3_bind_int64(statement, 1, ask->site);
        sqlite3_bind_int(statement, 2, piece->span);
        sqlite3_bind_int(statement, 3, (int)dimension);
        sqlite3_bind_int64(statement, 4, piece->first);
        sqlite3_bind_int64(statement, 5, piece->until);
}

/* Every row of one piece: name's id, start, figures. */
int ask_rows(struct ask *ask, unsigned int dimension, const struct store_piece *piece,
             void (*take)(void *context, uint32_t id, int64_t start, const struct figures *figures), void *context)
{
        static const char text[] = "SELECT name, start, hits, visitors, visits, bytes, bot_hits, errors FROM rollup"
                                   " WHERE site = ?1 AND span = ?2 AND dimension = ?3 AND start >= ?4 AND start < ?5";
        sqlite3_stmt *statement = NULL;
        int step;

        if (sqlite3_prepare_v2(ask->store->database, text, -1, &statement, NULL) != SQLITE_OK)
                return store_fail(ask->store, _("read"), ask->err);
        ask_bind(ask, statement, dimension, piece);
        while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
                const struct figures figures = ask_figures(statement, 2);

                take(context, (uint32_t)sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1),
                     &figures);
        }
        sqlite3_finalize(statement);
        return step == SQLITE_DONE ? 0 : store_fail(ask->store, _("read"), ask->err);
}

struct sum *ask_sum(struct sum *slots, size_t mask, uint32_t id)
{
        size_t at = (id * 0x9e3779b1U >> 3) & mask;

        while (slots[at].used && slots[at].id != id)
                at = (at + 1) & mask;
        return &slots[at];
}

void ask_sums_add(void *context, uint32_t id, int64_t start, const struct figures *figures)
{
        struct sums *sums = context;
        struct sum *sum;

        (void)start;
        if (!sums->slots || sums->count * 2 > sums->mask) {
                size_t mask = sums->slots ? sums->mask * 2 + 1 : 1023;
                struct sum *slots = memory_new(mask + 1, sizeof(*slots));

                if (!slots) {
                        sums->failed = true;
                        return;
                }
                for (size_t i = 0; sums->slots && i <= sums->mask; i++)
                        if (sums->slots[i].used)
                                *ask_sum(slots, mask, sums->slots[i].id) = sums->slots[i];
                free(sums->slots);
                sums->slots = slots;
                sums->mask = mask;
        }
        sum = ask_sum(sums->slots, sums->mask, id);
        sums->count += !sum->used;
        sum->used = true;
        sum->id = id;
        figures_add(&sum->figures, figures);
}

int ask_sums(struct ask *ask, unsigned int dimension, struct sums *sums)
{
        int r = 0;

        for (size_t i = 0; i < ask->pieces.count && r == 0; i++)
                r = ask_rows(ask, dimension, &ask->pieces.pieces[i], ask_sums_add, sums);
        return r < 0 ? r : sums->failed ? error_memory(ask->err) : 0;
}

/* Calls with the text of every name that has figures. */
int ask_names(struct ask *ask, unsigned int dimension, ask_row_function *take, void *context)
{
        struct sums sums = { 0 };
        int r = ask_sums(ask, dimension, &sums);

        for (size_t i = 0; r == 0 && sums.slots && i <= sums.mask; i++) {
                _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(2 * LOG_LINE_MAXIMUM);

                if (!sums.slots[i].used)
                        continue;
                r = store_text(ask->store, sums.slots[i].id, &text, ask->err);
                if (r == 0 && !take(ask, context, buffer_text(&text), text.length, &sums.slots[i].figures))
                        r = error_memory(ask->err);
        }
        free(sums.slots);
        return r;
}

int ask_total(struct ask *ask, unsigned int dimension, struct figures *ret_figures)
{
        struct sums sums = { 0 };
        int r = ask_sums(ask, dimension, &sums);

        *ret_figures = (struct figures){ 0 };
        if (r == 0 && sums.slots && ask_sum(sums.slots, sums.mask, 0)->used)
                *ret_figures = ask_sum(sums.slots, sums.mask, 0)->figures;
        free(sums.slots);
        return r;
}

/* ---------------------------------------------------------------- whose referrers are the site's own */

bool ask_is_own(const struct summary *summary, const char *host, size_t length)
{
        for (size_t i = 0; i < summary->own_host_count; i++)
                if (strlen(summary->own_hosts[i]) == length && memcmp(summary->own_hosts[i], host, length) == 0)
                        return true;
        return false;
}

static bool add_own(struct ask *ask, void *context, const char *host, size_t length, const struct figures *figures)
{
        struct summary *summary = ask->summary;
        char normal[REFERRER_HOST_MAXIMUM + 1];

        (void)context;
        (void)figures;
        if (summary->own_host_count == OWN_MAXIMUM || !host_normalize(host, length, normal, &length) ||
            ask_is_own(summary, normal, length))
                return true;
        summary->own_hosts[summary->own_host_count] = summary_text(summary, normal, length);
        return summary->own_hosts[summary->own_host_count++] != NULL;
}

struct guess {
        char host[REFERRER_HOST_MAXIMUM + 1];
        size_t length;
        uint64_t hits;
};

static bool guess_own(struct ask *ask, void *context, const char *host, size_t length, const struct figures *figures)
{
        struct guess *guess = context;

        (void)ask;
        if (length > REFERRER_HOST_MAXIMUM || figures->hits < guess->hits ||
            (figures->hits == guess->hits && strcmp(host, guess->host) > 0))
                return true;
        memcpy(guess->host, host, length + 1);
        guess->length = length;
        guess->hits = figures->hits;
        return true;
}

int ask_find_own(struct ask *ask)
{
        const char *const *given = ask->own_hosts;
        struct summary *summary = ask->summary;
        struct guess guess = { .hits = 0 };
        int r;

        summary->own_hosts = summary_allocate(summary, OWN_MAXIMUM * sizeof(char *));
        if (!summary->own_hosts)
                return error_memory(ask->err);
        for (size_t i = 0; given && given[i]; i++)
                if (!add_own(ask, NULL, given[i], strlen(given[i]), NULL))
                        return error_memory(ask->err);
        r = ask_names(ask, DIMENSION_HOSTS, add_own, NULL);
        if (r < 0 || summary->own_host_count)
                return r;
        r = ask_names(ask, STORE_EMBEDDING, guess_own, &guess);
        if (r < 0 || !guess.hits)
                return r;
        summary->own_hosts_guessed = true;
        return add_own(ask, NULL, guess.host, guess.length, NULL) ? 0 : error_memory(ask->err);
}

bool ask_is_own_row(const struct summary *summary, unsigned int dimension, const char *text, size_t length)
{
        struct referrer referrer;

        if (dimension == DIMENSION_REFERRERS)
                return ask_is_own(summary, text, length);
        return dimension == DIMENSION_REFERRER_PAGES &&
               referrer_split((struct span){ text, (uint32_t)length }, &referrer) &&
               ask_is_own(summary, referrer.host, referrer.host_length);
}
