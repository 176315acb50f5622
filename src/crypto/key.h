/*
 * key.h - Ed25519 keys in minisign's file formats (https://jedisct1.github.io/minisign/, "Format of ...").
 *
 * Public key file: "untrusted comment: ...\n" and base64("Ed" || id[8] || key[32]).
 * Secret key file: "untrusted comment: ...\n" and base64("Ed" || "Sc" or "\0\0" || "B2" || salt[32] || opslimit u64 LE
 * || memlimit u64 LE || (id[8] || seed[32] || public[32] || checksum[32]) XOR scrypt output when encrypted), checksum =
 * BLAKE2b-256("Ed" || id || seed || public). Files written here are accepted by minisign and the other way round.
 *
 * Only the publisher's commands read secret keys; no server ever holds one (DESIGN.md, what always holds, 4).
 */
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define KEY_ID_SIZE      8
#define KEY_FILE_MAXIMUM 4096 /* bytes of a key file that are read at the most */
#define KEY_TEXT_SIZE    57   /* base64 of a public key, with NUL: "RW..." as in key files and keys.json */

struct public_key {
        uint8_t id[KEY_ID_SIZE]; /* tells keys apart; proves nothing */
        uint8_t key[32];         /* RFC 8032 */
};

struct secret_key; /* wiped when freed */

/* Fills `password` (a buffer of at most 1024 bytes) for the key file named `what`; 0 or a negative errno with words. */
typedef int key_password_function(void *context, const char *what, struct buffer *password, struct error *err);

bool public_key_equal(const struct public_key *a, const struct public_key *b);

/* The base64 line of a public key, and back (strict). */
void public_key_text(const struct public_key *key, char text[static KEY_TEXT_SIZE]);
int public_key_parse(const char *text, size_t length, struct public_key *ret_key, struct error *err);

/* The key's id as minisign prints it: 16 upper-case hex digits, least significant byte last in the file first here. */
#define KEY_ID_TEXT_SIZE 17
void public_key_id_text(const struct public_key *key, char text[static KEY_ID_TEXT_SIZE]);

/* Reads a public key file; a file that is really a secret key, a signature or something else is told apart in the
 * words. */
int public_key_read(const char *path, struct public_key *ret_key, struct error *err);

/* Makes a fresh pair. */
int secret_key_generate(struct secret_key **ret_key, struct error *err);

/*
 * Reads a secret key file; `ask` is called only when it is encrypted. A wrong password is -EKEYREJECTED. A key file
 * that others may read is refused with words that say which chmod helps.
 */
int secret_key_read(const char *path, key_password_function *ask, void *context, struct secret_key **ret_key,
                    struct error *err);

/*
 * Writes a secret key file (mode 0600) and the public one (0644) beside it; -EEXIST when either is there: nothing is
 * ever overwritten. `password` NULL or empty writes it unencrypted. `role` goes into the untrusted comment.
 */
int key_pair_write(const struct secret_key *key, const char *folder, const char *role, const char *password,
                   struct error *err);

/* Borrowed until the key is freed. */
const struct public_key *secret_key_public(const struct secret_key *key);

void secret_key_free(struct secret_key *key);
void secret_key_freep(struct secret_key **key);

#endif
