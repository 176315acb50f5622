/*
 * hash_pool.h - files are checked by several threads, results are told by one, in order.
 *
 * A ring of jobs: the walking thread fills them, workers check them in batches, and the walking thread reports what is
 * done from the oldest on. It checks files itself while the ring is full, so N threads are the walking one and N - 1
 * workers; with one thread there is no other, and the ring is a batch. Descriptors in use are bounded by the ring.
 */
#ifndef TREE_HASH_POOL_H
#define TREE_HASH_POOL_H

#include "tree/changes.h"
#include "tree/check_file.h"

struct hash_pool;

/* All are borrowed; what files were found as goes into the changes and the result, in the walking thread only. */
int hash_pool_new(const struct verify_options *options, struct changes *changes, struct verify_result *result,
                  struct hash_pool **ret_pool, struct error *err);
void hash_pool_free(struct hash_pool *pool); /* ends the workers; NULL is fine */
void hash_pool_freep(struct hash_pool **pool);

/*
 * An empty job to fill with this path; jobs that are done are reported meanwhile. Must be put before the next is taken.
 */
int hash_pool_take(struct hash_pool *pool, const char *path, size_t length, struct file_job **ret_job,
                   struct error *err);
int hash_pool_put(struct hash_pool *pool, struct error *err);

/* Everything is checked and reported. */
int hash_pool_finish(struct hash_pool *pool, struct error *err);

#endif
