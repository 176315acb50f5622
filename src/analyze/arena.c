/* arena.c - chunks of 16 KiB to a MiB, cut from the front. */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define CHUNK_LEAST (16U << 10)
#define CHUNK_MOST  (1U << 20)

struct arena_chunk {
        struct arena_chunk *next;
        char bytes[];
};

void arena_done(struct arena *arena)
{
        while (arena->chunks) {
                struct arena_chunk *next = arena->chunks->next;

                free(arena->chunks);
                arena->chunks = next;
        }
        memset(arena, 0, sizeof(*arena));
}

static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
        struct arena_chunk *chunk = memory_resize(NULL, sizeof(*chunk) + size, 1);

        if (!chunk)
                return NULL;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->bytes += sizeof(*chunk) + size;
        return chunk;
}

void *arena_take(struct arena *arena, size_t size)
{
        struct arena_chunk *chunk;
        void *taken;

        size = (size + 7) & ~(size_t)7;
        if (size > (size_t)(arena->end - arena->at)) {
                size_t usual = arena->next_bytes ? arena->next_bytes : CHUNK_LEAST;

                chunk = add_chunk(arena, size > usual / 4 ? size : usual);
                if (!chunk)
                        return NULL;
                if (size > usual / 4)
                        return chunk->bytes; /* the current chunk keeps its rest */
                arena->at = chunk->bytes;
                arena->end = chunk->bytes + usual;
                arena->next_bytes = usual < CHUNK_MOST ? usual * 2 : usual;
        }
        taken = arena->at;
        arena->at += size;
        return taken;
}

void *arena_take_class(struct arena *arena, unsigned int power)
{
        void *block = arena->freed[power];

        if (!block)
                return arena_take(arena, (size_t)1 << power);
        memcpy(&arena->freed[power], block, sizeof(void *));
        return block;
}

void arena_give_class(struct arena *arena, void *block, unsigned int power)
{
        memcpy(block, &arena->freed[power], sizeof(void *));
        arena->freed[power] = block;
}

void arena_join(struct arena *into, struct arena *from)
{
        struct arena_chunk **last = &into->chunks;

        while (*last)
                last = &(*last)->next;
        *last = from->chunks;
        into->bytes += from->bytes;
        memset(from, 0, sizeof(*from));
}
