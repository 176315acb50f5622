/* edge.c - the right edge of a log: entries in, tiles and bundles out. */
#include "edge.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"

int edge_init(struct edge *edge, int folder, struct error *err)
{
        memset(edge, 0, sizeof(*edge));
        edge->folder = folder;
        edge->bundle.maximum = BUNDLE_MAXIMUM;
        return hasher_new(&edge->hasher, err);
}

static void drop_files(struct edge *edge)
{
        while (edge->file_count > 0)
                fd_close(&edge->files[--edge->file_count]);
        edge->folder_count = 0;
}

void edge_done(struct edge *edge)
{
        drop_files(edge);
        buffer_done(&edge->bundle);
        hasher_freep(&edge->hasher);
        edge->hasher = NULL;
}

/* ---- the root ---- */

/* Every complete subtree that makes up the root lies in the unfinished tile of its level: they are the bits of size. */
static int edge_node(void *context, unsigned int level, uint64_t index, struct digest *ret_hash, struct error *err)
{
        struct edge *edge = context;

        return files_fold(edge->hasher, edge->levels[level / TILE_HEIGHT].hashes, level, index, ret_hash, err);
}

static int edge_root(struct edge *edge, struct digest *ret_root, struct error *err)
{
        struct merkle_source source = { edge->hasher, edge_node, edge };

        return merkle_root(&source, edge->size, ret_root, err);
}

/* ---- loading ---- */

static int check_bundle(struct edge *edge, struct error *err)
{
        const char *cursor = buffer_text(&edge->bundle), *end = cursor + edge->bundle.length, *entry;
        uint64_t first = edge->size / TILE_WIDTH * TILE_WIDTH;
        size_t length;

        for (unsigned int i = 0; tile_next_entry(&cursor, end, &entry, &length); i++) {
                struct digest leaf;
                int r = merkle_leaf(edge->hasher, entry, length, &leaf, err);

                if (r < 0)
                        return r;
                if (!digest_equal(&leaf, &edge->levels[0].hashes[i]))
                        return error_set(err, -EBADMSG, _("record %" PRIu64 " of the journal is not what was signed"),
                                         first + i);
        }
        return 0;
}

int edge_load(struct edge *edge, const struct checkpoint *checkpoint, struct error *err)
{
        struct digest root;
        int r = 0;

        drop_files(edge);
        buffer_clear(&edge->bundle);
        memset(edge->levels, 0, sizeof(edge->levels));
        edge->size = checkpoint->size;
        for (int level = 0; level < TILE_LEVELS && r == 0; level++) {
                uint64_t hashes = edge->size >> (TILE_HEIGHT * level);

                edge->levels[level].width = (unsigned int)(hashes % TILE_WIDTH);
                if (edge->levels[level].width)
                        r = files_read_tile(edge->folder, level, hashes / TILE_WIDTH, edge->levels[level].width,
                                            edge->levels[level].hashes, err);
        }
        if (r == 0 && edge->levels[0].width)
                r = files_read_bundle(edge->folder, edge->size / TILE_WIDTH, edge->levels[0].width, &edge->bundle, err);
        if (r == 0)
                r = check_bundle(edge, err);
        if (r == 0)
                r = edge_root(edge, &root, err);
        if (r == 0 && !digest_equal(&root, &checkpoint->root))
                r = error_set(err, -EBADMSG,
                              _("the journal's tiles do not have the root hash of its checkpoint; 'understudy journal "
                                "verify' tells more"));
        return r == -ENOENT ? -EBADMSG : r; /* the words name the file that is gone */
}

/* ---- writing ---- */

/*
 * What all files have is on the disk before the first fsync: that one then takes the inodes of all of them along (in ext4 by
 * one commit), and those behind it find little left to do.
 */
static int sync_files(struct edge *edge, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < edge->file_count; i++)
                (void)sync_file_range(edge->files[i], 0, 0,
                                      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
        while (edge->file_count > 0) {
                int *fd = &edge->files[--edge->file_count];

                if (r == 0)
                        r = fd_sync(*fd);
                fd_close(fd);
        }
        return r < 0 ? error_errno(err, -r, _("cannot make sure that the journal survives a crash")) : 0;
}

static int sync_folders(struct edge *edge, struct error *err)
{
        for (size_t i = 0; i < edge->folder_count; i++) {
                _cleanup_(fd_closep) int fd =
                        open_beneath(edge->folder, edge->folders[i], O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
                int r = fd < 0 ? fd : fd_sync(fd);

                if (r < 0)
                        return error_errno(err, -r, _("cannot make sure that the journal survives a crash"));
        }
        edge->folder_count = 0;
        return 0;
}

/* Remembers that a name in this folder is new. */
static int touch_folder(struct edge *edge, const char *path, size_t length, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < edge->folder_count; i++)
                if (strlen(edge->folders[i]) == length && memcmp(edge->folders[i], path, length) == 0)
                        return 0;
        if (edge->folder_count == EDGE_FOLDERS) {
                r = sync_files(edge, err);
                if (r == 0)
                        r = sync_folders(edge, err);
        }
        if (r == 0)
                snprintf(edge->folders[edge->folder_count++], TILE_PATH_SIZE, "%.*s", (int)length, path);
        return r;
}

