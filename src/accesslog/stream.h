/*
 * stream.h - a log that can only be read from its beginning on, as blocks of whole lines (private to accesslog):
 * packed, a pipe, or W3C, where a #Fields line says what the lines behind it mean.
 *
 * One thread at a time. The caller keeps the descriptor, and gives the memory of each block.
 */
#ifndef ACCESSLOG_STREAM_H
#define ACCESSLOG_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/format.h"
#include "accesslog/source.h"
#include "base/error.h"

struct unpack;

struct log_stream {
        struct unpack *unpack; /* owned; NULL: it is none, or was done with */
        char *rest;            /* owned: the line that the last block ended in */
        size_t rest_length;
        bool skipping;            /* inside of a line that was too long */
        uint64_t offset;          /* of `rest`, in the unpacked log */
        struct log_format format; /* in force at `rest` */
        struct error failure;     /* kept until what was read before it is handed out */
};

/* Reads the first bytes. `name` is for words, and outlives the stream. */
int log_stream_init(struct log_stream *stream, int fd, const char *name, struct error *err);
void log_stream_done(struct log_stream *stream); /* twice is fine */

/*
 * The next lines, in `bytes`, of which there are `room`: as many at each call, and more than LOG_LINE_MAXIMUM. Fills
 * bytes, length, offset and format of the block. 1; 0 at the end; negative with words, once what was read before it is
 * handed out: again at each further call.
 */
int log_stream_read(struct log_stream *stream, char *bytes, size_t room, struct log_block *block, struct error *err);

#endif
