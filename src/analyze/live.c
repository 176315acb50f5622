/* live.c - lines into tallies by hour and site, and the transaction that keeps what they found. */
#include "live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/classify.h"
#include "analyze/live_private.h"
#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

#define PARTS_MAXIMUM 64   /* then they go into the transaction, which stays open */
#define HOUR_US       (INT64_C(3600) * 1000000)

/* ---------------------------------------------------------------- making and freeing */

static void free_parts(struct live *live)
{
        for (size_t i = 0; i < live->part_count; i++)
                tally_free(live->parts[i].tally);
        live->part_count = live->last_part = 0;
}

void live_free(struct live *live)
{
        if (!live)
                return;
        free_parts(live);
        free(live->parts);
        live_day_forget(live);
        bots_free(live->bots);
        embeddings_done(&live->embeddings);
        free(live->days);
        for (size_t i = 0; i < live->site_count; i++)
                free(live->sites[i].name);
        free(live->sites);
        free(live->scratch);
        free(live);
}

void live_freep(struct live **live)
{
        live_free(*live);
}

static int add_site(struct live *live, const char *name, size_t length, struct error *err)
{
        struct live_site *site;

        if (memory_grow(&live->sites, live->site_count, sizeof(*live->sites)) < 0)
                return error_memory(err);
        site = &live->sites[live->site_count];
        *site = (struct live_site){ .name = memory_copy(length ? name : "", length), .length = length };
        if (!site->name)
                return error_memory(err);
        live->site_count++;
        return 0;
}

static int add_site_once(struct live *live, const char *name, size_t length, struct error *err)
{
        for (size_t i = 1; i < live->site_count; i++)
                if (live->sites[i].length == length && memcmp(live->sites[i].name, name, length) == 0)
                        return 0;
        return add_site(live, name, length, err);
}

/* Those that the operator named, and those that have figures already: who sends names of hosts that he made up takes
 * the room of none of them, and gets no more room by a restart. */
static int add_known_sites(struct live *live, struct error *err)
{
        sqlite3_stmt *statement = NULL;
        int step = SQLITE_DONE, r = 0;

        for (const char *const *own = live->options.own_hosts; own && *own && r == 0; own++) {
                _cleanup_(buffer_done) struct buffer beacon = BUFFER_INIT(4096);

                r = buffer_printf(&beacon, STORE_BEACON "%s", *own) < 0 ? error_memory(err)
                                                                        : add_site_once(live, *own, strlen(*own), err);
                if (r == 0)
                        r = add_site_once(live, buffer_text(&beacon), beacon.length, err);
        }
        if (r == 0 && sqlite3_prepare_v2(live->store->database, "SELECT name FROM site WHERE name <> x'' ORDER BY id", -1,
                                         &statement, NULL) != SQLITE_OK)
                return store_fail(live->store, _("read"), err);
        while (r == 0 && live->site_count <= LIVE_SITES_MAXIMUM && (step = sqlite3_step(statement)) == SQLITE_ROW)
                r = add_site_once(live, sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0), err);
        sqlite3_finalize(statement);
        return r < 0 || step == SQLITE_ROW || step == SQLITE_DONE ? r : store_fail(live->store, _("read"), err);
}

bool live_crowded(struct live *live)
{
        bool tell = live->crowded && !live->crowd_told;

        live->crowd_told = live->crowded;
        return tell;
}

int live_new(struct store *store, struct salts *salts, const struct live_options *options, struct live **ret_live,
             struct error *err)
{
        struct live *live = memory_new(1, sizeof(*live));
        int r;

        if (!live)
                return error_memory(err);
        live->store = store;
        live->salts = salts;
        live->options = *options;
        if (!live->options.names)
                live->options.names = LIVE_NAMES_DEFAULT;
        if (!live->options.memory_bytes)
                live->options.memory_bytes = LIVE_MEMORY_DEFAULT;
        live->tally = (struct tally_options){ .goals = options->goals,
                                              .goal_count = options->goal_count,
                                              .funnels = options->funnels,
                                              .funnel_count = options->funnel_count,
                                              .bot_list = options->bot_list,
                                              .countries = options->countries };
        live->scratch = memory_new(1, LOG_LINE_MAXIMUM);
        live->parts = memory_new(PARTS_MAXIMUM, sizeof(*live->parts));
        r = live->scratch && live->parts ? add_site(live, "", 0, err) : error_memory(err);
        if (r == 0) /* the second, before any other: SITE_BEACON */
                r = add_site(live, STORE_BEACON, sizeof(STORE_BEACON) - 1, err);
        if (r == 0)
                r = add_known_sites(live, err);
        if (r == 0)
                r = bots_load(options->bot_list, &live->bots, err);
        if (r < 0) {
                live_free(live);
                return r;
        }
        live->tally.bots = live->bots;
        *ret_live = live;
        return 0;
}

uint64_t live_pending(const struct live *live)
{
        return live->pending;
}

