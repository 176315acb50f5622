/*
 * merkle.h - the Merkle tree of RFC 6962 section 2.1, and its proofs.
 *
 * Pure: hashes in, hashes out. Where the hashes of complete subtrees come from (tiles on a disk, the right edge in
 * memory) is the business of a struct merkle_source; how they combine is here.
 *
 *     leaf = SHA-256(0x00 || entry)        node = SHA-256(0x01 || left || right)        empty tree = SHA-256("")
 *
 * Proofs are made as in RFC 6962 sections 2.1.1 and 2.1.2 and checked as in RFC 9162 sections 2.1.3.2 and 2.1.4.2.
 */
#ifndef JOURNAL_MERKLE_H
#define JOURNAL_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/digest.h"

#define MERKLE_PROOF_MAXIMUM 64 /* hashes in a proof */

struct merkle_proof {
        struct digest hashes[MERKLE_PROOF_MAXIMUM];
        size_t count;
};

struct merkle_source {
        struct hasher *hasher; /* borrowed */
        /* The hash of the complete subtree of 2^level leaves that starts at leaf index * 2^level. */
        int (*node)(void *context, unsigned int level, uint64_t index, struct digest *ret_hash, struct error *err);
        void *context;
};

/* 0, or -EIO with words. */
int merkle_leaf(struct hasher *hasher, const void *entry, size_t length, struct digest *ret_hash, struct error *err);
int merkle_node(struct hasher *hasher, const struct digest *left, const struct digest *right, struct digest *ret_hash,
                struct error *err);

/* Folds 2^level hashes, which stand in `hashes` and are overwritten, into the root of their complete subtree. */
int merkle_fold(struct hasher *hasher, struct digest *hashes, unsigned int level, struct digest *ret_hash,
                struct error *err);

/* The root of the tree of the first `size` leaves. It asks only for the subtrees that are the bits of `size`. */
int merkle_root(const struct merkle_source *source, uint64_t size, struct digest *ret_root, struct error *err);

/* That leaf `index` is in the tree of `size` leaves; -EINVAL with words when index >= size. */
int merkle_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size, struct merkle_proof *ret_proof,
                     struct error *err);

/* That the tree of `size` leaves begins with that of `old` leaves; -EINVAL with words when old > size. */
int merkle_consistency(const struct merkle_source *source, uint64_t old, uint64_t size, struct merkle_proof *ret_proof,
                       struct error *err);

/* 1 when the proof holds, 0 when it does not, negative with words when a hash could not be computed. */
int merkle_inclusion_holds(struct hasher *hasher, const struct digest *leaf, uint64_t index, uint64_t size,
                           const struct digest *root, const struct merkle_proof *proof, struct error *err);
int merkle_consistency_holds(struct hasher *hasher, uint64_t old, const struct digest *old_root, uint64_t size,
                             const struct digest *root, const struct merkle_proof *proof, struct error *err);

#endif