/* The folders above a file; a new one makes its parent's name list new, too. */
static int make_folders(struct edge *edge, const char *path, struct error *err)
{
        char prefix[TILE_PATH_SIZE];

        snprintf(prefix, sizeof(prefix), "%s", path);
        for (char *slash = strchr(prefix, '/'), *above = NULL; slash; above = slash, slash = strchr(slash + 1, '/')) {
                int made;

                *slash = '\0';
                made = fault_point(FAULT_WRITE) ? -1 : mkdirat(edge->folder, prefix, 0755);
                if (made < 0 && errno != EEXIST)
                        return error_errno(err, errno, _("cannot make the folder %s of the journal"), prefix);
                if (made == 0) {
                        int r = above ? touch_folder(edge, prefix, (size_t)(above - prefix), err)
                                      : touch_folder(edge, ".", 1, err);

                        if (r < 0)
                                return r;
                }
                *slash = '/';
        }
        return 0;
}

static int write_file(struct edge *edge, int level, uint64_t index, unsigned int width, const void *bytes,
                      size_t length, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        char path[TILE_PATH_SIZE];
        int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, r;

        tile_path(level, index, width, path);
        fd = open_beneath(edge->folder, path, flags, 0644, BENEATH_STRICT);
        if (fd == -ENOENT) {
                r = make_folders(edge, path, err);
                if (r < 0)
                        return r;
                fd = open_beneath(edge->folder, path, flags, 0644, BENEATH_STRICT);
        }
        if (fd < 0)
                return error_errno(err, -fd, _("cannot write %s of the journal"), path);
        r = write_full(fd, bytes, length);
        if (r < 0)
                return error_errno(err, -r, _("cannot write %s of the journal"), path);
        r = touch_folder(edge, path, (size_t)(strrchr(path, '/') - path), err);
        if (r == 0 && edge->file_count == EDGE_FILES)
                r = sync_files(edge, err);
        if (r < 0)
                return r;
        /* The disk may begin at once; the fsync at the end then has little left to wait for. */
        (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
        edge->files[edge->file_count++] = fd_steal(&fd);
        return 0;
}

/* A tile that is full goes to the disk, and its root into the level above. */
static int push_hash(struct edge *edge, const struct digest *leaf, struct error *err)
{
        struct digest hash = *leaf;

        for (int i = 0; i < TILE_LEVELS; i++) {
                struct edge_level *level = &edge->levels[i];
                uint64_t index = (edge->size >> (TILE_HEIGHT * i)) / TILE_WIDTH;
                int r;

                level->hashes[level->width++] = hash;
                level->changed = true;
                if (level->width < TILE_WIDTH)
                        break;
                r = write_file(edge, i, index, TILE_WIDTH, level->hashes, sizeof(level->hashes), err);
                if (r == 0)
                        r = merkle_fold(edge->hasher, level->hashes, TILE_HEIGHT, &hash, err);
                if (r < 0)
                        return r;
                if (!level->filled)
                        level->first_full = index;
                level->filled = true;
                level->width = 0;
                level->changed = false;
        }
        return 0;
}

int edge_append(struct edge *edge, const char *head, size_t head_length, const char *digits, const char *tail,
                size_t tail_length, struct error *err)
{
        size_t digits_length = strlen(digits), length = head_length + digits_length + tail_length;
        struct digest leaf;
        int r;

        if (length > TILE_ENTRY_MAXIMUM)
                return error_set(err, -E2BIG, _("a record is too large for the journal"));
        if (buffer_append_byte(&edge->bundle, (char)(length >> 8)) < 0 ||
            buffer_append_byte(&edge->bundle, (char)(length & 0xff)) < 0 ||
            buffer_append(&edge->bundle, head, head_length) < 0 ||
            buffer_append(&edge->bundle, digits, digits_length) < 0 ||
            buffer_append(&edge->bundle, tail, tail_length) < 0)
                return error_memory(err);
        r = merkle_leaf(edge->hasher, edge->bundle.data + edge->bundle.length - length, length, &leaf, err);
        if (r == 0 && edge->size % TILE_WIDTH == TILE_WIDTH - 1) {
                r = write_file(edge, TILE_ENTRIES, edge->size / TILE_WIDTH, TILE_WIDTH, edge->bundle.data,
                               edge->bundle.length, err);
                buffer_clear(&edge->bundle);
        }
        if (r == 0)
                r = push_hash(edge, &leaf, err);
        if (r == 0)
                edge->size++;
        return r;
}

int edge_finish(struct edge *edge, struct digest *ret_root, struct error *err)
{
        int r = 0;

        if (edge->levels[0].changed)
                r = write_file(edge, TILE_ENTRIES, edge->size / TILE_WIDTH, edge->levels[0].width, edge->bundle.data,
                               edge->bundle.length, err);
        for (int i = 0; i < TILE_LEVELS && r == 0; i++) {
                struct edge_level *level = &edge->levels[i];

                if (level->changed)
                        r = write_file(edge, i, (edge->size >> (TILE_HEIGHT * i)) / TILE_WIDTH, level->width,
                                       level->hashes, level->width * sizeof(level->hashes[0]), err);
                level->changed = false;
        }
        if (r == 0)
                r = sync_files(edge, err);
        if (r == 0)
                r = sync_folders(edge, err);
        return r < 0 ? r : edge_root(edge, ret_root, err);
}

void edge_filled(struct edge *edge, struct prune *prune)
{
        /* Of the tiles that became full in one step only the first can have had partial ones. */
        for (int i = 0; i < TILE_LEVELS; i++) {
                if (!edge->levels[i].filled)
                        continue;
                if (i == 0)
                        prune_add(prune, TILE_ENTRIES, edge->levels[i].first_full);
                prune_add(prune, i, edge->levels[i].first_full);
                edge->levels[i].filled = false;
        }
}
