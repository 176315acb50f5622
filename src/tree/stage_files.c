/* stage_files.c - files of the new tree, filled by workers from what is on this machine. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "tree/copy.h"
#include "tree/stage_parts.h"

int stage_apply_entry(const struct pull_root *root, int fd, const struct entry *entry,
                      const struct attributes *attributes, struct error *err)
{
        int r = inode_apply(fd, entry, attributes, err);

        if (r == -EPERM && geteuid() != 0)
                error_prefix(err,
                             _("the new tree beside %s needs owners that only root can give; run as root, or "
                               "publish with --owner"),
                             root->place.folder);
        return r;
}

int stage_apply(const struct stage_item *item, int fd, struct error *err)
{
        struct entry entry;

        stage_item_entry(item, &entry);
        return stage_apply_entry(item->root, fd, &entry, companion_attributes(&item->root->companion, item->path), err);
}

int stage_create(const struct stage_item *item, int flags, struct error *err)
{
        int fd = fault_point(FAULT_OPEN) ? -1
                                         : openat(item->root->place.staged, item->path,
                                                  O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flags, 0600);

        if (fd < 0)
                return error_errno(err, errno, _("cannot make %s in the new tree beside %s"), item->path,
                                   item->root->place.folder);
        return fd;
}

/* A regular file of the right size below a folder, opened without following or crossing anything; -1 when there is
 * none. The folder may be an intruder's: only the hash decides whether it is the content. */
static int open_source(int folder, const char *path, int64_t size)
{
        struct stat st;
        int fd = open_beneath(folder, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0, BENEATH_STRICT);

        if (fd < 0)
                return -1;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != size)
                fd_close(&fd);
        return fd;
}

static int empty(int fd)
{
        return ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

int stage_copy_from(struct stage *stage, struct copier *copier, struct stage_item *item, int folder, const char *path,
                    struct error *err)
{
        _cleanup_(fd_closep) int from = open_source(folder, path, item->size);
        _cleanup_(fd_closep) int to = -1;
        bool clone = atomic_load(&stage->clone);
        int r;

        if (from < 0)
                return 0;
        to = stage_create(item, O_EXCL, err);
        if (to < 0)
                return to;
        r = copier_copy(copier, from, to, &item->digest, (uint64_t)item->size, &clone);
        if (!clone)
                atomic_store(&stage->clone, false);
        if (r == -ESTALE) {
                (void)empty(to); /* gives the blocks back at once: a large file may stay open elsewhere */
                return unlinkat(item->root->place.staged, item->path, 0) < 0
                               ? error_errno(err, errno, _("cannot remove %s"), item->path)
                               : 0;
        }
        if (r < 0)
                return error_errno(err, -r, _("cannot write %s in the new tree beside %s"), item->path,
                                   item->root->place.folder);
        r = stage_apply(item, to, err);
        if (r < 0)
                return r;
        if (!clone)
                stage_written(stage, (uint64_t)item->size);
        item->done = true;
        return 0;
}

static int make_empty(struct stage_item *item, struct error *err)
{
        _cleanup_(fd_closep) int to = stage_create(item, O_EXCL, err);
        int r;

        if (to < 0)
                return to;
        r = stage_apply(item, to, err);
        item->done = r == 0;
        return r;
}

static int stage_file(struct stage *stage, struct copier *copier, struct stage_item *item, struct error *err)
{
        struct place *place = &item->root->place;
        int r = 0;

        if (item->size == 0)
                return make_empty(item, err);
        if (item->in_live)
                r = stage_take_live(stage, item, err);
        if (r == 0 && !item->done && item->in_live)
                r = stage_copy_from(stage, copier, item, place->live, item->path, err);
        if (r == 0 && !item->done && item->root->leftover >= 0)
                r = stage_copy_from(stage, copier, item, item->root->leftover, item->path, err);
        return r;
}

/* ---- threads ---- */

void stage_in_threads(void *(*work)(void *), void *members, size_t size, unsigned int count)
{
        pthread_t threads[STAGE_THREADS_MAXIMUM];
        char *member = members;
        unsigned int started = 1;

        while (started < count && pthread_create(&threads[started], NULL, work, member + started * size) == 0)
                started++;
        (void)work(member);
        for (unsigned int i = started; i < count; i++) /* what no thread could be had for */
                (void)work(member + i * size);
        for (unsigned int i = 1; i < started; i++)
                pthread_join(threads[i], NULL);
}

/* ---- workers: a chunk of jobs at a time, each thread takes the next one ---- */

struct worker {
        struct stage *stage;
        struct copier *copier;
};

static void *work(void *argument)
{
        struct worker *worker = argument;
        struct stage *stage = worker->stage;

        for (;;) {
                size_t i = atomic_fetch_add(&stage->next_job, 1);
                struct error error = ERROR_NONE;
                int r;

                if (i >= stage->jobs.count || atomic_load(&stage->failed))
                        return NULL;
                r = stage_file(stage, worker->copier, &stage->jobs.items[i], &error);
                if (r == 0)
                        continue;
                pthread_mutex_lock(&stage->mutex);
                if (!atomic_exchange(&stage->failed, true))
                        stage->error = error;
                pthread_mutex_unlock(&stage->mutex);
        }
}

/* What no source here had goes to the list of what is missing. */
static int collect_missing(struct stage *stage, struct error *err)
{
        for (size_t i = 0; i < stage->jobs.count; i++) {
                struct stage_item *item = &stage->jobs.items[i];

                if (item->done) {
                        stage_item_done(item);
                        stage->done++;
                } else if (stage_list_add(&stage->missing, item) < 0) {
                        return error_memory(err);
                } else {
                        item->path = NULL; /* the other list's now */
                }
        }
        stage->jobs.count = 0;
        stage_progress(stage, _("building the new tree"), stage->done);
        return 0;
}

int stage_run_jobs(struct stage *stage, struct error *err)
{
        struct worker workers[STAGE_THREADS_MAXIMUM];

        atomic_store(&stage->next_job, 0);
        for (unsigned int i = 0; i < stage->threads; i++)
                workers[i] = (struct worker){ .stage = stage, .copier = stage->copiers[i] };
        stage_in_threads(work, workers, sizeof(workers[0]),
                         stage->jobs.count < stage->threads ? (unsigned int)stage->jobs.count : stage->threads);
        if (atomic_load(&stage->failed)) {
                if (err)
                        *err = stage->error;
                return stage->error.code;
        }
        return collect_missing(stage, err);
}
