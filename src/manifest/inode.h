/*
 * inode.h - what an inode carries beside its bytes, compared with what a release says: one place for verify, publish
 * and pull.
 */
#ifndef MANIFEST_INODE_H
#define MANIFEST_INODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/error.h"
#include "manifest/companion.h"
#include "manifest/difference.h"
#include "manifest/entry.h"

/* The statx mask that everything here needs (type, mode, owner, size, mtime, ctime, nlink, ino, mnt_id). */
#define INODE_STATX_MASK (STATX_BASIC_STATS | STATX_MNT_ID)

/* statx of an open descriptor. 0 or a negative errno. */
int inode_stat(int fd, struct statx *ret_stx);
/* statx of a name below a folder, not following a link. */
int inode_stat_at(int directory, const char *name, struct statx *ret_stx);
/* The same with what the kernel knows: asks no server and no FUSE process, which an intruder may have mounted there so
 * that it never answers; not even SIGKILL ends that wait. What lies on a local file system is as true as ever. */
int inode_glance_at(int directory, const char *name, struct statx *ret_stx);
/* Whether a folder lies on a local file system: no overlay, no FUSE, nothing that other machines write to as well. */
bool inode_is_local(int folder);

/* True when two looks at the same inode show that nothing was changed in between (ino, size, mode, owner, nlink, mtime,
 * ctime). */
bool inode_same(const struct statx *a, const struct statx *b);

/* Kinds (bits of enum difference_kind: mode, owner, flags, hardlink) in which metadata differ from an entry. `flags`
 * are the companion's for this path (0: none). */
unsigned int inode_compare(const struct statx *stx, const struct entry *entry, uint32_t flags);

/* The inode flags (COMPANION_FLAGS) that a look showed: no call of its own. */
uint32_t inode_flags(const struct statx *stx);

/* Reads all extended attributes and the flags of an open file or folder, sorted; ACLs and capabilities are among them.
 * `ret_attributes->path` is left NULL. Values above XATTR_VALUE_MAXIMUM are -E2BIG. */
int inode_attributes(int fd, struct attributes *ret_attributes, struct error *err);

/* The same for a symbolic link (an O_PATH descriptor). */
int inode_link_attributes(int path_fd, struct attributes *ret_attributes, struct error *err);

/* Appends "user.x=text, security.capability=0x01..." to a buffer; long values are cut. 0 or -ENOMEM. */
int inode_attributes_describe(const struct attributes *attributes, struct buffer *out);

/* 1 when fd carries exactly `expected` (NULL: none), 0 when not (then *ret_found says in words what there is:
 * "user.x=..., "), negative on failure. Cheap when there are none. `security.selinux` is the machine's, not the
 * release's: it counts only when the release has one. */
int inode_attributes_equal(int fd, const struct attributes *expected, struct buffer *ret_found, struct error *err);
/* The same for a symbolic link, which can only be named: listxattr through /proc/self/fd of an O_PATH descriptor. */
int inode_link_attributes_equal(int path_fd, const struct attributes *expected, struct buffer *ret_found,
                                struct error *err);

/*
 * Gives a fresh inode its owner, mode, xattrs, time (files) and flags, in the order in which the kernel keeps them;
 * what it inherited beyond that (an ACL from its folder) is taken away. `fd` is of a symbolic link: O_PATH. `entry` has
 * its path for the words. A folder's immutable flag must wait until it is filled.
 */
int inode_apply(int fd, const struct entry *entry, const struct attributes *attributes, struct error *err);

/* "file", "directory", "symlink", "fifo", "socket", "block device", "character device": as in the JSON contract, never
 * translated. */
const char *inode_type_name(uint16_t mode);

#endif
