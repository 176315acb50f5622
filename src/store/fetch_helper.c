/*
 * fetch_helper.c - the process that reads outside bytes: gives its rights up, then answers one request after the other.
 *
 * It was forked, not executed, so it holds a copy of the caller's memory. The caller opens its repository before it
 * reads anything secret (no command that pulls ever holds a secret key).
 */

#include "fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "ipc/frame.h"
#include "ipc/helper.h"
#include "ipc/sandbox.h"

#define ALIVE_MS      1000

/* A backstop, not a budget: what takes memory is the index (its size is signed), the decoder's window (128 MiB), a base
 * and a buffer. */
#define MEMORY_BYTES (UINT64_C(6) << 30)

static void send_frame(struct fetch *fetch, uint8_t verb, uint64_t argument, const void *body, size_t length)
{
        int64_t before = clock_monotonic_ms();

        if (frame_send(fetch->socket, verb, argument, body, length) < 0)
                _exit(EXIT_SUCCESS);
        fetch->sent_ms = clock_monotonic_ms();
        fetch->blocked_ms += fetch->sent_ms - before;
}

void fetch_send(struct fetch *fetch, uint8_t verb, uint64_t argument, const void *body, size_t length)
{
        const char *bytes = body;

        if (length == 0) {
                send_frame(fetch, verb, argument, NULL, 0);
                return;
        }
        for (size_t sent = 0; sent < length; sent += FRAME_BODY_MAXIMUM) {
                size_t left = length - sent;

                send_frame(fetch, verb, argument, &bytes[sent], left < FRAME_BODY_MAXIMUM ? left : FRAME_BODY_MAXIMUM);
        }
}

void fetch_receive(struct fetch *fetch, uint8_t *ret_verb, uint64_t *ret_argument, size_t *ret_length, int *ret_fd)
{
        int64_t before = clock_monotonic_ms();
        _cleanup_(fd_closep) int fd = -1;
        struct frame frame;

        if (frame_receive_fd(fetch->socket, &frame, fetch->body, -1, &fd) <= 0)
                _exit(EXIT_SUCCESS);
        fetch->blocked_ms += clock_monotonic_ms() - before;
        *ret_verb = frame.verb;
        *ret_argument = frame.argument;
        *ret_length = frame.length;
        if (ret_fd)
                *ret_fd = fd_steal(&fd);
}

void fetch_alive(struct fetch *fetch)
{
        if (clock_monotonic_ms() - fetch->sent_ms >= ALIVE_MS)
                fetch_send(fetch, FETCH_ALIVE, 0, NULL, 0);
}

int64_t fetch_clock_ms(const struct fetch *fetch)
{
        return clock_monotonic_ms() - fetch->blocked_ms;
}

int fetch_base(struct fetch *fetch, uint64_t index, uint64_t size, struct buffer *ret_base, struct error *err)
{
        buffer_clear(ret_base);
        ret_base->maximum = size;
        if (size > FETCH_BASE_MAXIMUM || buffer_reserve(ret_base, size) < 0)
                return error_memory(err);
        fetch_send(fetch, FETCH_NEED_BASE, index, NULL, 0);
        for (;;) {
                uint8_t verb;
                uint64_t argument;
                size_t length;

                fetch_receive(fetch, &verb, &argument, &length, NULL);
                if (verb == FETCH_BASE && buffer_append(ret_base, fetch->body, length) == 0)
                        continue;
                if (verb == FETCH_BASE_END && argument == 1 && ret_base->length == size)
                        return 0;
                return error_set(err, -ESTALE, _("the file that a difference refers to cannot be read any more"));
        }
}

int fetch_read(struct fetch *fetch, const struct fetch_range *range, fetch_consume *consume, void *context,
               uint64_t *ret_position, struct error *err)
{
        uint64_t expected = range->to - range->from;

        fetch->deadline_ms += FETCH_REQUEST_MS + (int64_t)(expected / FETCH_SLOWEST) * 1000;
        if (fetch->http)
                return fetch_http_read(fetch, range, consume, context, ret_position, err);
        return fetch_folder_read(fetch, range, consume, context, ret_position, err);
}

