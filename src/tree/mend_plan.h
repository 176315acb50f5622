/*
 * mend_plan.h - what is to be done about one name that differs. Pure.
 *
 * A mend (mend.h) exchanges single names of a live tree. What it may exchange is what needs nothing but a fresh inode: a
 * file or a link of the release, and whatever the release has not. A folder of the release that differs, a mount, an
 * inode that cannot be moved: for these the fresh tree is built.
 */
#ifndef TREE_MEND_PLAN_H
#define TREE_MEND_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest/companion.h"
#include "manifest/entry.h"
#include "tree/index.h"

enum mend_step {
        MEND_NOTHING,    /* neither there nor in the release, or a folder as it should be */
        MEND_REPLACE,    /* a fresh one comes in its place, and what stood there out */
        MEND_PUT,        /* it is gone: a fresh one comes there */
        MEND_TAKE,       /* the release has no such name: it comes out */
        MEND_NOT_ENOUGH, /* the fresh tree has to be built */
};

/* One name, as it was looked at. */
struct mend_seen {
        const struct entry *entry; /* NULL: the release has none */
        uint32_t flags;            /* that the release gives it: immutable, append-only */
        bool above;                /* a folder above it is what was seen: gone, or something else */
        bool exists;
        unsigned int kinds; /* of difference */
};

enum mend_step mend_plan(const struct mend_seen *seen);

/*
 * The part of a path that can be mended as one: up to the first name that is no folder of the release. What lies in a
 * planted folder goes with it; below an ignored path each name counts for itself. Its length; 0: the tree's root.
 */
size_t mend_plan_cut(const struct index *index, const struct companion *companion, const char *path, size_t length);

#endif
