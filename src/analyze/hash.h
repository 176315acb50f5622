/*
 * hash.h - the keyed 64-bit hash by which strings and visitors are found.
 *
 * Who sends requests chooses the strings that are counted, so the hash has a random key of this process: nobody outside
 * can pile names up in one place of a table. It only finds; bytes decide, so that two names are never taken for one.
 */
#ifndef ANALYZE_HASH_H
#define ANALYZE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

__extension__ typedef unsigned __int128 hash_wide;

/* The key; drawn by hash_start(), which anybody may call more than once, from any thread. */
extern uint64_t hash_key[4];
void hash_start(void);

/* Both halves of the product: every bit of the result depends on every bit of both. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
        hash_wide product = (hash_wide)a * b;

        return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_read64(const char *at)
{
        uint64_t word;

        memcpy(&word, at, sizeof(word));
        return word;
}

static inline uint64_t hash_read32(const char *at)
{
        uint32_t word;

        memcpy(&word, at, sizeof(word));
        return word;
}

/* `kind` keeps equal strings of different kinds apart. */
static inline uint64_t hash_bytes(const char *text, size_t length, uint64_t kind)
{
        uint64_t state = hash_key[0] ^ kind, low = 0, high = 0;
        const char *at = text;
        size_t left = length;

        for (; left > 16; left -= 16, at += 16)
                state = hash_mix(hash_read64(at) ^ hash_key[1], hash_read64(at + 8) ^ state);
        if (length >= 16) { /* the last 16 bytes, some of them perhaps again */
                low = hash_read64(at + left - 16);
                high = hash_read64(at + left - 8);
        } else if (length >= 8) {
                low = hash_read64(text);
                high = hash_read64(text + length - 8);
        } else if (length >= 4) {
                low = hash_read32(text);
                high = hash_read32(text + length - 4);
        } else if (length > 0) {
                low = (uint64_t)(unsigned char)text[0] << 16 | (uint64_t)(unsigned char)text[length / 2] << 8 |
                      (unsigned char)text[length - 1];
        }
        state = hash_mix(low ^ hash_key[1], high ^ state);
        return hash_mix(state ^ length, hash_key[2]);
}

/* Of 16 bytes of an address. */
static inline uint64_t hash_address(const uint8_t bytes[static 16])
{
        uint64_t low, high;

        memcpy(&low, bytes, sizeof(low));
        memcpy(&high, bytes + 8, sizeof(high));
        return hash_mix(hash_mix(low ^ hash_key[1], high ^ hash_key[0]), hash_key[3]);
}

#endif
