/* files.c - tiles and bundles as they lie on the disk. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/i18n.h"
#include "base/io.h"
#include "journal/tile.h"

int files_read(int folder, const char *path, struct buffer *out, struct error *err)
{
        _cleanup_(fd_closep) int fd = open_beneath(folder, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, BENEATH_STRICT);
        struct stat st;
        int r;

        buffer_clear(out);
        if (fd < 0)
                return error_errno(err, -fd, _("cannot open %s of the journal"), path);
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return error_set(err, -EBADMSG, _("%s of the journal is not a file"), path);
        r = read_to_end(fd, out);
        if (r == -E2BIG)
                return error_set(err, -EBADMSG, _("%s of the journal is larger than it can be"), path);
        return r < 0 ? error_errno(err, -r, _("cannot read %s of the journal"), path) : 0;
}

/* The file that holds the first `width` parts of a tile: the partial one, or the full one when that is there already.
 */
static int read_either(int folder, int level, uint64_t index, unsigned int width, struct buffer *out, bool *ret_full,
                       struct error *err)
{
        char path[TILE_PATH_SIZE];
        int r;

        tile_path(level, index, width, path);
        r = files_read(folder, path, out, err);
        *ret_full = width == TILE_WIDTH;
        if (r != -ENOENT || *ret_full)
                return r;
        tile_path(level, index, TILE_WIDTH, path);
        *ret_full = true;
        if (err)
                *err = ERROR_NONE;
        return files_read(folder, path, out, err);
}

int files_read_tile(int folder, int level, uint64_t index, unsigned int width, struct digest *hashes, struct error *err)
{
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(TILE_SIZE);
        char path[TILE_PATH_SIZE];
        bool full = false;
        int r = read_either(folder, level, index, width, &bytes, &full, err);

        if (r < 0)
                return r;
        tile_path(level, index, full ? TILE_WIDTH : width, path);
        if (bytes.length != (full ? TILE_WIDTH : width) * (size_t)DIGEST_SIZE)
                return error_set(err, -EBADMSG, _("%s of the journal has %zu bytes, which no such tile has"), path,
                                 bytes.length);
        memcpy(hashes, bytes.data, width * (size_t)DIGEST_SIZE);
        return 0;
}

int files_read_bundle(int folder, uint64_t index, unsigned int width, struct buffer *bundle, struct error *err)
{
        char path[TILE_PATH_SIZE];
        bool full = false;
        size_t length = 0;
        int r = read_either(folder, TILE_ENTRIES, index, width, bundle, &full, err);

        if (r < 0)
                return r;
        tile_path(TILE_ENTRIES, index, full ? TILE_WIDTH : width, path);
        if (tile_whole_entries(buffer_text(bundle), bundle->length, width, &length) != width ||
            (length != bundle->length && !(full && width < TILE_WIDTH)))
                return error_set(err, -EBADMSG, _("%s of the journal does not hold %u whole records"), path, width);
        bundle->length = length;
        return 0;
}

int files_fold(struct hasher *hasher, const struct digest *hashes, unsigned int level, uint64_t index,
               struct digest *ret_hash, struct error *err)
{
        unsigned int inside = level % TILE_HEIGHT;
        struct digest work[TILE_WIDTH];
        size_t first = (size_t)((index << inside) % TILE_WIDTH);

        memcpy(work, hashes + first, sizeof(work[0]) << inside);
        return merkle_fold(hasher, work, inside, ret_hash, err);
}
