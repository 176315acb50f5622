/*
 * edge.h - the right edge of a log in memory: what is needed to append, and the files that a step forward leaves.
 *
 * The edge holds the unfinished tile of each level and the unfinished bundle, never more than 64 KB and a bundle. It
 * takes entries in, writes each tile when it is full, and the unfinished ones when the step ends; everything written is
 * fsynced by edge_finish(), files before the folders that name them. Nothing that a checkpoint covers is written again.
 */
#ifndef JOURNAL_EDGE_H
#define JOURNAL_EDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "journal/files.h"
#include "journal/prune.h"
#include "journal/tile.h"

#define EDGE_FILES   64 /* files open at a time that wait for their fsync */
#define EDGE_FOLDERS 32

struct edge {
        int folder; /* borrowed */
        struct hasher *hasher;
        uint64_t size;
        struct edge_level {
                unsigned int width; /* 0 to 255 */
                bool changed;       /* since the last edge_finish() */
                bool filled;        /* a tile of this level became full since then: `first_full` is the first */
                uint64_t first_full;
                struct digest hashes[TILE_WIDTH];
        } levels[TILE_LEVELS];
        struct buffer bundle; /* of the unfinished bundle */
        int files[EDGE_FILES];
        size_t file_count;
        char folders[EDGE_FOLDERS][TILE_PATH_SIZE];
        size_t folder_count;
};

int edge_init(struct edge *edge, int folder, struct error *err);
void edge_done(struct edge *edge);

/* Empties it and loads the edge of a log of that checkpoint's size from the disk. -EBADMSG with words when the files do
 * not have the checkpoint's root. */
int edge_load(struct edge *edge, const struct checkpoint *checkpoint, struct error *err);

/* Appends one entry given in two parts with the digits of the sequence number (may be "") between them. */
int edge_append(struct edge *edge, const char *head, size_t head_length, const char *digits, const char *tail,
                size_t tail_length, struct error *err);

/* Writes what is unfinished, makes everything durable, and tells the root. */
int edge_finish(struct edge *edge, struct digest *ret_root, struct error *err);

/* After the checkpoint is durable: which tiles are full now, so that their partial ones can go. */
void edge_filled(struct edge *edge, struct prune *prune);

#endif
