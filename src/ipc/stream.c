#include "stream.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"

#define READ_SIZE 16384U

void frame_stream_init(struct frame_stream *stream, uint32_t body_maximum, size_t queue_maximum)
{
        assert(body_maximum <= FRAME_BODY_MAXIMUM);
        *stream = (struct frame_stream){ .in = BUFFER_INIT(FRAME_HEAD_SIZE + body_maximum + READ_SIZE),
                                         .out = BUFFER_INIT(queue_maximum),
                                         .body_maximum = body_maximum };
}

void frame_stream_done(struct frame_stream *stream)
{
        buffer_done(&stream->in);
        buffer_done(&stream->out);
}

/* Drops the first *taken bytes. */
static void compact(struct buffer *buffer, size_t *taken)
{
        if (*taken == 0)
                return;
        memmove(buffer->data, buffer->data + *taken, buffer->length - *taken + 1);
        buffer->length -= *taken;
        *taken = 0;
}

int frame_stream_fill(struct frame_stream *stream, int fd)
{
        ssize_t n;

        compact(&stream->in, &stream->taken);
        if (buffer_reserve(&stream->in, READ_SIZE) < 0)
                return stream->in.length + READ_SIZE > stream->in.maximum ? -EBADMSG : -ENOMEM;
        n = fault_point(FAULT_READ) ? -1 : read(fd, stream->in.data + stream->in.length, READ_SIZE);
        if (n < 0)
                return errno == EINTR ? -EAGAIN : -errno;
        stream->in.length += (size_t)n;
        stream->in.data[stream->in.length] = '\0';
        return n > 0;
}

int frame_stream_next(struct frame_stream *stream, struct frame *ret_frame, const char **ret_body)
{
        size_t left;
        int r;

        compact(&stream->in, &stream->taken);
        left = stream->in.length;
        if (left < FRAME_HEAD_SIZE)
                return 0;
        r = frame_decode((const uint8_t *)stream->in.data, ret_frame);
        if (r < 0 || ret_frame->length > stream->body_maximum)
                return -EBADMSG;
        if (left < FRAME_HEAD_SIZE + ret_frame->length)
                return 0;
        stream->taken = FRAME_HEAD_SIZE + ret_frame->length;
        *ret_body = stream->in.data + FRAME_HEAD_SIZE;
        return 1;
}

bool frame_stream_half(const struct frame_stream *stream)
{
        return stream->in.length > stream->taken;
}

const char *frame_stream_rest(const struct frame_stream *stream, size_t *ret_length)
{
        *ret_length = stream->in.length - stream->taken;
        return buffer_text(&stream->in) + stream->taken;
}

int frame_stream_queue(struct frame_stream *stream, uint8_t verb, uint64_t argument, const void *body, size_t length)
{
        const struct frame frame = { .verb = verb, .length = (uint32_t)length, .argument = argument };
        uint8_t head[FRAME_HEAD_SIZE];

        assert(verb != 0 && length <= FRAME_BODY_MAXIMUM);
        compact(&stream->out, &stream->sent);
        if (fault_point(FAULT_ALLOCATE) || buffer_reserve(&stream->out, sizeof(head) + length) < 0)
                return -ENOBUFS;
        frame_encode(&frame, head);
        if (buffer_append(&stream->out, head, sizeof(head)) < 0 || buffer_append(&stream->out, body, length) < 0)
                return -ENOBUFS; /* cannot be: there is room */
        return 0;
}

int frame_stream_flush(struct frame_stream *stream, int fd)
{
        while (stream->sent < stream->out.length) {
                ssize_t n = fault_point(FAULT_SEND)
                                    ? -1
                                    : write(fd, stream->out.data + stream->sent, stream->out.length - stream->sent);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        return 1;
                if (n < 0)
                        return errno == ECONNRESET ? -EPIPE : -errno;
                stream->sent += (size_t)n;
        }
        buffer_clear(&stream->out);
        stream->sent = 0;
        return 0;
}