/* ---------------------------------------------------------------- into the transaction */

/* Ids that a transaction gave are only good while it is not rolled back: they are asked for in each. */
static int begin(struct live *live, struct error *err)
{
        int r;

        if (live->writing)
                return 0;
        r = store_begin(live->store, err);
        if (r < 0)
                return r;
        live->writing = true;
        for (unsigned int hour = 0; hour < 24 && r == 0; hour++) {
                const char text[3] = { (char)('0' + hour / 10), (char)('0' + hour % 10), '\0' };

                r = store_name(live->store, DIMENSION_HOURS, text, 2, true, &live->hours[hour], err);
        }
        return r;
}

static int apply_parts(struct live *live, struct error *err)
{
        int r = begin(live, err);

        for (size_t i = 0; i < live->part_count && r == 0; i++) {
                struct live_site *site = &live->sites[live->parts[i].site];

                if (!site->id)
                        r = store_site(live->store, site->name, site->length, &site->id, err);
                if (r == 0)
                        r = live_apply(live, &live->parts[i], err);
        }
        for (size_t i = 0; i < live->day_count && r == 0; i++)
                r = live_day_flush(live, live->days[i], err);
        if (r < 0)
                return r;
        free_parts(live);
        live_day_trim(live);
        return 0;
}

/* ---------------------------------------------------------------- lines */

/* The tally of this hour and site; NULL with words. */
static struct tally *tally_for(struct live *live, size_t site, int64_t hour, struct error *err)
{
        struct live_part *part = &live->parts[live->last_part];

        if (live->part_count && part->site == site && part->hour == hour)
                return part->tally;
        for (size_t i = 0; i < live->part_count; i++) {
                if (live->parts[i].site != site || live->parts[i].hour != hour)
                        continue;
                live->last_part = i;
                return live->parts[i].tally;
        }
        if (live->part_count == PARTS_MAXIMUM && apply_parts(live, err) < 0)
                return NULL;
        part = &live->parts[live->part_count];
        *part = (struct live_part){ .site = site, .hour = hour };
        if (tally_new(&live->tally, &part->tally, err) < 0)
                return NULL;
        live->last_part = live->part_count++;
        return part->tally;
}

/* The site that a virtual host is; 0 when there are too many, -1 with words. */
static ssize_t site_of(struct live *live, struct span host, struct error *err)
{
        for (size_t i = 1; i < live->site_count; i++)
                if (live->sites[i].length == host.length && memcmp(live->sites[i].name, host.text, host.length) == 0)
                        return (ssize_t)i;
        if (live->site_count > LIVE_SITES_MAXIMUM) {
                live->crowded = true;
                return 0;
        }
        return add_site(live, host.text, host.length, err) < 0 ? -1 : (ssize_t)live->site_count - 1;
}

#define SITE_LOG    0 /* everything together */
#define SITE_BEACON 1 /* of all that a beacon counted */

/* A beacon's sites have names of their own. */
static ssize_t beacon_site(struct live *live, struct span host, struct error *err)
{
        char name[sizeof(STORE_BEACON) + REFERRER_HOST_MAXIMUM] = STORE_BEACON;
        size_t length = sizeof(STORE_BEACON) - 1;

        if (host.length > REFERRER_HOST_MAXIMUM) /* no name of a host is */
                return SITE_LOG;
        memcpy(name + length, host.text, host.length);
        return site_of(live, (struct span){ name, (uint32_t)length + host.length }, err);
}

static bool is_beacon_name(struct span host)
{
        return host.length >= sizeof(STORE_BEACON) - 1 &&
               memcmp(host.text, STORE_BEACON, sizeof(STORE_BEACON) - 1) == 0;
}

/* The site of everything, and that of the line's host, if it has one and there is room for it (0: not). */
static int sites_of(struct live *live, const struct log_line *line, size_t sites[static 2], struct error *err)
{
        ssize_t site = 0;

        sites[0] = line->beacon ? SITE_BEACON : SITE_LOG;
        if (line->beacon)
                site = beacon_site(live, line->host, err);
        else if (line->host.length && !is_beacon_name(line->host)) /* whoever asks for a host of that name */
                site = site_of(live, line->host, err);
        if (site < 0)
                return err->code;
        sites[1] = (size_t)site;
        return 0;
}

static int count_line(struct live *live, const struct log_line *line, uint64_t position, struct error *err)
{
        int64_t hour = clock_floor(line->time_us, HOUR_US);
        size_t sites[2];
        int r = sites_of(live, line, sites, err);

        if (r == 0 && embeddings_add(&live->embeddings, line) < 0)
                r = error_memory(err);
        for (size_t i = 0; i < LENGTH(sites) && r == 0; i++) {
                struct tally *tally;

                if (i == 1 && !sites[1])
                        continue;
                tally = tally_for(live, sites[i], hour, err);
                r = tally ? tally_add(tally, line, position, err) : err->code;
        }
        return r;
}

