/* arena.c - chunks of 64 KiB, cut from the front. */
#include "arena.h"

#include <string.h>

#include "analyze/chunk.h"

#define CHUNK_BYTES (64U << 10)

struct arena_chunk {
        struct arena_chunk *next;
        size_t size; /* with this header */
        char bytes[];
};

void arena_done(struct arena *arena)
{
        while (arena->chunks) {
                struct arena_chunk *next = arena->chunks->next;

                chunk_give(arena->chunks, arena->chunks->size);
                arena->chunks = next;
        }
        memset(arena, 0, sizeof(*arena));
}

static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
        struct arena_chunk *chunk = chunk_take(size);

        if (!chunk)
                return NULL;
        *chunk = (struct arena_chunk){ arena->chunks, size };
        arena->chunks = chunk;
        arena->bytes += size;
        return chunk;
}

void *arena_take(struct arena *arena, size_t size)
{
        struct arena_chunk *chunk;
        void *taken;

        size = (size + 7) & ~(size_t)7;
        if (size > CHUNK_BYTES / 4) { /* the current chunk keeps its rest */
                chunk = add_chunk(arena, sizeof(*chunk) + size);
                return chunk ? chunk->bytes : NULL;
        }
        if (size > (size_t)(arena->end - arena->at)) {
                chunk = add_chunk(arena, CHUNK_BYTES);
                if (!chunk)
                        return NULL;
                arena->at = chunk->bytes;
                arena->end = (char *)chunk + CHUNK_BYTES;
        }
        taken = arena->at;
        arena->at += size;
        return taken;
}
