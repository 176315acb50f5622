/* merkle.c - hashes of a Merkle tree, and proofs made and checked. */
#include "merkle.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>

#include "base/i18n.h"

int merkle_leaf(struct hasher *hasher, const void *entry, size_t length, struct digest *ret_hash, struct error *err)
{
        if (hasher_begin(hasher) < 0 || hasher_add(hasher, "\0", 1) < 0 || hasher_add(hasher, entry, length) < 0 ||
            hasher_end(hasher, ret_hash) < 0)
                return hasher_error(err);
        return 0;
}

int merkle_node(struct hasher *hasher, const struct digest *left, const struct digest *right, struct digest *ret_hash,
                struct error *err)
{
        uint8_t bytes[1 + 2 * DIGEST_SIZE] = { 1 };

        memcpy(bytes + 1, left->bytes, DIGEST_SIZE);
        memcpy(bytes + 1 + DIGEST_SIZE, right->bytes, DIGEST_SIZE);
        if (hasher_begin(hasher) < 0 || hasher_add(hasher, bytes, sizeof(bytes)) < 0 ||
            hasher_end(hasher, ret_hash) < 0)
                return hasher_error(err);
        return 0;
}

int merkle_fold(struct hasher *hasher, struct digest *hashes, unsigned int level, struct digest *ret_hash,
                struct error *err)
{
        for (size_t count = (size_t)1 << level; count > 1; count /= 2)
                for (size_t i = 0; i < count / 2; i++) {
                        int r = merkle_node(hasher, &hashes[2 * i], &hashes[2 * i + 1], &hashes[i], err);

                        if (r < 0)
                                return r;
                }
        *ret_hash = hashes[0];
        return 0;
}

/* RFC 6962's k: the largest power of two smaller than n (n > 1), as its exponent. */
static unsigned int split(uint64_t n)
{
        return 63 - (unsigned int)__builtin_clzll(n - 1);
}

/* MTH(D[low:low + count]), where low is a multiple of the power of two that is not below count. */
static int range(const struct merkle_source *source, uint64_t low, uint64_t count, struct digest *ret_hash,
                 struct error *err)
{
        struct digest left, right;
        unsigned int level;
        int r;

        assert(count > 0);
        if ((count & (count - 1)) == 0) {
                level = (unsigned int)__builtin_ctzll(count);
                return source->node(source->context, level, low >> level, ret_hash, err);
        }
        level = split(count);
        r = source->node(source->context, level, low >> level, &left, err);
        if (r == 0)
                r = range(source, low + (UINT64_C(1) << level), count - (UINT64_C(1) << level), &right, err);
        if (r == 0)
                r = merkle_node(source->hasher, &left, &right, ret_hash, err);
        return r;
}

int merkle_root(const struct merkle_source *source, uint64_t size, struct digest *ret_root, struct error *err)
{
        if (size == 0)
                return digest_of_bytes("", 0, ret_root, err);
        return range(source, 0, size, ret_root, err);
}

/* PATH(m, D[low:low + count]), from the leaf upwards; the depth is at most 64. */
static int path(const struct merkle_source *source, uint64_t m, uint64_t low, uint64_t count,
                struct merkle_proof *proof, struct error *err)
{
        uint64_t k;
        int r;

        if (count == 1)
                return 0;
        k = UINT64_C(1) << split(count);
        if (m < k) {
                r = path(source, m, low, k, proof, err);
                return r < 0 ? r : range(source, low + k, count - k, &proof->hashes[proof->count++], err);
        }
        r = path(source, m - k, low + k, count - k, proof, err);
        return r < 0 ? r : range(source, low, k, &proof->hashes[proof->count++], err);
}

int merkle_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size, struct merkle_proof *ret_proof,
                     struct error *err)
{
        struct merkle_proof proof = { .count = 0 };
        int r;

        if (index >= size)
                return error_set(err, -EINVAL, _("there is no record %" PRIu64 " in a journal of %" PRIu64 " records"),
                                 index, size);
        r = path(source, index, 0, size, &proof, err);
        if (r == 0)
                *ret_proof = proof;
        return r;
}

