/* keep.c - moving aside: what was deleted at the other server, or lost its name to the other's version. */
#include "carry/area.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "carry/area_parts.h"
#include "manifest/walk.h"
#include "tree/copy.h"

#define KEPT          "kept"
#define LOG_MAXIMUM   (16 << 20) /* bytes; then it is `log.1`, and what was that is gone */
#define ROOM_SHARE    20         /* so much of the state's file system (1/20) stays free */
#define LINE_MAXIMUM  (CARRY_NAME_MAXIMUM * 2 + 1000)

/* ---- the log ---- */

static int write_line(int kept, json_t *line, struct error *err)
{
        char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
        _cleanup_(fd_closep) int fd = -1;
        struct stat st;
        int r = 0;

        json_decref(line);
        if (!text)
                return error_memory(err);
        if (fstatat(kept, "log", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > LOG_MAXIMUM)
                (void)rename_at(kept, "log", kept, "log.1", 0);
        fd = openat(kept, "log", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                r = -errno;
        if (r == 0)
                r = write_full(fd, text, strlen(text));
        if (r == 0)
                r = write_full(fd, "\n", 1);
        if (r == 0)
                r = fd_sync(fd);
        free(text);
        return r < 0 ? error_errno(err, -r, _("cannot write the log of what was moved aside")) : 0;
}

static json_t *describe(const char *path, const struct stat *st, const char *hex, const char *why)
{
        char now[CLOCK_TEXT_SIZE], changed[CLOCK_TEXT_SIZE], mode[16];
        json_t *name = carry_path_json(path, strlen(path));

        clock_format_utc(clock_now(), now);
        clock_format_utc(st->st_mtime, changed);
        snprintf(mode, sizeof(mode), "%04o", (unsigned int)(st->st_mode & 07777));
        return !name ? NULL
                     : json_pack("{s:s, s:o, s:s, s:s, s:I, s:s, s:I, s:I, s:s}", "time", now, "path", name, "why", why, "sha256",
                                 hex, "size", (json_int_t)st->st_size, "mode", mode, "uid", (json_int_t)st->st_uid, "gid",
                                 (json_int_t)st->st_gid, "changed", changed);
}

/* ---- keeping ---- */

/* What others write must not fill the disk of the state. */
static int check_room(int kept, off_t size, struct error *err)
{
        struct statvfs fs;

        if (fstatvfs(kept, &fs) < 0)
                return error_errno(err, errno, _("cannot look at the room for what is moved aside"));
        if ((uint64_t)size < fs.f_bavail * fs.f_frsize &&
            fs.f_bavail * fs.f_frsize - (uint64_t)size > fs.f_blocks * fs.f_frsize / ROOM_SHARE)
                return 0;
        return error_set(err, -ENOSPC, _("there is too little room in the state folder to move a file of a mutable area aside; look "
                                         "through carry/*/kept there and remove what is not needed"));
}

static int copy_aside(int kept, int fd, const char *hex, const struct digest *digest, uint64_t size, struct error *err)
{
        _cleanup_(copier_freep) struct copier *copier = NULL;
        char temporary[TEMPORARY_SIZE];
        _cleanup_(fd_closep) int to = -1;
        bool clone = true;
        int r = carry_temporary(temporary, err);

        if (r == 0)
                r = copier_new(&copier, err);
        if (r < 0)
                return r;
        to = openat(kept, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        r = to < 0 ? -errno : copier_copy(copier, fd, to, digest, size, &clone);
        if (r == 0)
                r = fd_sync(to);
        if (r == 0)
                r = rename_at(kept, temporary, kept, hex, 0);
        if (r == 0)
                r = fd_sync(kept);
        if (r < 0 && to >= 0)
                (void)unlinkat(kept, temporary, 0);
        return r < 0 && r != -ESTALE ? error_errno(err, -r, _("cannot move a file of a mutable area aside")) : r;
}

int carry_put_aside(const struct carry_area *area, const char *path, int fd, const char *why, struct error *err)
{
        _cleanup_(fd_closep) int kept = carry_folder(area, KEPT, err);
        char hex[DIGEST_HEX_SIZE];
        struct digest digest;
        struct stat st;
        uint64_t size = 0;
        int r = kept < 0 ? kept : digest_of_fd(fd, CARRY_FILE_MAXIMUM, &digest, &size, err);

        if (r < 0 || fstat(fd, &st) < 0)
                return r < 0 ? r : error_errno(err, errno, _("cannot look at a file that is to be moved aside"));
        digest_hex(&digest, hex);
        if (faccessat(kept, hex, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                (void)utimensat(kept, hex, NULL, AT_SYMLINK_NOFOLLOW); /* its days begin anew */
        else
                r = check_room(kept, st.st_size, err);
        if (r == 0 && faccessat(kept, hex, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                r = copy_aside(kept, fd, hex, &digest, size, err);
        return r < 0 ? r : write_line(kept, describe(path, &st, hex, why), err);
}

/* Takes the name away from what is open, and from nothing else: it is seen under a name of ours first. */
static int take_name(int parent, const char *name, int fd)
{
        char temporary[TEMPORARY_SIZE];
        struct stat there, open;
        int r = carry_temporary(temporary, NULL);

        if (r == 0)
                r = rename_at(parent, name, parent, temporary, RENAME_NOREPLACE);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (fstatat(parent, temporary, &there, AT_SYMLINK_NOFOLLOW) < 0 || fstat(fd, &open) < 0 || there.st_ino != open.st_ino ||
            there.st_dev != open.st_dev) {
                r = rename_at(parent, temporary, parent, name, RENAME_NOREPLACE);
                return r < 0 ? r : -ESTALE;
        }
        if (unlinkat(parent, temporary, 0) < 0)
                return -errno;
        return fd_sync(parent);
}

static int keep_folder(const struct carry_area *area, int parent, const char *name, json_t *result, struct error *err)
{
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return carry_answer(result, "done", err);
        if (errno == ENOTEMPTY || errno == EEXIST || errno == EBUSY)
                return carry_answer(result, "left", err);
        if (errno == ENOTDIR)
                return carry_answer(result, "changed", err);
        return error_errno(err, errno, _("cannot remove a folder of the mutable area %s"), area->name);
}

int carry_keep(struct carry_area *area, const char *path, const char *expected, json_t *result, struct error *err)
{
        _cleanup_(fd_closep) int parent = -1, fd = -1;
        char found[DIGEST_HEX_SIZE];
        const char *name;
        int r = carry_area_lock(area, err);

        if (r < 0)
                return r;
        parent = carry_open_parent(area, path, false, &name);
        if (parent == -ENOENT || parent == -ENOTDIR || parent == -ELOOP)
                return carry_answer(result, "done", err); /* nothing has this name */
        if (parent < 0)
                return error_errno(err, -parent, _("cannot look at a name in the mutable area %s"), area->name);
        r = carry_what_is(parent, name, found, &fd, err);
        if (r < 0)
                return r;
        if (text_equal(found, "none"))
                return carry_answer(result, "done", err);
        if (!text_equal(found, expected))
                return carry_answer(result, "changed", err);
        if (text_equal(found, "folder"))
                return keep_folder(area, parent, name, result, err);
        r = carry_put_aside(area, path, fd, "the server on stage has not got it, or another version of it", err);
        if (r == 0 && (r = take_name(parent, name, fd)) < 0 && r != -ESTALE)
                error_errno(err, -r, _("cannot move a file of the mutable area %s aside"), area->name);
        return r == -ESTALE ? carry_answer(result, "changed", err) : r < 0 ? r : carry_answer(result, "done", err);
}

void carry_prune(const struct carry_area *area)
{
        _cleanup_(fd_closep) int kept = carry_folder(area, KEPT, NULL);
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const int64_t oldest = clock_now() - CARRY_KEPT_DAYS * INT64_C(86400);
        const struct walk_item *item;

        if (kept < 0 || walk_new(kept, WALK_UNSORTED, &walk, NULL) < 0)
                return;
        while (walk_next(walk, &item)) {
                if (!item->folder)
                        (void)walk_enter(walk);
                else if (item->error == 0 && item->stx.stx_mtime.tv_sec < oldest && !text_starts(item->name, "log"))
                        (void)unlinkat(kept, item->name, 0);
        }
}
