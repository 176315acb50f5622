/* run.c - the workers of an analysis. */
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accesslog/readers.h"
#include "analyze/reconcile.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

struct worker {
        struct tally *tally;
        struct tally *beacon; /* of a beacon's lines; NULL: there was none */
        char *scratch;        /* TALLY_AHEAD lines */
};

struct run {
        const char *const *paths;
        const struct run_options *options;
        struct tally_options tally; /* of one worker */
        struct worker *workers;
        unsigned int count;
        struct error damage; /* of the first file that could not be read to its end */
};

/* A beacon's line has a tally of its own, which shares the memory. */
static int count_beacon(const struct run *run, struct worker *worker, const struct log_line *line, uint64_t position,
                        struct error *err)
{
        if (!worker->beacon) {
                struct tally_options options = run->tally;
                int r;

                options.memory_bytes /= 2;
                r = tally_new(&options, &worker->beacon, err);
                if (r < 0)
                        return r;
                tally_limit(worker->tally, options.memory_bytes);
        }
        return tally_add(worker->beacon, line, position, err);
}

static int count_block(void *context, unsigned int number, const struct log_block *block, struct error *err)
{
        const struct run *run = context;
        struct worker *worker = &run->workers[number];
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
                                r = count_beacon(run, worker, tally_line(worker->tally), log_position(block, line), err);
                                break;
                        }
                        r = tally_push(worker->tally, log_position(block, line), err);
                        scratch = (scratch + 1) % TALLY_AHEAD;
                        break;
                case LOG_INVALID:
                        tally_invalid(worker->tally, run->paths[block->file], line, length,
                                      log_position(block, line));
                        break;
                default: tally_empty(worker->tally);
                }
        }
        return r < 0 ? r : tally_flush(worker->tally, err);
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
        const struct run_options *options = ((const struct run *)context)->options;

        if (options->progress)
                options->progress(options->context, done, total);
}

static int worker_init(struct worker *worker, const struct tally_options *options, struct error *err)
{
        worker->scratch = memory_new(TALLY_AHEAD, LOG_LINE_MAXIMUM);
        if (!worker->scratch)
                return error_memory(err);
        return tally_new(options, &worker->tally, err);
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

/* Leaves everything in the first one's tally. */
static int merge_workers(struct worker *workers, unsigned int count, struct error *err)
{
        struct tally *tallies[RUN_WORKERS_MAXIMUM];
        int r;

        for (unsigned int i = 0; i < count; i++)
                tallies[i] = workers[i].tally;
        r = count > 1 ? tally_merge_all(tallies[0], tallies + 1, count - 1, err) : 0;
        for (unsigned int i = 1; i < count; i++) {
                tally_free(workers[i].tally);
                workers[i].tally = NULL;
        }
        return r < 0 ? r : merge_beacons(workers, count, err);
}

/* As many workers as there is memory for, and one at least. */
static int run_workers(struct run *run, struct log_source *source, struct error *err)
{
        const struct log_readers readers = { .block = count_block, .progress = show_progress, .context = run };
        unsigned int ready = 0;
        int r = 0;

        if (!run->tally.memory_bytes) /* a quarter of the machine's */
                run->tally.memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 4;
        run->tally.memory_bytes /= run->count;
        while (ready < run->count && (r = worker_init(&run->workers[ready], &run->tally, err)) == 0)
                ready++;
        if (ready == 0)
                return r;
        r = log_readers_run(source, ready, &readers, &run->damage, err);
        return r < 0 ? r : merge_workers(run->workers, ready, err);
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

static int run_all(struct run *run, struct log_source *source, struct summary *ret_summary, struct error *err)
{
        int r;

        run->count = log_readers_count(run->options->workers);
        run->workers = memory_new(run->count, sizeof(*run->workers));
        if (!run->workers)
                return error_memory(err);
        r = run_workers(run, source, err);
        if (r == 0)
                r = finish(&run->workers[0], ret_summary, err);
        for (unsigned int i = 0; i < run->count; i++) {
                tally_free(run->workers[i].tally);
                tally_free(run->workers[i].beacon);
                free(run->workers[i].scratch);
        }
        free(run->workers);
        return r;
}

int analyze_run(const char *const paths[], size_t count, const struct run_options *options, struct summary *ret_summary,
                bool *ret_incomplete, struct error *err)
{
        _cleanup_(log_source_closep) struct log_source *source = NULL;
        struct run run = { .paths = paths, .options = options, .tally = options->tally, .damage = ERROR_NONE };
        int r;

        r = log_source_open(paths, count, options->block_bytes ? options->block_bytes : LOG_BLOCK_BYTES, &source, err);
        if (r == 0)
                r = run_all(&run, source, ret_summary, err);
        if (r < 0)
                return r;
        *ret_incomplete = run.damage.code != 0;
        if (*ret_incomplete)
                *err = run.damage;
        return 0;
}
