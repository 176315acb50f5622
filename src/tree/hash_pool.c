/* hash_pool.c - the ring of jobs between the walking thread and the workers. */
#include "hash_pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

#define RING        512 /* jobs; each may hold a folder open */
#define BATCH       32  /* jobs that are handed over at once: the lock does not show */
#define BATCH_BYTES (1024 * 1024)

/* An area's link, and the path of what lies in it. */
#define PATH_SPACE      (2 * (ENTRY_PATH_MAXIMUM + 1 + ENTRY_NAME_MAXIMUM) + 2)
#define THREADS_AUTO    8
#define THREADS_MAXIMUM 64

struct hash_pool {
        const struct verify_options *options;
        struct changes *changes;
        struct verify_result *result;
        unsigned int threads;   /* the walking one included */
        struct checker checker; /* the walking thread's */
        struct file_job *jobs;
        size_t size; /* of the ring */

        /* Only the walking thread's: jobs [head, tail) are in use, those from `handed` on were not handed over yet. */
        size_t head, tail, handed;
        uint64_t handed_bytes;

        pthread_mutex_t lock;
        pthread_cond_t work, done;
        size_t published, claimed; /* under the lock, as is all below */
        unsigned int idle;         /* workers that wait for work */
        bool waiting;              /* the walking thread waits for a job to be done */
        bool stop;
        int failed; /* the first error of a worker */
        struct error error;

        pthread_t workers[THREADS_MAXIMUM];
        unsigned int worker_count;
};

static unsigned int thread_count(unsigned int wanted)
{
        cpu_set_t set;
        int count = 1;

        if (wanted)
                return wanted < THREADS_MAXIMUM ? wanted : THREADS_MAXIMUM;
        if (sched_getaffinity(0, sizeof(set), &set) == 0)
                count = CPU_COUNT(&set);
        return count < 1 ? 1 : count > THREADS_AUTO ? THREADS_AUTO : (unsigned int)count;
}

static struct file_job *job_at(const struct hash_pool *pool, size_t number)
{
        return &pool->jobs[number % pool->size];
}

static bool is_done(const struct file_job *job)
{
        return atomic_load_explicit(&job->done, memory_order_acquire);
}

static void set_done(struct file_job *job)
{
        atomic_store_explicit(&job->done, true, memory_order_release);
}

/* A share of what is there: small at the end, so that all threads end together. The lock is held. */
static size_t claim(struct hash_pool *pool, size_t *ret_first)
{
        size_t there = pool->published - pool->claimed;
        size_t share = pool->threads > 1 ? there / (2 * pool->threads) : there;

        share = share > BATCH ? BATCH : share ? share : there ? 1 : 0;
        *ret_first = pool->claimed;
        pool->claimed += share;
        return share;
}

/* Jobs [*next, end) go through the checker. On failure those from *next on were not begun. */
static int check_jobs(struct hash_pool *pool, struct checker *checker, size_t *next, size_t end, struct error *err)
{
        for (;;) {
                struct file_job *job = NULL;
                int r;

                if (*next < end && checker_has_room(checker)) {
                        job = job_at(pool, (*next)++);
                        r = job->folder ? checker_begin(checker, job, err) : 1;
                        if (r < 0)
                                --*next;
                } else {
                        r = checker_finish(checker, &job, err);
                        if (r == 0)
                                return 0;
                }
                if (r < 0)
                        return r;
                if (r > 0)
                        set_done(job);
        }
}

/* Checks claimed jobs without the lock; after a failure they only pass. */
static void check_batch(struct hash_pool *pool, struct checker *checker, size_t first, size_t count, bool failed)
{
        struct error error = ERROR_NONE;
        size_t end = first + count;
        int r = failed ? 0 : check_jobs(pool, checker, &first, end, &error);

        if (r < 0) {
                pthread_mutex_lock(&pool->lock);
                if (pool->failed == 0) {
                        pool->failed = r;
                        pool->error = error;
                }
                pthread_mutex_unlock(&pool->lock);
        }
        for (struct file_job *job = checker_drop(checker); job; job = checker_drop(checker))
                set_done(job);
        for (; first < end; first++)
                set_done(job_at(pool, first));
}

