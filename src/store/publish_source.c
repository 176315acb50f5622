/* publish_source.c - a source folder becomes a manifest: what may be released is looked at, hashed and written down. */
#include "store/publish_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "manifest/inode.h"
#include "manifest/mtree.h"
#include "manifest/walk.h"

#define WRITE_SIZE     (256U << 10) /* bytes of manifest written at once */
#define PROGRESS_FILES 64

struct reading {
        const struct publish_source *source;
        int folder;              /* the source */
        struct statx root;       /* of it */
        struct statx repository; /* its folder: must not lie in the source */
        struct mtree_reader *previous;
        struct entry before; /* its next entry */
        bool before_left;
        size_t next_area; /* of the companion: not written yet */
        int manifest;
        struct buffer text; /* of the manifest, not written yet */
        struct hasher *manifest_hasher;
        struct release_root result;
};

static void reading_done(struct reading *reading)
{
        fd_close(&reading->folder);
        mtree_reader_free(reading->previous);
        buffer_done(&reading->text);
        hasher_free(reading->manifest_hasher);
}

static int changed(const struct reading *reading, const char *path, struct error *err)
{
        return error_set(err, -ESTALE,
                         _("%s in %s changed while it was read; run the same command again when nobody writes there"),
                         publish_shown(path), reading->source->root->source);
}

/* --- the manifest's text --- */

static int flush(struct reading *reading, struct error *err)
{
        int r = write_full(reading->manifest, buffer_text(&reading->text), reading->text.length);

        if (r < 0)
                return error_errno(err, -r, _("cannot write the new manifest"));
        if (hasher_add(reading->manifest_hasher, buffer_text(&reading->text), reading->text.length) < 0)
                return error_set(err, -EIO, _("cannot hash the new manifest: OpenSSL failed"));
        reading->result.manifest_size += reading->text.length;
        buffer_clear(&reading->text);
        return 0;
}

static int write_entry(struct reading *reading, const struct entry *entry, struct error *err)
{
        struct error reason = ERROR_NONE;
        int r = path_check(entry->path, entry->path_length, &reason);

        if (r < 0)
                return error_refuse(err, _("%.200s in %s cannot be part of a release: %s"), entry->path,
                                    reading->source->root->source, reason.text);
        r = mtree_write_entry(&reading->text, entry);
        if (r < 0)
                return error_memory(err);
        return reading->text.length >= WRITE_SIZE ? flush(reading, err) : 0;
}

/* --- what the release before said --- */

static int next_before(struct reading *reading, struct error *err)
{
        int r = mtree_reader_next(reading->previous, &reading->before, err);

        reading->before_left = r > 0;
        return r < 0 ? r : 0;
}

/* The file that was at this path; NULL when there was none. */
static int find_before(struct reading *reading, const char *path, size_t length, const struct entry **ret_before,
                       struct error *err)
{
        int order = 1, r = 0;

        while (r == 0 && reading->before_left) {
                order = path_compare(reading->before.path, reading->before.path_length, path, length);
                if (order >= 0)
                        break;
                r = next_before(reading, err);
        }
        *ret_before =
                reading->before_left && order == 0 && reading->before.type == ENTRY_FILE ? &reading->before : NULL;
        return r;
}

/* Reads the rest: only the whole manifest can be compared with what was signed. */
static int finish_before(struct reading *reading, struct error *err)
{
        struct digest digest = { { 0 } };
        int r = 0;

        while (r == 0 && reading->before_left)
                r = next_before(reading, err);
        if (r == 0 && reading->previous)
                r = mtree_reader_digest(reading->previous, &digest, err);
        if (r == 0 && reading->previous && !digest_equal(&digest, &reading->source->previous_digest))
                r = error_set(err, -EBADMSG,
                              _("the manifest of the release before is not the one that was signed; "
                                "bring the repository back from a copy"));
        return r;
}

/* --- one entry --- */

