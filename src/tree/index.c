/* index.c - entries in an array, their texts in blocks that never move. */
#include "tree/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "manifest/mtree.h"

#define BLOCK_BYTES (256U << 10)

struct block {
        struct block *next;
        size_t used;
        char bytes[BLOCK_BYTES];
};

struct index {
        struct entry *entries;
        size_t count;
        struct block *blocks; /* the newest first */
};

/* A copy with a NUL behind it; paths and targets are far shorter than a block. */
static const char *keep(struct index *index, const char *text, size_t length)
{
        struct block *block = index->blocks;
        char *copy;

        if (!block || BLOCK_BYTES - block->used <= length) {
                block = memory_new(1, sizeof(*block));
                if (!block)
                        return NULL;
                block->next = index->blocks;
                index->blocks = block;
        }
        copy = &block->bytes[block->used];
        memcpy(copy, text, length);
        copy[length] = '\0';
        block->used += length + 1;
        return copy;
}

static int add(struct index *index, const struct entry *entry)
{
        struct entry *added;

        if (memory_grow(&index->entries, index->count, sizeof(*index->entries)) < 0)
                return -ENOMEM;
        added = &index->entries[index->count];
        *added = *entry;
        added->path = keep(index, entry->path, entry->path_length);
        if (entry->target)
                added->target = keep(index, entry->target, entry->target_length);
        if (!added->path || (entry->target && !added->target))
                return -ENOMEM;
        index->count++;
        return 0;
}

int index_new(int fd, const char *name, struct index **ret_index, struct error *err)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        struct index *index = memory_new(1, sizeof(*index));
        struct entry entry;
        int r = index ? mtree_reader_new_fd(fd, name, &reader, err) : error_memory(err);

        while (r == 0) {
                r = mtree_reader_next(reader, &entry, err);
                if (r <= 0)
                        break;
                r = add(index, &entry) < 0 ? error_memory(err) : 0;
        }
        if (r < 0) {
                index_free(index);
                return r;
        }
        *ret_index = index;
        return 0;
}

void index_free(struct index *index)
{
        if (!index)
                return;
        while (index->blocks) {
                struct block *next = index->blocks->next;

                free(index->blocks);
                index->blocks = next;
        }
        free(index->entries);
        free(index);
}

const struct entry *index_find(const struct index *index, const char *path, size_t length)
{
        size_t low = 0, high = index->count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct entry *entry = &index->entries[middle];
                int order = path_compare(path, length, entry->path, entry->path_length);

                if (order == 0)
                        return entry;
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

size_t index_count(const struct index *index)
{
        return index->count;
}

const struct entry *index_at(const struct index *index, size_t i)
{
        return &index->entries[i];
}
