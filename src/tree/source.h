/*
 * source.h - which release: whom to believe, which number to go to, and the files that say what it is.
 *
 * The decision (choose_release()) is a pure function of what the repository says and what the server remembers; a test
 * enumerates it. The rest fetches: keys.json and current.json (read again while a publisher is just replacing them),
 * release.json, manifests and companions, each checked before it is used.
 */
#ifndef TREE_SOURCE_H
#define TREE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/digest.h"
#include "manifest/release.h"
#include "manifest/trust.h"
#include "store/repository.h"

/* What is known when the decision is taken. */
struct choice_facts {
        bool root_mode;
        uint64_t keys_version; /* root mode: of the repository's keys.json */
        uint64_t keys_seen;    /* highest version that was ever accepted */
        bool has_current;      /* root mode: there is a current.json whose signature holds */
        bool expired;          /* it is past its end */
        uint64_t newest;       /* what current.json says, or `latest` in single-key mode */
        uint64_t wanted;       /* --release; 0: the newest */
        uint64_t accepted;     /* highest number that was ever accepted, for DEST or for key and site */
        uint64_t in_place;     /* release that DEST was last pulled to; 0: never */
};

enum choice_rule {
        CHOICE_GO,                   /* make it the release `number` */
        CHOICE_HEAL_THEN_REFUSE,     /* the note has expired and names another release: make it the one in place, then
                                        refuse */
        CHOICE_KEYS_OLDER,           /* refused: keys.json is older than one seen before */
        CHOICE_RELEASE_OLDER,        /* refused: the release is older than one accepted before */
        CHOICE_EXPIRED_NEVER_PULLED, /* refused: expired, and there is no release in place to stay at */
        CHOICE_NO_CURRENT,           /* not possible: root mode without a current note */
};

struct choice {
        enum choice_rule rule;
        uint64_t number; /* CHOICE_GO, CHOICE_HEAL_THEN_REFUSE; for CHOICE_RELEASE_OLDER the one that was refused */
        bool expired;    /* say so */
};

struct choice choose_release(const struct choice_facts *facts);

/*
 * Whom to believe in this repository: root mode exactly if it has a keys.json signed by `pub`. `must_be_root`: it was
 * so before, and a repository without keys.json is an error. The texts (for keeping) are filled in root mode.
 */
int source_trust(struct repository *repository, const struct public_key *pub, bool must_be_root,
                 struct trust *ret_trust, struct buffer *keys_text, struct buffer *keys_signature, struct error *err);

/* current.json: 1 when there is one and its signature holds, 0 when there is none. */
int source_current(struct repository *repository, const struct trust *trust, int64_t now, struct current *ret_current,
                   bool *ret_expired, struct error *err);

/* release.json of a number, signature checked; the texts are for keeping. */
int source_release(struct repository *repository, const struct trust *trust, uint64_t number,
                   struct release *ret_release, struct buffer *text, struct buffer *signature, struct error *err);

#endif
