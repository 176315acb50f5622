/* pack_writer.c - writing a pack: each object one zstd frame, hashed on its way, the pack's own hash kept along. */
#include "store/pack.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"

#define PIECE_SIZE (128U << 10) /* bytes read and written at once */

struct pack_writer {
        int fd; /* borrowed */
        bool delta;
        bool failed; /* a frame was torn: only good for pack_writer_free() */
        int level;
        ZSTD_CCtx *compressor;
        struct hasher *pack_hasher;   /* of all bytes written */
        struct hasher *object_hasher; /* of the content that is being added */
        struct pack_index index;      /* entries in the order of writing */
        size_t capacity;              /* of index.entries */
        uint32_t *slots;              /* open addressing by digest: position in entries + 1, 0: free */
        size_t slot_count;            /* a power of two, at least twice the entries */
        uint8_t *input, *output;      /* PIECE_SIZE each */
};

int pack_writer_new(int fd, bool delta, int level, struct pack_writer **ret_writer, struct error *err)
{
        _cleanup_(pack_writer_freep) struct pack_writer *writer = memory_new(1, sizeof(*writer));
        int r;

        if (!writer)
                return error_memory(err);
        writer->fd = fd;
        writer->delta = writer->index.delta = delta;
        writer->level = level;
        writer->compressor = fault_point(FAULT_ALLOCATE) ? NULL : ZSTD_createCCtx();
        writer->input = memory_new(PIECE_SIZE, 1);
        writer->output = memory_new(PIECE_SIZE, 1);
        if (!writer->compressor || !writer->input || !writer->output)
                return error_memory(err);
        r = hasher_new(&writer->pack_hasher, err);
        if (r == 0)
                r = hasher_new(&writer->object_hasher, err);
        if (r < 0)
                return r;
        if (hasher_begin(writer->pack_hasher) < 0)
                return error_set(err, -EIO, _("cannot hash a pack: OpenSSL failed"));
        *ret_writer = writer;
        writer = NULL;
        return 0;
}

void pack_writer_free(struct pack_writer *writer)
{
        if (!writer)
                return;
        ZSTD_freeCCtx(writer->compressor);
        hasher_free(writer->pack_hasher);
        hasher_free(writer->object_hasher);
        pack_index_done(&writer->index);
        free(writer->slots);
        free(writer->input);
        free(writer->output);
        free(writer);
}

void pack_writer_freep(struct pack_writer **writer)
{
        pack_writer_free(*writer);
}

/* --- which objects are there already --- */

static uint32_t *find_slot(const struct pack_writer *writer, const struct digest *object)
{
        size_t mask = writer->slot_count - 1, at;
        uint64_t start;

        memcpy(&start, object->bytes, sizeof(start));
        for (at = start & mask; writer->slots[at]; at = (at + 1) & mask)
                if (digest_equal(&writer->index.entries[writer->slots[at] - 1].object, object))
                        break;
        return &writer->slots[at];
}

bool pack_writer_has(const struct pack_writer *writer, const struct digest *object)
{
        return writer->slot_count > 0 && *find_slot(writer, object) != 0;
}

/* Room for one entry more, before anything is written. */
static int grow(struct pack_writer *writer, struct error *err)
{
        size_t capacity = writer->capacity ? writer->capacity * 2 : 256;
        struct pack_entry *entries;
        uint32_t *slots;

        assert(!writer->failed);
        if (writer->index.count < writer->capacity)
                return 0;
        entries = memory_resize(writer->index.entries, capacity, sizeof(*entries));
        if (!entries)
                return error_memory(err);
        writer->index.entries = entries;
        slots = memory_new(capacity * 2, sizeof(*slots));
        if (!slots)
                return error_memory(err);
        free(writer->slots);
        writer->slots = slots;
        writer->slot_count = capacity * 2;
        writer->capacity = capacity;
        for (size_t i = 0; i < writer->index.count; i++)
                *find_slot(writer, &entries[i].object) = (uint32_t)i + 1;
        return 0;
}

static void add_entry(struct pack_writer *writer, const struct pack_entry *entry)
{
        *find_slot(writer, &entry->object) = (uint32_t)writer->index.count + 1;
        writer->index.entries[writer->index.count++] = *entry;
        writer->index.pack_size = entry->offset + entry->stored;
}

