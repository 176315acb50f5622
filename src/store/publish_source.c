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
#include "base/text.h"
#include "manifest/inode.h"
#include "manifest/mtree.h"
#include "manifest/walk.h"

#define OWN_NAMES      ".understudy."     /* parked and staged trees: never part of a release */
#define MACHINE_LABEL  "security.selinux" /* the machine's policy gives it to every file: no intention */
#define WRITE_SIZE     (256U << 10)       /* bytes of manifest written at once */
#define PROGRESS_FILES 64

struct reading {
        const struct publish_source *source;
        int folder;        /* the source */
        struct statx root; /* of it */
        struct statx own;  /* of the repository: must not lie in the source */
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

/* A path for words: escaped by the error functions; "the folder itself" for the root. */
static const char *shown(const char *path)
{
        return path[0] ? path : ".";
}

static int changed(const struct reading *reading, const char *path, struct error *err)
{
        return error_set(err, -ESTALE, _("%s in %s changed while it was read; run again when nobody is writing to it"),
                         shown(path), reading->source->root->source);
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
        int r = path_check(entry->path, entry->path_length, err);

        if (r < 0)
                return r;
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
        struct digest digest;
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

static bool is_suspicious(const char *name)
{
        static const char *const names[] = { ".git", ".svn", ".hg", ".bzr", ".env", ".htpasswd", "id_rsa", ".my.cnf" };
        static const char *const endings[] = { "~",     ".swp", ".swo",    ".bak",     ".old",
                                               ".orig", ".sql", ".sql.gz", ".sql.zst", ".sql.xz" };

        for (size_t i = 0; i < LENGTH(names); i++)
                if (text_equal(name, names[i]))
                        return true;
        for (size_t i = 0; i < LENGTH(endings); i++)
                if (text_ends(name, endings[i]))
                        return true;
        return text_starts(name, ".env.");
}

static void count_oddity(uint64_t *count, char first[static 256], const char *path)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4 * ENTRY_PATH_MAXIMUM);

        if ((*count)++ == 0 && text_escape(&text, path, strlen(path)) == 0)
                snprintf(first, 256, "%s", buffer_text(&text));
}

static void note_oddities(struct reading *reading, const struct walk_item *item)
{
        struct publish_oddities *oddities = reading->source->oddities;

        if (item->path_length > 0 && is_suspicious(item->name))
                count_oddity(&oddities->suspicious, oddities->first_suspicious, item->path);
        if (!S_ISLNK(item->stx.stx_mode) && (item->stx.stx_mode & S_IWOTH))
                count_oddity(&oddities->writable, oddities->first_writable, shown(item->path));
}

/* --- attributes --- */

/* Takes out what is the machine's and not the site's. */
static void drop_machine_label(struct attributes *attributes)
{
        for (size_t i = 0; i < attributes->xattr_count; i++) {
                if (!text_equal(attributes->xattrs[i].name, MACHINE_LABEL))
                        continue;
                free(attributes->xattrs[i].name);
                free(attributes->xattrs[i].value);
                attributes->xattr_count--;
                memmove(&attributes->xattrs[i], &attributes->xattrs[i + 1],
                        (attributes->xattr_count - i) * sizeof(*attributes->xattrs));
                return;
        }
}

static int refuse_attributes(const struct attributes *attributes, const char *path, struct error *err)
{
        _cleanup_(buffer_done) struct buffer words = BUFFER_INIT(600);

        (void)inode_attributes_describe(attributes, &words); /* cut when it is long */
        if (attributes->flags & COMPANION_FLAGS)
                return error_refuse(
                        err,
                        _("%s has a flag (immutable or append-only); take it away with chattr -i -a, or say "
                          "--allow-attributes to release it so"),
                        shown(path));
        return error_refuse(err,
                            _("%s has extended attributes (%s); take them away with setfattr -x or setfacl -b, or say "
                              "--allow-attributes to release them"),
                            shown(path), buffer_text(&words));
}

/* Looks for ACLs, capabilities and the like on an open file, folder or link (O_PATH). */
static int read_attributes(struct reading *reading, int fd, bool is_link, const char *path, struct error *err)
{
        _cleanup_(attributes_done) struct attributes attributes = { .path = NULL };
        int r = is_link ? inode_link_attributes(fd, &attributes, err) : inode_attributes(fd, &attributes, err);

        if (r < 0)
                return error_prefix(err, "%s", shown(path));
        drop_machine_label(&attributes);
        attributes.flags &= COMPANION_FLAGS;
        if (attributes.xattr_count == 0 && attributes.flags == 0)
                return 0;
        if (!reading->source->options->allow_attributes)
                return refuse_attributes(&attributes, path, err);
        attributes.path = memory_string(path);
        if (!attributes.path)
                return error_memory(err);
        r = companion_add_attributes(reading->source->companion, &attributes, err);
        if (r == 0)
                attributes = (struct attributes){ .path = NULL };
        return r;
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
        if (r < 0)
                return error_errno(err, -r, _("cannot read the folder %s in %s"), shown(item->path),
                                   reading->source->root->source);
        return read_attributes(reading, walk_entered(walk), false, item->path, err);
}

