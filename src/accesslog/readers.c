/* readers.c - threads that take blocks until there are no more. */
#include "readers.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "base/i18n.h"

#define PROGRESS_MS 100

struct run {
        struct log_source *source;
        const struct log_readers *readers;
        atomic_bool stop;
        pthread_mutex_t lock; /* for what follows */
        pthread_cond_t ended; /* a reader is done */
        unsigned int working;
        struct error damage, failure; /* the first of each */
};

struct reader {
        struct run *run;
        unsigned int number;
        pthread_t thread;
};

static void note(struct run *run, struct error *first, const struct error *error)
{
        pthread_mutex_lock(&run->lock);
        if (!first->code)
                *first = *error;
        pthread_mutex_unlock(&run->lock);
}

static void *read_blocks(void *argument)
{
        const struct reader *reader = argument;
        struct run *run = reader->run;
        int r = 1;

        while (r != 0 && !atomic_load_explicit(&run->stop, memory_order_relaxed)) {
                struct error error = ERROR_NONE;
                struct log_block block;

                r = log_source_next(run->source, reader->number, &block, &error);
                if (r < 0)
                        note(run, &run->damage, &error);
                if (r <= 0)
                        continue;
                if (run->readers->block(run->readers->context, reader->number, &block, &error) < 0) {
                        note(run, &run->failure, &error);
                        atomic_store(&run->stop, true);
                }
                log_source_release(run->source, &block);
        }
        pthread_mutex_lock(&run->lock);
        run->working--;
        pthread_cond_signal(&run->ended);
        pthread_mutex_unlock(&run->lock);
        return NULL;
}

static void show_progress(const struct run *run)
{
        uint64_t done, total;

        if (!run->readers->progress)
                return;
        log_source_progress(run->source, &done, &total);
        run->readers->progress(run->readers->context, done, total);
}

static void wait_for_readers(struct run *run)
{
        pthread_mutex_lock(&run->lock);
        while (run->working > 0) {
                struct timespec until;

                clock_gettime(CLOCK_REALTIME, &until);
                until.tv_nsec += PROGRESS_MS * 1000000L;
                if (until.tv_nsec >= 1000000000L) {
                        until.tv_sec++;
                        until.tv_nsec -= 1000000000L;
                }
                pthread_cond_timedwait(&run->ended, &run->lock, &until);
                pthread_mutex_unlock(&run->lock);
                show_progress(run);
                pthread_mutex_lock(&run->lock);
        }
        pthread_mutex_unlock(&run->lock);
}

/* 0 or an errno. */
static int start(struct run *run, struct reader *reader, unsigned int number)
{
        int r;

        *reader = (struct reader){ .run = run, .number = number };
        pthread_mutex_lock(&run->lock);
        run->working++;
        pthread_mutex_unlock(&run->lock);
        r = pthread_create(&reader->thread, NULL, read_blocks, reader);
        if (r == 0)
                return 0;
        pthread_mutex_lock(&run->lock);
        run->working--;
        pthread_mutex_unlock(&run->lock);
        return r;
}

unsigned int log_readers_count(unsigned int wanted)
{
        cpu_set_t set;
        int count = (int)wanted;

        if (wanted > LOG_READERS_MAXIMUM)
                return LOG_READERS_MAXIMUM;
        if (wanted == 0)
                count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
        return count < 1 ? 1 : count > LOG_READERS_MAXIMUM ? LOG_READERS_MAXIMUM : (unsigned int)count;
}

int log_readers_run(struct log_source *source, unsigned int count, const struct log_readers *readers,
                    struct error *ret_damage, struct error *err)
{
        struct run run = { .source = source, .readers = readers, .damage = ERROR_NONE, .failure = ERROR_NONE };
        struct reader threads[LOG_READERS_MAXIMUM];
        unsigned int started = 0;
        int r = 0;

        pthread_mutex_init(&run.lock, NULL);
        pthread_cond_init(&run.ended, NULL);
        while (started < count && r == 0) {
                r = start(&run, &threads[started], started);
                started += r == 0;
        }
        wait_for_readers(&run);
        for (unsigned int i = 0; i < started; i++)
                pthread_join(threads[i].thread, NULL);
        pthread_cond_destroy(&run.ended);
        pthread_mutex_destroy(&run.lock);
        *ret_damage = run.damage;
        if (started == 0)
                return error_errno(err, r, _("cannot start a thread to read logs"));
        if (run.failure.code && err)
                *err = run.failure;
        return run.failure.code;
}
