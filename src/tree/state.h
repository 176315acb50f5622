/*
 * state.h - what a server must remember between two commands, below --state DIR (else $UNDERSTUDY_STATE, else
 * /var/lib/understudy).
 *
 * STATE/dest/<sha256 of the configured path>/   (0700)
 *     dest.json     path, site, pinned public key, root mode, accepted release number, keys.json version, roots
 *                   (name -> folder), release that is in place, last verification (time, boot id, genuine), and the
 *                   intent of a pull that is under way
 *     lock          flock: a pull has it alone, verifications share it
 *     kept/         the release in place: keys.json, release.json, manifests, companions, each with .minisig
 *     keys.json     the newest that was seen since then, with .minisig; missing when that is the one in kept/
 *     kept.next/    the same for a pull that is under way; becomes kept/ in one exchange
 *     evidence/<UTC time>-<number>/   report.json and what differed
 *     evidence.next/                  the same while it is being gathered
 * STATE/accepted/<sha256 of key and site>.json   highest accepted number and keys.json version by key and site
 *
 * Everything is written by file_replace(); nothing in here is believed without its signature but the numbers, which
 * only root writes.
 */
#ifndef TREE_STATE_H
#define TREE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <limits.h>

#include "base/clock.h"
#include "base/error.h"
#include "crypto/key.h"
#include "manifest/release.h"
#include "manifest/trust.h"

struct state_root {
        char name[RELEASE_NAME_SIZE];
        char folder[PATH_MAX]; /* absolute */
};

struct state_verification {
        int64_t time; /* seconds since 1970; 0: never */
        char boot_id[CLOCK_BOOT_ID_SIZE];
        bool genuine;
};

/*
 * What a pull is about to do, on disk before it does it. The exchanges happen in the order of `roots`; the inode tells
 * for each whether it has happened: it is the staged tree's, which stands either at DEST or still in the sibling
 * folder.
 */
struct state_intent {
        bool present;
        int64_t time;      /* seconds since 1970 */
        uint64_t from, to; /* releases; from is 0 when nothing was in place */
        char site[RELEASE_NAME_SIZE];
        struct public_key pub; /* what is to be pinned from then on */
        bool root_mode;
        uint64_t keys_version;
        uint64_t inode[RELEASE_ROOTS_MAXIMUM];
        struct state_root roots[RELEASE_ROOTS_MAXIMUM];
        size_t root_count;
};

struct state {
        int folder;          /* descriptor of STATE/dest/X; -1: opened for reading, and nothing is there */
        int lock;            /* held until state_close() */
        int base;            /* descriptor of STATE */
        char dest[PATH_MAX]; /* absolute, as configured, without trailing slash; never resolved through links in its
                                last part */
        bool pulled;         /* a pull has ended here before: what follows is meaningful */
        char site[RELEASE_NAME_SIZE];
        struct public_key pub; /* pinned */
        bool root_mode;
        uint64_t accepted;     /* highest release number that was ever accepted for this DEST */
        uint64_t keys_version; /* highest version of keys.json */
        uint64_t release;      /* the one in place (kept/) */
        struct state_root roots[RELEASE_ROOTS_MAXIMUM]; /* docroot first, then by name */
        size_t root_count;
        struct state_verification verification;
        struct state_intent intent;
};

/* The state directory by the rule above. `given` is --state or NULL. */
const char *state_directory(const char *given);

enum state_access {
        STATE_READ,       /* nothing is made, and the lock is shared */
        STATE_WRITE,      /* made when it is not there, and locked alone */
        STATE_WRITE_LATE, /* the same, when another command has ended within STATE_PATIENCE_MS */
};
#define STATE_PATIENCE_MS 10000

/*
 * Opens the state of a DEST (may be relative) and takes its lock. Another command at work is -EBUSY with words that
 * name its pid. A state folder inside DEST is a usage error: an exchange would carry it away.
 */
int state_open(const char *state_directory, const char *dest, enum state_access access, struct state **ret_state,
               struct error *err);
void state_close(struct state *state);
void state_closep(struct state **state);

/* Calls back for every DEST that has a state here, by its path, in no order; a negative result ends it. A state directory
 * that is not there has none. -EBADMSG with words behind all that could be read: there is one that cannot be. */
int state_list(const char *state_directory, int (*each)(void *context, const char *dest), void *context,
               struct error *err);

/* The folder of a root as of the last pull; NULL when there is no such root. */
const char *state_root_folder(const struct state *state, const char *name);

/* Writes dest.json. */
int state_save(struct state *state, struct error *err);

/* `path` made absolute: without "." and doubled or trailing slashes; links are followed only where a ".." comes behind
 * them. "/" itself is a usage error: it cannot be exchanged. */
int state_absolute(const char *path, char absolute[static PATH_MAX], struct error *err);

/* Highest number and keys.json version accepted on this server for a key and site; 0 when there are none. */
int state_accepted(const struct state *state, const struct public_key *pub, const char *site, uint64_t *ret_number,
                   uint64_t *ret_keys_version, struct error *err);
int state_accept(struct state *state, const struct public_key *pub, const char *site, uint64_t number,
                 uint64_t keys_version, struct error *err);

#endif
