/*
 * where.h - which tree is this open file in, and under which name was it opened?
 *
 * Through the tree's own mount the kernel tells the name (/proc/self/fd). Through any other one (a bind mount, a
 * container, a web server with a mount namespace of its own, the lower layer of an overlay) that name means nothing
 * here; but the file's handle, opened below the tree's mount with O_PATH, is the same cached name seen from there.
 * Nothing is ever asked of the opener: it may be gone, and its names may lead through a file system that never answers.
 *
 * A file with several hard links has several names, of which the handle tells any one. Then each tail of the path that
 * was opened is tried below the trees' folders. What stays open is told in SECURITY.md: such a file, opened through a
 * mount of only a part of the tree.
 */
#ifndef GATE_WHERE_H
#define GATE_WHERE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

/* What is compared of an open file. */
struct file {
        uint64_t device, inode, size, mount;
        uint32_t links;
        bool regular;
};

struct place {
        uint32_t tree;
        bool elsewhere; /* opened through another mount */
        uint32_t length;
        char path[GATE_PATH_SIZE]; /* relative to the tree */
};

struct tree {
        bool used, area;
        int folder;
        uint64_t device, mount, inode;
        uint64_t watching; /* which time its folders are being marked, or were */
        bool watched;      /* they are */
        uint64_t generation; /* of what is asked now */
        size_t length, actual_length;
        char path[GATE_PATH_SIZE];   /* as the guard told it */
        char actual[GATE_PATH_SIZE]; /* where its folder is now: a folder above it may have been renamed */
};

struct trees {
        struct tree tree[GATE_TREES];
        unsigned int count; /* the highest number in use, plus one */
        int own;            /* /proc/self/fd */
};

enum where {
        WHERE_INSIDE,
        WHERE_OUTSIDE,
        WHERE_UNKNOWN, /* cannot be told, and may be inside */
};

/* False: it cannot be looked at. */
bool where_look(int fd, struct file *ret_file);

/* Takes over the descriptor `folder`. False: it is no folder. */
bool where_set_tree(struct trees *trees, unsigned int number, bool area, int folder, uint64_t generation,
                    const char *path, size_t length);

/* Names have changed, perhaps of a folder above a tree; `folders`: a folder's, so some may be without a mark. */
void where_names_changed(struct trees *trees, bool folders);

/*
 * Would a change of names anywhere in this tree be told? Its folders were marked, and what stands at its path is still the
 * folder that was marked: between an exchange and the guard's word of it another tree stands there.
 */
bool where_watched(const struct trees *trees, uint32_t number);

enum where where_find(const struct trees *trees, int fd, const struct file *file, struct place *ret_place);

/* The same name in the same tree? */
bool where_same(const struct place *one, const struct place *other);

#endif