static void set_owner(const struct reading *reading, const struct statx *stx, struct entry *entry)
{
        const struct publish_options *options = reading->source->options;

        entry->uid = options->uid >= 0 ? (uint32_t)options->uid : stx->stx_uid;
        entry->gid = options->gid >= 0 ? (uint32_t)options->gid : stx->stx_gid;
}

/* --- folders, links, files --- */

static int read_folder(struct reading *reading, struct walk *walk, const struct walk_item *item, struct error *err)
{
        struct entry entry = { .type = ENTRY_DIRECTORY, .path = item->path, .path_length = item->path_length };
        struct statx stx = item->stx;
        int r;

        entry.mode = stx.stx_mode & 07777U;
        set_owner(reading, &stx, &entry);
        r = write_entry(reading, &entry, err);
        if (r < 0)
                return r;
        r = walk_enter(walk);
        if (r == -ESTALE || r == -ENOENT)
                return changed(reading, item->path, err);
        if (r == -ENAMETOOLONG)
                return error_refuse(err, _("what lies in %.200s in %s is too deep to be part of a release"), item->path,
                                    reading->source->root->source);
        if (r < 0)
                return error_errno(err, -r, _("cannot read the folder %s in %s"), publish_shown(item->path),
                                   reading->source->root->source);
        return publish_attributes(reading->source, walk_entered(walk), false, item->path, err);
}

static int read_link(struct reading *reading, const struct walk_item *item, struct error *err)
{
        const struct area *area = companion_area(reading->source->companion, item->path);
        struct entry entry = { .type = ENTRY_LINK, .mode = 0777, .path = item->path, .path_length = item->path_length };
        char target[ENTRY_LINK_MAXIMUM + 2];
        _cleanup_(fd_closep) int fd = -1;
        ssize_t n;
        int r;

        fd = fault_point(FAULT_OPEN)
                     ? -1
                     : openat(walk_folder_fd(item->folder), item->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        n = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target) - 1);
        if (n < 0)
                return error_errno(err, errno, _("cannot read the symbolic link %s in %s"), item->path,
                                   reading->source->root->source);
        target[n] = '\0';
        if (n > ENTRY_LINK_MAXIMUM)
                return error_refuse(err, _("the symbolic link %s has a target that is too long"), item->path);
        if (area && strcmp(area->target, target) != 0)
                return error_refuse(err,
                                    _("%s is declared as mutable with the target %s, but in %s it points to %s; make "
                                      "them equal"),
                                    item->path, area->target, reading->source->root->source, target);
        if (!area && link_leaves_tree(item->path, item->path_length, target, (size_t)n) &&
            !companion_link(reading->source->companion, item->path))
                return publish_refuse_link(reading->source, item->path, target, err);
        entry.target = target;
        entry.target_length = (size_t)n;
        set_owner(reading, &item->stx, &entry);
        r = publish_attributes(reading->source, fd, true, item->path, err);
        return r < 0 ? r : write_entry(reading, &entry, err);
}

static int open_file(struct reading *reading, const struct walk_item *item, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        struct statx stx;
        int r;

        fd = fault_point(FAULT_OPEN) ? -1
                                     : openat(walk_folder_fd(item->folder), item->name,
                                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 && (errno == ENOENT || errno == ELOOP))
                return changed(reading, item->path, err);
        if (fd < 0)
                return error_errno(err, errno, _("cannot read %s in %s"), item->path, reading->source->root->source);
        r = inode_stat(fd, &stx);
        if (r < 0)
                return error_errno(err, -r, _("cannot read %s in %s"), item->path, reading->source->root->source);
        return inode_same(&stx, &item->stx) ? fd_steal(&fd) : changed(reading, item->path, err);
}

/* The signed time: that of the release before when the content is the same, otherwise later than it. */
static int64_t signed_time(const struct reading *reading, const struct entry *before, const struct digest *digest)
{
        int64_t created = reading->source->created;

        if (before && digest_equal(&before->digest, digest))
                return before->time;
        return before && before->time >= created ? before->time + 1 : created;
}

