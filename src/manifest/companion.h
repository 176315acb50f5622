/*
 * companion.h - what a release says of a root that mtree has no word for: signed beside the manifest.
 *
 * - attributes: extended attributes (ACLs and file capabilities are such) and inode flags that a path has by intention.
 * Whatever is found beyond them is a difference.
 * - areas: mutable areas. The manifest has a symbolic link at `path`, the area itself lies outside the tree.
 * - ignored: paths inside the tree that are not compared, but obey rules, and are carried over at an exchange.
 * - links: symbolic links that may leave the tree, beside those of the areas.
 *
 * The format (JSON) is in docs/internals/formats.md. An empty companion is valid and the usual one.
 */
#ifndef MANIFEST_COMPANION_H
#define MANIFEST_COMPANION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define COMPANION_MAXIMUM   (16U << 20) /* bytes of the JSON text */
#define XATTR_NAME_MAXIMUM  255
#define XATTR_VALUE_MAXIMUM 65536

/* What may appear in a mutable area or an ignored path beyond the default (folders, and regular files that are neither
 * run nor rendered as HTML). */
enum allow {
        ALLOW_CODE = 1 << 0,    /* files that a web server runs: .php .cgi ... */
        ALLOW_HTML = 1 << 1,    /* files that a browser renders as HTML or runs as script: .html .svg .js ... */
        ALLOW_CONTROL = 1 << 2, /* files that steer the server: .htaccess .user.ini web.config */
        ALLOW_LINKS = 1 << 3,   /* symbolic links */
        ALLOW_EXECUTE = 1 << 4, /* files with an execute bit */
};

struct xattr {
        char *name; /* with its name space: user.x, security.capability, system.posix_acl_access */
        uint8_t *value;
        size_t length;
};

struct attributes {
        char *path;           /* raw bytes, relative; "" is the root */
        struct xattr *xattrs; /* sorted by name */
        size_t xattr_count;
        uint32_t flags; /* FS_IOC_GETFLAGS bits out of COMPANION_FLAGS */
};

/* The inode flags that are compared: immutable, append-only. */
#define COMPANION_FLAGS 0x00000030U

struct area {
        char *path;         /* of the link in the tree, or of the ignored path */
        char *target;       /* areas: the link's text, verified as data; ignored: NULL */
        unsigned int allow; /* enum allow bits */
};

struct companion {
        struct attributes *attributes; /* sorted by path_compare() */
        size_t attributes_count;
        struct area *areas; /* sorted */
        size_t area_count;
        struct area *ignored; /* sorted */
        size_t ignored_count;
        char **links; /* sorted paths */
        size_t link_count;
};

#define COMPANION_EMPTY                                                                                                \
        {                                                                                                              \
                NULL, 0, NULL, 0, NULL, 0, NULL, 0                                                                     \
        }

/*
 * Strict: unknown keys, wrong order, duplicates and hostile paths are -EBADMSG, and so is what would have no meaning:
 * an area whose link stays in the tree, an ignored path below another one, one path declared in two ways, attributes
 * that say nothing.
 */
int companion_parse(const char *text, size_t length, struct companion *ret_companion, struct error *err);

/* Canonical text; parse and format are inverse to each other. */
int companion_format(const struct companion *companion, struct buffer *out, struct error *err);

void companion_done(struct companion *companion);

/* Building one (publisher): copies are made and kept sorted; a path given twice is a usage error. */
int companion_add_area(struct companion *companion, const char *path, const char *target, unsigned int allow,
                       struct error *err);
int companion_add_ignored(struct companion *companion, const char *path, unsigned int allow, struct error *err);
int companion_add_link(struct companion *companion, const char *path, struct error *err);
/* Takes over `attributes` (its members become the companion's) on success. */
int companion_add_attributes(struct companion *companion, struct attributes *attributes, struct error *err);

/* Look-ups by exact path; NULL when there is none. O(log n). */
const struct attributes *companion_attributes(const struct companion *companion, const char *path);
const struct area *companion_area(const struct companion *companion, const char *path);
/* The ignored path that `path` is, or lies below. */
const struct area *companion_ignored(const struct companion *companion, const char *path);
bool companion_link(const struct companion *companion, const char *path);

void attributes_done(struct attributes *attributes);

#endif
