/*
 * cache.h - files that are known to be genuine under one name, each held by its read lease.
 *
 * A file's place in the table is the number of the descriptor that carries the lease. While it has its ignore mark the
 * kernel does not even ask; the mark goes with the first modification (no SURV_MODIFY), on cache_flush(), and before
 * a lease is given back. Without the mark an open costs a question of the kernel's, and no hashing.
 */
#ifndef GATE_CACHE_H
#define GATE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

struct known {
        uint64_t device, inode, size;
        uint64_t name; /* keyed hash of tree and path */
        uint64_t generation;
        uint64_t marked;     /* the flush after which it got its mark; 0: it has none */
        int64_t parting_ms;  /* when a writer who waits for it may go on (open.c); 0: none waits */
        uint32_t tree;
        int32_t next; /* in its bucket; -1: the last */
        bool used, recent;
};

struct cache {
        struct known *files; /* by descriptor */
        int32_t *buckets;
        uint64_t mask;    /* of `buckets` */
        uint64_t events;  /* that the marks ignore */
        uint64_t flushes; /* 1 before the first */
        size_t size;      /* of `files` */
        size_t limit;     /* most files */
        size_t count;
        size_t marks; /* put since the last flush, at most */
        size_t hand;  /* of the clock that chooses whom to forget */
        size_t sweep; /* how far the table was looked through for what counts no more; `size`: to its end */
        uint64_t minimum[GATE_TREES]; /* generation that still counts */
        int group;
};

/* `files` has `size` places and is all zero, `buckets` has a power of two of them. */
void cache_init(struct cache *cache, int group, struct known *files, size_t size, int32_t *buckets, size_t bucket_count,
                size_t limit);

/* NULL: not known. */
struct known *cache_find(struct cache *cache, uint64_t device, uint64_t inode);
struct known *cache_at(struct cache *cache, int fd);
int cache_descriptor(const struct cache *cache, const struct known *known);

/* Takes over `fd`, whose lease is held. Forgets others when there are too many, and what was known of the inode. */
struct known *cache_add(struct cache *cache, int fd, const struct known *what);

/* Mark first, then the lease, then the descriptor: what is not held is not ignored. */
void cache_drop(struct cache *cache, struct known *known);

/* What came before this generation counts no more, and is asked about, from now on; its leases go by and by, for that
 * takes as long as there are many. cache_sweep() gives some back; false: that was all. */
void cache_forget(struct cache *cache, uint32_t tree, uint64_t before);
bool cache_sweep(struct cache *cache);
bool cache_counts(const struct cache *cache, const struct known *known);

void cache_mark(struct cache *cache, struct known *known);
void cache_unmark(struct cache *cache, struct known *known);
bool cache_marked(const struct cache *cache, const struct known *known);
void cache_flush(struct cache *cache);

#endif
