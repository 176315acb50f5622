/*
 * fetch_file.c - one large file (a manifest), plain, compressed, or as a difference from the one of an older release.
 *
 * The caller knows its size and digest and checks both while it writes; here its size alone bounds what a compressed
 * form may become.
 */

#include "fetch.h"

#include <errno.h>
#include <string.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "base/i18n.h"
#include "base/little_endian.h"
#include "base/memory.h"
#include "ipc/frame.h"
#include "store/pack.h"

#define HEAD_SIZE 9           /* of a request: form and size of the base */
#define OVERHEAD  (64U << 10) /* a compressed form may be that much larger than the content, and 1 % */

struct unpacking {
        struct fetch *fetch;
        const char *path;
        enum fetch_form form;
        ZSTD_DCtx *decompressor; /* NULL: plain */
        struct buffer base;
        uint64_t base_size;
        uint64_t size, done; /* of the content */
        bool ended;
};

static void unpacking_done(struct unpacking *unpacking)
{
        ZSTD_freeDCtx(unpacking->decompressor);
        buffer_done(&unpacking->base);
}

static int damaged(const struct unpacking *unpacking, const char *reason, struct error *err)
{
        return error_set(err, -EBADMSG, _("the repository's %s is damaged: %s"), unpacking->path, reason);
}

static int send_content(struct unpacking *unpacking, const void *bytes, size_t length, struct error *err)
{
        if (length > unpacking->size - unpacking->done)
                return damaged(unpacking, _("it holds more than it should"), err);
        unpacking->done += length;
        if (length)
                fetch_send(unpacking->fetch, FETCH_DATA, 0, bytes, length);
        return 0;
}

static int prepare(struct unpacking *unpacking, struct error *err)
{
        unpacking->decompressor = ZSTD_createDCtx();
        if (!unpacking->decompressor || buffer_reserve(&unpacking->fetch->out, FRAME_BODY_MAXIMUM) < 0)
                return error_memory(err);
        ZSTD_DCtx_setParameter(unpacking->decompressor, ZSTD_d_windowLogMax, PACK_WINDOW_LOG_MAXIMUM);
        return 0;
}

/* Only when there is a difference at all is the older file worth sending over. */
static int take_base(struct unpacking *unpacking, struct error *err)
{
        struct buffer *base = &unpacking->base;
        int r = fetch_base(unpacking->fetch, 0, unpacking->base_size, base, err);

        if (r < 0)
                return r;
        if (ZSTD_isError(ZSTD_DCtx_refPrefix(unpacking->decompressor, base->data, base->length)))
                return error_memory(err);
        return 0;
}

static int decompress(struct unpacking *unpacking, ZSTD_inBuffer *in, struct error *err)
{
        struct buffer *out = &unpacking->fetch->out;
        bool full = false; /* the output was filled: there may be more without further input */

        while (in->pos < in->size || full) {
                ZSTD_outBuffer piece = { out->data, FRAME_BODY_MAXIMUM, 0 };
                size_t left;
                int r;

                if (unpacking->ended)
                        return in->pos < in->size ? damaged(unpacking, _("bytes follow its end"), err) : 0;
                left = ZSTD_decompressStream(unpacking->decompressor, &piece, in);
                if (ZSTD_isError(left) && ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation)
                        return error_memory(err);
                if (ZSTD_isError(left))
                        return damaged(unpacking, ZSTD_getErrorName(left), err);
                unpacking->ended = left == 0;
                full = piece.pos == piece.size;
                r = send_content(unpacking, out->data, piece.pos, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int consume(void *context, uint64_t offset, const void *bytes, size_t length, struct error *err)
{
        struct unpacking *unpacking = context;
        ZSTD_inBuffer in = { bytes, length, 0 };
        int r;

        if (!unpacking->decompressor)
                return send_content(unpacking, bytes, length, err);
        if (offset == 0 && unpacking->form == FETCH_DELTA) {
                r = take_base(unpacking, err);
                if (r < 0)
                        return r;
        }
        return decompress(unpacking, &in, err);
}

int fetch_file(struct fetch *fetch, uint64_t size, size_t length, struct error *err)
{
        _cleanup_(memory_freep) char *path = NULL;
        _cleanup_(unpacking_done) struct unpacking unpacking = { .fetch = fetch, .size = size, .base = BUFFER_INIT(0) };
        struct fetch_range range = { .handle = FETCH_HANDLE_PATH, .to = size, .last = size, .size = size };
        uint64_t position;
        int r;

        if (length <= HEAD_SIZE)
                return error_set(err, -EBADMSG, "%s", _("the request is cut short"));
        path = memory_copy(fetch->body + HEAD_SIZE, length - HEAD_SIZE);
        if (!path)
                return error_memory(err);
        unpacking.path = range.path = path;
        unpacking.form = (enum fetch_form)fetch->body[0];
        unpacking.base_size = le64_load(fetch->body + 1);
        if (unpacking.form != FETCH_PLAIN) { /* nobody signed the size of a compressed form */
                range.to = range.last = size + size / 100 + OVERHEAD;
                range.size = FETCH_SIZE_UNKNOWN;
                range.resume = true;
                r = prepare(&unpacking, err);
                if (r < 0)
                        return r;
        }
        r = fetch_read(fetch, &range, consume, &unpacking, &position, err);
        if (r < 0)
                return r;
        if (unpacking.done != size || (unpacking.decompressor && !unpacking.ended))
                return damaged(&unpacking, _("it is cut short"), err);
        return 0;
}
