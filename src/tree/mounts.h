/*
 * mounts.h - mounts inside a tree, from /proc/self/mountinfo (proc(5)).
 */
#ifndef TREE_MOUNTS_H
#define TREE_MOUNTS_H

#include <stddef.h>

#include "base/error.h"

/* Calls back with the line of every mount whose mount point lies below the folder (not at it). */
int mounts_list(int folder, int (*found)(void *context, const char *line, struct error *err), void *context,
                struct error *err);

/* The number of such mounts, or a negative errno. */
int mounts_count(int folder, struct error *err);

/* Detaches them, lazily: whoever uses what lies behind one goes on. What cannot be detached stays; tree_remove() will
 * not cross it. */
void mounts_detach(int folder);

/* One line taken apart: the mount point, or what of its file system is mounted there, unescaped. 0 or -EBADMSG. */
int mounts_parse_point(const char *line, char *point, size_t size);
int mounts_parse_root(const char *line, char *root, size_t size);

#endif
