/* siphash.c - SipHash-2-4. */

#include "siphash.h"

static uint64_t load(const uint8_t *bytes, size_t length)
{
        uint64_t word = 0;

        for (size_t i = 0; i < length; i++)
                word |= (uint64_t)bytes[i] << (8 * i);
        return word;
}

static uint64_t rotate(uint64_t word, unsigned int bits)
{
        return word << bits | word >> (64 - bits);
}

static void rounds(uint64_t v[static 4], int count)
{
        for (int i = 0; i < count; i++) {
                v[0] += v[1];
                v[1] = rotate(v[1], 13) ^ v[0];
                v[0] = rotate(v[0], 32);
                v[2] += v[3];
                v[3] = rotate(v[3], 16) ^ v[2];
                v[0] += v[3];
                v[3] = rotate(v[3], 21) ^ v[0];
                v[2] += v[1];
                v[1] = rotate(v[1], 17) ^ v[2];
                v[2] = rotate(v[2], 32);
        }
}

uint64_t siphash(const uint8_t key[static 16], const void *bytes, size_t length)
{
        const uint64_t k0 = load(key, 8), k1 = load(key + 8, 8);
        uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                          k1 ^ 0x7465646279746573 };
        const uint8_t *at = bytes;
        uint64_t word;

        for (size_t left = length; left >= 8; left -= 8, at += 8) {
                word = load(at, 8);
                v[3] ^= word;
                rounds(v, 2);
                v[0] ^= word;
        }
        word = load(at, length % 8) | (uint64_t)length << 56;
        v[3] ^= word;
        rounds(v, 2);
        v[0] ^= word;
        v[2] ^= 0xff;
        rounds(v, 4);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}
