/* live_day_read.c - a day that is open, as the store knows it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/live_private.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "analyze/classify.h"

#define FIRST_ROWS 1024

/* Where a row of the span counts; its second column is the hour or day. */
static unsigned int bucket_of(sqlite3_stmt *statement, unsigned int span, int64_t first)
{
        return span == SPAN_DAY ? BUCKET_DAY : (unsigned int)(sqlite3_column_int64(statement, 1) - first);
}

static int read_rows(struct live *live, struct live_day *day, unsigned int dimension, unsigned int span, int64_t first,
                     int64_t last, struct error *err)
{
        sqlite3_stmt *statement = store_statement(live->store, STATEMENT_PRESENT, err);
        int step, r = 0;

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, day->site);
        sqlite3_bind_int(statement, 2, (int)span);
        sqlite3_bind_int(statement, 3, (int)dimension);
        sqlite3_bind_int64(statement, 4, first);
        sqlite3_bind_int64(statement, 5, last);
        while (r == 0 && (step = sqlite3_step(statement)) != SQLITE_DONE) {
                if (step != SQLITE_ROW)
                        r = store_fail(live->store, _("read"), err);
                else if (!live_day_add_row(day, bucket_of(statement, span, first), dimension,
                                           (uint32_t)sqlite3_column_int64(statement, 2)))
                        r = error_memory(err);
        }
        sqlite3_reset(statement);
        return r;
}

static bool take_sketch(struct live_day *day, unsigned int bucket, sqlite3_stmt *statement)
{
        unsigned int dimension = (unsigned int)sqlite3_column_int(statement, 0) & ((1U << DIMENSION_BITS) - 1);
        struct sketch **sketch = &day->others[bucket][dimension];

        if (sqlite3_column_bytes(statement, 2) != sizeof(**sketch))
                return true; /* of another version: it starts anew */
        if (!*sketch && !(*sketch = memory_new(1, sizeof(**sketch))))
                return false;
        memcpy(*sketch, sqlite3_column_blob(statement, 2), sizeof(**sketch));
        return true;
}

static int read_others(struct live *live, struct live_day *day, unsigned int span, int64_t first, int64_t last,
                       struct error *err)
{
        sqlite3_stmt *statement = store_statement(live->store, STATEMENT_OTHERS, err);
        int step, r = 0;

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, day->site);
        sqlite3_bind_int(statement, 2, (int)span);
        sqlite3_bind_int64(statement, 3, first);
        sqlite3_bind_int64(statement, 4, last);
        while (r == 0 && (step = sqlite3_step(statement)) != SQLITE_DONE) {
                if (step != SQLITE_ROW)
                        r = store_fail(live->store, _("read"), err);
                else if (!take_sketch(day, bucket_of(statement, span, first), statement))
                        r = error_memory(err);
        }
        sqlite3_reset(statement);
        return r;
}

static int read_book(struct live *live, struct live_day *day, struct error *err)
{
        sqlite3_stmt *statement = store_statement(live->store, STATEMENT_BOOK, err);
        int step, r = 0;

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, day->site);
        sqlite3_bind_int64(statement, 2, day->day);
        while (r == 0 && (step = sqlite3_step(statement)) != SQLITE_DONE) {
                size_t length = step == SQLITE_ROW ? (size_t)sqlite3_column_bytes(statement, 0) : 0;

                if (step != SQLITE_ROW) {
                        r = store_fail(live->store, _("read"), err);
                        break;
                }
                r = book_add(day->book, sqlite3_column_blob(statement, 0), length, NULL, NULL, NULL);
                day->page_bytes += length;
                if (r == -EBADMSG)
                        error_set(err, r,
                                  _("the store %s is damaged: what it knows of the visitors of an open day "
                                    "cannot be read"),
                                  live->store->path);
                else if (r < 0)
                        error_memory(err);
        }
        sqlite3_reset(statement);
        return r;
}

static int read_took(struct live *live, struct live_day *day, struct error *err)
{
        sqlite3_stmt *statement = store_statement(live->store, STATEMENT_TOOK, err);

        if (!statement)
                return -EIO;
        day->took = memory_new(1, sizeof(*day->took));
        if (!day->took)
                return error_memory(err);
        sqlite3_bind_int64(statement, 1, day->site);
        sqlite3_bind_int64(statement, 2, day->day);
        if (sqlite3_step(statement) == SQLITE_ROW)
                store_read_took(sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0),
                                day->took);
        sqlite3_reset(statement);
        return 0;
}