static int read_file(struct reading *reading, const struct walk_item *item, struct error *err)
{
        const struct publish_source *source = reading->source;
        struct entry entry = { .type = ENTRY_FILE, .path = item->path, .path_length = item->path_length };
        _cleanup_(fd_closep) int fd = open_file(reading, item, err);
        const struct entry *before = NULL;
        struct statx stx;
        uint64_t size;
        bool same;
        int r;

        if (fd < 0)
                return fd;
        r = digest_of_fd(fd, ENTRY_SIZE_MAXIMUM, &entry.digest, &size, err);
        if (r < 0)
                return error_prefix(err, _("cannot read %s in %s"), item->path, source->root->source);
        r = find_before(reading, item->path, item->path_length, &before, err);
        if (r == 0)
                r = publish_attributes(reading->source, fd, false, item->path, err);
        if (r < 0)
                return r;
        same = before && digest_equal(&before->digest, &entry.digest);
        r = publish_objects_add(source->objects, &entry.digest, size, fd, item->path,
                                before && !same ? &before->digest : NULL, err);
        if (r == 0)
                r = inode_stat(fd, &stx);
        if (r == 0 && (!inode_same(&stx, &item->stx) || size != item->stx.stx_size))
                return changed(reading, item->path, err);
        if (r < 0)
                return err && err->text[0] ? r : error_errno(err, -r, _("cannot read %s"), item->path);
        entry.mode = item->stx.stx_mode & 07777U;
        entry.size = (int64_t)size;
        entry.time = signed_time(reading, before, &entry.digest);
        set_owner(reading, &item->stx, &entry);
        reading->result.files++;
        reading->result.bytes += size;
        if (++*source->done % PROGRESS_FILES == 0 && source->options->progress)
                source->options->progress(source->options->context, _("reading files"), *source->done, 0);
        return write_entry(reading, &entry, err);
}

/* --- mutable areas --- */

/* The link to a mutable area, in place of what the source has there, if it has anything. */
static int write_area(struct reading *reading, const struct area *area, struct error *err)
{
        struct entry entry = { .type = ENTRY_LINK,
                               .mode = 0777,
                               .path = area->path,
                               .path_length = strlen(area->path),
                               .target = area->target,
                               .target_length = strlen(area->target) };
        const char *slash = strrchr(area->path, '/');
        _cleanup_(memory_freep) char *parent = NULL;
        _cleanup_(fd_closep) int fd = -1;

        if (slash) {
                parent = memory_copy(area->path, (size_t)(slash - area->path));
                if (!parent)
                        return error_memory(err);
                fd = open_beneath(reading->folder, parent, O_PATH | O_DIRECTORY, 0, BENEATH_STRICT);
                if (fd < 0)
                        return error_refuse(err,
                                            _("%s is declared as mutable, but %s has no folder %s; make it, or say "
                                              "--forget-declared and declare anew"),
                                            area->path, reading->source->root->source, parent);
        }
        if (companion_ignored(reading->source->companion, area->path))
                return error_refuse(err, _("%s cannot be both mutable and ignored (or lie in what is ignored)"),
                                    area->path);
        set_owner(reading, &reading->root, &entry);
        return write_entry(reading, &entry, err);
}

/* Writes the links of the areas that come before `path` and that the source does not have. NULL: of all that are left.
 */
static int write_areas_before(struct reading *reading, const char *path, size_t length, struct error *err)
{
        const struct companion *companion = reading->source->companion;
        int r = 0;

        while (r == 0 && reading->next_area < companion->area_count) {
                const struct area *area = &companion->areas[reading->next_area];
                int order = path ? path_compare(area->path, strlen(area->path), path, length) : -1;

                if (order > 0)
                        break;
                if (order < 0)
                        r = write_area(reading, area, err);
                reading->next_area++; /* an equal one: the caller writes it */
        }
        return r;
}

/* --- the walk --- */

