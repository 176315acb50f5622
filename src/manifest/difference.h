/*
 * difference.h - the ways in which what lies on a disk can differ from what a manifest says.
 */
#ifndef MANIFEST_DIFFERENCE_H
#define MANIFEST_DIFFERENCE_H

/* The kinds of difference, as bits; a path can have several. */
enum difference_kind {
        DIFFERENCE_CONTENT = 1 << 0,
        DIFFERENCE_MISSING = 1 << 1,
        DIFFERENCE_EXTRA = 1 << 2,
        DIFFERENCE_TYPE = 1 << 3,
        DIFFERENCE_MODE = 1 << 4,
        DIFFERENCE_OWNER = 1 << 5,
        DIFFERENCE_LINK = 1 << 6,
        DIFFERENCE_FLAGS = 1 << 7,
        DIFFERENCE_XATTR = 1 << 8,
        DIFFERENCE_MOUNT = 1 << 9,
        DIFFERENCE_HARDLINK = 1 << 10,
};

/* "content", "missing", ...; the words of the JSON contract, never translated. */
const char *difference_kind_name(enum difference_kind kind);

#endif
