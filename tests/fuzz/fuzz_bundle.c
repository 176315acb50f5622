/* Any bytes as a bundle of entries, and as a tile's path: entries lie inside the bundle one behind the other, and a
 * path that is accepted is the only spelling of what it says. */
#include <stdlib.h>
#include <string.h>

#include "journal/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(const uint8_t *data, size_t size)
{
        char path[TILE_PATH_SIZE + 1] = "", again[TILE_PATH_SIZE];
        unsigned int width;
        uint64_t index;
        int level;

        memcpy(path, data, size < sizeof(path) ? size : sizeof(path) - 1);
        if (tile_path_parse(path, &level, &index, &width) < 0)
                return;
        tile_path(level, index, width, again);
        if (strcmp(path, again) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *bundle = (const char *)data, *cursor = bundle, *entry;
        size_t length, whole = 0, taken = 0;
        unsigned int count = 0;

        check_path(data, size);
        while (tile_next_entry(&cursor, bundle + size, &entry, &length)) {
                if (entry != bundle + taken + 2 || length > size - taken - 2)
                        abort();
                taken += 2 + length;
                count++;
        }
        if (tile_whole_entries(bundle, size, UINT32_MAX, &whole) != count || whole != taken)
                abort();
        return 0;
}
