/*
 * release.h - release.json: what binds manifests, companions and packs of one published state together.
 *
 * Signed by a release key. Without it manifest 12 could be served as 13, or the docroot of one site as another's.
 * Format: docs/internals/formats.md. The text is canonical (jansson, sorted keys, indent 1), so that equal releases
 * have equal bytes.
 */
#ifndef MANIFEST_RELEASE_H
#define MANIFEST_RELEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "crypto/digest.h"

#define RELEASE_MAXIMUM        (4U << 20) /* bytes of release.json */
#define RELEASE_NUMBER_MAXIMUM 999999999
#define RELEASE_ROOTS_MAXIMUM  16
#define RELEASE_PACKS_MAXIMUM  4096
#define RELEASE_NAME_SIZE      64        /* of a site or root: [a-z0-9][a-z0-9._-]*, with NUL */
#define RELEASE_DOCROOT        "docroot" /* the root that `publish SRC` makes; its manifest is manifest.mtree */

struct release_root {
        char name[RELEASE_NAME_SIZE];
        struct digest manifest_digest;
        uint64_t manifest_size; /* bytes */
        struct digest companion_digest;
        uint64_t companion_size;
        uint64_t files; /* regular files */
        uint64_t bytes; /* their sizes added up */
};

struct release_pack {
        struct digest id;           /* SHA-256 of the pack file; its name */
        uint64_t size;              /* bytes of the pack file */
        struct digest index_digest; /* SHA-256 of its index file */
        uint64_t index_size;
        uint64_t delta_base; /* 0: whole objects; N: differences from the objects of release N */
};

struct release {
        char site[RELEASE_NAME_SIZE];
        uint64_t number;                                  /* from 1, without gaps */
        struct digest previous;                           /* SHA-256 of the release.json before; zero for release 1 */
        int64_t created;                                  /* seconds since 1970 */
        struct release_root roots[RELEASE_ROOTS_MAXIMUM]; /* sorted by name */
        size_t root_count;
        struct release_pack *packs; /* newest first; owned */
        size_t pack_count;
};

int release_parse(const char *text, size_t length, struct release *ret_release, struct error *err);
int release_format(const struct release *release, struct buffer *out, struct error *err);
void release_done(struct release *release);

/* NULL when the release has no such root. */
const struct release_root *release_root(const struct release *release, const char *name);

/* A name of a site or root; usage error with words otherwise. */
int release_name_check(const char *name, struct error *err);

/* File names inside releases/N/: "manifest.mtree" for the docroot, "NAME.mtree" for others; "manifest.companion.json",
 * "NAME.companion.json". */
#define RELEASE_FILE_SIZE (RELEASE_NAME_SIZE + 32)
void release_manifest_file(const char *root, char file[static RELEASE_FILE_SIZE]);
void release_companion_file(const char *root, char file[static RELEASE_FILE_SIZE]);

/* The trusted comment of a file's signature: "understudy site=S release=N file=F" (F without folder). */
#define RELEASE_COMMENT_SIZE 256
void release_comment(const char *site, uint64_t number, const char *file, char comment[static RELEASE_COMMENT_SIZE]);

#endif
