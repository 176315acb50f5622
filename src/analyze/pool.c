/* pool.c - chunks of 256 records, and a list through those that were given back. */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/chunk.h"
#include "base/memory.h"

static size_t chunk_bytes(const struct pool *pool)
{
        return (size_t)pool->record_bytes << POOL_SHIFT;
}

void pool_init(struct pool *pool, uint32_t record_bytes)
{
        *pool = (struct pool){ .record_bytes = record_bytes };
}

void pool_done(struct pool *pool)
{
        for (uint32_t i = 0; i < pool->chunk_count; i++)
                chunk_give(pool->chunks[i], chunk_bytes(pool));
        free(pool->chunks);
        pool_init(pool, pool->record_bytes);
}

static bool add_chunk(struct pool *pool)
{
        if (pool->chunk_count == pool->chunk_capacity) {
                uint32_t capacity = pool->chunk_capacity ? pool->chunk_capacity * 2 : 8;
                char **chunks = memory_resize(pool->chunks, capacity, sizeof(char *));

                if (!chunks)
                        return false;
                pool->chunks = chunks;
                pool->chunk_capacity = capacity;
        }
        pool->chunks[pool->chunk_count] = chunk_take(chunk_bytes(pool));
        if (!pool->chunks[pool->chunk_count])
                return false;
        pool->chunk_count++;
        return true;
}

void *pool_take(struct pool *pool, uint32_t *ret_number)
{
        void *record;

        if (pool->freed) {
                *ret_number = pool->freed - 1;
                record = pool_at(pool, *ret_number);
                memcpy(&pool->freed, record, sizeof(pool->freed));
                return record;
        }
        if (pool->count == UINT32_MAX - 1)
                return NULL;
        if (pool->count >> POOL_SHIFT == pool->chunk_count && !add_chunk(pool))
                return NULL;
        *ret_number = pool->count++;
        return pool_at(pool, *ret_number);
}

void pool_give(struct pool *pool, uint32_t number)
{
        memcpy(pool_at(pool, number), &pool->freed, sizeof(pool->freed));
        pool->freed = number + 1;
}

void pool_drop_chunk(struct pool *pool, uint32_t chunk)
{
        chunk_give(pool->chunks[chunk], chunk_bytes(pool));
        pool->chunks[chunk] = NULL;
}

uint64_t pool_bytes(const struct pool *pool)
{
        return ((uint64_t)pool->chunk_count << POOL_SHIFT) * pool->record_bytes + pool->chunk_capacity * sizeof(char *);
}
