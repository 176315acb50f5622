/* tile.c - paths of tiles, and the entries of a bundle. */
#include "tile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

unsigned int tile_width(int level, uint64_t index, uint64_t size)
{
        uint64_t hashes = level <= 0 ? size : size >> (TILE_HEIGHT * level);

        if (hashes / TILE_WIDTH > index)
                return TILE_WIDTH;
        return hashes / TILE_WIDTH == index ? (unsigned int)(hashes % TILE_WIDTH) : 0;
}

void tile_path(int level, uint64_t index, unsigned int width, char path[static TILE_PATH_SIZE])
{
        unsigned int groups[8], count = 0;
        int length = level == TILE_ENTRIES ? snprintf(path, TILE_PATH_SIZE, "tile/entries")
                                           : snprintf(path, TILE_PATH_SIZE, "tile/%d", level);

        do
                groups[count++] = (unsigned int)(index % 1000);
        while ((index /= 1000) > 0);
        while (count-- > 0)
                length += snprintf(path + length, (size_t)(TILE_PATH_SIZE - length), count ? "/x%03u" : "/%03u",
                                   groups[count]);
        if (width < TILE_WIDTH)
                snprintf(path + length, (size_t)(TILE_PATH_SIZE - length), ".p/%u", width);
}

/* A number is written in one way only: what is parsed must come back as the same text. */
int tile_path_parse(const char *path, int *ret_level, uint64_t *ret_index, unsigned int *ret_width)
{
        char again[TILE_PATH_SIZE];
        const char *cursor = path, *partial, *end;
        uint64_t level = 0, index = 0, width = TILE_WIDTH;
        int entries = text_starts(path, "tile/entries/");

        if (strlen(path) >= TILE_PATH_SIZE || !text_starts(path, "tile/"))
                return -EINVAL;
        cursor += strlen("tile/");
        end = strchr(cursor, '/');
        if (!end || (!entries && text_parse_u64(cursor, (size_t)(end - cursor), TILE_LEVELS - 1, &level) < 0))
                return -EINVAL;
        partial = strstr(end, ".p/");
        if (partial && text_parse_u64(partial + 3, strlen(partial + 3), TILE_WIDTH - 1, &width) < 0)
                return -EINVAL;
        for (cursor = end; *cursor && cursor != partial; cursor++) {
                if (*cursor < '0' || *cursor > '9')
                        continue;
                if (index > (UINT64_MAX - 9) / 10)
                        return -EINVAL;
                index = index * 10 + (uint64_t)(*cursor - '0');
        }
        tile_path(entries ? TILE_ENTRIES : (int)level, index, (unsigned int)width, again);
        if (width == 0 || !text_equal(again, path))
                return -EINVAL;
        *ret_level = entries ? TILE_ENTRIES : (int)level;
        *ret_index = index;
        *ret_width = (unsigned int)width;
        return 0;
}

bool tile_next_entry(const char **cursor, const char *end, const char **ret_entry, size_t *ret_length)
{
        const unsigned char *p = (const unsigned char *)*cursor;
        size_t left = (size_t)(end - *cursor), length;

        if (left < 2)
                return false;
        length = (size_t)p[0] << 8 | p[1];
        if (length > left - 2)
                return false;
        *ret_entry = *cursor + 2;
        *ret_length = length;
        *cursor += 2 + length;
        return true;
}

unsigned int tile_whole_entries(const char *bundle, size_t length, unsigned int maximum, size_t *ret_length)
{
        const char *cursor = bundle, *entry;
        size_t entry_length;
        unsigned int count = 0;

        while (count < maximum && tile_next_entry(&cursor, bundle + length, &entry, &entry_length))
                count++;
        *ret_length = (size_t)(cursor - bundle);
        return count;
}
