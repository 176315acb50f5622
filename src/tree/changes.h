/*
 * changes.h - did anything change while the tree was read?
 *
 * A tree is genuine when there was a moment at which all of it was. Each file is hashed at its own time, so after the
 * last one everything is looked at again: what has the inode, size, owner, links and ctime that it had before it was
 * read was the same at the moment between. Two things make that hold:
 *
 * - The kernel stamps ctime in ticks of some milliseconds: two changes in one tick look alike. So a ctime from the
 *   start of the verification on counts as a change whatever it was before; the start is a tick after the call. A ctime
 *   in the future (the clock was wrong once) is no change by itself.
 * - Whoever sets the clock back can make a change look old. The wall clock is compared with the monotonic one.
 *
 * The first look is not kept for each path (a million of them would be too much) but summed up under a random key, in a
 * way that does not depend on the order.
 *
 * What this cannot see: a store through a shared mapping into a page that was written just before, until the kernel
 * writes the page back. Read leases can (verify_options.leases).
 */
#ifndef TREE_CHANGES_H
#define TREE_CHANGES_H

#include <time.h>

#include "tree/verify.h"
#include "manifest/walk.h"

struct hash_pool;

struct changes {
        struct timespec start;
        int64_t offset_ns; /* wall clock less monotonic clock */
        uint64_t key[2];
        uint64_t sum[2];       /* over everything that was looked at */
        uint64_t again_sum[2]; /* over the second look */
};

/* Waits until the clock that inodes of this folder's file system are stamped with has passed the time of the call: some
 * milliseconds, and up to a second where it counts whole seconds. */
int changes_begin(struct changes *changes, int directory, struct error *err);

/* Everything that the first walk saw and that is compared. */
void changes_add(struct changes *changes, const char *path, size_t length, const struct statx *stx);

/* One thing of the second look: sets result->changing when it was changed since the start. */
void changes_again(struct changes *changes, const char *path, size_t length, int error, const struct statx *stx,
                   struct verify_result *result);

/* The second look, when all was read and the pool has nothing more to do: sets result->changing. `complete`: the first
 * walk saw all that is there, so the sums must be equal. */
int changes_end(struct changes *changes, int directory, const struct companion *companion, bool complete,
                struct hash_pool *pool, struct verify_result *result, struct error *err);

#endif
