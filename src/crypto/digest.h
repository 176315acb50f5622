/*
 * digest.h - SHA-256 (FIPS 180-4) by OpenSSL's EVP, for file contents.
 *
 * One struct hasher per thread, used again for each file: fetching the algorithm and allocating the context once is
 * what keeps small files cheap.
 *
 *     _cleanup_(hasher_freep) struct hasher *hasher = NULL;
 *     r = hasher_new(&hasher, err);
 *     hasher_begin(hasher); hasher_add(hasher, bytes, n); hasher_end(hasher, &digest);
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

#define DIGEST_SIZE     32
#define DIGEST_HEX_SIZE 65 /* with NUL */

struct digest {
        uint8_t bytes[DIGEST_SIZE];
};

static inline bool digest_equal(const struct digest *a, const struct digest *b)
{
        return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

void digest_hex(const struct digest *digest, char hex[static DIGEST_HEX_SIZE]);

/* Exactly 64 lower-case hex digits; 0 or -EINVAL. */
int digest_parse(const char *hex, size_t length, struct digest *ret_digest);

struct hasher;

int hasher_new(struct hasher **ret_hasher, struct error *err);
void hasher_free(struct hasher *hasher); /* NULL is fine */
void hasher_freep(struct hasher **hasher);

/* Whether OpenSSL computes it by its default provider: not by one that the machine's owner configured, such as a
 * certified or a hardware one. */
bool hasher_is_default(const struct hasher *hasher);

/* Return 0 or -EIO (OpenSSL failed; it does not say why). */
int hasher_begin(struct hasher *hasher);
int hasher_add(struct hasher *hasher, const void *bytes, size_t length);
int hasher_end(struct hasher *hasher, struct digest *ret_digest);
/* -EIO with the words for that. */
int hasher_error(struct error *err);

/* In one call. */
int digest_of_bytes(const void *bytes, size_t length, struct digest *ret_digest, struct error *err);

/* Of a file from offset 0 to its end (pread; the offset is left alone), at most `maximum` bytes: -E2BIG beyond. */
int digest_of_fd(int fd, uint64_t maximum, struct digest *ret_digest, uint64_t *ret_size, struct error *err);

#endif
