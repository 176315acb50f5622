/*
 * arena.h - memory that is only given back as a whole, with its size known: what the analyzer's limit is measured by.
 *
 * Counting makes millions of small things that all live to the end. What grows (a visitor's list of pages) takes a
 * block of the next size and leaves the old one to others of that size.
 */
#ifndef ANALYZE_ARENA_H
#define ANALYZE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define ARENA_CLASSES 32

struct arena_chunk;

struct arena {
        struct arena_chunk *chunks;
        char *at, *end;
        void *freed[ARENA_CLASSES]; /* by power of two */
        size_t next_bytes;          /* of the next chunk */
        uint64_t bytes;             /* taken from the system */
};

void arena_done(struct arena *arena);

/* Aligned to 8, not zeroed; NULL when there is no memory. */
void *arena_take(struct arena *arena, size_t size);

/* Blocks of a power of two, which can be given back. */
void *arena_take_class(struct arena *arena, unsigned int power);
void arena_give_class(struct arena *arena, void *block, unsigned int power);

/* All that `from` holds belongs to `into` from now on. */
void arena_join(struct arena *into, struct arena *from);

#endif
