/* pack_decoder.c - one object out of its stored bytes: bounded in size and memory, and hashed before anybody believes
 * it. */
#include "store/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/memory.h"

#define PIECE_SIZE (128U << 10)

struct pack_decoder {
        ZSTD_DCtx *decompressor;
        struct hasher *hasher;
        struct pack_entry entry;
        pack_write_function *write;
        void *context;
        uint64_t stored, size; /* so far */
        bool ended;            /* the frame is complete */
        bool unhashed;         /* somebody else hashes the content */
        uint8_t *output;       /* PIECE_SIZE */
};

int pack_decoder_new(struct pack_decoder **ret_decoder, struct error *err)
{
        _cleanup_(pack_decoder_freep) struct pack_decoder *decoder = memory_new(1, sizeof(*decoder));
        int r;

        if (!decoder)
                return error_memory(err);
        decoder->decompressor = fault_point(FAULT_ALLOCATE) ? NULL : ZSTD_createDCtx();
        decoder->output = memory_new(PIECE_SIZE, 1);
        if (!decoder->decompressor || !decoder->output)
                return error_memory(err);
        ZSTD_DCtx_setParameter(decoder->decompressor, ZSTD_d_windowLogMax, PACK_WINDOW_LOG_MAXIMUM);
        r = hasher_new(&decoder->hasher, err);
        if (r < 0)
                return r;
        *ret_decoder = decoder;
        decoder = NULL;
        return 0;
}

void pack_decoder_free(struct pack_decoder *decoder)
{
        if (!decoder)
                return;
        ZSTD_freeDCtx(decoder->decompressor);
        hasher_free(decoder->hasher);
        free(decoder->output);
        free(decoder);
}

void pack_decoder_freep(struct pack_decoder **decoder)
{
        pack_decoder_free(*decoder);
}

static int damaged(const struct pack_decoder *decoder, const char *reason, struct error *err)
{
        char hex[DIGEST_HEX_SIZE];

        digest_hex(&decoder->entry.object, hex);
        return error_set(err, -EBADMSG, _("the repository's object %.16s is damaged: %s"), hex, reason);
}

int pack_decoder_begin(struct pack_decoder *decoder, const struct pack_entry *entry, const void *base, size_t base_size,
                       pack_write_function *write, void *context, struct error *err)
{
        size_t code;

        decoder->entry = *entry;
        decoder->write = write;
        decoder->context = context;
        decoder->stored = decoder->size = 0;
        decoder->ended = decoder->unhashed = false;
        ZSTD_DCtx_reset(decoder->decompressor, ZSTD_reset_session_only);
        code = ZSTD_DCtx_refPrefix(decoder->decompressor, base, base_size); /* NULL, 0: none */
        if (ZSTD_isError(code))
                return error_memory(err);
        if (hasher_begin(decoder->hasher) < 0)
                return error_set(err, -EIO, _("cannot hash an object: OpenSSL failed"));
        return 0;
}

void pack_decoder_leave_hash(struct pack_decoder *decoder)
{
        decoder->unhashed = true;
}

/* A piece of content that came out. */
static int deliver(struct pack_decoder *decoder, size_t length, struct error *err)
{
        if (length > decoder->entry.size - decoder->size)
                return damaged(decoder, _("it holds more than it should"), err);
        decoder->size += length;
        if (!decoder->unhashed && hasher_add(decoder->hasher, decoder->output, length) < 0)
                return error_set(err, -EIO, _("cannot hash an object: OpenSSL failed"));
        return length > 0 && decoder->write ? decoder->write(decoder->context, decoder->output, length, err) : 0;
}

int pack_decoder_add(struct pack_decoder *decoder, const void *stored, size_t length, struct error *err)
{
        ZSTD_inBuffer in = { stored, length, 0 };
        bool full = false; /* the output was filled: there may be more without further input */

        if (length > decoder->entry.stored - decoder->stored)
                return damaged(decoder, _("more bytes came than its index says"), err);
        decoder->stored += length;
        while (in.pos < in.size || full) {
                ZSTD_outBuffer out = { decoder->output, PIECE_SIZE, 0 };
                size_t left;
                int r;

                if (decoder->ended)
                        return in.pos < in.size ? damaged(decoder, _("bytes follow its end"), err) : 0;
                left = ZSTD_decompressStream(decoder->decompressor, &out, &in);
                if (ZSTD_isError(left) && ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation)
                        return error_memory(err);
                if (ZSTD_isError(left))
                        return damaged(decoder, ZSTD_getErrorName(left), err);
                decoder->ended = left == 0;
                full = out.pos == out.size;
                r = deliver(decoder, out.pos, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int pack_decoder_end(struct pack_decoder *decoder, struct error *err)
{
        struct digest found;

        if (!decoder->ended || decoder->stored != decoder->entry.stored || decoder->size != decoder->entry.size)
                return damaged(decoder, _("it is cut short"), err);
        if (decoder->unhashed)
                return 0;
        if (hasher_end(decoder->hasher, &found) < 0)
                return error_set(err, -EIO, _("cannot hash an object: OpenSSL failed"));
        if (!digest_equal(&found, &decoder->entry.object))
                return damaged(decoder, _("it does not have the SHA-256 that is expected"), err);
        return 0;
}