int live_block(struct live *live, const struct follow_block *block, struct error *err)
{
        const char *cursor = block->bytes, *end = block->bytes + block->length, *line;
        struct log_line parsed;
        size_t length;
        int r = 0;

        while (r == 0 && text_next_line(&cursor, end, &line, &length)) {
                live->pending++;
                live->lines++;
                switch (log_parse(block->format, line, length, live->scratch, &parsed)) {
                case LOG_OK:
                        r = count_line(live, &parsed, block->position + (uint64_t)(line - block->bytes), err);
                        break;
                case LOG_INVALID: live->invalid++; break;
                default: live->empty++;
                }
        }
        return r;
}

/* ---------------------------------------------------------------- keeping it */

static int put_lines(struct live *live, struct error *err)
{
        sqlite3_stmt *statement = store_statement(live->store, STATEMENT_COUNT_LINES, err);

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, (int64_t)live->lines);
        sqlite3_bind_int64(statement, 2, (int64_t)live->invalid);
        sqlite3_bind_int64(statement, 3, (int64_t)live->empty);
        return store_run(live->store, statement, err);
}

static int put_marks(struct live *live, struct follow *follow, struct error *err)
{
        struct follow_change change;
        int r = 0;

        for (size_t cursor = 0; r == 0 && follow_changed(follow, &cursor, &change);)
                r = store_put_mark(live->store, &change, err);
        return r;
}

static int commit(struct live *live, struct follow *follow, struct error *err)
{
        int r = apply_parts(live, err);

        if (r == 0 && !live->sites[0].id)
                r = store_site(live->store, "", 0, &live->sites[0].id, err);
        if (r == 0)
                r = embeddings_keep(&live->embeddings, live->store, live->options.server ? live->options.server : "",
                                    err);
        if (r == 0)
                r = put_lines(live, err);
        if (r == 0)
                r = put_marks(live, follow, err);
        return r < 0 ? r : store_commit(live->store, err);
}

void live_drop(struct live *live, struct follow *follow)
{
        free_parts(live);
        embeddings_done(&live->embeddings);
        live_day_forget(live);
        store_rollback(live->store);
        memset(live->searches, 0, sizeof(live->searches));
        for (size_t i = 0; i < live->site_count; i++)
                live->sites[i].id = 0;
        live->writing = false;
        live->pending = live->lines = live->invalid = live->empty = 0;
        follow_rewind(follow);
}

int live_commit(struct live *live, struct follow *follow, struct error *err)
{
        struct follow_change change;
        size_t cursor = 0;
        int r;

        if (!live->pending && !follow_changed(follow, &cursor, &change))
                return 0;
        r = commit(live, follow, err);
        if (r < 0) {
                live_drop(live, follow);
                return r;
        }
        embeddings_done(&live->embeddings);
        live->writing = false;
        live->pending = live->lines = live->invalid = live->empty = 0;
        follow_settle(follow);
        return 0;
}

/* ---------------------------------------------------------------- the end of a day */

/* Closes the open days whose salt is gone. */
static int close_days(struct live *live, struct error *err)
{
        sqlite3_stmt *statement = NULL;
        int step = 0, r = 0;

        if (sqlite3_prepare_v2(live->store->database, "SELECT day FROM day WHERE NOT closed", -1, &statement, NULL) !=
            SQLITE_OK)
                return store_fail(live->store, _("read"), err);
        while (r == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW) {
                int64_t day = sqlite3_column_int64(statement, 0);
                char text[240];

                if (salts_find(live->salts, (int32_t)day))
                        continue;
                snprintf(text, sizeof(text),
                         "DELETE FROM book WHERE day = %lld; DELETE FROM reached WHERE day = %lld; "
                         "UPDATE day SET closed = 1, salt_check = NULL WHERE day = %lld",
                         (long long)day, (long long)day, (long long)day);
                if (sqlite3_exec(live->store->database, text, NULL, NULL, NULL) != SQLITE_OK)
                        r = store_fail(live->store, _("write"), err);
        }
        if (r == 0 && step != SQLITE_DONE)
                r = store_fail(live->store, _("read"), err);
        sqlite3_finalize(statement);
        return r;
}

int live_expire(struct live *live, int64_t now, struct error *err)
{
        bool any;
        int r = salts_expire(live->salts, now, &any, err);

        if (r < 0)
                return r;
        live_day_forget(live);
        r = store_begin(live->store, err);
        if (r == 0)
                r = close_days(live, err);
        if (r == 0)
                r = store_commit(live->store, err);
        if (r < 0)
                store_rollback(live->store);
        return r;
}

int live_retain(struct live *live, uint64_t hour_days, uint64_t day_days, struct error *err)
{
        live_day_forget(live);
        memset(live->searches, 0, sizeof(live->searches));
        return store_retain(live->store, hour_days, day_days, err);
}
