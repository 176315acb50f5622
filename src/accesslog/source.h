/*
 * source.h - log files as blocks of whole lines: plain, .gz, .zst, standard input.
 *
 * Compression is recognised by content, not by name. A plain file is cut into ranges that readers read by themselves:
 * each goes on where it stopped, and one that has nothing left takes half of the longest rest of another. So what lies
 * close together in time is mostly read by one reader, whose tables then hold a visitor whom no other table holds. A
 * compressed file, a pipe, and a W3C log (where a #Fields line says what the lines behind it mean) are read in order,
 * by whichever reader asks next; several of them at the same time. Memory is bounded: one block for each reader.
 *
 *     while ((r = log_source_next(source, reader, &block, err)) > 0) {
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

#define LOG_BLOCK_BYTES (256U << 10) /* a good size: it fits the second-level cache of most machines */

#define LOG_READERS_MAXIMUM 64

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
        uint64_t begin, room;     /* where the file's positions begin, and how many it has */
        struct log_format format; /* in force at the first line */
        void *private;
};

#define LOG_POSITION_BITS 48

/*
 * Where a line is in the whole input: grows from line to line and from file to file, below 2^LOG_POSITION_BITS. Plain
 * files have as many positions as bytes, streams share the others: of a thousand each may unpack to 280 gigabytes. All
 * lines behind that have one position.
 */
static inline uint64_t log_position(const struct log_block *block, const char *line)
{
        uint64_t at = block->offset + (uint64_t)(line - block->bytes);

        return block->begin + (at < block->room ? at : block->room - 1);
}

/*
 * Thread-safe; `reader` is the number of the thread, below LOG_READERS_MAXIMUM. 1: a block; give it back when done. 0:
 * that was all. Negative with words: a file cannot be read on or its compressed data are damaged; what was read of it
 * before stays good, and the next call goes on with the other files.
 */
int log_source_next(struct log_source *source, unsigned int reader, struct log_block *ret_block, struct error *err);
void log_source_release(struct log_source *source, struct log_block *block);

/* Bytes read of all bytes there are (of compressed files: as they lie on the disk; total 0: unknown), for the progress
 * bar. Thread-safe. */
void log_source_progress(struct log_source *source, uint64_t *ret_done, uint64_t *ret_total);

#endif
