/* live_day.c - a day that is open: its book, which names have rows, what was put together, and writing it all down. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/live_private.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "analyze/classify.h"
#include "crypto/blake2b.h"

#define FIRST_ROWS    1024
#define PAGE_BYTES    (1U << 20)
#define REWRITE_BYTES (4U << 20) /* pages that came since the book was written as a whole */
#define TOOK_MAXIMUM  (HISTOGRAM_CLASSES * 20)
#define DAYS_AT_HAND  64

/* ---------------------------------------------------------------- days at hand */

static void day_free(struct live_day *day)
{
        if (!day)
                return;
        book_free(day->book);
        free(day->rows);
        free(day->took);
        for (size_t i = 0; i < VITAL_COUNT; i++)
                free(day->vitals[i]);
        for (size_t bucket = 0; bucket < BUCKETS; bucket++)
                for (size_t dimension = 0; dimension < 1U << DIMENSION_BITS; dimension++)
                        free(day->others[bucket][dimension]);
        deltas_done(&day->deltas);
        free(day);
}

void live_day_forget(struct live *live)
{
        for (size_t i = 0; i < live->day_count; i++)
                day_free(live->days[i]);
        live->day_count = 0;
}

static uint64_t day_bytes(const struct live_day *day)
{
        return sizeof(*day) + book_bytes(day->book) + (day->row_mask + 1) * sizeof(*day->rows);
}

void live_day_trim(struct live *live)
{
        for (;;) {
                uint64_t bytes = 0;
                size_t oldest = 0;

                for (size_t i = 0; i < live->day_count; i++) {
                        bytes += day_bytes(live->days[i]);
                        if (live->days[i]->used < live->days[oldest]->used)
                                oldest = i;
                }
                if (live->day_count <= 1 || (bytes <= live->options.memory_bytes && live->day_count <= DAYS_AT_HAND))
                        return;
                day_free(live->days[oldest]);
                live->days[oldest] = live->days[--live->day_count];
        }
}

/* ---------------------------------------------------------------- which names have rows */

static uint64_t row_key(unsigned int bucket, unsigned int dimension, uint32_t id)
{
        return UINT64_C(1) << 63 | (uint64_t)bucket << 40 | (uint64_t)dimension << 32 | id;
}

static uint64_t *row_place(uint64_t *rows, size_t mask, uint64_t key)
{
        size_t at = (size_t)hash_mix(key, UINT64_C(0x9e3779b97f4a7c15)) & mask;

        while (rows[at] && rows[at] != key)
                at = (at + 1) & mask;
        return &rows[at];
}

static bool has_row(const struct live_day *day, unsigned int bucket, unsigned int dimension, uint32_t id)
{
        return *row_place(day->rows, day->row_mask, row_key(bucket, dimension, id)) != 0;
}

static bool add_row(struct live_day *day, unsigned int bucket, unsigned int dimension, uint32_t id)
{
        uint64_t key = row_key(bucket, dimension, id), *place;

        if (day->row_count * 2 > day->row_mask) {
                size_t mask = day->row_mask * 2 + 1;
                uint64_t *rows = memory_new(mask + 1, sizeof(*rows));

                if (!rows)
                        return false;
                for (size_t i = 0; i <= day->row_mask; i++)
                        if (day->rows[i])
                                *row_place(rows, mask, day->rows[i]) = day->rows[i];
                free(day->rows);
                day->rows = rows;
                day->row_mask = mask;
        }
        place = row_place(day->rows, day->row_mask, key);
        if (!*place) {
                *place = key;
                day->row_count++;
                day->counts[bucket][dimension]++;
        }
        return true;
}

/* Lists whose names come from outside. */
static bool is_limited(unsigned int dimension)
{
        switch (dimension) {
        case DIMENSION_PAGES:
        case DIMENSION_ASSETS:
        case DIMENSION_REFERRERS:
        case DIMENSION_REFERRER_PAGES:
        case DIMENSION_CAMPAIGNS:
        case DIMENSION_HOSTS:
        case DIMENSION_METHODS:
        case STORE_EVENTS:
        case STORE_PROPERTIES:
        case STORE_OUTBOUND: return true;
        default: return false;
        }
}

static uint64_t stable_hash(const void *bytes, size_t length)
{
        uint64_t hash;

        blake2b(bytes, length, (uint8_t *)&hash, sizeof(hash));
        return hash;
}

