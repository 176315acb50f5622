/*
 * publish.h - the publisher's side: making the next release in a folder repository.
 *
 * The publisher owns the folder; what is read back from it (the previous release) is still checked. Steps: lock, read
 * the source and hash it, write the pack of new objects and the delta pack, sign, fsync everything, and rename
 * releases/.new-XXXX to releases/N as the one step that makes the release; then the `latest` hint. Interrupted
 * anywhere, the repository still offers the release before, whole; the next publish removes what was left.
 */
#ifndef STORE_PUBLISH_H
#define STORE_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "crypto/key.h"
#include "manifest/companion.h"
#include "manifest/release.h"
#include "manifest/trust.h"

struct publish_root {
        const char *name;   /* "docroot" for SRC */
        const char *source; /* folder */
        /* Areas, ignored paths, links that --mutable, --ignore and --outside-link said of this root (NULL: none);
         * replaces what the release before declared unless keep_declared. */
        const struct companion *declared;
};

struct publish_options {
        const char *repository; /* folder; made when it is not there */
        const char *site;       /* NULL: that of the release before, or "site" for the first */
        const struct secret_key *key;
        const struct publish_root *roots;
        size_t root_count;
        bool keep_declared; /* declarations of the release before stay, `declared` is added */
        int64_t uid, gid;   /* -1: owners as found */
        bool new_key;       /* without a root key: the release before may be signed by another key. What a release
                               declared whose signature does not count is never kept */
        const struct public_key
                *root_pub;     /* the root key's public half, which proves keys.json; NULL: then the list says who
                              may sign, but what a release declared is kept only if `key` signed that */
        bool allow_setuid;     /* files with a setuid or setgid bit are released; otherwise they are refused (4) */
        bool allow_attributes; /* xattrs, ACLs, capabilities and flags that are found are released with the site;
                                  otherwise finding one is refused (4) with its path */
        int level;             /* zstd; 0: 3 */
        bool delta;            /* make a delta pack to the release before */
        /* Shown what the release would be, before anything is signed; a negative result ends it (NULL: no question).
         * The manifest and companion files are of the docroot. */
        int (*review)(void *context, const struct release *release, int manifest_fd, int previous_manifest_fd,
                      struct error *err);
        void (*progress)(void *context, const char *what, uint64_t done, uint64_t total);
        void (*note)(void *context, const char *sentence); /* warnings: names that look as if they had slipped in */
        void *context;
};

struct publish_result {
        uint64_t number;
        char site[RELEASE_NAME_SIZE];
        uint64_t files, bytes; /* of all roots */
        uint64_t new_objects, stored_bytes;
};

/*
 * -EEXIST when another publisher made the same number meanwhile (nothing of ours stays but an unlisted pack at most;
 * run it again). -ESTALE when the source changed while it was read. Sets the umask of the process while it runs: what
 * it writes is for everybody to read.
 */
int publish(const struct publish_options *options, struct publish_result *ret_result, struct error *err);

#endif
