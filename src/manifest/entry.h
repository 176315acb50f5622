/*
 * entry.h - one line of a manifest, and the rules for its path.
 */
#ifndef MANIFEST_ENTRY_H
#define MANIFEST_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "crypto/digest.h"

enum entry_type {
        ENTRY_DIRECTORY,
        ENTRY_FILE,
        ENTRY_LINK, /* a symbolic link */
};

#define ENTRY_PATH_MAXIMUM  4095 /* bytes, PATH_MAX without the NUL */
#define ENTRY_NAME_MAXIMUM  255  /* bytes of one component, NAME_MAX */
#define ENTRY_DEPTH_MAXIMUM 256  /* components of a path */
#define ENTRY_LINK_MAXIMUM  4095 /* bytes of a link's target */
#define ENTRY_COUNT_MAXIMUM 20000000
#define ENTRY_SIZE_MAXIMUM  (INT64_C(1) << 44)    /* bytes of one file: 16 TiB, ext4's limit */
#define ENTRY_TIME_MAXIMUM  INT64_C(253402300799) /* the last second of the year 9999 */
#define ENTRY_OWNER_MAXIMUM 0xfffffffeU           /* uid and gid; to chown(2) -1 means "leave it" and is refused */

/*
 * Paths are raw bytes relative to the root of the tree, without "./": the root itself is "" and the rest looks like
 * "css/site.css". Path and target are NUL-terminated (neither can hold a NUL).
 */
struct entry {
        enum entry_type type;
        const char *path;
        size_t path_length;
        uint32_t mode; /* permission bits with setuid, setgid and sticky: 07777; links have 0777 */
        uint32_t uid;
        uint32_t gid;
        int64_t size;         /* files: bytes */
        int64_t time;         /* files: the signed modification time, seconds since 1970 */
        struct digest digest; /* files */
        const char *target;   /* links; otherwise NULL */
        size_t target_length;
};

/*
 * Compares two paths by component as raw bytes: the order of a manifest and of a walk (foo, foo/x, foo-bar, foo.html),
 * so that all that is below a folder stands right behind it.
 */
int path_compare(const char *a, size_t a_length, const char *b, size_t b_length);

/*
 * 0 when the path could name something inside a tree: relative, no empty component, no "." or "..", no NUL, within the
 * limits above; "" is the root. Otherwise -EINVAL with words.
 */
int path_check(const char *path, size_t length, struct error *err);

/* True when a link at `path` with this target can lead out of the tree: absolute, more ".." than the link's folder is
 * deep, or a ".." behind a name (which may be a link itself). When it is false for every link of a tree, none leads
 * out, however they are chained. */
bool link_leaves_tree(const char *path, size_t path_length, const char *target, size_t target_length);

#endif
