/* secret.h - what a secret key is inside, for secret.c (files) and signature.c (signing) alone. */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include <stdint.h>

#include "crypto/key.h"

#define SEED_SIZE 32

struct secret_key {
        struct public_key pub;
        uint8_t seed[SEED_SIZE]; /* RFC 8032 section 5.1.5 */
};

/* A key file's two lines: points at the base64 in `text`. -EBADMSG without words when there are not two such lines. */
int key_file_body(const char *text, size_t length, const char **ret_body, size_t *ret_length);

/* Reads a key file into `text` (a buffer of KEY_FILE_MAXIMUM); the mode of a regular file, 0 of anything else. */
int key_file_read(const char *path, struct buffer *text, unsigned int *ret_mode, struct error *err);

#endif
