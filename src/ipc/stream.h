/*
 * stream.h - frames (frame.h) over any pair of descriptors, without ever waiting: pipes, an ssh between them.
 *
 * For a process that serves several descriptors in one poll loop. What comes in is kept until it is a whole frame, what
 * goes out until the other side takes it; both have a maximum. No descriptor of ours is passed along.
 *
 *     frame_stream_init(&stream, REQUEST_MAXIMUM, QUEUE_MAXIMUM);
 *     if (readable && frame_stream_fill(&stream, in) == 0) ...the other side has closed...
 *     while ((r = frame_stream_next(&stream, &frame, &body)) > 0) ...
 *     r = frame_stream_queue(&stream, verb, number, body, length);
 *     r = frame_stream_flush(&stream, out);        1: poll `out` for writing
 */
#ifndef IPC_STREAM_H
#define IPC_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "ipc/frame.h"

struct frame_stream {
        struct buffer in, out;
        size_t taken; /* bytes at the start of `in` that were given out */
        size_t sent;  /* bytes at the start of `out` that are gone */
        uint32_t body_maximum;
};

/* `body_maximum` (at most FRAME_BODY_MAXIMUM) of one frame that comes in; `queue_maximum` bytes that may wait to go. */
void frame_stream_init(struct frame_stream *stream, uint32_t body_maximum, size_t queue_maximum);
void frame_stream_done(struct frame_stream *stream);

/* One read: 1 something came, 0 the end of the stream, -EAGAIN nothing there, or another negative errno. */
int frame_stream_fill(struct frame_stream *stream, int fd);

/* The next whole frame: 1; 0: not yet; -EBADMSG: what came is none, or too long. The body is followed by a NUL, and is
 * there until the next call of a function of this stream. */
int frame_stream_next(struct frame_stream *stream, struct frame *ret_frame, const char **ret_body);

/* Part of a frame has come and the rest has not. */
bool frame_stream_half(const struct frame_stream *stream);

/* What was not given out yet, for words about what is no frame. */
const char *frame_stream_rest(const struct frame_stream *stream, size_t *ret_length);

/* 0, or -ENOBUFS when more than the maximum would wait: the other side does not read. */
int frame_stream_queue(struct frame_stream *stream, uint8_t verb, uint64_t argument, const void *body, size_t length);

/* Writes what waits: 0 all is gone, 1 something still waits, or a negative errno; -EPIPE: nobody reads any more. */
int frame_stream_flush(struct frame_stream *stream, int fd);

#endif
