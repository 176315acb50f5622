#include "spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "analyze/store_private.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "spread/row.h"
#include "spread/spool_private.h"

/* ---------------------------------------------------------------- what counts */

static int run_sql(struct spool *spool, const char *sql, struct error *err)
{
        return sqlite3_exec(spool->store->database, sql, NULL, NULL, NULL) == SQLITE_OK
                       ? 0
                       : store_fail(spool->store, _("write"), err);
}

/* The node's number is drawn with the table: it belongs to the numbers of the batches. */
static int make_table(struct spool *spool, struct error *err)
{
        uint64_t node = 0;
        char sql[160];
        int r;

        if (getrandom(&node, sizeof(node), 0) != (ssize_t)sizeof(node))
                return error_errno(err, errno, _("cannot draw a number for the spool %s"), spool->path);
        snprintf(sql, sizeof(sql), "INSERT INTO spread SELECT %" PRId64 ", 0 WHERE NOT EXISTS (SELECT 1 FROM spread)",
                 (int64_t)(node >> 1));
        r = store_begin(spool->store, err);
        if (r == 0)
                r = run_sql(spool, "CREATE TABLE IF NOT EXISTS spread(node INTEGER, sequence INTEGER)", err);
        if (r == 0)
                r = run_sql(spool, sql, err);
        if (r == 0)
                r = store_commit(spool->store, err);
        if (r < 0)
                store_rollback(spool->store);
        return r;
}

static int read_table(struct spool *spool, struct error *err)
{
        sqlite3_stmt *statement = NULL;

        if (sqlite3_prepare_v2(spool->store->database, "SELECT node, sequence FROM spread", -1, &statement, NULL) !=
                    SQLITE_OK ||
            sqlite3_step(statement) != SQLITE_ROW) {
                sqlite3_finalize(statement);
                return store_fail(spool->store, _("read"), err);
        }
        spool->node = (uint64_t)sqlite3_column_int64(statement, 0);
        spool->committed = spool->last = (uint32_t)sqlite3_column_int64(statement, 1);
        sqlite3_finalize(statement);
        return 0;
}

/* A commit is on the disk when it returns: what a shard was sent must never be forgotten. */
static int open_marks(struct spool *spool, struct error *err)
{
        _cleanup_(fd_closep) int folder = -1;
        char path[PATH_MAX];
        int r = directory_make(AT_FDCWD, spool->path, 0700, err);

        if (r < 0)
                return r;
        folder = open(spool->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0)
                return error_errno(err, errno, _("cannot open the spool's folder %s"), spool->path);
        r = spool_check_folder(folder, spool->path, err);
        if (r < 0)
                return r;
        snprintf(path, sizeof(path), "%s/marks", spool->path);
        r = store_open(path, true, &spool->store, err);
        if (r == 0)
                r = run_sql(spool, "PRAGMA synchronous = FULL", err);
        if (r == 0)
                r = make_table(spool, err);
        return r < 0 ? r : read_table(spool, err);
}

int spool_open(const char *path, const struct spread_shards *shards, uint64_t limit_bytes, struct spool **ret_spool,
               struct error *err)
{
        struct spool *spool = memory_new(1, sizeof(*spool));
        int r;

        if (!spool)
                return error_memory(err);
        pthread_mutex_init(&spool->lock, NULL);
        spool->shards = shards;
        spool->limit_bytes = limit_bytes ? limit_bytes : SPOOL_LIMIT_DEFAULT;
        for (size_t i = 0; i < SPREAD_SHARDS_MAXIMUM; i++)
                spool->queues[i].folder = -1;
        spool->path = memory_string(path);
        r = spool->path ? open_marks(spool, err) : error_memory(err);
        if (r == 0)
                r = spool_read_salts(spool, err);
        for (size_t i = 0; i < shards->count && r == 0; i++)
                r = spool_open_queue(spool, i, err);
        if (r < 0) {
                spool_close(spool);
                return r;
        }
        *ret_spool = spool;
        return 0;
}

void spool_close(struct spool *spool)
{
        if (!spool)
                return;
        for (size_t i = 0; i < spool->open_count; i++)
                buffer_done(&spool->open[i].bytes);
        for (size_t i = 0; i < SPREAD_SHARDS_MAXIMUM; i++) {
                if (spool->queues[i].folder >= 0)
                        close(spool->queues[i].folder);
                free(spool->queues[i].batches);
                free(spool->queues[i].fresh);
        }
        free(spool->known_days);
        free(spool->salts);
        store_close(spool->store);
        pthread_mutex_destroy(&spool->lock);
        free(spool->path);
        free(spool);
}

