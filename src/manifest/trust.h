/*
 * trust.h - whose signature counts: keys.json, current.json, and the decisions about them.
 *
 * Single-key mode: --pub is the release key; the repository has no keys.json. Root mode: --pub is the root key, which
 * signs keys.json; that names release keys (sign release.json, manifests, companions) and current keys (sign
 * current.json and nothing else). The role of a key decides, not only that a signature holds: a release signed by a
 * current key is nobody's.
 *
 * All functions here are pure: bytes and times in, decision out. Formats: docs/internals/formats.md.
 */
#ifndef MANIFEST_TRUST_H
#define MANIFEST_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "crypto/key.h"
#include "crypto/signature.h"
#include "manifest/release.h"

#define KEYS_MAXIMUM       (256U << 10) /* bytes of keys.json */
#define CURRENT_MAXIMUM    (16U << 10)  /* bytes of current.json */
#define KEYS_COUNT_MAXIMUM 256

enum key_role {
        ROLE_ROOT,
        ROLE_RELEASE,
        ROLE_CURRENT,
};

const char *key_role_name(enum key_role role); /* "root", "release", "current": never translated */
int key_role_parse(const char *text, enum key_role *ret_role, struct error *err);

struct delegation {
        struct public_key key;
        enum key_role role; /* release or current */
        int64_t until;      /* seconds since 1970; 0: no end */
        int64_t revoked;    /* when it was revoked; 0: it was not */
};

/* keys.json */
struct keys {
        uint64_t version; /* only grows; a server refuses an older one than it has seen */
        int64_t created;
        struct delegation delegations[KEYS_COUNT_MAXIMUM];
        size_t count;
};

/* current.json */
struct current {
        char site[RELEASE_NAME_SIZE];
        uint64_t release;
        struct digest digest; /* of that release's release.json */
        int64_t created;
        int64_t expires;
};

int keys_parse(const char *text, size_t length, struct keys *ret_keys, struct error *err);
int keys_format(const struct keys *keys, struct buffer *out, struct error *err);
int current_parse(const char *text, size_t length, struct current *ret_current, struct error *err);
int current_format(const struct current *current, struct buffer *out, struct error *err);

/* Whom to believe: made once from --pub (and keys.json), asked for every signature. About 24 KB: keep it on the heap or
 * static. */
struct trust {
        struct public_key pub;
        bool root_mode;
        struct keys keys; /* root mode */
};

/* Single-key mode. */
void trust_init_single(struct trust *trust, const struct public_key *pub);

/* Root mode: checks the signature of keys.json by `pub` and parses it. */
int trust_init_root(struct trust *trust, const struct public_key *pub, const struct buffer *keys_text,
                    const struct buffer *keys_signature, struct error *err);

/*
 * Checks that `signature_text` over the bytes (or the file) was made by a key that has `role` at time `made` (when the
 * signed thing says it was created; an expired delegation still vouches for what it signed before its end; a revoked
 * one for nothing). -EKEYREJECTED with words that name the reason: unknown key, wrong role, revoked on ..., expired on
 * ...; -EBADMSG: the bytes are not what was signed.
 */
int trust_check(const struct trust *trust, enum key_role role, int64_t made, const struct buffer *signature_text,
                const void *bytes, size_t length, const char *what, struct error *err);
int trust_check_fd(const struct trust *trust, enum key_role role, int64_t made, const struct buffer *signature_text,
                   int fd, const char *what, struct error *err);

/* release.json: signature, parse, and that it says it is `number` of `site` (NULL: any). The time of the signing is the
 * one inside. */
int trust_release(const struct trust *trust, const struct buffer *text, const struct buffer *signature, uint64_t number,
                  const char *site, struct release *ret_release, struct error *err);

/* current.json: signature by a current key and parse. *ret_expired when `now` is past its end: a finding, not an error.
 */
int trust_current(const struct trust *trust, const struct buffer *text, const struct buffer *signature, int64_t now,
                  struct current *ret_current, bool *ret_expired, struct error *err);

#endif
