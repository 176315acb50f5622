/*
 * arena.h - memory that is only given back as a whole, with its size known: what the analyzer's limit is measured by.
 * For names, which all live to the end.
 */
#ifndef ANALYZE_ARENA_H
#define ANALYZE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_chunk;

struct arena {
        struct arena_chunk *chunks;
        char *at, *end;
        uint64_t bytes; /* taken from the system */
};

void arena_done(struct arena *arena);

/* Aligned to 8, not zeroed; NULL when there is no memory. */
void *arena_take(struct arena *arena, size_t size);

#endif