struct store *spool_store(struct spool *spool)
{
        return spool->store;
}

uint64_t spool_node(const struct spool *spool)
{
        return spool->node;
}

/* ---------------------------------------------------------------- filling */

static int write_file(int folder, const char *name, const struct buffer *bytes)
{
        _cleanup_(fd_closep) int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        int r;

        if (fd < 0)
                return -errno;
        r = write_full(fd, bytes->data, bytes->length);
        return r < 0 ? r : fd_sync(fd);
}

/*
 * After a commit that failed: only when another one has taken its place is it known that nothing of it will be found
 * after a crash. Its batches stay until then.
 */
static int settle(struct spool *spool, struct error *err)
{
        char sql[64];
        int r;

        if (!spool->uncertain)
                return 0;
        snprintf(sql, sizeof(sql), "UPDATE spread SET sequence = %" PRIu32, spool->committed);
        r = run_sql(spool, sql, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < spool->shards->count; i++) {
                struct queue *queue = &spool->queues[i];

                for (size_t k = 0; k < queue->fresh_count; k++) {
                        char name[SPOOL_NAME_SIZE];

                        spool_batch_name(&queue->fresh[k], name);
                        if (unlinkat(queue->folder, name, 0) < 0 && errno != ENOENT)
                                return error_errno(err, errno, _("cannot remove the batch %s from the spool %s"), name,
                                                   spool->path);
                }
                queue->fresh_count = 0;
        }
        spool->last = spool->committed;
        spool->uncertain = false;
        return 0;
}

/* Its name is beyond what was committed until spool_commit() says otherwise. */
static int write_batch(struct spool *spool, struct open_batch *open, struct error *err)
{
        struct queue *queue = &spool->queues[open->shard];
        const struct spool_batch batch = {
                .sequence = spool->last + 1,
                .day = open->day,
                .rows = open->rows,
                .structure = ROW_STRUCTURE_LATEST,
                .bytes = open->bytes.length
        };
        char name[SPOOL_NAME_SIZE];
        int r;

        assert(!spool->uncertain);
        if (memory_grow(&queue->fresh, queue->fresh_count, sizeof(*queue->fresh)) < 0)
                return error_memory(err);
        spool_batch_name(&batch, name);
        queue->fresh[queue->fresh_count++] = batch; /* now: half of a file must be removed, too */
        spool->last++;
        r = write_file(queue->folder, name, &open->bytes);
        if (r < 0)
                return error_errno(err, -r, _("cannot write the batch %s into the spool %s"), name, spool->path);
        open->rows = 0;
        buffer_clear(&open->bytes);
        return 0;
}

/* The open batch of a shard and day; when there are too many, the largest is written to make room. */
static int find_open(struct spool *spool, size_t shard, uint16_t day, struct open_batch **ret_open, struct error *err)
{
        struct open_batch *largest = spool->open;
        int r = 0;

        for (size_t i = 0; i < spool->open_count; i++) {
                struct open_batch *open = &spool->open[i];

                if (open->shard == shard && open->day == day) {
                        *ret_open = open;
                        return 0;
                }
                if (open->bytes.length > largest->bytes.length)
                        largest = open;
        }
        if (spool->open_count < OPEN_MAXIMUM) {
                largest = &spool->open[spool->open_count++];
                largest->bytes = (struct buffer)BUFFER_INIT(SPOOL_BATCH_BYTES);
        } else if (largest->rows)
                r = write_batch(spool, largest, err);
        largest->shard = shard;
        largest->day = day;
        *ret_open = largest;
        return r;
}

int spool_put(struct spool *spool, size_t shard, uint16_t day, const struct buffer *row, struct error *err)
{
        struct open_batch *open = NULL;
        int r = settle(spool, err);

        if (r == 0)
                r = find_open(spool, shard, day, &open, err);
        if (r == 0 && open->rows &&
            (open->rows == SPOOL_BATCH_ROWS || open->bytes.length + row->length > SPOOL_BATCH_BYTES))
                r = write_batch(spool, open, err);
        if (r == 0 && buffer_append(&open->bytes, row->data, row->length) < 0)
                r = error_memory(err);
        if (r == 0)
                open->rows++;
        return r;
}

uint64_t spool_open_bytes(const struct spool *spool)
{
        uint64_t bytes = 0;

        for (size_t i = 0; i < spool->open_count; i++)
                bytes += spool->open[i].bytes.length;
        return bytes;
}

