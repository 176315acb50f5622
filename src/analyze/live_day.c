/* live_day.c - days that are open: those at hand, and which of their names have rows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/live_private.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "analyze/classify.h"
#include "crypto/blake2b.h"

#define DAYS_AT_HAND 64

/* ---------------------------------------------------------------- days at hand */

void live_day_free(struct live_day *day)
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
                live_day_free(live->days[i]);
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
                live_day_free(live->days[oldest]);
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

bool live_day_add_row(struct live_day *day, unsigned int bucket, unsigned int dimension, uint32_t id)
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

bool live_day_is_limited(unsigned int dimension)
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
        bool limited = live_day_is_limited(dimension), full, space = true;
        uint32_t id = 0;
        int r = limited ? store_has_room(live->store, &space, err) : 0;

        full = limited && day->counts[bucket][dimension] >= (rare ? room / 2 : room);
        if (r == 0)
                r = store_name(live->store, dimension, text, length, !full && space, &id, err);
        if (r < 0)
                return r;
        if (!id || (full && !has_row(day, bucket, dimension, id))) {
                if (add_other(day, bucket, dimension, stable_hash(text, length)) < 0)
                        return error_memory(err);
                return store_name(live->store, dimension, NAME_OTHER, strlen(NAME_OTHER), true, ret_id, err);
        }
        if (limited && !live_day_add_row(day, bucket, dimension, id))
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
