/*
 * watch.h - what changes below the trees, from the kernel's notifications (fanotify(7)).
 *
 * Every folder of a tree has a mark, so an event says in which folder, under which name, what happened, and which process
 * did it. A folder that appears later needs none: that it appeared is the finding. Files are marked as well where no gate
 * holds their leases, for what comes through a hard link outside of the tree raises no event of their folder: the link
 * itself, which changes their number of names, and writes. Beside a gate they must have no mark: an open that waits for
 * the gate holds on to the file's marks, and then a guard that is killed while its gate is stopped never ends.
 *
 * The kernel's queue is bounded: when it overflows events are lost, which is told as such and must lead to a full
 * verification, never to silence. Mounts raise no event here; watch_mounts_fd() tells that the table of mounts changed.
 */
#ifndef GUARD_WATCH_H
#define GUARD_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct watch_event {
        unsigned int tree; /* number that watch_folder() was given */
        const char *path;  /* relative to the tree, "" its root; borrowed */
        size_t path_length;
        bool content; /* bytes or attributes changed; otherwise a name came or went */
        bool attributes; /* content, but only attributes, of which the number of names is one */
        bool closed;  /* by whoever had written: there is no more to come from this descriptor */
        pid_t pid;    /* who did it */
        int pidfd;    /* of that process, borrowed; -1: it was gone before it could be asked */
};

struct watch_options {
        void (*event)(void *context, const struct watch_event *event);
        void (*overflow)(void *context); /* events were lost */
        void *context;
};

struct watch;

int watch_open(const struct watch_options *options, struct watch **ret_watch, struct error *err);
void watch_close(struct watch *watch); /* NULL is fine */

/* The descriptor for poll(); watch_read() then calls back for what waits, at most a few hundred events a call. */
int watch_fd(const struct watch *watch);
int watch_read(struct watch *watch, struct error *err);

/* A folder (any descriptor of it, O_PATH too) of a tree, and its path in it. Thread-safe. */
int watch_folder(struct watch *watch, unsigned int tree, const char *path, size_t length, int folder,
                 struct error *err);
/* A file of a tree. Thread-safe. What happened before is not told: look at it again behind this call. */
int watch_file(struct watch *watch, unsigned int tree, const char *path, size_t length, int file, struct error *err);
/* The folder above a tree, whose entry `name` is the tree's root: events of that name are told with the path "". */
int watch_above(struct watch *watch, unsigned int tree, const char *name, int parent, struct error *err);

/* Forgets what is known of a tree's folders and files; marks of inodes that are gone go by themselves. */
void watch_forget(struct watch *watch, unsigned int tree);

#endif