int spool_day(struct spool *spool, int32_t day, struct store_day *ret_day, struct error *err)
{
        return store_day_read(spool->store, day, ret_day, err);
}

int spool_know_day(struct spool *spool, int32_t day, const uint8_t *check, int64_t replaced)
{
        struct known_day *known;

        if (memory_grow(&spool->known_days, spool->known_count, sizeof(*spool->known_days)) < 0)
                return -ENOMEM;
        known = &spool->known_days[spool->known_count++];
        *known = (struct known_day){ .day = day, .checked = check != NULL, .replaced = replaced };
        if (check)
                memcpy(known->check, check, SALT_CHECK_SIZE);
        return 0;
}

static int next_open_day(struct spool *spool, int64_t *day, bool *ret_found, struct error *err)
{
        static const char text[] = "SELECT day FROM day WHERE NOT closed AND day > ?1 ORDER BY day LIMIT 1";
        sqlite3_stmt *statement = NULL;
        int step, r = 0;

        if (sqlite3_prepare_v2(spool->store->database, text, -1, &statement, NULL) != SQLITE_OK)
                return store_fail(spool->store, _("read"), err);
        sqlite3_bind_int64(statement, 1, *day);
        step = sqlite3_step(statement);
        *ret_found = step == SQLITE_ROW;
        if (*ret_found)
                *day = sqlite3_column_int64(statement, 0);
        else if (step != SQLITE_DONE)
                r = store_fail(spool->store, _("read"), err);
        sqlite3_finalize(statement);
        return r;
}

static int close_days(struct spool *spool, bool (*has)(const void *context, int32_t day), const void *context,
                      struct error *err)
{
        int64_t day = INT64_MIN;
        bool found = true;
        int r = 0;

        while (r == 0 && (r = next_open_day(spool, &day, &found, err)) == 0 && found) {
                char sql[96];

                if (has(context, (int32_t)day))
                        continue;
                snprintf(sql, sizeof(sql), "UPDATE day SET closed = 1, salt_check = NULL WHERE day = %" PRId64, day);
                r = run_sql(spool, sql, err);
        }
        return r;
}

int spool_close_days(struct spool *spool, bool (*has)(const void *context, int32_t day), const void *context,
                     struct error *err)
{
        int r = store_begin(spool->store, err);

        if (r == 0)
                r = close_days(spool, has, context, err);
        if (r == 0)
                r = store_commit(spool->store, err);
        if (r < 0)
                store_rollback(spool->store);
        return r;
}

/* ---------------------------------------------------------------- the commit */

static int write_open(struct spool *spool, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < spool->open_count && r == 0; i++)
                if (spool->open[i].rows)
                        r = write_batch(spool, &spool->open[i], err);
        for (size_t i = 0; i < spool->shards->count && r == 0; i++)
                if (spool->queues[i].fresh_count && (r = fd_sync(spool->queues[i].folder)) < 0)
                        error_errno(err, -r, _("cannot write the spool %s"), spool->path);
        return r;
}

static int put_days(struct spool *spool, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < spool->known_count && r == 0; i++) {
                const struct known_day *known = &spool->known_days[i];

                r = store_day_write(spool->store, known->day, known->checked ? known->check : NULL, known->replaced, err);
        }
        return r;
}

static int commit_marks(struct spool *spool, struct follow *follow, struct error *err)
{
        struct follow_change change;
        char sql[64];
        int r = store_begin(spool->store, err);

        for (size_t cursor = 0; r == 0 && follow && follow_changed(follow, &cursor, &change);)
                r = store_put_mark(spool->store, &change, err);
        snprintf(sql, sizeof(sql), "UPDATE spread SET sequence = %" PRIu32, spool->last);
        if (r == 0)
                r = put_days(spool, err);
        if (r == 0)
                r = run_sql(spool, sql, err);
        return r < 0 ? r : store_commit(spool->store, err);
}

int spool_commit(struct spool *spool, struct follow *follow, struct error *err)
{
        int r = settle(spool, err);

        if (r == 0)
                r = write_open(spool, err);
        if (r == 0)
                r = spool_make_room(spool, err);
        if (r == 0)
                r = commit_marks(spool, follow, err);
        if (r < 0)
                return r;
        spool_publish(spool);
        return 0;
}

void spool_drop(struct spool *spool)
{
        store_rollback(spool->store);
        for (size_t i = 0; i < spool->open_count; i++) {
                spool->open[i].rows = 0;
                buffer_clear(&spool->open[i].bytes);
        }
        spool->known_count = 0;
        spool->uncertain = true;
        settle(spool, NULL); /* else before anything else is written */
}