/* SUBPROOF(m, D[low:low + count], whole) */
static int subproof(const struct merkle_source *source, uint64_t m, uint64_t low, uint64_t count, bool whole,
                    struct merkle_proof *proof, struct error *err)
{
        uint64_t k;
        int r;

        if (m == count)
                return whole ? 0 : range(source, low, count, &proof->hashes[proof->count++], err);
        k = UINT64_C(1) << split(count);
        if (m <= k) {
                r = subproof(source, m, low, k, whole, proof, err);
                return r < 0 ? r : range(source, low + k, count - k, &proof->hashes[proof->count++], err);
        }
        r = subproof(source, m - k, low + k, count - k, false, proof, err);
        return r < 0 ? r : range(source, low, k, &proof->hashes[proof->count++], err);
}

int merkle_consistency(const struct merkle_source *source, uint64_t old, uint64_t size, struct merkle_proof *ret_proof,
                       struct error *err)
{
        struct merkle_proof proof = { .count = 0 };
        int r = 0;

        if (old > size)
                return error_set(err, -EINVAL, _("a journal of %" PRIu64 " records cannot begin with one of %" PRIu64),
                                 size, old);
        if (old > 0)
                r = subproof(source, old, 0, size, true, &proof, err);
        if (r == 0)
                *ret_proof = proof;
        return r;
}

int merkle_inclusion_holds(struct hasher *hasher, const struct digest *leaf, uint64_t index, uint64_t size,
                           const struct digest *root, const struct merkle_proof *proof, struct error *err)
{
        struct digest hash = *leaf;
        uint64_t last = size - 1;

        if (index >= size)
                return 0;
        for (size_t i = 0; i < proof->count; i++) {
                const struct digest *one = &proof->hashes[i];
                int r;

                if (last == 0)
                        return 0;
                if ((index & 1) || index == last) {
                        r = merkle_node(hasher, one, &hash, &hash, err);
                        while (!(index & 1) && index != 0) {
                                index >>= 1;
                                last >>= 1;
                        }
                } else {
                        r = merkle_node(hasher, &hash, one, &hash, err);
                }
                if (r < 0)
                        return r;
                index >>= 1;
                last >>= 1;
        }
        return last == 0 && digest_equal(&hash, root);
}

/* RFC 9162 section 2.1.4.2. An old tree that is a complete subtree is a node of the new one, and the proof leaves its
 * root out. */
static int consistency_walk(struct hasher *hasher, uint64_t old, const struct digest *old_root, uint64_t size,
                            const struct digest *root, const struct merkle_proof *proof, struct error *err)
{
        bool complete = (old & (old - 1)) == 0;
        uint64_t first = old - 1, second = size - 1;
        struct digest a, b;

        if (!complete && proof->count == 0)
                return 0;
        a = b = complete ? *old_root : proof->hashes[0];
        while (first & 1) {
                first >>= 1;
                second >>= 1;
        }
        for (size_t i = complete ? 0 : 1; i < proof->count; i++) {
                const struct digest *one = &proof->hashes[i];
                int r;

                if (second == 0)
                        return 0;
                if ((first & 1) || first == second) {
                        r = merkle_node(hasher, one, &a, &a, err);
                        if (r == 0)
                                r = merkle_node(hasher, one, &b, &b, err);
                        while (!(first & 1) && first != 0) {
                                first >>= 1;
                                second >>= 1;
                        }
                } else {
                        r = merkle_node(hasher, &b, one, &b, err);
                }
                if (r < 0)
                        return r;
                first >>= 1;
                second >>= 1;
        }
        return second == 0 && digest_equal(&a, old_root) && digest_equal(&b, root);
}

int merkle_consistency_holds(struct hasher *hasher, uint64_t old, const struct digest *old_root, uint64_t size,
                             const struct digest *root, const struct merkle_proof *proof, struct error *err)
{
        struct digest empty;
        int r;

        if (old > size)
                return 0;
        if (old == size)
                return proof->count == 0 && digest_equal(old_root, root);
        if (old == 0) {
                r = digest_of_bytes("", 0, &empty, err);
                return r < 0 ? r : proof->count == 0 && digest_equal(old_root, &empty);
        }
        return consistency_walk(hasher, old, old_root, size, root, proof, err);
}
