/*
 * pack.h - packs of objects and their indexes: how a repository keeps file contents.
 *
 * An object is a whole file, named by its SHA-256. A pack is a concatenation of zstd frames, one for each object; its
 * index (sorted by digest) says where each one lies. A delta pack's frames were compressed with an older object as
 * prefix (zstd's --patch-from). Packs and indexes never change once written. Formats: docs/internals/repository.md.
 */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "crypto/digest.h"

#define PACK_INDEX_MAXIMUM      (UINT64_C(4) << 30) /* bytes of one index */
#define PACK_WINDOW_LOG_MAXIMUM 27 /* zstd: 128 MiB of window at the most, the decoder's memory bound */
#define PACK_DELTA_SIZE_MAXIMUM (UINT64_C(64) << 20) /* objects above are not sent as a difference */

/* One entry of an index. */
struct pack_entry {
        struct digest object; /* SHA-256 of the content */
        struct digest base;   /* delta packs: the object that is the prefix; otherwise zero */
        uint64_t offset;      /* of the frame in the pack, bytes */
        uint64_t stored;      /* bytes of the frame */
        uint64_t size;        /* bytes of the content */
};

struct pack_index {
        struct pack_entry *entries; /* sorted by object, no duplicates; owned */
        size_t count;
        bool delta;
        uint64_t pack_size; /* bytes of the pack that it belongs to */
};

/* Checks everything: magic, order, no duplicates, frames inside the pack and without overlap. -EBADMSG with words.
 * Fuzzed. */
int pack_index_parse(const void *bytes, size_t length, struct pack_index *ret_index, struct error *err);
int pack_index_format(const struct pack_index *index, struct buffer *out, struct error *err);
void pack_index_done(struct pack_index *index);
const struct pack_entry *pack_index_find(const struct pack_index *index, const struct digest *object);

/* Writing (publisher). The pack goes to `fd`; it must be an empty file. A writer whose add failed is only good for
 * pack_writer_free(): a frame may be torn. */
struct pack_writer;
int pack_writer_new(int fd, bool delta, int level, struct pack_writer **ret_writer, struct error *err);
/* Compresses the content of `source` (from offset 0, exactly `size` bytes that hash to `object`: otherwise -ESTALE,
 * "changed while it was read"). An object that is there already is skipped. */
int pack_writer_add_fd(struct pack_writer *writer, const struct digest *object, uint64_t size, int source,
                       const char *name, struct error *err);
/* With a prefix in memory (delta packs). Returns 1 and adds nothing when the difference would not save at least a
 * quarter of `worth` bytes. */
int pack_writer_add_delta(struct pack_writer *writer, const struct digest *object, const void *bytes, size_t size,
                          const struct digest *base, const void *base_bytes, size_t base_size, uint64_t worth,
                          struct error *err);
/* True when the object was added already. */
bool pack_writer_has(const struct pack_writer *writer, const struct digest *object);
/* Copies a frame from another pack as it is. */
int pack_writer_add_frame(struct pack_writer *writer, const struct pack_entry *entry, int pack, struct error *err);
/* fsyncs; gives the index (the caller's) and the SHA-256 of the pack. */
int pack_writer_finish(struct pack_writer *writer, struct pack_index *ret_index, struct digest *ret_id,
                       struct error *err);
void pack_writer_free(struct pack_writer *writer);
void pack_writer_freep(struct pack_writer **writer);

/*
 * Decoding one object from a stream of stored bytes (fetch child; folder repositories read by the publisher). The
 * output can never exceed entry->size, nor the memory the window bound: a bomb is -EBADMSG. `write` gets the content in
 * pieces.
 */
typedef int pack_write_function(void *context, const void *bytes, size_t length, struct error *err);
struct pack_decoder;
int pack_decoder_new(struct pack_decoder **ret_decoder, struct error *err);
int pack_decoder_begin(struct pack_decoder *decoder, const struct pack_entry *entry, const void *base, size_t base_size,
                       pack_write_function *write, void *context, struct error *err);
/* Until the next begin contents are not hashed: for a caller whose receiver does it anyway. end() then says nothing of
 * the SHA-256. */
void pack_decoder_leave_hash(struct pack_decoder *decoder);
int pack_decoder_add(struct pack_decoder *decoder, const void *stored, size_t length, struct error *err);
int pack_decoder_end(struct pack_decoder *decoder,
                     struct error *err); /* whole, right size and right SHA-256, or -EBADMSG */
void pack_decoder_free(struct pack_decoder *decoder);
void pack_decoder_freep(struct pack_decoder **decoder);

#endif
