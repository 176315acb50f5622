/*
 * reference.h - what a tree is compared with: a release's manifests and companions, proven by their signatures.
 *
 * They come from the state that the last pull left (works offline), from a repository, or from a manifest file that
 * somebody hands over. Whatever the source, nothing of it is used before its signature was checked; in the state, too,
 * the signatures decide and not the place.
 */
#ifndef TREE_REFERENCE_H
#define TREE_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "crypto/key.h"
#include "manifest/companion.h"
#include "manifest/release.h"
#include "tree/state.h"

struct reference_root {
        char name[RELEASE_NAME_SIZE];
        char file[RELEASE_FILE_SIZE]; /* of the manifest, for words */
        int manifest;                 /* descriptor; its SHA-256 was checked */
        struct digest digest;
        struct companion companion;
        uint64_t files; /* as the release says; 0: unknown */
};

struct reference {
        uint64_t number; /* of the release; 0: a manifest file */
        bool expired;    /* the current note has expired: whether a newer release exists cannot be known */
        struct reference_root roots[RELEASE_ROOTS_MAXIMUM]; /* sorted by name */
        size_t root_count;
};

void reference_free(struct reference *reference); /* NULL is fine */
void reference_freep(struct reference **reference);

/* The release in place, from the state of a DEST that was pulled. The signatures must hold under `pub`. */
int reference_kept(const struct state *state, const struct public_key *pub, struct reference **ret_reference,
                   struct error *err);

/* The same of a release that a pull is about to put in place: `folder` is its kept.next. */
int reference_staged(const struct state *state, int folder, uint64_t number, const struct public_key *pub,
                     struct reference **ret_reference, struct error *err);

/*
 * Release `number` (0: the newest) of a repository. `state` (or NULL) is what is remembered of the DEST: a repository
 * that is of another site, or that offers older keys or an older newest release than were accepted, is refused (4).
 */
int reference_repository(const char *url, const struct state *state, const struct public_key *pub, uint64_t number,
                         struct reference **ret_reference, struct error *err);

/* A manifest file whose FILE.minisig holds under `pub`; its companion (FILE with .companion.json for .mtree) is used
 * when it is there, and must be signed, too. */
int reference_file(const char *path, const struct public_key *pub, struct reference **ret_reference, struct error *err);

#endif
