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

/* Outputs of keys_parse() are undefined when it fails. */
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

/*
 * Checks what the trusted comment of a signature that holds says: exactly `expected` (release_comment(), or one of the
 * two below), or something that is not ours (minisign's own comment), because release.json binds the bytes by digest.
 * -EBADMSG when it names another file.
 */
int trust_check_comment(const struct buffer *signature_text, const char *expected, const char *what, struct error *err);

/* The trusted comments of keys.json and current.json: "understudy keys version=V", "understudy site=S current=N". */
void trust_keys_comment(uint64_t version, char comment[static RELEASE_COMMENT_SIZE]);
void trust_current_comment(const char *site, uint64_t number, char comment[static RELEASE_COMMENT_SIZE]);

/*
 * Whether `after` may follow `before`, which a server has accepted: an older version is not looked at here, but the
 * same version says the same, and a key that was revoked stays so. Who may write in the repository could put an old
 * keys.json back before the root key signs the next one, and have a revocation lost. Refused (status 4) with words.
 */
int keys_follow(const struct keys *before, const struct keys *after, struct error *err);

/* Before signing: 0 when servers would believe this key in this role now. Refused (status 4) with words that say why
 * not, so that a publisher learns it before every server does. */
int trust_may_sign(const struct keys *keys, const struct public_key *pub, enum key_role role, int64_t now,
                   struct error *err);

/* release.json: signature, parse, and that it says it is `number` (0: any; another is -EBADMSG) of `site` (NULL: any;
 * another is refused, status 4). The time of the signing is the one inside. */
int trust_release(const struct trust *trust, const struct buffer *text, const struct buffer *signature, uint64_t number,
                  const char *site, struct release *ret_release, struct error *err);

/* current.json: signature by a current key and parse. *ret_expired when `now` is past its end, or past the end of the
 * key that signed it: a finding, not an error. */
int trust_current(const struct trust *trust, const struct buffer *text, const struct buffer *signature, int64_t now,
                  struct current *ret_current, bool *ret_expired, struct error *err);

#endif
