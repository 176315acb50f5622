/*
 * stage_flush.c - what was written goes to the disk while the rest is still being built: a thread of its own syncs each
 * time that much has come together. The sync at the end finds little left to wait for; the kernel by itself begins
 * late, and gigabytes would be left.
 *
 * This only saves time. What the exchange relies on is the sync at the end: it goes through another open file, so that
 * an error of writing that the thread's sync met is reported there, too (each open file hears of an error once).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/memory.h"
#include "tree/stage_parts.h"

#define FLUSH_BYTES (UINT64_C(8) << 20)

struct stage_flush {
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t more;
        bool waiting, stop; /* there is something to sync; there will be no more */
        int folders[RELEASE_ROOTS_MAXIMUM];
        size_t count;
};

static void *flush(void *argument)
{
        struct stage_flush *flusher = argument;

        pthread_mutex_lock(&flusher->mutex);
        while (!flusher->stop) {
                if (!flusher->waiting) {
                        pthread_cond_wait(&flusher->more, &flusher->mutex);
                        continue;
                }
                flusher->waiting = false;
                pthread_mutex_unlock(&flusher->mutex);
                for (size_t i = 0; i < flusher->count; i++)
                        (void)syncfs(flusher->folders[i]);
                pthread_mutex_lock(&flusher->mutex);
        }
        pthread_mutex_unlock(&flusher->mutex);
        return NULL;
}

static void flusher_free(struct stage_flush *flusher)
{
        for (size_t i = 0; i < flusher->count; i++)
                fd_close(&flusher->folders[i]);
        pthread_cond_destroy(&flusher->more);
        pthread_mutex_destroy(&flusher->mutex);
        free(flusher);
}

/* Without it everything is written all the same, later. */
static struct stage_flush *flusher_new(const struct pull_run *run)
{
        struct stage_flush *flusher = memory_new(1, sizeof(*flusher));
        sigset_t all, kept;
        int r;

        if (!flusher)
                return NULL;
        pthread_mutex_init(&flusher->mutex, NULL);
        pthread_cond_init(&flusher->more, NULL);
        for (size_t i = 0; i < run->root_count; i++) {
                int fd = openat(run->roots[i].place.staged, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                if (fd >= 0)
                        flusher->folders[flusher->count++] = fd;
        }
        sigfillset(&all); /* signals are the other threads' */
        pthread_sigmask(SIG_SETMASK, &all, &kept);
        r = pthread_create(&flusher->thread, NULL, flush, flusher);
        pthread_sigmask(SIG_SETMASK, &kept, NULL);
        if (r == 0)
                return flusher;
        flusher_free(flusher);
        return NULL;
}

void stage_written(struct stage *stage, uint64_t bytes)
{
        uint64_t before = atomic_fetch_add(&stage->written, bytes);

        if (before / FLUSH_BYTES == (before + bytes) / FLUSH_BYTES)
                return;
        pthread_mutex_lock(&stage->mutex);
        if (!stage->flusher)
                stage->flusher = flusher_new(stage->run);
        if (stage->flusher) {
                pthread_mutex_lock(&stage->flusher->mutex);
                stage->flusher->waiting = true;
                pthread_cond_signal(&stage->flusher->more);
                pthread_mutex_unlock(&stage->flusher->mutex);
        }
        pthread_mutex_unlock(&stage->mutex);
}

void stage_flush_end(struct stage *stage)
{
        struct stage_flush *flusher = stage->flusher;

        if (!flusher)
                return;
        pthread_mutex_lock(&flusher->mutex);
        flusher->stop = true;
        pthread_cond_signal(&flusher->more);
        pthread_mutex_unlock(&flusher->mutex);
        pthread_join(flusher->thread, NULL);
        flusher_free(flusher);
        stage->flusher = NULL;
}
