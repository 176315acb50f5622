/*
 * verify_areas.h - mutable areas and ignored paths: not compared with anything, but under the rules of
 * manifest/policy.h.
 */
#ifndef TREE_VERIFY_AREAS_H
#define TREE_VERIFY_AREAS_H

#include "tree/hash_pool.h"
#include "manifest/walk.h"

/*
 * One item of an area or ignored path: a breach of its rules, a mount and what cannot be read become findings of the
 * path `prefix` + item->path. A folder is entered. `as_root`: it is the area itself, which may be a mount.
 */
int area_item(struct walk *walk, const struct walk_item *item, const struct area *area, const char *prefix,
              bool as_root, struct hash_pool *pool, struct error *err);

/* The folder of an area of the tree called `tree` in the folder `parent`, without following a link on the way: a descriptor
 * (O_RDONLY), or a negative errno. -ENOENT: it is not there; -ELOOP, -ENOTDIR: something else is. */
int area_open(int parent, const char *tree, const struct area *area);

/* All mutable areas of the companion, each resolved from options->parent. One that is not there is no finding. */
int areas_verify(const struct verify_options *options, struct hash_pool *pool, struct error *err);

#endif
