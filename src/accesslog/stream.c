/* stream.c - what is cut off at the end of one block begins the next. */
#include "accesslog/stream.h"

#include <stdlib.h>
#include <string.h>

#include "accesslog/unpack.h"
#include "accesslog/w3c.h"
#include "base/memory.h"
#include "base/text.h"

int log_stream_init(struct log_stream *stream, int fd, const char *name, struct error *err)
{
        *stream = (struct log_stream){ .unpack = NULL };
        return unpack_new(fd, name, &stream->unpack, err);
}

void log_stream_done(struct log_stream *stream)
{
        unpack_free(stream->unpack);
        free(stream->rest);
        stream->unpack = NULL;
        stream->rest = NULL;
        stream->rest_length = 0;
}

/* Fills `bytes`, which hold the rest of the last block; *ret_length is all that is there then. 0 at the end. */
static ssize_t fill(struct log_stream *stream, char *bytes, size_t length, size_t room, size_t *ret_length,
                    struct error *err)
{
        ssize_t n = 1;

        while (length < room && n > 0) {
                n = unpack_read(stream->unpack, bytes + length, room - length, err);
                if (n < 0)
                        break;
                if (stream->skipping && n > 0) { /* throw away up to the newline */
                        const char *newline = memchr(bytes + length, '\n', (size_t)n);
                        size_t dropped = newline ? (size_t)(newline + 1 - bytes) - length : (size_t)n;

                        memmove(bytes + length, bytes + length + dropped, (size_t)n - dropped);
                        stream->offset += dropped;
                        stream->skipping = !newline;
                        length += (size_t)n - dropped;
                        continue;
                }
                length += (size_t)n;
        }
        *ret_length = length;
        return n;
}

static int keep_rest(struct log_stream *stream, const char *rest, size_t length, struct error *err)
{
        free(stream->rest);
        stream->rest = length ? memory_copy(rest, length) : NULL;
        stream->rest_length = stream->rest ? length : 0;
        return length && !stream->rest ? error_memory(err) : 0;
}

/* What of `length` bytes is handed out now: up to the last newline; all at the end; of a line that is too long so much
 * that it can be seen. */
static size_t cut_block(struct log_stream *stream, const char *bytes, size_t length, bool at_end)
{
        const char *newline = length ? memrchr(bytes, '\n', length) : NULL;

        if (newline)
                return (size_t)(newline + 1 - bytes);
        if (!at_end)
                stream->skipping = true;
        return length;
}

static void update_format(struct log_stream *stream, const struct log_block *block)
{
        const char *cursor = block->bytes, *line;
        size_t length;

        if (!w3c_has_fields(block->bytes, block->length))
                return;
        while (text_next_line(&cursor, block->bytes + block->length, &line, &length))
                if (length && *line == '#')
                        w3c_directive(&stream->format, line, length && line[length - 1] == '\r' ? length - 1 : length);
}

int log_stream_read(struct log_stream *stream, char *bytes, size_t room, struct log_block *block, struct error *err)
{
        size_t length, handed;
        ssize_t n;
        int r;

        if (stream->failure.code) {
                if (err)
                        *err = stream->failure;
                return stream->failure.code;
        }
        if (stream->rest_length)
                memcpy(bytes, stream->rest, stream->rest_length);
        n = fill(stream, bytes, stream->rest_length, room, &length, &stream->failure);
        if (length == 0) {
                if (n < 0 && err)
                        *err = stream->failure;
                return (int)n;
        }
        handed = n < 0 ? length : cut_block(stream, bytes, length, n == 0);
        r = keep_rest(stream, bytes + handed, length - handed, err);
        if (r < 0)
                return r;
        block->bytes = bytes;
        block->length = handed;
        block->offset = stream->offset;
        block->format = stream->format;
        stream->offset += handed;
        update_format(stream, block);
        return 1;
}
