/*
 * ed25519.h - Ed25519 (RFC 8032) over bytes, and HMAC-SHA-256 (RFC 2104), without any file format around them.
 *
 * Releases are signed in minisign's formats (signature.h); this is what lies below them, and what the journal's signed
 * notes use as it is. Nothing here keeps a key: the caller owns it and wipes it.
 */
#ifndef CRYPTO_ED25519_H
#define CRYPTO_ED25519_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/digest.h"

#define ED25519_KEY_SIZE       32
#define ED25519_SEED_SIZE      32
#define ED25519_SIGNATURE_SIZE 64

/* A fresh seed and its public key. */
int ed25519_generate(uint8_t seed[static ED25519_SEED_SIZE], uint8_t key[static ED25519_KEY_SIZE], struct error *err);

/* The public key of a seed; 0 or -EIO without words. */
int ed25519_public(const uint8_t seed[static ED25519_SEED_SIZE], uint8_t key[static ED25519_KEY_SIZE]);

int ed25519_sign(const uint8_t seed[static ED25519_SEED_SIZE], const void *bytes, size_t length,
                 uint8_t signature[static ED25519_SIGNATURE_SIZE], struct error *err);

/* 1 when the signature holds, 0 when it does not, negative with words when that could not be told. */
int ed25519_holds(const uint8_t key[static ED25519_KEY_SIZE], const void *bytes, size_t length,
                  const uint8_t signature[static ED25519_SIGNATURE_SIZE], struct error *err);

/* -EIO with words: OpenSSL, asked for a signature, failed; it does not say why. */
int ed25519_error(struct error *err);

/* HMAC-SHA-256 of bytes. */
int hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length, struct digest *ret_digest,
                struct error *err);

/* Random bytes for a secret. */
int random_secret(void *bytes, size_t length, struct error *err);

#endif
