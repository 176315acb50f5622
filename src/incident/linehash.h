/*
 * linehash.h - a keyed hash of bytes that somebody else chose, to see whether a log is still what was read of it.
 *
 * Not a digest: it holds as long as nobody knows the key. Sums of it don't depend on the order in which workers read.
 */
#ifndef INCIDENT_LINEHASH_H
#define INCIDENT_LINEHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t line_mix(uint64_t a, uint64_t b)
{
        __extension__ unsigned __int128 product = (unsigned __int128)(a ^ UINT64_C(0xa0761d6478bd642f)) *
                                                  (b ^ UINT64_C(0xe7037ed1a0b428db));

        return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t line_hash(uint64_t key, const void *bytes, size_t length)
{
        const unsigned char *at = bytes;
        uint64_t state = line_mix(key, length), word = 0;

        for (; length >= 8; at += 8, length -= 8) {
                memcpy(&word, at, 8);
                state = line_mix(state ^ key, word);
        }
        word = 0;
        if (length)
                memcpy(&word, at, length);
        return line_mix(line_mix(state, word), key);
}

#endif
