/*
 * fnv1a.h - the 64-bit FNV-1a hash (draft-eastlake-fnv), for tables and for telling changes apart. Whoever chooses the
 * bytes can make two of them meet: only where that does no harm.
 *
 *     hash = fnv1a(fnv1a(FNV1A_START, &number, sizeof(number)), path, length);
 */
#ifndef BASE_FNV1A_H
#define BASE_FNV1A_H

#include <stddef.h>
#include <stdint.h>

#define FNV1A_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t fnv1a(uint64_t hash, const void *bytes, size_t length)
{
        const unsigned char *at = bytes;

        for (size_t i = 0; i < length; i++)
                hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
        return hash;
}

#endif
