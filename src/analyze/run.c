/* run.c - the workers of an analysis. */
#include "run.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyze/reconcile.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

#define PROGRESS_MS 100

struct run {
        const char *const *paths;
        const struct run_options *options;
        struct log_source *source;
        pthread_mutex_t lock; /* for what follows */
        pthread_cond_t ended; /* a worker is done */
        unsigned int working;
        struct error damage; /* of the first file that could not be read to its end */
        atomic_bool stop;
};

struct worker {
        struct run *run;
        unsigned int number;
        pthread_t thread;
        struct tally *tally;
        struct tally *beacon; /* of a beacon's lines; NULL: there was none */
        struct error error;   /* why it stopped: memory, for what a file holds is no reason */
        char *scratch;        /* TALLY_AHEAD lines */
        uint64_t memory_bytes;
};

/* A beacon's line has a tally of its own, which shares the memory. */
static int count_beacon(struct worker *worker, const struct log_line *line, uint64_t position)
{
        if (!worker->beacon) {
                struct tally_options options = worker->run->options->tally;
                int r;

                options.memory_bytes = worker->memory_bytes / 2;
                r = tally_new(&options, &worker->beacon, &worker->error);
                if (r < 0)
                        return r;
                tally_limit(worker->tally, options.memory_bytes);
        }
        return tally_add(worker->beacon, line, position, &worker->error);
}

static int count_block(struct worker *worker, const struct log_block *block)
{
        struct log_format format = block->format;
        const char *cursor = block->bytes, *end = block->bytes + block->length, *line;
        unsigned int scratch = 0; /* of one line after the other: those of before are still being counted */
        size_t length;
        int r = 0;

        while (r == 0 && text_next_line(&cursor, end, &line, &length)) {
                switch (log_parse(&format, line, length, worker->scratch + (size_t)scratch * LOG_LINE_MAXIMUM,
                                  tally_line(worker->tally))) {
                case LOG_OK:
                        if (tally_line(worker->tally)->beacon) {
                                r = count_beacon(worker, tally_line(worker->tally), log_position(block, line));
                                break;
                        }
                        r = tally_push(worker->tally, log_position(block, line), &worker->error);
                        scratch = (scratch + 1) % TALLY_AHEAD;
                        break;
                case LOG_INVALID:
                        tally_invalid(worker->tally, worker->run->paths[block->file], line, length,
                                      log_position(block, line));
                        break;
                default: tally_empty(worker->tally);
                }
        }
        return r < 0 ? r : tally_flush(worker->tally, &worker->error);
}

static void note_damage(struct run *run, const struct error *error)
{
        pthread_mutex_lock(&run->lock);
        if (!run->damage.code)
                run->damage = *error;
        pthread_mutex_unlock(&run->lock);
}

