/*
 * copy.h - one file's content into a fresh inode, proven: what is written is what was hashed.
 */
#ifndef TREE_COPY_H
#define TREE_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/digest.h"

/* One for each thread. */
struct copier;

int copier_new(struct copier **ret_copier, struct error *err);
void copier_free(struct copier *copier);
void copier_freep(struct copier **copier);

/*
 * Fills the empty file `to` with what `from` holds. 0: exactly `size` bytes with this SHA-256 are in it now. -ESTALE:
 * `from` holds something else (or is being changed); `to` has to be emptied or thrown away. Other errors are of
 * writing. `clone`: share the blocks if the file system can (cleared when it cannot), then read them back from `to`,
 * which nobody else can write.
 */
int copier_copy(struct copier *copier, int from, int to, const struct digest *digest, uint64_t size, bool *clone);

/* The same in three steps, for content that comes in pieces. copier_end(): 0 or -ESTALE. */
int copier_begin(struct copier *copier, int to);
int copier_add(struct copier *copier, const void *bytes, size_t length);
int copier_end(struct copier *copier, const struct digest *digest, uint64_t size);

#endif