static int add_other(struct live_day *day, unsigned int bucket, unsigned int dimension, uint64_t hash)
{
        struct sketch **sketch = &day->others[bucket][dimension];

        if (!*sketch && !(*sketch = memory_new(1, sizeof(**sketch))))
                return -ENOMEM;
        sketch_add(*sketch, hash);
        day->other_changed[bucket][dimension] = true;
        return 0;
}

int live_day_name(struct live *live, struct live_day *day, unsigned int bucket, unsigned int dimension,
                  const char *text, size_t length, bool rare, uint32_t *ret_id, struct error *err)
{
        uint64_t room = bucket == BUCKET_DAY ? 2 * live->options.names : live->options.names;
        bool limited = is_limited(dimension), full;
        uint32_t id = 0;
        int r;

        full = limited && day->counts[bucket][dimension] >= (rare ? room / 2 : room);
        r = store_name(live->store, dimension, text, length, !full, &id, err);
        if (r < 0)
                return r;
        if (full && (!id || !has_row(day, bucket, dimension, id))) {
                if (add_other(day, bucket, dimension, stable_hash(text, length)) < 0)
                        return error_memory(err);
                return store_name(live->store, dimension, NAME_OTHER, strlen(NAME_OTHER), true, ret_id, err);
        }
        if (limited && !add_row(day, bucket, dimension, id))
                return error_memory(err);
        *ret_id = id;
        return 0;
}

void live_day_unfollowed(void *context, const uint8_t key[static BOOK_KEY_SIZE])
{
        struct live_day *day = context;

        if (add_other(day, BUCKET_DAY, STORE_UNFOLLOWED, stable_hash(key, BOOK_KEY_SIZE)) < 0)
                day->deltas.failed = true;
}

/* ---------------------------------------------------------------- reading a day */

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
                unsigned int bucket =
                        span == SPAN_DAY ? BUCKET_DAY : (unsigned int)(sqlite3_column_int64(statement, 1) - first);

                if (step != SQLITE_ROW)
                        r = store_fail(live->store, _("read"), err);
                else if (!add_row(day, bucket, dimension, (uint32_t)sqlite3_column_int64(statement, 2)))
                        r = error_memory(err);
        }
        sqlite3_reset(statement);
        return r;
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
                unsigned int bucket =
                        span == SPAN_DAY ? BUCKET_DAY : (unsigned int)(sqlite3_column_int64(statement, 1) - first);
                unsigned int dimension = step == SQLITE_ROW ? (unsigned int)sqlite3_column_int(statement, 0) : 0;
                struct sketch **sketch = &day->others[bucket][dimension & ((1U << DIMENSION_BITS) - 1)];

                if (step != SQLITE_ROW)
                        r = store_fail(live->store, _("read"), err);
                else if (sqlite3_column_bytes(statement, 2) == sizeof(**sketch) && !*sketch &&
                         !(*sketch = memory_new(1, sizeof(**sketch))))
                        r = error_memory(err);
                else if (*sketch && sqlite3_column_bytes(statement, 2) == sizeof(**sketch))
                        memcpy(*sketch, sqlite3_column_blob(statement, 2), sizeof(**sketch));
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

/* 1: the day is open, 0: closed. A day that was counted and has no salt any more is closed. */
static int is_open(struct live *live, int32_t day, struct error *err)
{
        sqlite3_stmt *statement = store_statement(live->store, STATEMENT_DAY, err);
        bool known, closed;
        int step, r;

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, day);
        step = sqlite3_step(statement);
        known = step == SQLITE_ROW;
        closed = known && sqlite3_column_int(statement, 0) != 0;
        sqlite3_reset(statement);
        if (step != SQLITE_ROW && step != SQLITE_DONE)
                return store_fail(live->store, _("read"), err);
        if (closed || (known && !salts_find(live->salts, day)))
                return 0;
        if (!salts_find(live->salts, day)) {
                r = salts_make(live->salts, day, clock_now(), err);
                if (r < 0)
                        return r;
        }
        if (known)
                return 1;
        statement = store_statement(live->store, STATEMENT_PUT_DAY, err);
        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, day);
        sqlite3_bind_int(statement, 2, 0);
        r = store_run(live->store, statement, err);
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
                if (!is_limited(dimension))
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
                day_free(found);
                return r;
        }
        live->days[live->day_count++] = found;
        *ret_day = found;
        return 0;
}

