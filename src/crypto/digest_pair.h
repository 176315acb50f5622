/*
 * digest_pair.h - the SHA-256 of two streams in one thread: 1.5 times as many bytes a second as one after the other,
 * where the processor has SHA instructions (sha256_ni.h). Elsewhere, and where OpenSSL is configured to use a provider
 * other than its default one, two hashers of digest.h do the work; the results are the same.
 *
 * For comparing with digests that somebody else computed, which is what verify does with a release's: a mistake here
 * can only make a difference of what is equal. What is signed is hashed by digest.h.
 *
 *     _cleanup_(hasher_pair_freep) struct hasher_pair *pair = NULL;
 *     r = hasher_pair_new(&pair, err);
 *     hasher_pair_begin(pair, 0); hasher_pair_begin(pair, 1);
 *     hasher_pair_add_both(pair, (const void *[]){ one, other }, n);
 *     hasher_pair_end(pair, 0, &digest); hasher_pair_add(pair, 1, rest, m); hasher_pair_end(pair, 1, &other_digest);
 */
#ifndef CRYPTO_DIGEST_PAIR_H
#define CRYPTO_DIGEST_PAIR_H

#include "crypto/digest.h"

#define HASHER_LANES 2

/* What hasher_pair_add_both() likes its lengths to be a multiple of. */
#define HASHER_PAIR_UNIT 64

struct hasher_pair;

int hasher_pair_new(struct hasher_pair **ret_pair, struct error *err);
void hasher_pair_free(struct hasher_pair *pair); /* NULL is fine */
void hasher_pair_freep(struct hasher_pair **pair);

/* As those of digest.h, each for one of the lanes 0 and 1, which have nothing to do with each other. */
int hasher_pair_begin(struct hasher_pair *pair, unsigned int lane);
int hasher_pair_add(struct hasher_pair *pair, unsigned int lane, const void *bytes, size_t length);
int hasher_pair_end(struct hasher_pair *pair, unsigned int lane, struct digest *ret_digest);

/* The same as adding bytes[0] to lane 0 and bytes[1] to lane 1, `length` bytes each. */
int hasher_pair_add_both(struct hasher_pair *pair, const void *const bytes[static HASHER_LANES], size_t length);

#endif
