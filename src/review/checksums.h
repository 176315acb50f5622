/*
 * checksums.h - what files should be, as somebody else says: dpkg's lists, or a file of sha256sum or md5sum.
 *
 * The lists are on the same machine as the tree, and an intruder who is root can change them: that a file differs is a
 * fact, that it does not proves nothing.
 */
#ifndef REVIEW_CHECKSUMS_H
#define REVIEW_CHECKSUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define CHECKSUMS_FILE_MAXIMUM (256U << 20) /* bytes of one list */

struct checksum {
        char *path; /* relative to the tree, raw bytes */
        bool sha256;
        uint8_t bytes[32]; /* 16 of them for an MD5 */
        char *source;      /* borrowed from the lists: the package, or the list's name */
};

struct checksums;

int checksums_new(struct checksums **ret_checksums, struct error *err);
void checksums_free(struct checksums *checksums);
void checksums_freep(struct checksums **checksums);

/* Adds all lists of installed packages that have files below `folder` (absolute). No dpkg on this machine is no error.
 */
int checksums_add_dpkg(struct checksums *checksums, const char *folder, struct error *err);

/* Adds a file in the format of sha256sum(1) or md5sum(1); names are relative to the tree ("./" allowed). */
int checksums_add_file(struct checksums *checksums, const char *file, struct error *err);

/* What the file at `path` should be; NULL when nobody says. O(log n). */
const struct checksum *checksums_find(const struct checksums *checksums, const char *path);

size_t checksums_count(const struct checksums *checksums);

/* 1 when the file is what was said, 0 when not. */
int checksum_check(const struct checksum *checksum, int fd, struct error *err);

#endif
