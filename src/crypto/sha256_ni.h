/*
 * sha256_ni.h - SHA-256 of two messages at a time, by the processor's own instructions (x86 SHA extensions).
 *
 * One message leaves half of the processor's SHA unit idle: each round waits for the one before. Two messages in turn
 * take the same time as one and a half. OpenSSL has no call for that; Linux does the same for fs-verity and dm-verity,
 * Bitcoin Core for its trees. Whole blocks only: padding, lengths and the choice between this and OpenSSL are
 * digest_pair.c's, which is also the only caller.
 */
#ifndef CRYPTO_SHA256_NI_H
#define CRYPTO_SHA256_NI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BLOCK 64 /* bytes */
#define SHA256_WORDS 8  /* of a state */

/* Whether this processor has the instructions. Without them the functions below must not be called. */
bool sha256_ni_there(void);

/* FIPS 180-4, 6.2.2, for so many blocks. */
void sha256_ni_blocks(uint32_t state[static SHA256_WORDS], const uint8_t *bytes, size_t blocks);

/* The same for two messages: states[0] takes bytes[0] in, states[1] bytes[1], `blocks` blocks each. */
void sha256_ni_blocks_pair(uint32_t states[static 2][SHA256_WORDS], const uint8_t *const bytes[static 2],
                           size_t blocks);

#endif
