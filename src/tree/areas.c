/* areas.c - what the site itself writes: ignored paths are carried over, mutable areas beside the tree are made. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/mtree.h"
#include "manifest/policy.h"
#include "manifest/walk.h"
#include "tree/pull_run.h"

#define AREA_MODE 0755

/* ---- copying what the rules allow ---- */

/* One subtree on its way from the live tree (an intruder's, perhaps) to a place of ours. */
struct carry {
        int to; /* folder in which the copies are made */
        unsigned int allow;
        const char *label; /* for words */
};

/*
 * The folder in which `path` is to be made, below one of ours, and the name there. What is below may hold links (the
 * release's own), and an area belongs to the application, which may put one there at any moment: none is followed.
 */
static int open_folder_of(int below, const char *path, const char **ret_name)
{
        const char *slash = strrchr(path, '/');
        _cleanup_(memory_freep) char *folder = slash ? memory_copy(path, (size_t)(slash - path)) : memory_string(".");

        if (!folder)
                return -ENOMEM;
        *ret_name = slash ? slash + 1 : path;
        return open_beneath(below, folder, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
}

static int give(int fd, const struct statx *stx)
{
        const struct timespec times[2] = {
                {stx->stx_atime.tv_sec,  stx->stx_atime.tv_nsec},
                { stx->stx_mtime.tv_sec, stx->stx_mtime.tv_nsec}
        };

        if (fchown(fd, stx->stx_uid, stx->stx_gid) < 0 && geteuid() == 0)
                return -errno;
        return fchmod(fd, stx->stx_mode & 0777) < 0 || futimens(fd, times) < 0 ? -errno : 0;
}

/* Bytes [from, end) of what was seen: somebody may be writing. */
static int copy_range(int from, int to, off_t at, off_t end)
{
        char bytes[65536];

        while (at < end) {
                size_t want = end - at < (off_t)sizeof(bytes) ? (size_t)(end - at) : sizeof(bytes);
                ssize_t n = pread(from, bytes, want, at);
                int r;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return 0;
                r = write_full(to, bytes, (size_t)n);
                if (r < 0)
                        return r;
                at += n;
        }
        return 0;
}

/* Shares the blocks, or copies them and leaves the holes: whoever may write here can make a file of many terabytes that
 * occupies nothing, and would fill the disk with its zeros, pull after pull. */
static int copy_bytes(int from, int to, off_t size)
{
        off_t data = 0, hole;
        int r = 0;

        if (size == 0 || ioctl(to, FICLONE, from) == 0)
                return 0;
        while (r == 0 && data < size) {
                data = lseek(from, data, SEEK_DATA);
                if (data < 0 && errno == ENXIO)
                        break; /* a hole up to the end */
                if (data < 0)
                        return -errno;
                hole = lseek(from, data, SEEK_HOLE);
                if (hole < 0)
                        return -errno;
                if (lseek(to, data, SEEK_SET) < 0)
                        return -errno;
                r = copy_range(from, to, data, hole < size ? hole : size);
                data = hole;
        }
        return r == 0 && ftruncate(to, size) < 0 ? -errno : r;
}

static int carry_file(const struct carry *carry, int folder, const char *name, const char *path,
                      const struct statx *stx, struct error *err)
{
        _cleanup_(fd_closep) int from =
                open_beneath(folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0, BENEATH_STRICT);
        _cleanup_(fd_closep) int into = -1, to = -1;
        char head[POLICY_HEAD_SIZE];
        const char *as;
        struct stat st;
        ssize_t n;
        int r;

        if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode))
                return 0; /* it vanished or is something else by now: nothing to carry */
        n = pread(from, head, sizeof(head), 0);
        if (n < 0 || policy_check(carry->allow, name, st.st_mode, head, (size_t)n) != BREACH_NONE)
                return 0; /* a difference, found by the comparison, and evidence */
        into = open_folder_of(carry->to, path, &as);
        to = into < 0 ? -1 : openat(into, as, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        r = into < 0 ? into : to < 0 ? -errno : copy_bytes(from, to, st.st_size);
        if (r == 0)
                r = give(to, stx);
        if (r < 0)
                return error_errno(err, -r, _("cannot carry %s/%s over to the new tree"), carry->label, path);
        return 0;
}