/* --- writing --- */

static int write_bytes(struct pack_writer *writer, const void *bytes, size_t length, uint64_t *stored,
                       struct error *err)
{
        int r = write_full(writer->fd, bytes, length);

        if (r < 0)
                return error_errno(err, -r, _("cannot write a pack"));
        if (hasher_add(writer->pack_hasher, bytes, length) < 0)
                return error_set(err, -EIO, _("cannot hash a pack: OpenSSL failed"));
        *stored += length;
        return 0;
}

static int compressor_failed(struct error *err, size_t code)
{
        if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
                return error_memory(err);
        return error_set(err, -EIO, _("cannot compress an object: %s"), ZSTD_getErrorName(code));
}

/* One piece of content into the frame; the last piece ends it. */
static int compress_piece(struct pack_writer *writer, size_t length, bool last, uint64_t *stored, struct error *err)
{
        ZSTD_inBuffer in = { writer->input, length, 0 };
        size_t left;

        do {
                ZSTD_outBuffer out = { writer->output, PIECE_SIZE, 0 };
                int r;

                left = ZSTD_compressStream2(writer->compressor, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
                if (ZSTD_isError(left))
                        return compressor_failed(err, left);
                r = write_bytes(writer, out.dst, out.pos, stored, err);
                if (r < 0)
                        return r;
        } while (last ? left > 0 : in.pos < in.size);
        return 0;
}

static int changed(struct error *err, const char *name)
{
        return error_set(err, -ESTALE,
                         _("%s changed while it was read; run the same command again when nobody writes there"), name);
}

/* The content of `source` as a frame; what it hashes to is returned for the caller's decision. */
static int write_content(struct pack_writer *writer, int source, const char *name, struct pack_entry *entry,
                         struct digest *ret_digest, struct error *err)
{
        uint64_t done = 0;
        bool last;

        if (hasher_begin(writer->object_hasher) < 0)
                return error_set(err, -EIO, _("cannot hash %s: OpenSSL failed"), name);
        do {
                size_t wanted = entry->size - done < PIECE_SIZE ? (size_t)(entry->size - done) : PIECE_SIZE;
                ssize_t n = read_full_at(source, writer->input, wanted, done);
                int r;

                if (n < 0)
                        return error_errno(err, (int)-n, _("cannot read %s"), name);
                if ((size_t)n < wanted)
                        return changed(err, name);
                if (hasher_add(writer->object_hasher, writer->input, wanted) < 0)
                        return error_set(err, -EIO, _("cannot hash %s: OpenSSL failed"), name);
                done += wanted;
                last = done == entry->size;
                r = compress_piece(writer, wanted, last, &entry->stored, err);
                if (r < 0)
                        return r;
        } while (!last);
        if (hasher_end(writer->object_hasher, ret_digest) < 0)
                return error_set(err, -EIO, _("cannot hash %s: OpenSSL failed"), name);
        return 0;
}

int pack_writer_add_fd(struct pack_writer *writer, const struct digest *object, uint64_t size, int source,
                       const char *name, struct error *err)
{
        struct pack_entry entry = { .object = *object, .offset = writer->index.pack_size, .size = size };
        struct digest found;
        int r;

        assert(!writer->delta);
        if (pack_writer_has(writer, object))
                return 0;
        r = grow(writer, err);
        if (r < 0)
                return r;
        ZSTD_CCtx_reset(writer->compressor, ZSTD_reset_session_and_parameters);
        ZSTD_CCtx_setParameter(writer->compressor, ZSTD_c_compressionLevel, writer->level);
        ZSTD_CCtx_setPledgedSrcSize(writer->compressor, size);
        r = write_content(writer, source, name, &entry, &found, err);
        if (r == 0 && !digest_equal(&found, object))
                r = changed(err, name);
        if (r < 0) {
                writer->failed = true;
                return r;
        }
        add_entry(writer, &entry);
        return 0;
}

static int window_log(size_t bytes)
{
        int log = 10;

        while (log < PACK_WINDOW_LOG_MAXIMUM && (UINT64_C(1) << log) < bytes)
                log++;
        return log;
}

int pack_writer_add_delta(struct pack_writer *writer, const struct digest *object, const void *bytes, size_t size,
                          const struct digest *base, const void *base_bytes, size_t base_size, uint64_t worth,
                          struct error *err)
{
        struct pack_entry entry = { .object = *object, .base = *base, .offset = writer->index.pack_size, .size = size };
        _cleanup_(memory_freep) uint8_t *frame = NULL;
        size_t room = (size_t)(worth - worth / 4), stored;
        int r;

        assert(writer->delta && !digest_equal(object, base));
        assert(size <= PACK_DELTA_SIZE_MAXIMUM && base_size <= PACK_DELTA_SIZE_MAXIMUM);
        if (pack_writer_has(writer, object))
                return 0;
        r = grow(writer, err);
        if (r < 0)
                return r;
        frame = memory_new(room, 1);
        if (!frame)
                return error_memory(err);
        ZSTD_CCtx_reset(writer->compressor, ZSTD_reset_session_and_parameters);
        ZSTD_CCtx_setParameter(writer->compressor, ZSTD_c_compressionLevel, writer->level);
        /* Both must lie in the window, or the decoder cannot reach back to the base. */
        ZSTD_CCtx_setParameter(writer->compressor, ZSTD_c_windowLog, window_log(size + base_size));
        ZSTD_CCtx_setParameter(writer->compressor, ZSTD_c_enableLongDistanceMatching, size + base_size > (8U << 20));
        ZSTD_CCtx_refPrefix(writer->compressor, base_bytes, base_size);
        stored = ZSTD_compress2(writer->compressor, frame, room, bytes, size);
        if (ZSTD_isError(stored) && ZSTD_getErrorCode(stored) == ZSTD_error_dstSize_tooSmall)
                return 1;
        if (ZSTD_isError(stored))
                return compressor_failed(err, stored);
        r = write_bytes(writer, frame, stored, &entry.stored, err);
        if (r < 0) {
                writer->failed = true;
                return r;
        }
        add_entry(writer, &entry);
        return 0;
}

int pack_writer_add_frame(struct pack_writer *writer, const struct pack_entry *source, int pack, struct error *err)
{
        struct pack_entry entry = *source;
        int r;

        if (pack_writer_has(writer, &source->object))
                return 0;
        r = grow(writer, err);
        if (r < 0)
                return r;
        entry.offset = writer->index.pack_size;
        entry.stored = 0;
        while (entry.stored < source->stored) {
                uint64_t left = source->stored - entry.stored;
                size_t wanted = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
                ssize_t n = read_full_at(pack, writer->input, wanted, (source->offset + entry.stored));

                if (n >= 0 && (size_t)n < wanted)
                        r = error_set(err, -EBADMSG,
                                      _("a pack is shorter than its index says; publish with a fresh "
                                        "repository, or bring the pack back from a copy"));
                else if (n < 0)
                        r = error_errno(err, (int)-n, _("cannot read a pack"));
                else
                        r = write_bytes(writer, writer->input, wanted, &entry.stored, err);
                if (r < 0) {
                        writer->failed = true;
                        return r;
                }
        }
        add_entry(writer, &entry);
        return 0;
}

static int compare_entries(const void *a, const void *b)
{
        return memcmp(((const struct pack_entry *)a)->object.bytes, ((const struct pack_entry *)b)->object.bytes,
                      DIGEST_SIZE);
}

int pack_writer_finish(struct pack_writer *writer, struct pack_index *ret_index, struct digest *ret_id,
                       struct error *err)
{
        int r;

        assert(!writer->failed);
        r = fd_sync(writer->fd);
        if (r < 0)
                return error_errno(err, -r, _("cannot write a pack to the disk"));
        if (hasher_end(writer->pack_hasher, ret_id) < 0)
                return error_set(err, -EIO, _("cannot hash a pack: OpenSSL failed"));
        writer->failed = true; /* nothing can be added any more */
        if (writer->index.count > 0)
                qsort(writer->index.entries, writer->index.count, sizeof(*writer->index.entries), compare_entries);
        *ret_index = writer->index;
        writer->index.entries = NULL;
        writer->index.count = 0;
        return 0;
}