static void *work(void *argument)
{
        struct hash_pool *pool = argument;
        struct checker checker = { 0 };
        struct error error = ERROR_NONE;
        int r = checker_init(&checker, pool->options, &error);

        pthread_mutex_lock(&pool->lock);
        if (r < 0 && pool->failed == 0) {
                pool->failed = r;
                pool->error = error;
        }
        while (!pool->stop) {
                size_t first, count = claim(pool, &first);
                bool failed = pool->failed != 0;

                if (count == 0) {
                        pool->idle++;
                        pthread_cond_wait(&pool->work, &pool->lock);
                        pool->idle--;
                        continue;
                }
                pthread_mutex_unlock(&pool->lock);
                check_batch(pool, &checker, first, count, failed);
                pthread_mutex_lock(&pool->lock);
                if (pool->waiting)
                        pthread_cond_signal(&pool->done);
        }
        pthread_mutex_unlock(&pool->lock);
        checker_done(&checker);
        return NULL;
}

static int start_workers(struct hash_pool *pool, unsigned int count, struct error *err)
{
        sigset_t all, kept;
        int r = 0;

        sigfillset(&all); /* signals are the walking thread's */
        pthread_sigmask(SIG_SETMASK, &all, &kept);
        while (r == 0 && pool->worker_count < count) {
                r = fault_point(FAULT_FORK) ? EAGAIN
                                            : pthread_create(&pool->workers[pool->worker_count], NULL, work, pool);
                if (r == 0)
                        pool->worker_count++;
        }
        pthread_sigmask(SIG_SETMASK, &kept, NULL);
        return r ? error_errno(err, r, _("cannot start a thread to read files with")) : 0;
}

int hash_pool_new(const struct verify_options *options, struct changes *changes, struct verify_result *result,
                  struct hash_pool **ret_pool, struct error *err)
{
        _cleanup_(hash_pool_freep) struct hash_pool *pool = memory_new(1, sizeof(*pool));
        int r;

        if (!pool)
                return error_memory(err);
        pthread_mutex_init(&pool->lock, NULL);
        pthread_cond_init(&pool->work, NULL);
        pthread_cond_init(&pool->done, NULL);
        pool->options = options;
        pool->changes = changes;
        pool->result = result;
        pool->threads = thread_count(options->threads);
        pool->size = pool->threads > 1 ? RING : BATCH;
        pool->jobs = memory_new(pool->size, sizeof(*pool->jobs));
        if (!pool->jobs)
                return error_memory(err);
        for (size_t i = 0; i < pool->size; i++)
                pool->jobs[i].path.maximum = PATH_SPACE;
        r = checker_init(&pool->checker, options, err);
        if (r == 0)
                r = start_workers(pool, pool->threads - 1, err);
        if (r < 0)
                return r;
        *ret_pool = pool;
        pool = NULL;
        return 0;
}

void hash_pool_free(struct hash_pool *pool)
{
        if (!pool)
                return;
        pthread_mutex_lock(&pool->lock);
        pool->stop = true;
        pthread_cond_broadcast(&pool->work);
        pthread_mutex_unlock(&pool->lock);
        for (unsigned int i = 0; i < pool->worker_count; i++)
                pthread_join(pool->workers[i], NULL);
        for (size_t i = 0; pool->jobs && i < pool->size; i++) {
                walk_folder_release(pool->jobs[i].folder);
                findings_clear(&pool->jobs[i].findings);
                buffer_done(&pool->jobs[i].path);
        }
        checker_done(&pool->checker);
        pthread_cond_destroy(&pool->done);
        pthread_cond_destroy(&pool->work);
        pthread_mutex_destroy(&pool->lock);
        free(pool->jobs);
        free(pool);
}

void hash_pool_freep(struct hash_pool **pool)
{
        hash_pool_free(*pool);
}

/* The first path is kept: one is enough for a person to look at. */
static void keep_path(char kept[static 256], const struct file_job *job)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4 * PATH_SPACE);

        if (kept[0] == '\0' && text_escape(&text, job->path.data, job->path.length) == 0)
                snprintf(kept, 256, "%.*s", 255, buffer_text(&text));
}

static void add_up(const struct hash_pool *pool, const struct file_job *job)
{
        struct verify_result *result = pool->result;

        if (job->regular) {
                result->files++;
                result->times += job->stx.stx_mtime.tv_sec != job->entry.time || job->stx.stx_mtime.tv_nsec != 0;
                changes_add(pool->changes, job->path.data, job->path.length, &job->stx);
        }
        result->bytes += job->bytes;
        if (job->changed) {
                result->changing = true;
                keep_path(result->changing_path, job);
        }
        if (job->writable) {
                result->writable++;
                keep_path(result->writable_path, job);
        }
        if (job->no_lease)
                result->no_leases = true;
}

