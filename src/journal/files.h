/* files.h - reading a journal's files, for the writer, the reader and the verifier alone. */
#ifndef JOURNAL_FILES_H
#define JOURNAL_FILES_H

#include "base/buffer.h"
#include "crypto/digest.h"
#include "journal/checkpoint.h"
#include "journal/merkle.h"
#include "journal/note.h"

#define JOURNAL_CHECKPOINT "checkpoint"
#define JOURNAL_SECRET     "node.key"
#define JOURNAL_PUBLIC     "node.pub"
#define JOURNAL_LOCK       "lock"
#define JOURNAL_WITNESSES  "witnesses"
#define JOURNAL_COSIGNED   "cosigned"
#define BUNDLE_MAXIMUM     ((size_t)256 * (2 + 65535))

/* The first `width` hashes of a tile: from the partial tile of that width, or else from the full one. -ENOENT when
 * there is neither, -EBADMSG when it has another size; both with words. */
int files_read_tile(int folder, int level, uint64_t index, unsigned int width, struct digest *hashes,
                    struct error *err);

/* The first `width` entries of a bundle, in the same way; anything behind them is an error unless it is the full bundle
 * that stood in. */
int files_read_bundle(int folder, uint64_t index, unsigned int width, struct buffer *bundle, struct error *err);

/* A file of the folder, whole; the buffer is emptied before. */
int files_read(int folder, const char *path, struct buffer *out, struct error *err);

/* The hash of a complete subtree out of the hashes of its tile. */
int files_fold(struct hasher *hasher, const struct digest *hashes, unsigned int level, uint64_t index,
               struct digest *ret_hash, struct error *err);

#endif
