/*
 * spool.h - batches of rows on this machine's disk, from when they were read to when their shard has them.
 *
 *     DIR/marks           how far each log was read, the node's number, and which batches count (SQLite)
 *     DIR/salts           salts.h
 *     DIR/NAME/SEQUENCE.DAY.ROWS.STRUCTURE    a batch for the shard NAME: rows of one day, nothing else; without the
 *                                             last part they are of the first structure (row.h)
 *
 * A batch is written whole and fsynced; then the marks of the logs and the number of the last batch are committed in
 * one transaction, which is on the disk when it returns. That is the one point at which lines become events: batches
 * with a higher number are thrown away at the start, and their lines are read again. So the number (with the node's,
 * which is drawn once) means the same rows for ever, and whoever sends a batch may ask whether they are there already.
 *
 * One thread fills it and commits; another for each shard takes from it.
 */
#ifndef SPREAD_SPOOL_H
#define SPREAD_SPOOL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "accesslog/follow.h"
#include "analyze/store.h"
#include "base/buffer.h"
#include "base/error.h"
#include "spread/spread.h"

/* Half of the 1,048,576 rows that ClickHouse takes as one block, whatever their length. */
#define SPOOL_BATCH_ROWS  500000U
#define SPOOL_BATCH_BYTES (64U << 20)

#define SPOOL_LIMIT_DEFAULT (UINT64_C(10) << 30)

struct spool;
struct store_day; /* store_private.h */

/* Makes or opens it. `shards` is borrowed. -EBUSY when another process has it. */
int spool_open(const char *path, const struct spread_shards *shards, uint64_t limit_bytes, struct spool **ret_spool,
               struct error *err);
void spool_close(struct spool *spool);

/* Where marks are (store_marks()), and whether this server takes part. */
struct store *spool_store(struct spool *spool);
uint64_t spool_node(const struct spool *spool);

/* ---- the one that fills it */

/* A row for a shard; it counts when the next spool_commit() returns 0. */
int spool_put(struct spool *spool, size_t shard, uint16_t day, const struct buffer *row, struct error *err);

/* What is in memory: rows that are in no batch yet. */
uint64_t spool_open_bytes(const struct spool *spool);

/* Whether a day was there before; one that was and has no salt any more gets none. */
int spool_day(struct spool *spool, int32_t day, struct store_day *ret_day, struct error *err);

/* It has visitors, or would have: store_day_write(), with the next spool_commit(). */
int spool_know_day(struct spool *spool, int32_t day, const uint8_t *check, int64_t replaced);

/* Days that had a salt, and for which `has` is false, are closed: what it was known by is destroyed. */
int spool_close_days(struct spool *spool, bool (*has)(const void *context, int32_t day), const void *context,
                     struct error *err);

/* Writes what is open, commits it with the marks that moved, and lets the senders have it. When it fails,
 * spool_drop(). */
int spool_commit(struct spool *spool, struct follow *follow, struct error *err);

/* Forgets everything since the last commit. */
void spool_drop(struct spool *spool);

/* No more than its limit: -EDQUOT with words when a shard's batches have reached it. */
int spool_has_room(struct spool *spool, struct error *err);

/* ---- the one that sends */

struct spool_batch {
        uint32_t sequence;
        uint16_t day;
        uint32_t rows;
        uint8_t structure; /* of its rows: row_structure() */
        uint64_t bytes;
};

/* The mark of the salt (salted.h) that a day's batches are made with, by number from 0 on in the order in which they came to
 * be known; false: there are no more. */
bool spool_salt(struct spool *spool, size_t number, uint16_t *ret_day, uint64_t *ret_mark);

/* The oldest batch of a shard; false when there is none. */
bool spool_first(struct spool *spool, size_t shard, struct spool_batch *ret_batch);
int spool_path(struct spool *spool, size_t shard, const struct spool_batch *batch, char path[static PATH_MAX]);

/* The file that was written, and no other: no link, no pipe, of our own and of the size that it had. -EBADMSG with words. */
int spool_open_batch(struct spool *spool, size_t shard, const struct spool_batch *batch, int *ret_fd, struct error *err);

/* The shard has it: it is removed. */
int spool_sent(struct spool *spool, size_t shard, const struct spool_batch *batch, struct error *err);

/* How many wait, and their bytes. */
void spool_waiting(struct spool *spool, size_t shard, uint64_t *ret_batches, uint64_t *ret_bytes);

/* ---- for tests: pure */

/* "0000000012.20636.4711.2" */
#define SPOOL_NAME_SIZE 40
void spool_batch_name(const struct spool_batch *batch, char name[static SPOOL_NAME_SIZE]);
bool spool_batch_parse(const char *name, struct spool_batch *ret_batch);

#endif
