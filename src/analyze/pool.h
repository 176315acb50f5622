/*
 * pool.h - many records of one size, found by a 32-bit number: half a pointer, and what counts when there are millions.
 *
 * Records never move. One that is given back is the next that is taken; the memory goes back with the whole pool.
 */
#ifndef ANALYZE_POOL_H
#define ANALYZE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_SHIFT 8 /* records in a chunk, as a power of two */

struct pool {
        char **chunks;
        uint32_t record_bytes; /* at least 4; records are aligned as far as this allows, to at most 16 */
        uint32_t chunk_count, chunk_capacity;
        uint32_t count; /* numbers below this were taken at some time */
        uint32_t freed; /* number + 1 of the record that was given back last, 0: none */
};

void pool_init(struct pool *pool, uint32_t record_bytes);
void pool_done(struct pool *pool);

void pool_drop_chunk(struct pool *pool, uint32_t chunk);

static inline void *pool_at(const struct pool *pool, uint32_t number)
{
        return pool->chunks[number >> POOL_SHIFT] + (size_t)(number & ((1U << POOL_SHIFT) - 1)) * pool->record_bytes;
}

/* A record, not zeroed; NULL when there is no memory. */
void *pool_take(struct pool *pool, uint32_t *ret_number);
void pool_give(struct pool *pool, uint32_t number);

/* The records up to this one are not needed any more; called with each number in turn. */
static inline void pool_drop(struct pool *pool, uint32_t number)
{
        if ((number & ((1U << POOL_SHIFT) - 1)) == (1U << POOL_SHIFT) - 1)
                pool_drop_chunk(pool, number >> POOL_SHIFT);
}

uint64_t pool_bytes(const struct pool *pool);

#endif
