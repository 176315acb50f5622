/*
 * run.h - an analysis of whole logs: workers that take blocks, one tally each, put together in the end.
 *
 *     struct run_options options = { .tally = { .top = 10 }, .workers = 2 };
 *     r = analyze_run(paths, count, &options, &summary, err);
 */
#ifndef ANALYZE_RUN_H
#define ANALYZE_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "accesslog/source.h"
#include "analyze/summary.h"
#include "analyze/tally.h"
#include "base/error.h"

#define RUN_WORKERS_MAXIMUM LOG_READERS_MAXIMUM

struct run_options {
        struct tally_options tally; /* memory_bytes is that of all workers together */
        unsigned int workers;       /* 0: one for each processor that we may use */
        size_t block_bytes;         /* 0: a good size */
        void (*progress)(void *context, uint64_t done, uint64_t total); /* NULL: nobody looks; called by the caller's
                                                                            thread, about ten times a second */
        void *context;
};

/*
 * Counts all lines of the files ("-": standard input). *ret_incomplete is false when all was read. When a file could
 * only be read in part (damaged, cut off, an I/O error) the summary is of what was read, *ret_incomplete is true and
 * *err has the words of the first such file; the return value is 0 all the same.
 */
int analyze_run(const char *const paths[], size_t count, const struct run_options *options, struct summary *ret_summary,
                bool *ret_incomplete, struct error *err);

#endif