static int read_item(struct reading *reading, struct walk *walk, const struct walk_item *item, struct error *err)
{
        const struct area *area;
        int r;

        if (item->error == -ENOENT)
                return changed(reading, item->path, err);
        if (item->error < 0)
                return error_errno(err, -item->error, _("cannot look at %s in %s"), publish_shown(item->path),
                                   reading->source->root->source);
        r = write_areas_before(reading, item->path, item->path_length, err);
        if (r < 0 || companion_ignored(reading->source->companion, item->path))
                return r;
        area = companion_area(reading->source->companion, item->path);
        if (area && S_ISDIR(item->stx.stx_mode))
                return write_area(reading, area, err);
        if (area && !S_ISLNK(item->stx.stx_mode))
                return error_refuse(err, _("%s is declared as mutable, but in %s it is neither a folder nor a link"),
                                    item->path, reading->source->root->source);
        r = publish_refuse(reading->source, item, &reading->repository, err);
        if (r < 0)
                return r;
        publish_note(reading->source->oddities, item);
        if (S_ISDIR(item->stx.stx_mode))
                return read_folder(reading, walk, item, err);
        return S_ISLNK(item->stx.stx_mode) ? read_link(reading, item, err) : read_file(reading, item, err);
}

static int walk_and_read(struct reading *reading, struct error *err)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;
        int r = walk_new(reading->folder, 0, &walk, err);

        while (r == 0 && walk_next(walk, &item))
                r = read_item(reading, walk, item, err);
        return r < 0 ? r : write_areas_before(reading, NULL, 0, err);
}

/* --- the whole --- */

static int read_one_state(struct reading *reading, struct error *err)
{
        struct digest first, last;
        int r = publish_fingerprint(reading->folder, reading->source->companion, &first, err);

        if (r == 0)
                r = walk_and_read(reading, err);
        if (r == 0)
                r = publish_fingerprint(reading->folder, reading->source->companion, &last, err);
        if (r == 0 && !digest_equal(&first, &last))
                r = error_set(err, -ESTALE,
                              _("something in %s changed while it was read; run the same command again when nobody "
                                "writes there"),
                              reading->source->root->source);
        return r;
}

static int begin(struct reading *reading, struct error *err)
{
        const struct publish_source *source = reading->source;
        int r;

        reading->folder = fault_point(FAULT_OPEN) ? -1 : open(source->root->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (reading->folder < 0)
                return error_errno(err, errno, _("cannot open the folder %s to publish it"), source->root->source);
        r = inode_stat(reading->folder, &reading->root);
        if (r == 0)
                r = inode_stat(source->place->repository.fd, &reading->repository);
        if (r < 0)
                return error_errno(err, -r, _("cannot look at %s"), source->root->source);
        r = hasher_new(&reading->manifest_hasher, err);
        if (r == 0 && hasher_begin(reading->manifest_hasher) < 0)
                r = error_set(err, -EIO, _("cannot hash the new manifest: OpenSSL failed"));
        if (r == 0 && mtree_write_head(&reading->text) < 0)
                r = error_memory(err);
        if (r == 0 && source->previous_manifest >= 0)
                r = mtree_reader_new_fd(source->previous_manifest, _("the manifest of the release before"),
                                        &reading->previous, err);
        return r == 0 && reading->previous ? next_before(reading, err) : r;
}

int publish_source_read(const struct publish_source *source, int manifest, struct release_root *ret_root,
                        struct error *err)
{
        _cleanup_(reading_done) struct reading reading = {
                .source = source, .folder = -1, .manifest = manifest, .text = BUFFER_INIT(2 * WRITE_SIZE)
        };
        int r = begin(&reading, err);

        if (r == 0)
                r = read_one_state(&reading, err);
        if (r == 0)
                r = finish_before(&reading, err);
        if (r == 0)
                r = flush(&reading, err);
        if (r < 0)
                return r;
        r = fd_sync(manifest);
        if (r < 0)
                return error_errno(err, -r, _("cannot write the new manifest to the disk"));
        if (hasher_end(reading.manifest_hasher, &reading.result.manifest_digest) < 0)
                return error_set(err, -EIO, _("cannot hash the new manifest: OpenSSL failed"));
        snprintf(reading.result.name, sizeof(reading.result.name), "%s", source->root->name);
        *ret_root = reading.result;
        return 0;
}