/* ---------------------------------------------------------------- writing a day */

static int put_page(struct live *live, const struct live_day *day, const void *page, size_t length, struct error *err)
{
        sqlite3_stmt *statement = store_statement(live->store, STATEMENT_PUT_BOOK, err);

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, day->site);
        sqlite3_bind_int64(statement, 2, day->day);
        sqlite3_bind_blob64(statement, 3, page, length, SQLITE_STATIC);
        return store_run(live->store, statement, err);
}

struct writing {
        struct live *live;
        struct live_day *day;
};

static int put_whole_page(void *context, const void *page, size_t length, struct error *err)
{
        struct writing *writing = context;

        writing->day->written_bytes += length;
        return put_page(writing->live, writing->day, page, length, err);
}

/* Pages of many transactions become few. */
static int rewrite(struct live *live, struct live_day *day, struct error *err)
{
        sqlite3_stmt *statement = store_statement(live->store, STATEMENT_DROP_BOOK, err);
        struct writing writing = { live, day };
        int r;

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, day->site);
        sqlite3_bind_int64(statement, 2, day->day);
        r = store_run(live->store, statement, err);
        day->page_bytes = day->written_bytes = 0;
        return r < 0 ? r : book_write(day->book, PAGE_BYTES, put_whole_page, &writing, err);
}

int live_day_page(struct live *live, struct live_day *day, const struct buffer *page, struct error *err)
{
        int r = book_add(day->book, page->data, page->length, &day->deltas, live_day_unfollowed, day);

        if (r < 0)
                return r == -ENOMEM ? error_memory(err) : error_set(err, r, _("a page of visitors makes no sense"));
        day->page_bytes += page->length;
        r = put_page(live, day, page->data, page->length, err);
        if (r == 0 && day->page_bytes > day->written_bytes + REWRITE_BYTES)
                r = rewrite(live, day, err);
        return r;
}

static bool is_nothing(const struct delta *delta)
{
        return !(delta->hits | delta->visitors | delta->visits | delta->bytes | delta->bot_hits | delta->errors);
}

static int add_to(struct live *live, int64_t site, unsigned int span, int64_t start, uint64_t key,
                  const struct delta *delta, struct error *err)
{
        sqlite3_stmt *statement = store_statement(live->store, STATEMENT_ADD, err);
        const int64_t numbers[] = { site,
                                    span,
                                    delta_dimension(key),
                                    start,
                                    (uint32_t)key,
                                    delta->hits,
                                    delta->visitors,
                                    delta->visits,
                                    delta->bytes,
                                    delta->bot_hits,
                                    delta->errors };

        if (!statement)
                return -EIO;
        for (size_t i = 0; i < LENGTH(numbers); i++)
                sqlite3_bind_int64(statement, (int)i + 1, numbers[i]);
        return store_run(live->store, statement, err);
}

/* As rows lie in the store: hours before days, then by list, hour and name. */
static int compare_slots(const void *a, const void *b)
{
        uint64_t first = (*(const struct delta_slot *const *)a)->key,
                 second = (*(const struct delta_slot *const *)b)->key;
        bool first_day = delta_bucket(first) == BUCKET_DAY, second_day = delta_bucket(second) == BUCKET_DAY;

        if (first_day != second_day)
                return first_day - second_day;
        if (delta_dimension(first) != delta_dimension(second))
                return delta_dimension(first) < delta_dimension(second) ? -1 : 1;
        return (first > second) - (first < second);
}

/* One row after the other, as they lie: SQLite finds the place of each beside that of the one before. */
static int write_slots(struct live *live, const struct live_day *day, const struct delta_slot *const *slots,
                       size_t count, struct error *err)
{
        size_t days = 0;
        int r = 0;

        for (; r == 0 && days < count && delta_bucket(slots[days]->key) < BUCKET_DAY; days++)
                r = add_to(live, day->site, SPAN_HOUR, (int64_t)day->day * 24 + delta_bucket(slots[days]->key),
                           slots[days]->key, &slots[days]->delta, err);
        for (size_t i = days; r == 0 && i < count; i++)
                r = add_to(live, day->site, SPAN_DAY, day->day, slots[i]->key, &slots[i]->delta, err);
        for (size_t i = days; r == 0 && i < count; i++)
                r = add_to(live, day->site, SPAN_MONTH, store_month_of(day->day), slots[i]->key, &slots[i]->delta, err);
        return r;
}

