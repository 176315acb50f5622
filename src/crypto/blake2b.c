#include "blake2b.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/attributes.h"
#include "base/little_endian.h"
#include "base/memory.h"

#define BLOCK_SIZE 128
#define ROUNDS     12

/* RFC 7693 section 2.6: the fractions of the square roots of the first primes, as SHA-512 has them. */
static const uint64_t start[8] = {
        0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

/* Section 2.7; rounds 10 and 11 use rows 0 and 1 again. */
static const uint8_t schedule[10][16] = {
        {0,   1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15},
        { 14, 10, 4,  8,  9,  15, 13, 6,  1,  12, 0,  2,  11, 7,  5,  3 },
        { 11, 8,  12, 0,  5,  2,  15, 13, 10, 14, 3,  6,  7,  1,  9,  4 },
        { 7,  9,  3,  1,  13, 12, 11, 14, 2,  6,  5,  10, 4,  0,  15, 8 },
        { 9,  0,  5,  7,  2,  4,  10, 15, 14, 1,  11, 12, 6,  8,  3,  13},
        { 2,  12, 6,  10, 0,  11, 8,  3,  4,  13, 7,  5,  15, 14, 1,  9 },
        { 12, 5,  1,  15, 14, 13, 4,  10, 0,  7,  6,  3,  9,  2,  8,  11},
        { 13, 11, 7,  14, 12, 1,  3,  9,  5,  0,  15, 4,  8,  6,  2,  10},
        { 6,  15, 14, 9,  11, 3,  0,  8,  12, 2,  13, 7,  1,  4,  10, 5 },
        { 10, 2,  8,  4,  7,  6,  1,  5,  15, 11, 9,  14, 3,  12, 13, 0 },
};

static uint64_t rotate_right(uint64_t value, unsigned int by)
{
        return value >> by | value << (64 - by);
}

/* Section 3.1: the mixing function G. Inline, so that the state stays in registers. */
static inline __attribute__((always_inline)) void mix(uint64_t v[16], unsigned int a, unsigned int b, unsigned int c, unsigned int d, uint64_t x, uint64_t y)
{
        v[a] += v[b] + x;
        v[d] = rotate_right(v[d] ^ v[a], 32);
        v[c] += v[d];
        v[b] = rotate_right(v[b] ^ v[c], 24);
        v[a] += v[b] + y;
        v[d] = rotate_right(v[d] ^ v[a], 16);
        v[c] += v[d];
        v[b] = rotate_right(v[b] ^ v[c], 63);
}

/* Section 3.2: the compression function F. `total` counts the bytes up to the end of this block. */
static void compress(uint64_t h[8], const uint8_t block[BLOCK_SIZE], uint64_t total, bool last)
{
        uint64_t v[16], m[16];

        for (unsigned int i = 0; i < 8; i++) {
                v[i] = h[i];
                v[i + 8] = start[i];
        }
        v[12] ^= total;
        if (last)
                v[14] = ~v[14];
        for (unsigned int i = 0; i < 16; i++)
                m[i] = le64_load(block + 8 * i);
        for (unsigned int round = 0; round < ROUNDS; round++) {
                const uint8_t *s = schedule[round % LENGTH(schedule)];

                for (unsigned int i = 0; i < 4; i++) /* columns */
                        mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
                for (unsigned int i = 0; i < 4; i++) /* diagonals */
                        mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
        }
        for (unsigned int i = 0; i < 8; i++)
                h[i] ^= v[i] ^ v[i + 8];
        memory_wipe(v, sizeof(v)); /* what is hashed here is a secret key */
        memory_wipe(m, sizeof(m));
}

void blake2b(const void *bytes, size_t length, uint8_t *digest, size_t size)
{
        const uint8_t *next = bytes;
        uint8_t block[BLOCK_SIZE];
        uint64_t h[8], total = 0;

        assert(size >= 1 && size <= BLAKE2B_SIZE_MAXIMUM);
        memcpy(h, start, sizeof(h));
        h[0] ^= 0x01010000 ^ size;
        do { /* an empty input is one block of zeros; the last block is never empty otherwise */
                size_t here = length < BLOCK_SIZE ? length : BLOCK_SIZE;

                memset(block, 0, sizeof(block));
                if (here)
                        memcpy(block, next, here);
                next += here;
                length -= here;
                total += here;
                compress(h, block, total, length == 0);
        } while (length > 0);
        for (size_t i = 0; i < size; i++)
                digest[i] = (uint8_t)(h[i / 8] >> (8 * (i % 8)));
        memory_wipe(block, sizeof(block));
        memory_wipe(h, sizeof(h));
}
