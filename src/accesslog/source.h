/*
 * source.h - log files as blocks of whole lines: plain, .gz, .zst, standard input.
 *
 * Compression is recognised by content, not by name. A plain file is cut into ranges that workers read by themselves; a
 * compressed one, a pipe, and a W3C log (where a #Fields line says what the lines behind it mean) are read in order, by
 * whichever worker asks next; several of them at the same time. Memory is bounded: one block for each worker.
 *
 *     while ((r = log_source_next(source, &block, err)) > 0) {
 *             struct log_format format = block.format;
 *             ...each line: log_parse(&format, line, length, scratch, &parsed), log_position(&block, line)...
 *             log_source_release(source, &block);
 *     }
 */
#ifndef ACCESSLOG_SOURCE_H
#define ACCESSLOG_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "accesslog/format.h"
#include "base/error.h"

#define LOG_BLOCK_BYTES (1U << 20) /* a good size: it fits the second-level cache of most machines */

struct log_source;

/* `path` "-": standard input. Blocks hold about `block_bytes` (any size from 1 on is right). The paths must outlive the
 * source. -EISDIR for a folder. */
int log_source_open(const char *const paths[], size_t count, size_t block_bytes, struct log_source **ret_source,
                    struct error *err);
void log_source_close(struct log_source *source);
void log_source_closep(struct log_source **source);

/*
 * Lines that begin in a part of a file (the last one of a file may lack its newline). Of a line that is longer than
 * LOG_LINE_MAXIMUM there is at least one byte more than that, perhaps not all of it.
 */
struct log_block {
        const char *bytes;
        size_t length;
        size_t file;              /* index into paths */
        uint64_t offset;          /* of the first byte in the (unpacked) file */
        struct log_format format; /* in force at the first line */
        void *private;
};

/* Where a line is in the whole input: grows from line to line and from file to file. */
static inline uint64_t log_position(const struct log_block *block, const char *line)
{
        return (uint64_t)block->file << 44 |
               ((block->offset + (uint64_t)(line - block->bytes)) & ((UINT64_C(1) << 44) - 1));
}

/*
 * Thread-safe. 1: a block; give it back when done. 0: that was all. Negative with words: a file cannot be read on or
 * its compressed data are damaged; what was read of it before stays good, and the next call goes on with the other
 * files.
 */
int log_source_next(struct log_source *source, struct log_block *ret_block, struct error *err);
void log_source_release(struct log_source *source, struct log_block *block);

/* Bytes read of all bytes there are (of compressed files: as they lie on the disk; total 0: unknown), for the progress
 * bar. Thread-safe. */
void log_source_progress(struct log_source *source, uint64_t *ret_done, uint64_t *ret_total);

#endif
