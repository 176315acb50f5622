/*
 * walk.h - a sorted walk of a tree that may belong to an intruder; verify, publish and pull share it.
 *
 * Names of a folder are read whole and sorted as raw bytes; what is below a folder comes right behind it, so the order
 * is that of a manifest (path_compare()). Every look goes through the folder's descriptor and follows no link. A mount
 * is told, and cannot be entered. Nothing but folders is ever opened here, so a FIFO or a device does no harm.
 * Memory is bounded by the folders on the way down to the present one, descriptors by their number.
 *
 *     _cleanup_(walk_freep) struct walk *walk = NULL;
 *     r = walk_new(directory, 0, &walk, err);
 *     while (walk_next(walk, &item))
 *             if (item->error == 0 && S_ISDIR(item->stx.stx_mode) && !item->mount)
 *                     r = walk_enter(walk);            (a folder that is not entered is passed over)
 */
#ifndef MANIFEST_WALK_H
#define MANIFEST_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/attributes.h"
#include "base/error.h"
#include "manifest/entry.h"

/* Names of one folder, and of all folders on the way down: more are refused as -E2BIG. */
#define WALK_NAMES_MAXIMUM (2U << 30) /* bytes */

/* An open folder, shared by reference: a worker can go on opening files in it when the walk has left it. Thread-safe.
 */
struct walk_folder;

struct walk_folder *walk_folder_hold(struct walk_folder *folder);
void walk_folder_release(struct walk_folder *folder); /* NULL is fine; the last one closes the descriptor */
int walk_folder_fd(const struct walk_folder *folder);
/* What walk_look() does for a name in this folder: 0 or a negative errno. */
int walk_folder_look(const struct walk_folder *folder, const char *name, struct statx *ret_stx);

enum walk_flags {
        WALK_UNSORTED = 1 << 0, /* in the order of the file system: for a look at everything */
        WALK_LAZY = 1 << 1,     /* what the folder lists as a regular file is not looked at before walk_look() */
};

struct walk_item {
        const char *path; /* raw bytes, "" is the root; borrowed until the next call, as is all here */
        size_t path_length;
        const char *name;           /* its last component */
        struct walk_folder *folder; /* the folder that holds it; NULL for the root */
        struct statx stx;           /* meaningful when error is 0 */
        bool lazy;                  /* listed as a regular file, which is all that is known: no stx, error or mount */
        int error;                  /* negative errno of the look at it (-ENOENT: it vanished) */
        bool mount;                 /* another file system or a bind mount begins here; the root: it is a mount point */
};

struct walk;

/* `directory` (O_RDONLY | O_DIRECTORY) is borrowed for the walk's life. */
int walk_new(int directory, enum walk_flags flags, struct walk **ret_walk, struct error *err);
void walk_free(struct walk *walk);
void walk_freep(struct walk **walk);

/* The next item; false at the end. The first one is the root. */
bool walk_next(struct walk *walk, const struct walk_item **ret_item);

/* Looks at the present item if that was not done yet. */
void walk_look(struct walk *walk);

/*
 * Goes into the folder that walk_next() gave last: 0, or a negative errno without words; the walk then goes on behind
 * it. -EXDEV a mount, -ESTALE it is not the inode any more that was looked at, -ENAMETOOLONG deeper than a manifest can
 * be, -E2BIG too many names. The root may be a mount point: whether to enter it is the caller's to decide.
 */
int walk_enter(struct walk *walk);

/* The descriptor of the folder that was entered last (the item's own, after walk_enter()). */
int walk_entered(const struct walk *walk);

#endif