static int report(struct hash_pool *pool, struct file_job *job, struct error *err)
{
        const struct verify_options *options = pool->options;
        struct difference difference = { .root = options->root };

        if (job->again) {
                changes_again(pool->changes, job->path.data, job->path.length, job->error, &job->stx, pool->result);
                return 0;
        }
        add_up(pool, job);
        if (job->findings.kinds == 0)
                return 0;
        if (job->slash && buffer_append_byte(&job->path, '/') < 0)
                return error_memory(err);
        difference.path = job->path.length ? job->path.data : ".";
        difference.path_length = job->path.length ? job->path.length : 1;
        for (unsigned int i = 0; i < FINDINGS_KINDS; i++) {
                int r;

                if (!(job->findings.kinds & 1U << i))
                        continue;
                pool->result->differences++;
                difference.kind = (enum difference_kind)(1U << i);
                difference.expected = job->findings.of[i].expected;
                difference.found = job->findings.of[i].found;
                r = options->difference ? options->difference(options->context, &difference, err) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Reports what is done, from the oldest on. */
static int reap(struct hash_pool *pool, struct error *err)
{
        while (pool->head < pool->tail) {
                struct file_job *job = job_at(pool, pool->head);
                int r;

                if (!is_done(job))
                        return 0;
                r = report(pool, job, err);
                walk_folder_release(job->folder);
                job->folder = NULL;
                findings_clear(&job->findings);
                pool->head++;
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Hands over what was put. */
static void publish(struct hash_pool *pool)
{
        if (pool->handed == pool->tail)
                return;
        pthread_mutex_lock(&pool->lock);
        pool->published = pool->handed = pool->tail;
        pool->handed_bytes = 0;
        if (pool->idle)
                pthread_cond_broadcast(&pool->work);
        pthread_mutex_unlock(&pool->lock);
}

/* The walking thread lends a hand, or waits when the others have all there is. */
static int help(struct hash_pool *pool, struct error *err)
{
        size_t first, count;
        int failed;

        publish(pool);
        pthread_mutex_lock(&pool->lock);
        failed = pool->failed;
        count = failed ? 0 : claim(pool, &first);
        while (count == 0 && !failed && !is_done(job_at(pool, pool->head))) {
                pool->waiting = true;
                pthread_cond_wait(&pool->done, &pool->lock);
                failed = pool->failed;
        }
        pool->waiting = false;
        if (failed && err)
                *err = pool->error;
        pthread_mutex_unlock(&pool->lock);
        if (failed)
                return failed;
        if (count)
                check_batch(pool, &pool->checker, first, count, false);
        return reap(pool, err);
}

int hash_pool_take(struct hash_pool *pool, const char *path, size_t length, struct file_job **ret_job,
                   struct error *err)
{
        struct file_job *job;
        int r = 0;

        while (r == 0 && pool->tail - pool->head == pool->size)
                r = help(pool, err);
        if (r < 0)
                return r;
        job = job_at(pool, pool->tail);
        atomic_store_explicit(&job->done, false, memory_order_relaxed);
        buffer_clear(&job->path);
        if (buffer_reserve(&job->path, length + 1) < 0 || buffer_append(&job->path, path, length) < 0)
                return error_memory(err);
        job->expected = NULL;
        job->slash = job->again = job->looked = job->regular = job->changed = job->writable = job->no_lease = false;
        job->bytes = 0;
        *ret_job = job;
        return 0;
}

int hash_pool_put(struct hash_pool *pool, struct error *err)
{
        const struct file_job *job = job_at(pool, pool->tail++);

        pool->handed_bytes += job->folder && !job->again ? (uint64_t)job->entry.size : 0;
        if (pool->tail - pool->handed >= BATCH || pool->handed_bytes >= BATCH_BYTES)
                publish(pool);
        return reap(pool, err);
}

int hash_pool_finish(struct hash_pool *pool, struct error *err)
{
        int r = 0;

        while (r == 0 && pool->head < pool->tail)
                r = help(pool, err);
        if (r < 0)
                return r;
        pthread_mutex_lock(&pool->lock);
        r = pool->failed; /* the last jobs may have failed when all were reported */
        if (r < 0 && err)
                *err = pool->error;
        pthread_mutex_unlock(&pool->lock);
        return r;
}
