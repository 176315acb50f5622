/* prune.c - takes partial tiles away. */
#include "prune.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/io.h"
#include "journal/tile.h"

static void drop_first(struct prune *prune)
{
        prune->count--;
        memmove(&prune->waiting[0], &prune->waiting[1], prune->count * sizeof(prune->waiting[0]));
        prune->width = 0;
}

void prune_add(struct prune *prune, int level, uint64_t index)
{
        for (size_t i = 0; i < prune->count; i++)
                if (prune->waiting[i].level == level && prune->waiting[i].index == index)
                        return;
        if (prune->count == PRUNE_MAXIMUM)
                drop_first(prune);
        prune->waiting[prune->count++] = (struct prune_tile){ level, index };
}

void prune_add_before(struct prune *prune, uint64_t size)
{
        for (int level = 0; level < TILE_LEVELS && size >= TILE_WIDTH; level++) {
                size /= TILE_WIDTH;
                if (level == 0)
                        prune_add(prune, TILE_ENTRIES, size - 1);
                prune_add(prune, level, size - 1);
        }
}

/* The folder NAME.p of a tile. */
static int open_partials(int folder, const struct prune_tile *tile)
{
        char path[TILE_PATH_SIZE];

        tile_path(tile->level, tile->index, 1, path);
        *strrchr(path, '/') = '\0';
        return open_beneath(folder, path, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
}

/* The empty folder, or what else somebody may have put there. */
static void remove_folder(int folder, const struct prune_tile *tile)
{
        _cleanup_(fd_closep) int above = -1;
        char path[TILE_PATH_SIZE], *slash;

        tile_path(tile->level, tile->index, 1, path);
        *strrchr(path, '/') = '\0';
        slash = strrchr(path, '/');
        *slash = '\0';
        above = open_beneath(folder, path, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        if (above >= 0)
                (void)tree_remove(above, slash + 1, NULL);
}

bool prune_one(struct prune *prune, int folder)
{
        while (prune->count > 0) {
                const struct prune_tile *tile = &prune->waiting[0];
                _cleanup_(fd_closep) int partials = open_partials(folder, tile);
                bool removed = false;

                while (partials >= 0 && !removed && prune->width < TILE_WIDTH) {
                        char path[TILE_PATH_SIZE];

                        tile_path(tile->level, tile->index, ++prune->width, path);
                        removed = unlinkat(partials, strrchr(path, '/') + 1, 0) == 0;
                }
                if (removed)
                        return true;
                if (partials >= 0)
                        remove_folder(folder, tile);
                drop_first(prune);
        }
        return false;
}