/* A small file is collected whole before it is sent, so that it can be asked for again from the start. */
static int collect(void *context, uint64_t offset, const void *bytes, size_t length, struct error *err)
{
        struct buffer *buffer = context;

        if (offset < buffer->length)
                buffer->length = offset;
        if (buffer_append(buffer, bytes, length) < 0)
                return error_memory(err);
        return 0;
}

static int get(struct fetch *fetch, uint64_t maximum, size_t length, struct error *err)
{
        _cleanup_(memory_freep) char *path = memory_copy(fetch->body, length);
        _cleanup_(buffer_done) struct buffer content = BUFFER_INIT(maximum);
        struct fetch_range range = {
                .path = path, .handle = FETCH_HANDLE_PATH, .to = maximum, .last = maximum, .size = FETCH_SIZE_UNKNOWN
        };
        uint64_t position;
        int r;

        if (!path)
                return error_memory(err);
        r = fetch_read(fetch, &range, collect, &content, &position, err);
        if (r < 0)
                return r;
        if (content.length)
                fetch_send(fetch, FETCH_DATA, 0, content.data, content.length);
        return 0;
}

static void answer(struct fetch *fetch, int r, const struct error *err)
{
        if (r < 0)
                fetch_send(fetch, FETCH_FAILED, (uint64_t)-r, err->text, strlen(err->text));
        else
                fetch_send(fetch, FETCH_DONE, 0, NULL, 0);
}

static void serve(struct fetch *fetch) __attribute__((noreturn));

static void serve(struct fetch *fetch)
{
        struct fetch_objects *objects = NULL;
        struct error kept = ERROR_NONE; /* of frames that have no answer of their own */

        for (;;) {
                struct error error = ERROR_NONE;
                uint64_t argument;
                uint8_t verb;
                size_t length;
                int r;

                fetch_receive(fetch, &verb, &argument, &length, NULL);
                fetch->deadline_ms = fetch_clock_ms(fetch) + FETCH_GRACE_MS;
                switch (verb) {
                case FETCH_GET: r = get(fetch, argument, length, &error); break;
                case FETCH_FILE: r = fetch_file(fetch, argument, length, &error); break;
                case FETCH_PACKS:
                case FETCH_WANTED:
                        if (!kept.code)
                                fetch_objects_add(&objects, verb, fetch->body, length, &kept);
                        continue;
                case FETCH_OBJECTS:
                        error = kept;
                        r = kept.code ? kept.code : fetch_objects(fetch, objects, &error);
                        fetch_objects_free(objects);
                        objects = NULL;
                        kept = ERROR_NONE;
                        break;
                default: _exit(EXIT_FAILURE);
                }
                answer(fetch, r, &error);
        }
}

void fetch_helper_run(int socket, const struct fetch_options *options)
{
        static struct fetch fetch = { .socket = HELPER_SOCKET, .out = BUFFER_INIT(FRAME_BODY_MAXIMUM) };
        struct sandbox sandbox = { .network = options->base != NULL,
                                   .memory_bytes = MEMORY_BYTES,
                                   .user = options->user };
        struct error error = ERROR_NONE;
        int r;

        if (helper_settle(socket) < 0)
                _exit(EXIT_FAILURE);
        fetch.options = options;
        fetch.body = memory_new(FRAME_BODY_MAXIMUM, 1);
        r = fetch.body ? 0 : error_memory(&error);
        if (r == 0) /* these read configuration that the sandbox hides: OpenSSL's, and the words of the language */
                r = options->base ? fetch_http_new(&fetch, &fetch.http, &error)
                                  : fetch_folder_new(&fetch.folder, &error);
        if (r == 0)
                r = sandbox_enter(&sandbox, &error);
        if (r < 0) {
                answer(&fetch, r, &error);
                _exit(EXIT_FAILURE);
        }
        fetch_send(&fetch, FETCH_READY, 0, NULL, 0);
        serve(&fetch);
}
