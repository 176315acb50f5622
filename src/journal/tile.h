/*
 * tile.h - names and contents of the files of a tiled log (C2SP tlog-tiles, https://c2sp.org/tlog-tiles).
 *
 * tile/L/N[.p/W]        hashes at tree level 8 * L: 256, or W at the right edge
 * tile/entries/N[.p/W]  the entries themselves, each behind its length (big-endian u16)
 *
 * N is written in groups of three digits, all but the last with an x before it: 1234067 is x001/x234/067. Pure; the
 * parser takes any bytes and has a fuzzer.
 */
#ifndef JOURNAL_TILE_H
#define JOURNAL_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"

#define TILE_HEIGHT        8
#define TILE_WIDTH         256
#define TILE_SIZE          (TILE_WIDTH * DIGEST_SIZE)
#define TILE_LEVELS        8    /* levels of tiles that 2^64 entries can have */
#define TILE_ENTRIES       (-1) /* the "level" of entry bundles */
#define TILE_PATH_SIZE     64
#define TILE_ENTRY_MAXIMUM 65535

/* How many hashes (or entries) the tile has in a log of `size` entries: 0 to 256. */
unsigned int tile_width(int level, uint64_t index, uint64_t size);

/* "tile/0/x001/234" or, with a width below 256, "tile/0/x001/234.p/17". */
void tile_path(int level, uint64_t index, unsigned int width, char path[static TILE_PATH_SIZE]);

/* The inverse, strict: 0 or -EINVAL. */
int tile_path_parse(const char *path, int *ret_level, uint64_t *ret_index, unsigned int *ret_width);

/* Cuts the next entry out of a bundle: true, and *ret_entry points into it. False at the end, and when what is left is
 * no whole entry: then *cursor is not at `end`. */
bool tile_next_entry(const char **cursor, const char *end, const char **ret_entry, size_t *ret_length);

/* The number of whole entries of a bundle, at most `maximum`, and the bytes that they take. */
unsigned int tile_whole_entries(const char *bundle, size_t length, unsigned int maximum, size_t *ret_length);

#endif
