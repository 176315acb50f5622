/*
 * Any bytes as the frame of an object: never more comes out than was announced, and nothing is accepted, in whatever
 * pieces it comes, that has another size or SHA-256. (That a malformed frame is refused in some pieces and not in
 * others is zstd's way; what comes out is what counts.)
 *
 * Input: bytes of a base (0: none), announced size (two bytes), how many bytes at a time; then base and frame.
 */
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "store/pack.h"

#define HEAD_SIZE 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int append(void *context, const void *bytes, size_t length, struct error *err)
{
        (void)err;
        if (buffer_append(context, bytes, length) < 0)
                abort(); /* more than was announced */
        return 0;
}

static void decode(struct pack_decoder *decoder, const struct pack_entry *entry, const uint8_t *base, size_t base_size,
                   const uint8_t *frame, size_t step, struct digest *ret_digest)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(entry->size);
        struct error error = ERROR_NONE;
        int r = pack_decoder_begin(decoder, entry, base, base_size, append, &out, &error);

        for (size_t at = 0; r == 0 && at < entry->stored; at += step)
                r = pack_decoder_add(decoder, frame + at, entry->stored - at < step ? entry->stored - at : step,
                                     &error);
        if (r == 0)
                r = pack_decoder_end(decoder, &error);
        if (digest_of_bytes(out.data, out.length, ret_digest, NULL) < 0)
                abort();
        if (r == 0 && (out.length != entry->size || !digest_equal(ret_digest, &entry->object)))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(pack_decoder_freep) struct pack_decoder *decoder = NULL;
        struct pack_entry entry = { .offset = 0 };
        struct digest digest;
        size_t base_size, step;

        if (size < HEAD_SIZE || size - HEAD_SIZE < data[0])
                return 0;
        base_size = data[0];
        entry.size = (uint64_t)(data[1] | data[2] << 8);
        step = data[3] ? data[3] : 1;
        entry.stored = size - HEAD_SIZE - base_size;
        if (pack_decoder_new(&decoder, NULL) < 0)
                abort();
        for (int round = 0; round < 2; round++) { /* the second one knows the digest of what came out */
                const uint8_t *base = base_size ? data + HEAD_SIZE : NULL, *frame = data + HEAD_SIZE + base_size;

                decode(decoder, &entry, base, base_size, frame, step, &digest);
                decode(decoder, &entry, base, base_size, frame, entry.stored ? entry.stored : 1, &digest);
                entry.object = digest;
        }
        return 0;
}
