/*
 * signature.h - detached signatures that minisign makes and accepts.
 *
 * A .minisig file is four lines: "untrusted comment: ...", base64(algorithm[2] || key id[8] || Ed25519 signature[64]),
 * "trusted comment: ...", base64(Ed25519 signature of (signature || trusted comment)). Algorithm "ED": the signed
 * message is BLAKE2b-512 of the file (what is written here); "Ed": the whole file (accepted up to 8 MiB).
 *
 * The parser takes at most SIGNATURE_MAXIMUM bytes, is strict about every byte and has a fuzzer: it is the one thing
 * that reads outside bytes before a signature was checked.
 */
#ifndef CRYPTO_SIGNATURE_H
#define CRYPTO_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "crypto/key.h"

#define SIGNATURE_MAXIMUM         8192
#define SIGNATURE_COMMENT_MAXIMUM 4000 /* bytes of a trusted comment, so that minisign reads it */
#define SIGNATURE_LEGACY_MAXIMUM  (8U << 20)

struct signature {
        uint8_t algorithm[2]; /* "ED" or "Ed" */
        uint8_t key_id[KEY_ID_SIZE];
        uint8_t signature[64];
        uint8_t global[64];
        char comment[SIGNATURE_COMMENT_MAXIMUM + 1]; /* trusted only after signature_verify_...() returned 0 */
};

/* Parses a .minisig; -EBADMSG with words when it is not one. */
int signature_parse(const char *text, size_t length, struct signature *ret_signature, struct error *err);

/* Signs bytes or a whole file (streamed) and appends the text of the .minisig to `out`. The comment must be one line of
 * printable UTF-8. */
int signature_make(const struct secret_key *key, const void *bytes, size_t length, const char *comment,
                   struct buffer *out, struct error *err);
int signature_make_fd(const struct secret_key *key, int fd, const char *comment, struct buffer *out, struct error *err);

/*
 * 0 when the signature is by this key over exactly these bytes, and the trusted comment belongs to it. -EKEYREJECTED:
 * by another key (ids differ, or the same id and it does not hold); -EBADMSG: the right key, other bytes. `what` names
 * the signed thing in the words.
 */
int signature_verify(const struct signature *signature, const struct public_key *key, const void *bytes, size_t length,
                     const char *what, struct error *err);
int signature_verify_fd(const struct signature *signature, const struct public_key *key, int fd, const char *what,
                        struct error *err);

#endif