static void *work(void *context)
{
        struct worker *worker = context;
        struct run *run = worker->run;
        struct error error = ERROR_NONE;
        int r = 1;

        while (r != 0 && !atomic_load_explicit(&run->stop, memory_order_relaxed)) {
                struct log_block block;

                r = log_source_next(run->source, worker->number, &block, &error);
                if (r < 0)
                        note_damage(run, &error);
                if (r <= 0)
                        continue;
                if (count_block(worker, &block) < 0)
                        atomic_store(&run->stop, true);
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

        if (!run->options->progress)
                return;
        log_source_progress(run->source, &done, &total);
        run->options->progress(run->options->context, done, total);
}

static void wait_for_workers(struct run *run)
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

static unsigned int processors(void)
{
        cpu_set_t set;
        int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

        return count < 1 ? 1 : count > RUN_WORKERS_MAXIMUM ? RUN_WORKERS_MAXIMUM : (unsigned int)count;
}

static int start_worker(struct run *run, struct worker *worker, unsigned int number,
                        const struct tally_options *options, struct error *err)
{
        int r;

        worker->run = run;
        worker->number = number;
        worker->memory_bytes = options->memory_bytes;
        worker->error = ERROR_NONE;
        worker->scratch = memory_new(TALLY_AHEAD, LOG_LINE_MAXIMUM);
        if (!worker->scratch)
                return error_memory(err);
        r = tally_new(options, &worker->tally, err);
        if (r < 0)
                return r;
        pthread_mutex_lock(&run->lock);
        run->working++;
        pthread_mutex_unlock(&run->lock);
        r = pthread_create(&worker->thread, NULL, work, worker);
        if (r != 0) {
                pthread_mutex_lock(&run->lock);
                run->working--;
                pthread_mutex_unlock(&run->lock);
                return error_errno(err, r, _("cannot start a thread to read logs"));
        }
        return 0;
}

/* Those that there are, in the first worker. */
static int merge_beacons(struct worker *workers, unsigned int count, struct error *err)
{
        struct tally *others[RUN_WORKERS_MAXIMUM];
        size_t found = 0;
        int r;

        for (unsigned int i = 1; i < count; i++) {
                if (!workers[0].beacon) {
                        workers[0].beacon = workers[i].beacon;
                        workers[i].beacon = NULL;
                } else if (workers[i].beacon) {
                        others[found++] = workers[i].beacon;
                }
        }
        r = found ? tally_merge_all(workers[0].beacon, others, found, err) : 0;
        for (unsigned int i = 1; i < count; i++) {
                tally_free(workers[i].beacon);
                workers[i].beacon = NULL;
        }
        return r;
}

/* Runs them all and leaves everything in the first one's tally. A worker that cannot be started is done without, but
 * for the first. */
static int run_workers(struct run *run, struct worker *workers, unsigned int count, struct error *err)
{
        struct tally_options options = run->options->tally;
        struct tally *tallies[RUN_WORKERS_MAXIMUM];
        unsigned int started = 0;
        int r = 0;

        if (!options.memory_bytes) /* a quarter of the machine's */
                options.memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 4;
        options.memory_bytes /= count;
        while (started < count && r == 0) {
                r = start_worker(run, &workers[started], started, &options, err);
                started += r == 0;
        }
        if (started > 0)
                r = 0;
        wait_for_workers(run);
        for (unsigned int i = 0; i < started; i++)
                pthread_join(workers[i].thread, NULL);
        for (unsigned int i = 0; i < started && r == 0; i++) {
                tallies[i] = workers[i].tally;
                if (workers[i].error.code) {
                        *err = workers[i].error;
                        r = err->code;
                }
        }
        if (r == 0 && started > 1)
                r = tally_merge_all(tallies[0], tallies + 1, started - 1, err);
        for (unsigned int i = 1; i < started; i++) {
                tally_free(workers[i].tally);
                workers[i].tally = NULL;
        }
        return r < 0 ? r : merge_beacons(workers, started, err);
}

static int finish(const struct worker *worker, struct summary *ret_summary, struct error *err)
{
        struct summary log = { 0 }, beacon = { 0 };
        int r = tally_finish(worker->tally, &log, err);

        if (r == 0 && worker->beacon) {
                r = tally_finish(worker->beacon, &beacon, err);
                log.lines += beacon.lines;
                if (r == 0)
                        r = reconcile_summaries(&log, &beacon, err);
                if (r == 0)
                        r = reconcile_tallies(&log, worker->tally, worker->beacon, err);
        }
        summary_done(&beacon);
        if (r < 0)
                summary_done(&log);
        else
                *ret_summary = log;
        return r;
}

static int run_all(struct run *run, struct summary *ret_summary, struct error *err)
{
        unsigned int count = run->options->workers ? run->options->workers : processors();
        struct worker *workers = memory_new(count, sizeof(*workers));
        int r;

        if (!workers)
                return error_memory(err);
        r = run_workers(run, workers, count, err);
        if (r == 0)
                r = finish(&workers[0], ret_summary, err);
        for (unsigned int i = 0; i < count; i++) {
                tally_free(workers[i].tally);
                tally_free(workers[i].beacon);
                free(workers[i].scratch);
        }
        free(workers);
        return r;
}

int analyze_run(const char *const paths[], size_t count, const struct run_options *options, struct summary *ret_summary,
                bool *ret_incomplete, struct error *err)
{
        struct run run = { .paths = paths, .options = options, .damage = ERROR_NONE };
        int r;

        r = log_source_open(paths, count, options->block_bytes ? options->block_bytes : LOG_BLOCK_BYTES, &run.source,
                            err);
        if (r < 0)
                return r;
        pthread_mutex_init(&run.lock, NULL);
        pthread_cond_init(&run.ended, NULL);
        r = run_all(&run, ret_summary, err);
        pthread_cond_destroy(&run.ended);
        pthread_mutex_destroy(&run.lock);
        log_source_close(run.source);
        if (r < 0)
                return r;
        *ret_incomplete = run.damage.code != 0;
        if (*ret_incomplete)
                *err = run.damage;
        return 0;
}