static int carry_link(const char *target, int into, const char *as, const struct statx *stx)
{
        if (symlinkat(target, into, as) < 0 ||
            (fchownat(into, as, stx->stx_uid, stx->stx_gid, AT_SYMLINK_NOFOLLOW) < 0 && geteuid() == 0))
                return -errno;
        return 0;
}

static int carry_item(const struct carry *carry, int folder, const char *name, const char *path,
                      const struct statx *stx, struct error *err)
{
        _cleanup_(fd_closep) int into = -1;
        char target[ENTRY_LINK_MAXIMUM + 1];
        ssize_t length = 0;
        const char *as;
        int r;

        if (S_ISREG(stx->stx_mode))
                return carry_file(carry, folder, name, path, stx, err);
        if (policy_check(carry->allow, name, stx->stx_mode, NULL, 0) != BREACH_NONE)
                return 0;
        if (!S_ISDIR(stx->stx_mode)) {
                length = S_ISLNK(stx->stx_mode) ? readlinkat(folder, name, target, sizeof(target) - 1) : -1;
                if (length < 0)
                        return 0;
                target[length] = '\0';
        }
        r = into = open_folder_of(carry->to, path, &as);
        if (r >= 0 && S_ISDIR(stx->stx_mode))
                r = fault_point(FAULT_WRITE) || (mkdirat(into, as, 0700) < 0 && errno != EEXIST) ? -errno : 0;
        else if (r >= 0)
                r = carry_link(target, into, as, stx);
        return r < 0 ? error_errno(err, -r, _("cannot carry %s/%s over to the new tree"), carry->label, path) : 0;
}

/* Owner and mode of the folders, when their contents are there. */
static int give_folders(const struct carry *carry, int from, struct error *err)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;
        int r = walk_new(from, 0, &walk, err);

        while (r == 0 && walk_next(walk, &item)) {
                _cleanup_(fd_closep) int fd = -1;

                if (item->error < 0 || !S_ISDIR(item->stx.stx_mode) || item->mount)
                        continue;
                fd = open_beneath(carry->to, *item->path ? item->path : ".", O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
                if (fd < 0)
                        continue;
                r = give(fd, &item->stx);
                if (r < 0)
                        return error_errno(err, -r, _("cannot carry %s/%s over to the new tree"), carry->label,
                                           item->path);
                (void)walk_enter(walk);
        }
        return r;
}

static int carry_folder(const struct carry *carry, int from, struct error *err)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;
        int r = walk_new(from, 0, &walk, err);

        while (r == 0 && walk_next(walk, &item)) {
                if (item->error < 0 || (item->mount && item->path_length > 0))
                        continue;
                if (item->path_length > 0)
                        r = carry_item(carry, walk_folder_fd(item->folder), item->name, item->path, &item->stx, err);
                if (r == 0 && S_ISDIR(item->stx.stx_mode))
                        (void)walk_enter(walk);
        }
        return r < 0 ? r : give_folders(carry, from, err);
}

/* ---- ignored paths ---- */