static int read_vitals(struct live *live, struct live_day *day, struct error *err)
{
        sqlite3_stmt *statement = store_statement(live->store, STATEMENT_VITALS, err);
        int step, r = 0;

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, day->site);
        sqlite3_bind_int64(statement, 2, day->day);
        while (r == 0 && (step = sqlite3_step(statement)) != SQLITE_DONE) {
                unsigned int vital = step == SQLITE_ROW ? (unsigned int)sqlite3_column_int(statement, 0) : VITAL_COUNT;

                if (step != SQLITE_ROW)
                        r = store_fail(live->store, _("read"), err);
                else if (vital >= VITAL_COUNT || day->vitals[vital])
                        continue;
                else if (!(day->vitals[vital] = memory_new(1, sizeof(struct histogram))))
                        r = error_memory(err);
                else
                        store_read_took(sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1),
                                        day->vitals[vital]);
        }
        sqlite3_reset(statement);
        return r;
}

/* 1: the day is open, 0: closed. A day that was counted and has no salt any more is closed. One whose salt is another
 * than before is counted on, and it is told: whoever comes again is another visitor. */
static int is_open(struct live *live, int32_t day, struct error *err)
{
        uint8_t check[SALT_CHECK_SIZE];
        struct store_day known;
        bool replaced = false;
        int r = store_day_read(live->store, day, &known, err);

        if (r < 0 || known.closed || (known.known && !salts_find(live->salts, day)))
                return r;
        if (!salts_find(live->salts, day))
                r = salts_make(live->salts, day, clock_now(), err);
        if (r == 0)
                r = store_day_compare(&known, salts_find(live->salts, day), check, &replaced, err);
        if (r < 0)
                return r;
        if (known.checked && !replaced)
                return 1;
        if (replaced)
                salts_note_replaced(live->salts, day);
        r = store_day_write(live->store, day, check, replaced ? clock_now() : 0, err);
        return r < 0 ? r : 1;
}

static int read_day(struct live *live, struct live_day *day, struct error *err)
{
        int64_t first = (int64_t)day->day * 24;
        int r = is_open(live, day->day, err);

        if (r < 0)
                return r;
        day->closed = r == 0;
        r = day->closed ? 0 : read_book(live, day, err);
        for (unsigned int dimension = 0; dimension < 1U << DIMENSION_BITS && r == 0; dimension++) {
                if (!live_day_is_limited(dimension))
                        continue;
                r = read_rows(live, day, dimension, SPAN_HOUR, first, first + 23, err);
                if (r == 0)
                        r = read_rows(live, day, dimension, SPAN_DAY, day->day, day->day, err);
        }
        if (r == 0)
                r = read_others(live, day, SPAN_HOUR, first, first + 23, err);
        if (r == 0)
                r = read_others(live, day, SPAN_DAY, day->day, day->day, err);
        if (r == 0)
                r = read_took(live, day, err);
        return r < 0 ? r : read_vitals(live, day, err);
}

/* Host names of the log are 0 among search engines but for those that are one. */
static uint32_t search_of(void *context, uint32_t referrer)
{
        struct live *live = context;
        _cleanup_(buffer_done) struct buffer host = BUFFER_INIT(LOG_LINE_MAXIMUM);
        size_t at = referrer % SEARCH_CACHE;
        const char *engine;
        uint32_t search = 0;

        if (live->searches[at].referrer == referrer)
                return live->searches[at].search;
        if (store_text(live->store, referrer, &host, NULL) < 0)
                return 0;
        engine = search_engine(buffer_text(&host), host.length);
        if (engine && store_name(live->store, DIMENSION_SEARCH, engine, strlen(engine), true, &search, NULL) < 0)
                return 0;
        live->searches[at].referrer = referrer;
        live->searches[at].search = search;
        return search;
}

int live_day_get(struct live *live, size_t site, int32_t day, struct live_day **ret_day, struct error *err)
{
        struct live_day *found;
        int r;

        for (size_t i = 0; i < live->day_count; i++) {
                if (live->days[i]->day != day || live->days[i]->site != live->sites[site].id)
                        continue;
                *ret_day = live->days[i];
                live->days[i]->used = ++live->clock;
                return 0;
        }
        if (memory_grow(&live->days, live->day_count, sizeof(struct live_day *)) < 0 ||
            !(found = memory_new(1, sizeof(*found))))
                return error_memory(err);
        found->site = live->sites[site].id;
        found->day = day;
        found->used = ++live->clock;
        found->deltas.search_of = search_of;
        found->deltas.context = live;
        memcpy(found->deltas.hours, live->hours, sizeof(live->hours));
        found->book = book_new(live->options.memory_bytes);
        found->rows = memory_new(FIRST_ROWS, sizeof(*found->rows));
        found->row_mask = FIRST_ROWS - 1;
        r = found->book && found->rows ? read_day(live, found, err) : error_memory(err);
        if (r < 0) {
                live_day_free(found);
                return r;
        }
        live->days[live->day_count++] = found;
        *ret_day = found;
        return 0;
}
