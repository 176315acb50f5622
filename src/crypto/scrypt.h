/*
 * scrypt.h - the key of a password, as minisign derives it: scrypt (RFC 7914) with the cost given in libsodium's two
 * numbers, "operations" and bytes of memory.
 */
#ifndef CRYPTO_SCRYPT_H
#define CRYPTO_SCRYPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What minisign writes: one gigabyte of memory, some seconds. */
#define SCRYPT_OPERATIONS_SENSITIVE 33554432ULL
#define SCRYPT_MEMORY_SENSITIVE     1073741824ULL

/* RFC 7914's N (a power of two), r and p. */
struct scrypt_cost {
        uint64_t n;
        uint32_t r;
        uint32_t p;
};

/* 0, or -E2BIG when it would take more than four gigabytes or 64 passes: no key file of anybody needs that. */
int scrypt_cost(uint64_t operations, uint64_t memory_bytes, struct scrypt_cost *ret_cost);

/* Fills `key`. -E2BIG as above, -ENOMEM when the memory is not there; both without words. */
int scrypt_derive(const void *password, size_t password_length, const uint8_t salt[static 32], uint64_t operations,
                  uint64_t memory_bytes, uint8_t *key, size_t key_size);

#endif
