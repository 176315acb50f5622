/*
 * blake2b.h - BLAKE2b (RFC 7693) without a key, of any size, for short inputs.
 *
 * OpenSSL 3.0 has BLAKE2b-512 only, and the checksum in minisign's secret keys is BLAKE2b-256, which is another
 * function and not a shortened one. Long inputs (signatures of files) go through OpenSSL.
 */
#ifndef CRYPTO_BLAKE2B_H
#define CRYPTO_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>

#define BLAKE2B_SIZE_MAXIMUM 64

/* `size` bytes (1 to 64) of digest into `digest`. */
void blake2b(const void *bytes, size_t length, uint8_t *digest, size_t size);

#endif
