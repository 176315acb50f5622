/* spool_queue.c - the batches that wait for each shard: found at the start, taken from the front, added to by a commit. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/store_private.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "spread/row.h"
#include "spread/salted.h"
#include "spread/spool_private.h"

/* ---------------------------------------------------------------- names */

void spool_batch_name(const struct spool_batch *batch, char name[static SPOOL_NAME_SIZE])
{
        int length = snprintf(name, SPOOL_NAME_SIZE, "%010" PRIu32 ".%05u.%" PRIu32, batch->sequence, batch->day,
                              batch->rows);

        if (batch->structure > 1)
                snprintf(name + length, SPOOL_NAME_SIZE - (size_t)length, ".%u", batch->structure);
}

bool spool_batch_parse(const char *name, struct spool_batch *ret_batch)
{
        struct spool_batch batch = { 0 };
        char again[SPOOL_NAME_SIZE];
        unsigned int day, structure = 1;

        if (sscanf(name, "%10" SCNu32 ".%5u.%10" SCNu32 ".%3u", &batch.sequence, &day, &batch.rows, &structure) < 3 ||
            day > UINT16_MAX || structure < 1 || structure > ROW_STRUCTURE_LATEST)
                return false;
        batch.day = (uint16_t)day;
        batch.structure = (uint8_t)structure;
        spool_batch_name(&batch, again);
        if (!text_equal(name, again))
                return false;
        *ret_batch = batch;
        return true;
}

/* ---------------------------------------------------------------- what is there */

static int compare_batches(const void *a, const void *b)
{
        const struct spool_batch *first = a, *second = b;

        return (first->sequence > second->sequence) - (first->sequence < second->sequence);
}

static bool is_ours(const struct stat *status)
{
        return S_ISREG(status->st_mode) && status->st_uid == geteuid() && status->st_nlink == 1;
}

