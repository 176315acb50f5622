/*
 * little_endian.h - numbers as our formats have them (frames, packs, keys of minisign): the lowest byte first, at any
 * address.
 */
#ifndef BASE_LITTLE_ENDIAN_H
#define BASE_LITTLE_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t le32_load(const void *bytes)
{
        uint32_t value;

        memcpy(&value, bytes, sizeof(value));
        return le32toh(value);
}

static inline uint64_t le64_load(const void *bytes)
{
        uint64_t value;

        memcpy(&value, bytes, sizeof(value));
        return le64toh(value);
}

static inline void le32_store(void *bytes, uint32_t value)
{
        value = htole32(value);
        memcpy(bytes, &value, sizeof(value));
}

static inline void le64_store(void *bytes, uint64_t value)
{
        value = htole64(value);
        memcpy(bytes, &value, sizeof(value));
}

#endif
