/* live_day_write.c - what a transaction changed of a day goes into the store: pages of its book, and figures. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/live_private.h"
#include "base/i18n.h"
#include "base/memory.h"

#define PAGE_BYTES    (1U << 20)
#define REWRITE_BYTES (4U << 20) /* pages that came since the book was written as a whole */
#define TOOK_MAXIMUM  (HISTOGRAM_CLASSES * 20)

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