static int take_file(struct spool *spool, struct queue *queue, const char *name, struct error *err)
{
        struct spool_batch batch;
        struct stat status;

        if (!spool_batch_parse(name, &batch))
                return 0;
        if (batch.sequence > spool->committed) { /* never counted: its lines are read again */
                if (unlinkat(queue->folder, name, 0) < 0 && errno != ENOENT)
                        return error_errno(err, errno, _("cannot remove the batch %s from the spool %s"), name,
                                           spool->path);
                return 0;
        }
        if (fstatat(queue->folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return error_errno(err, errno, _("cannot look at the batch %s in the spool %s"), name, spool->path);
        if (!is_ours(&status))
                return error_refuse(err, _("%s in the spool %s is no batch of ours but a link, a pipe or somebody else's file; "
                                           "remove it"),
                                    name, spool->path);
        batch.bytes = (uint64_t)status.st_size;
        if (memory_grow(&queue->batches, queue->count, sizeof(*queue->batches)) < 0)
                return error_memory(err);
        queue->batches[queue->count++] = batch;
        queue->bytes += batch.bytes;
        return 0;
}

static int list_queue(struct spool *spool, struct queue *queue, struct error *err)
{
        int fd = openat(queue->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        DIR *folder = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;

        if (!folder) {
                r = error_errno(err, errno, _("cannot list the spool %s"), spool->path);
                if (fd >= 0)
                        close(fd);
                return r;
        }
        while (r == 0 && (entry = readdir(folder)))
                r = take_file(spool, queue, entry->d_name, err);
        closedir(folder);
        if (r == 0 && queue->count)
                qsort(queue->batches, queue->count, sizeof(*queue->batches), compare_batches);
        return r;
}

int spool_check_folder(int folder, const char *path, struct error *err)
{
        struct stat status;

        if (fstat(folder, &status) < 0)
                return error_errno(err, errno, _("cannot open the spool's folder %s"), path);
        if (status.st_uid == geteuid() && !(status.st_mode & 022))
                return 0;
        return error_refuse(err, _("others could put events into the spool: the folder %s must belong to the user that this "
                                   "runs as, who alone can write there (chmod 700)"),
                            path);
}

int spool_open_queue(struct spool *spool, size_t shard, struct error *err)
{
        struct queue *queue = &spool->queues[shard];
        char path[PATH_MAX];
        int r;

        snprintf(path, sizeof(path), "%s/%s", spool->path, spool->shards->items[shard].name);
        r = directory_make(AT_FDCWD, path, 0700, err);
        if (r < 0)
                return r;
        queue->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (queue->folder < 0)
                return error_errno(err, errno, _("cannot open the spool's folder %s"), path);
        r = spool_check_folder(queue->folder, path, err);
        return r < 0 ? r : list_queue(spool, queue, err);
}

/* ---------------------------------------------------------------- salts */

static void add_salt(struct spool *spool, int64_t day, const uint8_t check[static SALT_CHECK_SIZE])
{
        if (day >= 0 && day <= UINT16_MAX)
                spool->salts[spool->salt_count++] =
                        (struct said_salt){ .day = (uint16_t)day, .mark = salted_mark(check) };
}

int spool_read_salts(struct spool *spool, struct error *err)
{
        static const char text[] = "SELECT day, salt_check FROM day WHERE NOT closed AND length(salt_check) = 8";
        sqlite3_stmt *statement = NULL;
        int step = SQLITE_DONE, r = 0;

        if (sqlite3_prepare_v2(spool->store->database, text, -1, &statement, NULL) != SQLITE_OK)
                return store_fail(spool->store, _("read"), err);
        while (r == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW) {
                if (memory_grow(&spool->salts, spool->salt_count, sizeof(*spool->salts)) < 0)
                        r = error_memory(err);
                else
                        add_salt(spool, sqlite3_column_int64(statement, 0), sqlite3_column_blob(statement, 1));
        }
        if (r == 0 && step != SQLITE_DONE)
                r = store_fail(spool->store, _("read"), err);
        sqlite3_finalize(statement);
        return r;
}

bool spool_salt(struct spool *spool, size_t number, uint16_t *ret_day, uint64_t *ret_mark)
{
        bool any;

        pthread_mutex_lock(&spool->lock);
        any = number < spool->salt_count;
        if (any) {
                *ret_day = spool->salts[number].day;
                *ret_mark = spool->salts[number].mark;
        }
        pthread_mutex_unlock(&spool->lock);
        return any;
}

/* ---------------------------------------------------------------- what is new */

void spool_publish(struct spool *spool)
{
        pthread_mutex_lock(&spool->lock);
        for (size_t i = 0; i < spool->shards->count; i++) {
                struct queue *queue = &spool->queues[i];

                for (size_t k = 0; k < queue->fresh_count; k++) {
                        queue->batches[queue->count++] = queue->fresh[k];
                        queue->bytes += queue->fresh[k].bytes;
                }
                queue->fresh_count = 0;
        }
        for (size_t i = 0; i < spool->known_count; i++)
                if (spool->known_days[i].checked)
                        add_salt(spool, spool->known_days[i].day, spool->known_days[i].check);
        pthread_mutex_unlock(&spool->lock);
        spool->committed = spool->last;
        spool->known_count = 0;
}

int spool_make_room(struct spool *spool, struct error *err)
{
        struct said_salt *salts;
        int r = 0;

        pthread_mutex_lock(&spool->lock);
        salts = memory_resize(spool->salts, spool->salt_count + spool->known_count + 1, sizeof(*salts));
        if (salts)
                spool->salts = salts;
        else
                r = error_memory(err);
        for (size_t i = 0; i < spool->shards->count && r == 0; i++) {
                struct queue *queue = &spool->queues[i];
                struct spool_batch *grown;

                if (queue->first) {
                        queue->count -= queue->first;
                        memmove(queue->batches, queue->batches + queue->first, queue->count * sizeof(*grown));
                        queue->first = 0;
                }
                grown = memory_resize(queue->batches, queue->count + queue->fresh_count + 1, sizeof(*grown));
                if (grown)
                        queue->batches = grown;
                else
                        r = error_memory(err);
        }
        pthread_mutex_unlock(&spool->lock);
        return r;
}

int spool_has_room(struct spool *spool, struct error *err)
{
        int r = 0;

        pthread_mutex_lock(&spool->lock);
        for (size_t i = 0; i < spool->shards->count && r == 0; i++)
                if (spool->queues[i].bytes >= spool->limit_bytes)
                        r = error_set(err, -EDQUOT,
                                      _("the spool of the analysis server %s is full (%" PRIu64
                                        " MiB); until the server takes batches again, what is logged waits in the logs"),
                                      spool->shards->items[i].name, spool->queues[i].bytes >> 20);
        pthread_mutex_unlock(&spool->lock);
        return r;
}

/* ---------------------------------------------------------------- sending */

bool spool_first(struct spool *spool, size_t shard, struct spool_batch *ret_batch)
{
        struct queue *queue = &spool->queues[shard];
        bool any;

        pthread_mutex_lock(&spool->lock);
        any = queue->first < queue->count;
        if (any)
                *ret_batch = queue->batches[queue->first];
        pthread_mutex_unlock(&spool->lock);
        return any;
}

int spool_path(struct spool *spool, size_t shard, const struct spool_batch *batch, char path[static PATH_MAX])
{
        char name[SPOOL_NAME_SIZE];

        spool_batch_name(batch, name);
        return snprintf(path, PATH_MAX, "%s/%s/%s", spool->path, spool->shards->items[shard].name, name) < PATH_MAX
                       ? 0
                       : -ENAMETOOLONG;
}

static int wrong_batch(const struct spool *spool, size_t shard, const char *name, const struct spool_batch *batch,
                       struct error *err)
{
        return error_set(err, -EBADMSG,
                         _("the batch %s for the analysis server %s in the spool %s is not the file that was written: it was "
                           "replaced or cut; put it back, or remove it (%" PRIu32 " events are lost then) and start again"),
                         name, spool->shards->items[shard].name, spool->path, batch->rows);
}

/* Never a pipe that nobody writes to: a thread that waits for that cannot be stopped. */
int spool_open_batch(struct spool *spool, size_t shard, const struct spool_batch *batch, int *ret_fd, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        struct stat status;
        char name[SPOOL_NAME_SIZE];

        spool_batch_name(batch, name);
        fd = openat(spool->queues[shard].folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT && errno != ELOOP && errno != ENXIO)
                return error_errno(err, errno, _("cannot read the batch %s in the spool %s"), name, spool->path);
        if (fd < 0 || fstat(fd, &status) < 0 || !is_ours(&status) || (uint64_t)status.st_size != batch->bytes)
                return wrong_batch(spool, shard, name, batch, err);
        *ret_fd = fd;
        fd = -1;
        return 0;
}

int spool_sent(struct spool *spool, size_t shard, const struct spool_batch *batch, struct error *err)
{
        struct queue *queue = &spool->queues[shard];
        char name[SPOOL_NAME_SIZE];

        spool_batch_name(batch, name);
        if (unlinkat(queue->folder, name, 0) < 0 && errno != ENOENT)
                return error_errno(err, errno, _("cannot remove the batch %s, which was sent, from the spool %s"), name,
                                   spool->path);
        pthread_mutex_lock(&spool->lock);
        if (queue->first < queue->count && queue->batches[queue->first].sequence == batch->sequence) {
                queue->first++;
                queue->bytes -= batch->bytes;
        }
        pthread_mutex_unlock(&spool->lock);
        return 0;
}

void spool_waiting(struct spool *spool, size_t shard, uint64_t *ret_batches, uint64_t *ret_bytes)
{
        pthread_mutex_lock(&spool->lock);
        *ret_batches = spool->queues[shard].count - spool->queues[shard].first;
        *ret_bytes = spool->queues[shard].bytes;
        pthread_mutex_unlock(&spool->lock);
}