static int carry_ignored(const struct pull_root *root, const struct area *ignored, struct error *err)
{
        struct carry carry = { .to = -1, .allow = ignored->allow, .label = ignored->path };
        const char *name;
        _cleanup_(fd_closep) int from = open_beneath(root->place.live, ignored->path,
                                                     O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0, BENEATH_STRICT);
        _cleanup_(fd_closep) int into = -1, to = -1;
        struct statx stx;

        if (from < 0 || inode_stat(from, &stx) < 0)
                return 0; /* not there, or a link: nothing is carried over */
        into = open_folder_of(root->place.staged, ignored->path, &name);
        if (into == -ENOENT || into == -ENOTDIR || into == -ELOOP)
                return 0; /* the release has no such folder above it any more */
        if (into < 0)
                return error_errno(err, -into, _("cannot carry %s over to the new tree"), ignored->path);
        if (S_ISREG(stx.stx_mode)) {
                carry.to = root->place.staged;
                return carry_file(&carry, root->place.live, ignored->path, ignored->path, &stx, err);
        }
        if (!S_ISDIR(stx.stx_mode) || policy_check(ignored->allow, name, stx.stx_mode, NULL, 0) != BREACH_NONE)
                return 0;
        if ((mkdirat(into, name, 0700) < 0 && errno != EEXIST) ||
            (carry.to = to = openat(into, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
                return error_errno(err, errno, _("cannot carry %s over to the new tree"), ignored->path);
        return carry_folder(&carry, from, err);
}

int areas_carry_over(struct pull_run *run, struct pull_root *root, struct error *err)
{
        int r = 0;

        (void)run;
        if (root->place.live < 0)
                return 0;
        for (size_t i = 0; i < root->companion.ignored_count && r == 0; i++)
                r = carry_ignored(root, &root->companion.ignored[i], err);
        return r;
}

/* ---- mutable areas ---- */

/*
 * Where the link of an area leads, relative to the folder above the tree: "" when it is not below that. The target is
 * taken as text: the link stands `depth` folders deep in the tree, so exactly depth + 1 times ".." reach the parent.
 */
static const char *area_beside(const struct area *area)
{
        const char *target = area->target;
        size_t depth = 0;

        for (const char *p = area->path; *p; p++)
                depth += *p == '/';
        for (size_t i = 0; i < depth + 1; i++) {
                if (!text_starts(target, "../"))
                        return "";
                target += 3;
        }
        return target;
}

/* The place of a root whose tree, or what stands beside it, has `path` in it; NULL: none. */
static const struct place *find_place_around(const struct pull_run *run, const char *path)
{
        for (size_t i = 0; i < run->root_count; i++) {
                const struct place *place = &run->roots[i].place;
                char sibling[2 * PATH_MAX];

                snprintf(sibling, sizeof(sibling), "%.*s/%s", (int)(strrchr(place->real, '/') - place->real),
                         place->real, place->sibling_name);
                if (text_path_inside(path, place->real) || text_path_inside(path, sibling))
                        return place;
        }
        return NULL;
}

static int check_area(const struct pull_run *run, const struct pull_root *root, const struct area *area,
                      struct error *err)
{
        const char *beside = area_beside(area), *slash = strrchr(root->place.real, '/');
        char text[2 * PATH_MAX], path[PATH_MAX];
        const struct place *around;
        int r;

        if (!*beside || strstr(beside, ".."))
                return 0; /* nothing is made there, and no tree is exchanged with its contents */
        snprintf(text, sizeof(text), "%.*s/%s", (int)(slash - root->place.real), root->place.real, beside);
        r = state_absolute(text, path, err);
        if (r < 0)
                return r;
        around = find_place_around(run, path);
        if (!around)
                return 0;
        return error_refuse(err,
                            _("release %" PRIu64 " has its mutable area %s at %s, in what is exchanged with %s; "
                              "declare it elsewhere, and publish again"),
                            run->release.number, area->path, area->target, around->folder);
}

int areas_check(const struct pull_run *run, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < run->root_count; i++)
                for (size_t k = 0; k < run->roots[i].companion.area_count && r == 0; k++)
                        r = check_area(run, &run->roots[i], &run->roots[i].companion.areas[k], err);
        return r;
}

/* The owner that the release gives to the folder in which the link stands. */
static int find_owner(const struct pull_root *root, const struct area *area, uid_t *ret_uid, gid_t *ret_gid,
                      struct error *err)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        const char *slash = strrchr(area->path, '/');
        size_t length = slash ? (size_t)(slash - area->path) : 0;
        struct entry entry;
        int r = mtree_reader_new_fd(root->manifest, root->name_manifest, &reader, err);

        while (r >= 0 && (r = mtree_reader_next(reader, &entry, err)) > 0) {
                if (entry.path_length != length || memcmp(entry.path, area->path, length) != 0)
                        continue;
                *ret_uid = entry.uid;
                *ret_gid = entry.gid;
                return 0;
        }
        return r;
}

/* Makes each folder of `path` that is not there; a link on the way is an error. Returns the descriptor of the last. */
static int make_chain(int parent, const char *path, uid_t uid, gid_t gid, bool *ret_made)
{
        int folder = fcntl(parent, F_DUPFD_CLOEXEC, 3);

        while (folder >= 0 && *path) {
                char name[NAME_MAX + 1];
                size_t length = strcspn(path, "/");
                int next, kept;

                if (length > NAME_MAX) {
                        fd_close(&folder);
                        return -ENAMETOOLONG;
                }
                memcpy(name, path, length);
                name[length] = '\0';
                path += length + strspn(path + length, "/");
                *ret_made = mkdirat(folder, name, AREA_MODE) == 0;
                next = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (next >= 0 && *ret_made &&
                    ((fchown(next, uid, gid) < 0 && geteuid() == 0) || fchmod(next, AREA_MODE) < 0)) {
                        kept = errno;
                        close(next);
                        next = -1;
                        errno = kept;
                }
                kept = errno;
                close(folder);
                folder = next;
                errno = kept;
        }
        return folder < 0 ? -errno : folder;
}

static bool folder_is_empty(int fd)
{
        struct walk *walk = NULL;
        const struct walk_item *item;
        bool empty = false;

        if (walk_new(fd, WALK_UNSORTED, &walk, NULL) == 0 && walk_next(walk, &item)) {
                (void)walk_enter(walk);
                empty = !walk_next(walk, &item);
        }
        walk_free(walk);
        return empty;
}

/* Adoption: uploads that lie in the tree itself, where the release has a link now, must not be lost. */
static int adopt_contents(struct pull_run *run, struct pull_root *root, const struct area *area, int to,
                          struct error *err)
{
        struct carry carry = { .to = to, .allow = area->allow, .label = area->path };
        _cleanup_(fd_closep) int from = -1;

        if (!run->options->adopt || root->place.live < 0 || !folder_is_empty(to))
                return 0;
        from = open_beneath(root->place.live, area->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        return from < 0 ? 0 : carry_folder(&carry, from, err);
}

static int make_area(struct pull_run *run, struct pull_root *root, const struct area *area, struct error *err)
{
        const char *beside = area_beside(area);
        _cleanup_(fd_closep) int folder = -1;
        uid_t uid = geteuid();
        gid_t gid = getegid();
        bool made = false;
        int r;

        if (!*beside || strstr(beside, "..")) {
                pull_note(run, _("the mutable area %s leads to %s, which is not beside %s: make sure that it is there"),
                          area->path, area->target, root->place.folder);
                return 0;
        }
        r = find_owner(root, area, &uid, &gid, err);
        if (r < 0)
                return r;
        folder = make_chain(root->place.parent, beside, uid, gid, &made);
        if (folder < 0) {
                pull_note(run, _("the mutable area %s (%s beside %s) is not there and cannot be made: %s"), area->path,
                          beside, root->place.folder, strerror(-folder));
                return 0;
        }
        return adopt_contents(run, root, area, folder, err);
}

int areas_make(struct pull_run *run, struct pull_root *root, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < root->companion.area_count && r == 0; i++)
                r = make_area(run, root, &root->companion.areas[i], err);
        return r;
}
