/*
 * mtree.h - reading and writing manifests: mtree(5) in the one dialect that docs/internals/manifest.md describes.
 *
 * Both sides stream: a manifest of a million files (150 MB) is never in memory as a whole. The reader trusts nothing:
 * every rule of the dialect, the order of paths, and that each entry's parent is a folder that came before is checked
 * as it goes, so whoever got an entry from it may use the path below a directory descriptor.
 *
 *     struct mtree_reader *reader;
 *     r = mtree_reader_new_fd(fd, "manifest.mtree", &reader, err);
 *     while ((r = mtree_reader_next(reader, &entry, err)) > 0)
 *             ...entry is valid until the next call...
 */
#ifndef MANIFEST_MTREE_H
#define MANIFEST_MTREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "manifest/entry.h"

/* Bytes of a line: more than the longest path (eight bytes a byte) and target (four) that the limits allow. */
#define MTREE_LINE_MAXIMUM 65536

struct mtree_reader;

/* Reads from fd by pread from offset 0 (the descriptor is borrowed), or from memory (borrowed). `name` is for the
 * words. */
int mtree_reader_new_fd(int fd, const char *name, struct mtree_reader **ret_reader, struct error *err);
int mtree_reader_new_bytes(const char *bytes, size_t length, const char *name, struct mtree_reader **ret_reader,
                           struct error *err);
void mtree_reader_free(struct mtree_reader *reader);
void mtree_reader_freep(struct mtree_reader **reader);

/*
 * The next entry: 1, 0 at the end, -EBADMSG with the line's number in the words when the manifest breaks a rule. The
 * first entry is always the root ("", a directory). The entry's pointers are borrowed until the next call.
 */
int mtree_reader_next(struct mtree_reader *reader, struct entry *ret_entry, struct error *err);

/* After the 0: the SHA-256 of all bytes that were read, so that a caller knows that what it acted on is what was
 * signed. */
int mtree_reader_digest(struct mtree_reader *reader, struct digest *ret_digest, struct error *err);

/* Appends the head line, one entry. Entries must come in order; breaking that is a programming mistake. */
int mtree_write_head(struct buffer *out);
int mtree_write_entry(struct buffer *out, const struct entry *entry);

#endif
