/* digest_pair.c - two streams at a time come to what OpenSSL says of each, however they are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/attributes.h"
#include "base/memory.h"
#include "crypto/digest.h"
#include "crypto/digest_pair.h"
#include "crypto/sha256_ni.h"

#define SIZE 70000

static uint8_t bytes[2][SIZE];

static int fill(void **state _unused_)
{
        srandom(7);
        for (size_t i = 0; i < SIZE; i++) {
                bytes[0][i] = (uint8_t)random();
                bytes[1][i] = (uint8_t)random();
        }
        return 0;
}

static void assert_lane(struct hasher_pair *pair, unsigned int lane, size_t length)
{
        struct digest digest, expected;

        assert_int_equal(hasher_pair_end(pair, lane, &digest), 0);
        assert_int_equal(digest_of_bytes(bytes[lane], length, &expected, NULL), 0);
        assert_memory_equal(digest.bytes, expected.bytes, DIGEST_SIZE);
}

static struct hasher_pair *new_pair(void)
{
        struct hasher_pair *pair = NULL;

        assert_int_equal(hasher_pair_new(&pair, NULL), 0);
        return pair;
}

/* Every place in a block at which a message can end, and both numbers of blocks that the end can take. */
static void every_length(void **state _unused_)
{
        _cleanup_(hasher_pair_freep) struct hasher_pair *pair = new_pair();

        for (size_t length = 0; length < 5 * (size_t)HASHER_PAIR_UNIT; length++) {
                for (unsigned int lane = 0; lane < HASHER_LANES; lane++) {
                        assert_int_equal(hasher_pair_begin(pair, lane), 0);
                        assert_int_equal(hasher_pair_add(pair, lane, bytes[lane], length), 0);
                        assert_lane(pair, lane, length);
                        assert_int_equal(hasher_pair_begin(pair, lane), 0);
                }
                assert_int_equal(hasher_pair_add_both(pair, (const void *const[]){ bytes[0], bytes[1] }, length), 0);
                assert_lane(pair, 0, length);
                assert_lane(pair, 1, length);
        }
}

/* One lane ends and begins anew while the other goes on; pieces of any length, together and alone. */
static void lanes_know_nothing_of_each_other(void **state _unused_)
{
        _cleanup_(hasher_pair_freep) struct hasher_pair *pair = new_pair();
        size_t done[HASHER_LANES] = { 0 };

        assert_int_equal(hasher_pair_begin(pair, 0), 0);
        assert_int_equal(hasher_pair_begin(pair, 1), 0);
        for (int step = 0; step < 20000; step++) {
                size_t length = (size_t)random() % 300 / (random() % 2 ? 1 : 64) * (random() % 2 ? 1 : 64);
                unsigned int lane = (unsigned int)random() % HASHER_LANES;

                if (done[lane] + length > SIZE || random() % 16 == 0) {
                        assert_lane(pair, lane, done[lane]);
                        assert_int_equal(hasher_pair_begin(pair, lane), 0);
                        done[lane] = 0;
                } else if (random() % 2 && done[!lane] + length <= SIZE) {
                        const void *const both[] = { bytes[0] + done[0], bytes[1] + done[1] };

                        assert_int_equal(hasher_pair_add_both(pair, both, length), 0);
                        done[0] += length;
                        done[1] += length;
                } else {
                        assert_int_equal(hasher_pair_add(pair, lane, bytes[lane] + done[lane], length), 0);
                        done[lane] += length;
                }
        }
        assert_lane(pair, 0, done[0]);
        assert_lane(pair, 1, done[1]);
}

/* 2^32 bits and more: the length at the end of the message is longer than a word. */
static void a_length_above_32_bits(void **state _unused_)
{
        _cleanup_(hasher_pair_freep) struct hasher_pair *pair = new_pair();
        _cleanup_(hasher_freep) struct hasher *hasher = NULL;
        struct digest digest, expected;

        assert_int_equal(hasher_new(&hasher, NULL), 0);
        assert_int_equal(hasher_begin(hasher), 0);
        assert_int_equal(hasher_pair_begin(pair, 0), 0);
        assert_int_equal(hasher_pair_begin(pair, 1), 0);
        for (uint64_t i = 0; i <= (UINT64_C(1) << 29) / SIZE; i++) {
                assert_int_equal(hasher_pair_add_both(pair, (const void *const[]){ bytes[0], bytes[0] }, SIZE), 0);
                assert_int_equal(hasher_add(hasher, bytes[0], SIZE), 0);
        }
        assert_int_equal(hasher_end(hasher, &expected), 0);
        for (unsigned int lane = 0; lane < HASHER_LANES; lane++) {
                assert_int_equal(hasher_pair_end(pair, lane, &digest), 0);
                assert_memory_equal(digest.bytes, expected.bytes, DIGEST_SIZE);
        }
}

/* The self-test would hide it if the instructions were there and never used. */
static void the_instructions_are_right_by_themselves(void **state _unused_)
{
        const uint8_t abc[SHA256_BLOCK] = { 'a', 'b', 'c', 0x80, [63] = 24 };
        const uint32_t expected[SHA256_WORDS] = { 0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                                  0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad };
        uint32_t words[SHA256_WORDS] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

        if (!sha256_ni_there())
                skip();
        sha256_ni_blocks(words, abc, 1);
        assert_memory_equal(words, expected, sizeof(words));
}

static void the_instructions_take_two_as_they_take_one(void **state _unused_)
{
        uint32_t together[2][SHA256_WORDS] = {
                {1,  2,  3,  4,  5,  6,  7,  8 },
                { 9, 10, 11, 12, 13, 14, 15, 16}
        };
        uint32_t alone[2][SHA256_WORDS];
        const uint8_t *const unaligned[] = { bytes[0] + 1, bytes[1] + 3 };

        if (!sha256_ni_there())
                skip();
        memcpy(alone, together, sizeof(together));
        sha256_ni_blocks_pair(together, unaligned, 100);
        for (int lane = 0; lane < 2; lane++)
                sha256_ni_blocks(alone[lane], unaligned[lane], 100);
        assert_memory_equal(together, alone, sizeof(together));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_length),
                cmocka_unit_test(lanes_know_nothing_of_each_other),
                cmocka_unit_test(a_length_above_32_bits),
                cmocka_unit_test(the_instructions_are_right_by_themselves),
                cmocka_unit_test(the_instructions_take_two_as_they_take_one),
        };

        return cmocka_run_group_tests(tests, fill, NULL);
}
