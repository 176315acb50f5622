/* spool_private.h - what is in a spool; for spool*.c alone. */
#ifndef SPREAD_SPOOL_PRIVATE_H
#define SPREAD_SPOOL_PRIVATE_H

#include <pthread.h>

#include "analyze/salts.h"
#include "spread/spool.h"

#define OPEN_MAXIMUM 64 /* batches that are being filled: shards, times days */

/* A batch that is being filled. */
struct open_batch {
        size_t shard;
        uint16_t day;
        uint32_t rows;
        struct buffer bytes;
};

/* What senders say of a day's salt. */
struct said_salt {
        uint16_t day;
        uint64_t mark;
};

/* What waits for a shard. */
struct queue {
        int folder;
        struct spool_batch *batches; /* by number; from `first` on */
        size_t first, count;
        uint64_t bytes;
        /* Written since the last commit. */
        struct spool_batch *fresh;
        size_t fresh_count;
};

struct known_day {
        int32_t day;
        bool checked;
        uint8_t check[SALT_CHECK_SIZE];
        int64_t replaced;
};

struct spool {
        const struct spread_shards *shards;
        char *path;
        struct store *store;
        uint64_t node, limit_bytes;
        uint32_t committed, last; /* numbers of batches; last: also those that do not count yet */
        bool uncertain;           /* a commit failed: it may be found on the disk even so, and then its batches count */
        struct open_batch open[OPEN_MAXIMUM];
        size_t open_count, open_last;
        struct known_day *known_days; /* since the last commit */
        size_t known_count;
        pthread_mutex_t lock; /* of what waits */
        struct queue queues[SPREAD_SHARDS_MAXIMUM];
        struct said_salt *salts;
        size_t salt_count;
};

/* Whoever can write there makes events, and reads visitors' salts. */
int spool_check_folder(int folder, const char *path, struct error *err);

/* Lists what waits for a shard; batches that do not count yet are thrown away. */
int spool_open_queue(struct spool *spool, size_t shard, struct error *err);

/* The salts of open days, as the last run left them. */
int spool_read_salts(struct spool *spool, struct error *err);

/* What was sent is dropped from the front, and there is room for what is new behind it. */
int spool_make_room(struct spool *spool, struct error *err);

/* From here on those that are new count. There is room for them already. */
void spool_publish(struct spool *spool);

#endif
