/* merkle.c - known roots of RFC 6962, and proofs that hold for what they are about and for nothing else. */
#include "tests.h"

#include "base/attributes.h"
#include "journal/merkle.h"

#define LEAVES 70

/* The eight entries and roots of the Certificate Transparency project's test vectors for RFC 6962. */
static const struct {
        const char *entry;
        size_t length;
        const char *root; /* of the tree that ends with this entry */
} vectors[] = {
        {"",                                                                  0,  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        { "\x00",                                                             1,  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        { "\x10",                                                             1,  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        { "\x20\x21",                                                         2,  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        { "\x30\x31",                                                         2,  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        { "\x40\x41\x42\x43",                                                 4,  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        { "\x50\x51\x52\x53\x54\x55\x56\x57",                                 8,  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        { "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"                                                                         },
};

struct leaves {
        struct hasher *hasher;
        struct digest hashes[LEAVES];
};

static int node(void *context, unsigned int level, uint64_t index, struct digest *ret_hash, struct error *err)
{
        struct leaves *leaves = context;
        struct digest work[128];

        assert_true(((index + 1) << level) <= LEAVES);
        memcpy(work, leaves->hashes + (index << level), sizeof(work[0]) << level);
        return merkle_fold(leaves->hasher, work, level, ret_hash, err);
}

static int setup(void **state)
{
        static struct leaves leaves;

        assert_int_equal(hasher_new(&leaves.hasher, NULL), 0);
        for (unsigned int i = 0; i < LEAVES; i++) {
                char entry[16];
                const char *bytes = i < LENGTH(vectors) ? vectors[i].entry : entry;
                int n = snprintf(entry, sizeof(entry), "entry %u", i);

                assert_int_equal(merkle_leaf(leaves.hasher, bytes, i < LENGTH(vectors) ? vectors[i].length : (size_t)n,
                                             &leaves.hashes[i], NULL),
                                 0);
        }
        *state = &leaves;
        return 0;
}

static int teardown(void **state)
{
        struct leaves *leaves = *state;

        hasher_free(leaves->hasher);
        return 0;
}

static struct digest root_of(struct leaves *leaves, uint64_t size)
{
        struct merkle_source source = { leaves->hasher, node, leaves };
        struct digest root;

        assert_int_equal(merkle_root(&source, size, &root, NULL), 0);
        return root;
}

static void known_roots_come_out(void **state)
{
        struct digest root = root_of(*state, 0);
        char hex[DIGEST_HEX_SIZE];

        digest_hex(&root, hex);
        assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (size_t i = 0; i < LENGTH(vectors); i++) {
                root = root_of(*state, i + 1);
                digest_hex(&root, hex);
                assert_string_equal(hex, vectors[i].root);
        }
}

static void every_leaf_is_proven_and_only_where_it_is(void **state)
{
        struct leaves *leaves = *state;
        struct merkle_source source = { leaves->hasher, node, leaves };

        for (uint64_t size = 1; size <= LEAVES; size++)
                for (uint64_t index = 0; index < size; index++) {
                        struct digest root = root_of(leaves, size), other = root;
                        struct merkle_proof proof;
                        const struct digest *leaf = &leaves->hashes[index];

                        assert_int_equal(merkle_inclusion(&source, index, size, &proof, NULL), 0);
                        assert_int_equal(merkle_inclusion_holds(leaves->hasher, leaf, index, size, &root, &proof, NULL),
                                         1);
                        other.bytes[31] ^= 1;
                        assert_int_equal(
                                merkle_inclusion_holds(leaves->hasher, leaf, index, size, &other, &proof, NULL), 0);
                        assert_int_equal(
                                merkle_inclusion_holds(leaves->hasher, &other, index, size, &root, &proof, NULL), 0);
                        if (size > 1)
                                assert_int_equal(merkle_inclusion_holds(leaves->hasher, leaf, (index + 1) % size, size,
                                                                        &root, &proof, NULL),
                                                 0);
                        if (proof.count) {
                                proof.count--;
                                assert_int_equal(
                                        merkle_inclusion_holds(leaves->hasher, leaf, index, size, &root, &proof, NULL),
                                        0);
                        }
                }
}

static void every_older_tree_is_proven_and_no_other(void **state)
{
        struct leaves *leaves = *state;
        struct merkle_source source = { leaves->hasher, node, leaves };

        for (uint64_t size = 1; size <= LEAVES; size++)
                for (uint64_t old = 0; old <= size; old++) {
                        struct digest root = root_of(leaves, size), first = root_of(leaves, old), wrong = first;
                        struct merkle_proof proof;

                        assert_int_equal(merkle_consistency(&source, old, size, &proof, NULL), 0);
                        assert_int_equal(
                                merkle_consistency_holds(leaves->hasher, old, &first, size, &root, &proof, NULL), 1);
                        wrong.bytes[0] ^= 1;
                        assert_int_equal(
                                merkle_consistency_holds(leaves->hasher, old, &wrong, size, &root, &proof, NULL), 0);
                        wrong = root;
                        wrong.bytes[0] ^= 1;
                        if (old > 0)
                                assert_int_equal(merkle_consistency_holds(leaves->hasher, old, &first, size, &wrong,
                                                                          &proof, NULL),
                                                 0);
                        assert_int_equal(
                                merkle_consistency_holds(leaves->hasher, size + 1, &first, size, &root, &proof, NULL),
                                0);
                        if (proof.count) {
                                proof.hashes[proof.count - 1].bytes[7] ^= 1;
                                assert_int_equal(merkle_consistency_holds(leaves->hasher, old, &first, size, &root,
                                                                          &proof, NULL),
                                                 0);
                                proof.count--;
                                assert_int_equal(merkle_consistency_holds(leaves->hasher, old, &first, size, &root,
                                                                          &proof, NULL),
                                                 0);
                        }
                }
}

static void what_is_not_there_is_not_proven(void **state)
{
        struct leaves *leaves = *state;
        struct merkle_source source = { leaves->hasher, node, leaves };
        struct merkle_proof proof;
        struct error error = ERROR_NONE;

        assert_int_equal(merkle_inclusion(&source, 5, 5, &proof, &error), -EINVAL);
        assert_non_null(strstr(error.text, "no record 5"));
        assert_int_equal(merkle_consistency(&source, 6, 5, &proof, &error), -EINVAL);
        assert_int_equal(merkle_inclusion_holds(leaves->hasher, &leaves->hashes[0], 0, 0, &leaves->hashes[0],
                                                &(struct merkle_proof){ .count = 0 }, NULL),
                         0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(known_roots_come_out),
                cmocka_unit_test(every_leaf_is_proven_and_only_where_it_is),
                cmocka_unit_test(every_older_tree_is_proven_and_no_other),
                cmocka_unit_test(what_is_not_there_is_not_proven),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