static int flush_deltas(struct live *live, struct live_day *day, struct error *err)
{
        _cleanup_(memory_freep) const struct delta_slot **slots = memory_new(day->deltas.count + 1, sizeof(void *));
        int r = day->deltas.failed || !slots ? error_memory(err) : 0;
        size_t count = 0;

        for (size_t i = 0; r == 0 && day->deltas.slots && i <= day->deltas.mask; i++)
                if (day->deltas.slots[i].key && !is_nothing(&day->deltas.slots[i].delta))
                        slots[count++] = &day->deltas.slots[i];
        if (r == 0 && count) {
                qsort(slots, count, sizeof(void *), compare_slots);
                r = write_slots(live, day, slots, count, err);
        }
        if (r == 0)
                deltas_clear(&day->deltas);
        return r;
}

static int flush_others(struct live *live, struct live_day *day, struct error *err)
{
        for (unsigned int bucket = 0; bucket < BUCKETS; bucket++) {
                for (unsigned int dimension = 0; dimension < 1U << DIMENSION_BITS; dimension++) {
                        sqlite3_stmt *statement;
                        int r;

                        if (!day->other_changed[bucket][dimension])
                                continue;
                        statement = store_statement(live->store, STATEMENT_PUT_OTHER, err);
                        if (!statement)
                                return -EIO;
                        sqlite3_bind_int64(statement, 1, day->site);
                        sqlite3_bind_int(statement, 2, bucket < BUCKET_DAY ? SPAN_HOUR : SPAN_DAY);
                        sqlite3_bind_int(statement, 3, (int)dimension);
                        sqlite3_bind_int64(statement, 4,
                                           bucket < BUCKET_DAY ? (int64_t)day->day * 24 + bucket : day->day);
                        sqlite3_bind_blob64(statement, 5, day->others[bucket][dimension], sizeof(struct sketch),
                                            SQLITE_STATIC);
                        r = store_run(live->store, statement, err);
                        if (r < 0)
                                return r;
                        day->other_changed[bucket][dimension] = false;
                }
        }
        return 0;
}

static int flush_took(struct live *live, struct live_day *day, struct error *err)
{
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(TOOK_MAXIMUM);
        sqlite3_stmt *statement;

        if (!day->took_changed)
                return 0;
        statement = store_statement(live->store, STATEMENT_PUT_TOOK, err);
        if (!statement)
                return -EIO;
        if (store_write_took(day->took, &bytes) < 0)
                return error_memory(err);
        sqlite3_bind_int64(statement, 1, day->site);
        sqlite3_bind_int64(statement, 2, day->day);
        sqlite3_bind_blob64(statement, 3, bytes.data, bytes.length, SQLITE_STATIC);
        day->took_changed = false;
        return store_run(live->store, statement, err);
}

static int flush_vitals(struct live *live, struct live_day *day, struct error *err)
{
        for (unsigned int vital = 0; day->vitals_changed && vital < VITAL_COUNT; vital++) {
                _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(TOOK_MAXIMUM);
                sqlite3_stmt *statement;
                int r;

                if (!day->vitals[vital])
                        continue;
                statement = store_statement(live->store, STATEMENT_PUT_VITAL, err);
                if (!statement)
                        return -EIO;
                if (store_write_took(day->vitals[vital], &bytes) < 0)
                        return error_memory(err);
                sqlite3_bind_int64(statement, 1, day->site);
                sqlite3_bind_int64(statement, 2, day->day);
                sqlite3_bind_int(statement, 3, (int)vital);
                sqlite3_bind_blob64(statement, 4, bytes.data, bytes.length, SQLITE_STATIC);
                r = store_run(live->store, statement, err);
                if (r < 0)
                        return r;
        }
        day->vitals_changed = false;
        return 0;
}

int live_day_flush(struct live *live, struct live_day *day, struct error *err)
{
        int r = flush_deltas(live, day, err);

        if (r == 0)
                r = flush_others(live, day, err);
        if (r == 0)
                r = flush_took(live, day, err);
        return r < 0 ? r : flush_vitals(live, day, err);
}
