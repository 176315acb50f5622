/* recover.c - whole records beyond the newest checkpoint are taken in, torn ones cut off. */
#include "recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/record.h"

/* How many whole records this bundle has beyond those of the edge's; 0 also when it does not begin with them. */
static unsigned int count_beyond(const struct edge *edge, const struct buffer *bundle)
{
        const char *cursor = buffer_text(bundle), *end = cursor + bundle->length, *entry;
        uint64_t sequence = edge->size;
        unsigned int room = TILE_WIDTH - edge->levels[0].width;
        size_t length;

        if (bundle->length < edge->bundle.length ||
            (edge->bundle.length && memcmp(cursor, edge->bundle.data, edge->bundle.length) != 0))
                return 0;
        cursor += edge->bundle.length;
        while (room > 0 && tile_next_entry(&cursor, end, &entry, &length) &&
               record_parse(entry, length, sequence, NULL, NULL) == 0) {
                sequence++;
                room--;
        }
        return (unsigned int)(sequence - edge->size);
}

/* The widths of the partial bundles that lie on the disk for one bundle, beyond one width. */
static void list_partials(int below, uint64_t index, unsigned int above, bool there[static TILE_WIDTH])
{
        char path[TILE_PATH_SIZE];
        DIR *folder;
        int fd;

        memset(there, 0, TILE_WIDTH * sizeof(there[0]));
        tile_path(TILE_ENTRIES, index, 1, path);
        *strrchr(path, '/') = '\0';
        fd = open_beneath(below, path, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        folder = fd >= 0 ? fdopendir(fd) : NULL;
        if (!folder) {
                fd_close(&fd);
                return;
        }
        for (struct dirent *one = readdir(folder); one; one = readdir(folder)) {
                uint64_t width;

                if (text_parse_u64(one->d_name, strlen(one->d_name), TILE_WIDTH - 1, &width) == 0 && width > above)
                        there[width] = true;
        }
        closedir(folder);
}

/* The file with the most whole records; -ENOENT when there is none with any. */
static int find_best(const struct edge *edge, struct buffer *best, unsigned int *ret_count, uint64_t *cut,
                     struct error *err)
{
        _cleanup_(buffer_done) struct buffer bundle = BUFFER_INIT(BUNDLE_MAXIMUM);
        bool there[TILE_WIDTH];
        unsigned int most = 0;

        list_partials(edge->folder, edge->size / TILE_WIDTH, edge->levels[0].width, there);
        for (unsigned int width = TILE_WIDTH; width > edge->levels[0].width; width--) {
                char path[TILE_PATH_SIZE];
                unsigned int count;
                int r;

                if (width < TILE_WIDTH && !there[width])
                        continue;
                tile_path(TILE_ENTRIES, edge->size / TILE_WIDTH, width, path);
                r = files_read(edge->folder, path, &bundle, err);
                if (r == -ENOENT)
                        continue;
                if (r < 0 && r != -EBADMSG)
                        return r;
                count = r == 0 ? count_beyond(edge, &bundle) : 0;
                if (edge->levels[0].width + count < width)
                        ++*cut;
                if (count <= most)
                        continue;
                most = count;
                buffer_clear(best);
                if (buffer_append(best, buffer_text(&bundle), bundle.length) < 0)
                        return error_memory(err);
        }
        if (err)
                *err = ERROR_NONE;
        *ret_count = most;
        return most ? 0 : -ENOENT;
}

int recover_replay(struct edge *edge, struct recovery *ret_recovery, struct error *err)
{
        _cleanup_(buffer_done) struct buffer bundle = BUFFER_INIT(BUNDLE_MAXIMUM);
        struct recovery recovery = { 0, 0 };
        unsigned int count = 0;
        int r;

        for (;;) {
                const char *cursor, *end, *entry;
                size_t length;

                r = find_best(edge, &bundle, &count, &recovery.cut, err);
                if (r < 0)
                        break;
                cursor = bundle.data + edge->bundle.length;
                end = bundle.data + bundle.length;
                for (unsigned int i = 0; i < count && r == 0; i++)
                        r = tile_next_entry(&cursor, end, &entry, &length)
                                    ? edge_append(edge, entry, length, "", "", 0, err)
                                    : -EBADMSG;
                if (r < 0)
                        return r;
                recovery.replayed += count;
                if (edge->levels[0].width) /* not full: nothing can follow */
                        break;
        }
        if (r < 0 && r != -ENOENT)
                return r;
        *ret_recovery = recovery;
        return 0;
}

/* Removes the files of a bundle that hold more than this many records; tells how many it were. */
static unsigned int remove_beyond(int folder, uint64_t index, unsigned int above)
{
        unsigned int removed = 0;
        bool there[TILE_WIDTH];
        char path[TILE_PATH_SIZE];

        list_partials(folder, index, above, there);
        for (unsigned int width = above + 1; width <= TILE_WIDTH; width++) {
                if (width < TILE_WIDTH && !there[width])
                        continue;
                tile_path(TILE_ENTRIES, index, width, path);
                removed += unlinkat(folder, path, 0) == 0;
        }
        return removed;
}

void recover_clean(const struct edge *edge)
{
        remove_beyond(edge->folder, edge->size / TILE_WIDTH, edge->levels[0].width);
}

void recover_discard(int folder, uint64_t size)
{
        uint64_t index = size / TILE_WIDTH;

        remove_beyond(folder, index, (unsigned int)(size % TILE_WIDTH));
        while (remove_beyond(folder, ++index, 0) > 0)
                ;
}