static int refuse_link(const struct reading *reading, const char *path, const char *target, struct error *err)
{
        return error_refuse(err,
                            _("the symbolic link %s in %s leaves the tree (it points to %s); if the application writes "
                              "there say --mutable '%s=%s', if it is meant to be a link say --outside-link '%s'"),
                            path, reading->source->root->source, target, path, target, path);
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
                return refuse_link(reading, item->path, target, err);
        entry.target = target;
        entry.target_length = (size_t)n;
        set_owner(reading, &item->stx, &entry);
        r = read_attributes(reading, fd, true, item->path, err);
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
                r = read_attributes(reading, fd, false, item->path, err);
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

static bool is_passed_over(const struct reading *reading, const struct walk_item *item)
{
        const struct companion *companion = reading->source->companion;

        return companion_ignored(companion, item->path) ||
               (S_ISDIR(item->stx.stx_mode) && companion_area(companion, item->path));
}

static bool same_inode(const struct statx *a, const struct statx *b)
{
        return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

/* What no release may have, whatever was declared. */
static int refuse_item(const struct reading *reading, const struct walk_item *item, struct error *err)
{
        const char *source = reading->source->root->source;
        uint16_t mode = item->stx.stx_mode;

        if (item->path_length > 0 && text_starts(item->name, OWN_NAMES))
                return error_refuse(err, _("%s in %s has a name that Understudy keeps for itself; move it away"),
                                    item->path, source);
        if (item->mount && item->path_length > 0)
                return error_refuse(err,
                                    _("something is mounted at %s in %s; unmount it, or publish a folder that holds "
                                      "its files itself"),
                                    item->path, source);
        if (S_ISDIR(mode) && same_inode(&item->stx, &reading->own))
                return error_refuse(
                        err, _("the repository lies inside %s; put it elsewhere, or it would publish itself"), source);
        if (!S_ISDIR(mode) && !S_ISREG(mode) && !S_ISLNK(mode))
                return error_refuse(err,
                                    _("%s in %s is a %s; a release holds only files, folders and symbolic links: move "
                                      "it away or say --ignore '%s'"),
                                    item->path, source, inode_type_name(mode), item->path);
        if (S_ISREG(mode) && (mode & (S_ISUID | S_ISGID)) && !reading->source->options->allow_setuid)
                return error_refuse(err,
                                    _("%s in %s is setuid or setgid (mode 0%o); take that away with chmod ug-s, or say "
                                      "--allow-setuid"),
                                    item->path, source, (unsigned int)(mode & 07777U));
        return 0;
}

static int read_item(struct reading *reading, struct walk *walk, const struct walk_item *item, struct error *err)
{
        const struct area *area;
        int r;

        if (item->error == -ENOENT)
                return changed(reading, item->path, err);
        if (item->error < 0)
                return error_errno(err, -item->error, _("cannot look at %s in %s"), shown(item->path),
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
        r = refuse_item(reading, item, err);
        if (r < 0)
                return r;
        note_oddities(reading, item);
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

/* --- was it one state? --- */

static int add_item(struct hasher *hasher, const struct walk_item *item)
{
        const struct statx *stx = &item->stx;
        const uint64_t numbers[] = { stx->stx_ino,
                                     (uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor,
                                     (uint64_t)stx->stx_mode << 32 | stx->stx_nlink,
                                     (uint64_t)stx->stx_uid << 32 | stx->stx_gid,
                                     stx->stx_size,
                                     (uint64_t)stx->stx_ctime.tv_sec,
                                     stx->stx_ctime.tv_nsec,
                                     item->path_length };
        int r = hasher_add(hasher, numbers, sizeof(numbers));

        return r < 0 ? r : hasher_add(hasher, item->path, item->path_length);
}

/*
 * A hash over every name and its metadata. Taken before and after the reading: when both are equal, what was read was
 * one state of the source and not half of a deployment.
 */
static int take_fingerprint(struct reading *reading, struct digest *ret_digest, struct error *err)
{
        _cleanup_(hasher_freep) struct hasher *hasher = NULL;
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;
        int r = hasher_new(&hasher, err);

        if (r == 0)
                r = walk_new(reading->folder, 0, &walk, err);
        if (r < 0)
                return r;
        r = hasher_begin(hasher);
        while (r == 0 && walk_next(walk, &item)) {
                if (item->error < 0 || is_passed_over(reading, item))
                        continue; /* what cannot be looked at is told by the reading */
                r = add_item(hasher, item);
                if (S_ISDIR(item->stx.stx_mode) && (!item->mount || item->path_length == 0))
                        (void)walk_enter(walk);
        }
        if (r == 0)
                r = hasher_end(hasher, ret_digest);
        return r < 0 ? error_set(err, r, _("cannot hash the names of %s: OpenSSL failed"),
                                 reading->source->root->source)
                     : 0;
}

static int read_one_state(struct reading *reading, struct error *err)
{
        struct digest first, last;
        int r = take_fingerprint(reading, &first, err);

        if (r == 0)
                r = walk_and_read(reading, err);
        if (r == 0)
                r = take_fingerprint(reading, &last, err);
        if (r == 0 && !digest_equal(&first, &last))
                r = error_set(err, -ESTALE,
                              _("something in %s changed while it was read; run again when nobody is writing to it"),
                              reading->source->root->source);
        return r;
}

/* --- the whole --- */

static int begin(struct reading *reading, struct error *err)
{
        const struct publish_source *source = reading->source;
        int r;

        reading->folder = fault_point(FAULT_OPEN) ? -1 : open(source->root->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (reading->folder < 0)
                return error_errno(err, errno, _("cannot open the folder %s to publish it"), source->root->source);
        r = inode_stat(reading->folder, &reading->root);
        if (r == 0)
                r = inode_stat(source->place->repository.fd, &reading->own);
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
