/*
 * look.h - one path of a tree, now, beside what the release says of it.
 *
 * tree_verify() compares a tree; this compares the one path that an event spoke of, in well under a millisecond for a
 * small file. The same kinds, the same words, the same code below (findings.h, inode.h).
 */
#ifndef TREE_LOOK_H
#define TREE_LOOK_H

#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "crypto/digest.h"
#include "tree/index.h"
#include "manifest/companion.h"
#include "tree/findings.h"

struct look_tree {
        int root;       /* descriptor of the tree's folder */
        uint64_t mount; /* its statx mount id */
        const struct index *index;
        const struct companion *companion;
};

struct look {
        char path[PATH_MAX]; /* what differs: the path asked for, or the folder above it that is gone or something else */
        size_t path_length;
        struct findings findings; /* empty: as in the release, or neither there nor in the release */
        const struct entry *entry; /* NULL: the release has none */
        bool exists;
        struct statx stx; /* when it exists */
        int file;         /* a regular file that differs, open for reading; else -1 */
        struct digest digest; /* of its content; meaningful if `hashed` */
        bool hashed;
};

void look_init(struct look *look);
void look_done(struct look *look);

/* 0 when it was looked at, whatever was found. Negative when it could not be: memory, descriptors. */
int look_at(const struct look_tree *tree, const char *path, size_t length, struct look *ret_look, struct error *err);

#endif
