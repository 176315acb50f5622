/*
 * prune.h - partial tiles that nobody needs any more, because their full tile is there and signed for.
 *
 * A removal can take milliseconds (a file system that discards at once), and 510 of them come with every tile that was
 * filled record by record: no record may wait for that. So they are taken away one at a time, by a thread that has
 * nothing better to do, or when the journal is closed.
 */
#ifndef JOURNAL_PRUNE_H
#define JOURNAL_PRUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRUNE_MAXIMUM 32

struct prune {
        struct prune_tile {
                int level;
                uint64_t index;
        } waiting[PRUNE_MAXIMUM];
        size_t count;
        unsigned int width; /* of the first one: narrower ones are gone */
};

/* A tile, or with TILE_ENTRIES a bundle, is full. When too many wait, the oldest stays as it is: untidy, not wrong. */
void prune_add(struct prune *prune, int level, uint64_t index);

/* What the last writer may have left, in a log of this size. */
void prune_add_before(struct prune *prune, uint64_t size);

/* Removes one file of them; false when nothing is left. */
bool prune_one(struct prune *prune, int folder);

#endif
