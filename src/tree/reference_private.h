/*
 * reference_private.h - what the sources of a reference share.
 */
#ifndef TREE_REFERENCE_PRIVATE_H
#define TREE_REFERENCE_PRIVATE_H

#include "base/buffer.h"
#include "tree/reference.h"

struct reference *reference_new(void);

/* Each checks that the bytes are those that the release names: -EBADMSG otherwise. The manifest's descriptor is taken
 * on success. */
int reference_add_manifest(struct reference_root *root, const struct release_root *released, int *fd,
                           struct error *err);
int reference_add_companion(struct reference_root *root, const struct release_root *released, const struct buffer *text,
                            const char *file, struct error *err);

#endif
