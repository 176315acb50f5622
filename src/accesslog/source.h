/*
 * source.h - log files as a stream of blocks of whole lines: plain, .gz, .zst, standard input.
 *
 * Compression is recognised by content, not by name. A plain file is cut into ranges that workers read by themselves; a
 * compressed one or a pipe is read by one thread and handed out in blocks. Memory is bounded: a few blocks of some MiB.
 */
#ifndef ACCESSLOG_SOURCE_H
#define ACCESSLOG_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct log_source;

/* `path` "-": standard input. The order of files is the order of their first line's time, oldest first, when that can
 * be found out; otherwise as given. */
int log_source_open(const char *const paths[], size_t count, struct log_source **ret_source, struct error *err);
void log_source_close(struct log_source *source);
void log_source_closep(struct log_source **source);

/* A block of whole lines (the last one of a file may lack its newline). Numbered in the order of the input, so that
 * results can be put together in order. */
struct log_block {
        const char *bytes;
        size_t length;
        uint64_t number;
        size_t file; /* index into paths */
        void *private;
};

/* Thread-safe: the next block, 1; 0 at the end; negative with words (a damaged .gz names the file; what was read before
 * stays good). Give it back when done. */
int log_source_next(struct log_source *source, struct log_block *ret_block, struct error *err);
void log_source_release(struct log_source *source, struct log_block *block);

/* Bytes read of all bytes there are (compressed size; total 0: unknown), for the progress bar. */
void log_source_progress(const struct log_source *source, uint64_t *ret_done, uint64_t *ret_total);

#endif
