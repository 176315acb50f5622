/*
 * index.h - a manifest in memory: what a path of the release is, in microseconds.
 *
 * tree_verify() streams a manifest beside a walk; a guard is asked about single paths, at any moment. The index is made
 * from a manifest whose signature was checked, is never changed afterwards, and is shared with the verifiers by fork.
 */
#ifndef TREE_INDEX_H
#define TREE_INDEX_H

#include <stddef.h>

#include "base/error.h"
#include "manifest/entry.h"

struct index;

/* Reads the manifest of `fd` (borrowed) from its start; `name` is for words. */
int index_new(int fd, const char *name, struct index **ret_index, struct error *err);
void index_free(struct index *index); /* NULL is fine */

/* The entry of a path ("" is the root); NULL when the release has none. O(log n); lives as long as the index. */
const struct entry *index_find(const struct index *index, const char *path, size_t length);

/* All of them, in the order of the manifest. */
size_t index_count(const struct index *index);
const struct entry *index_at(const struct index *index, size_t i);

#endif
