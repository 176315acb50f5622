/* digest_pair.c - padding and partial blocks for sha256_ni.c, and OpenSSL where that cannot be used. */
#include "digest_pair.h"

#include <errno.h>

#include "base/memory.h"
#include "crypto/sha256_ni.h"

#define LENGTH_AT (SHA256_BLOCK - 8) /* in the last block */

_Static_assert(HASHER_PAIR_UNIT == SHA256_BLOCK, "the unit is a block");

/* A message on its way: `length` bytes were added, those of a block that is not full yet are in `rest`. */
struct lane {
        uint64_t length;
        uint8_t rest[SHA256_BLOCK];
        struct hasher *hasher; /* OpenSSL's */
};

struct hasher_pair {
        bool quick; /* by sha256_ni.c */
        uint32_t states[HASHER_LANES][SHA256_WORDS];
        struct lane lanes[HASHER_LANES];
};

static int quick_begin(struct hasher_pair *pair, unsigned int lane)
{
        static const uint32_t initial[SHA256_WORDS] = { /* FIPS 180-4, 5.3.3 */
                                                        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
        };

        memcpy(pair->states[lane], initial, sizeof(initial));
        pair->lanes[lane].length = 0;
        return 0;
}

static size_t rest_length(const struct lane *lane)
{
        return lane->length % SHA256_BLOCK;
}

static int quick_add(struct hasher_pair *pair, unsigned int number, const uint8_t *bytes, size_t length)
{
        struct lane *lane = &pair->lanes[number];
        size_t rest = rest_length(lane);

        lane->length += length;
        if (rest > 0) {
                size_t room = SHA256_BLOCK - rest, taken = length < room ? length : room;

                memcpy(lane->rest + rest, bytes, taken);
                if (length < room)
                        return 0;
                sha256_ni_blocks(pair->states[number], lane->rest, 1);
                bytes += taken;
                length -= taken;
        }
        sha256_ni_blocks(pair->states[number], bytes, length / SHA256_BLOCK);
        memcpy(lane->rest, bytes + length / SHA256_BLOCK * SHA256_BLOCK, length % SHA256_BLOCK);
        return 0;
}

static void put_big_endian(uint8_t *bytes, uint64_t value, size_t size)
{
        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

/* A one bit, zeros, and the length in bits at the end of a block (FIPS 180-4, 5.1.1). */
static int quick_end(struct hasher_pair *pair, unsigned int number, struct digest *ret_digest)
{
        struct lane *lane = &pair->lanes[number];
        uint8_t last[2 * SHA256_BLOCK] = { 0 };
        size_t rest = rest_length(lane), blocks = rest < LENGTH_AT ? 1 : 2;

        memcpy(last, lane->rest, rest);
        last[rest] = 0x80;
        put_big_endian(last + (blocks - 1) * SHA256_BLOCK + LENGTH_AT, lane->length * 8, 8);
        sha256_ni_blocks(pair->states[number], last, blocks);
        for (size_t i = 0; i < SHA256_WORDS; i++)
                put_big_endian(ret_digest->bytes + 4 * i, pair->states[number][i], 4);
        return 0;
}

/* A few bytes both ways, so that a processor, an emulator or a compiler that has these instructions wrong does not make
 * a difference of every file. */
static bool quick_is_right(struct hasher_pair *pair)
{
        uint8_t bytes[HASHER_LANES][3 * SHA256_BLOCK + 7];
        bool right = sha256_ni_there();

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i / sizeof(bytes[0])][i % sizeof(bytes[0])] = (uint8_t)(i * i >> 3);
        pair->quick = right;
        if (right) {
                hasher_pair_begin(pair, 0);
                hasher_pair_begin(pair, 1);
                hasher_pair_add_both(pair, (const void *const[]){ bytes[0], bytes[1] }, sizeof(bytes[0]));
        }
        for (unsigned int lane = 0; right && lane < HASHER_LANES; lane++) {
                struct hasher *hasher = pair->lanes[lane].hasher;
                struct digest digest, known;

                right = hasher_pair_end(pair, lane, &digest) == 0 && hasher_begin(hasher) == 0 &&
                        hasher_add(hasher, bytes[lane], sizeof(bytes[lane])) == 0 && hasher_end(hasher, &known) == 0 &&
                        digest_equal(&digest, &known);
        }
        return right;
}

int hasher_pair_new(struct hasher_pair **ret_pair, struct error *err)
{
        _cleanup_(hasher_pair_freep) struct hasher_pair *pair = memory_new(1, sizeof(*pair));

        if (!pair)
                return error_memory(err);
        for (size_t i = 0; i < HASHER_LANES; i++) {
                int r = hasher_new(&pair->lanes[i].hasher, err);

                if (r < 0)
                        return r;
        }
        pair->quick = hasher_is_default(pair->lanes[0].hasher) && quick_is_right(pair);
        *ret_pair = pair;
        pair = NULL;
        return 0;
}

void hasher_pair_free(struct hasher_pair *pair)
{
        if (!pair)
                return;
        for (size_t i = 0; i < HASHER_LANES; i++)
                hasher_free(pair->lanes[i].hasher);
        free(pair);
}

void hasher_pair_freep(struct hasher_pair **pair)
{
        hasher_pair_free(*pair);
}

int hasher_pair_begin(struct hasher_pair *pair, unsigned int lane)
{
        return pair->quick ? quick_begin(pair, lane) : hasher_begin(pair->lanes[lane].hasher);
}

int hasher_pair_add(struct hasher_pair *pair, unsigned int lane, const void *bytes, size_t length)
{
        return pair->quick ? quick_add(pair, lane, bytes, length) : hasher_add(pair->lanes[lane].hasher, bytes, length);
}

int hasher_pair_end(struct hasher_pair *pair, unsigned int lane, struct digest *ret_digest)
{
        return pair->quick ? quick_end(pair, lane, ret_digest) : hasher_end(pair->lanes[lane].hasher, ret_digest);
}

int hasher_pair_add_both(struct hasher_pair *pair, const void *const bytes[static HASHER_LANES], size_t length)
{
        size_t done = 0;
        int r = 0;

        if (pair->quick && rest_length(&pair->lanes[0]) == 0 && rest_length(&pair->lanes[1]) == 0) {
                done = length / SHA256_BLOCK * SHA256_BLOCK;
                sha256_ni_blocks_pair(pair->states, (const uint8_t *const[]){ bytes[0], bytes[1] },
                                      length / SHA256_BLOCK);
                pair->lanes[0].length += done;
                pair->lanes[1].length += done;
        }
        for (unsigned int lane = 0; lane < HASHER_LANES && done < length && r == 0; lane++)
                r = hasher_pair_add(pair, lane, (const uint8_t *)bytes[lane] + done, length - done);
        return r;
}
