/* receive.c - a file of an area in pieces: read here, or taken, judged, and put into its place. */
#include "carry/area.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "carry/area_parts.h"
#include "manifest/policy.h"
#include "tree/copy.h"

#define READ_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

/* ---- reading ---- */

int carry_read(const struct carry_area *area, const char *path, uint64_t offset, json_t *result, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CARRY_CHUNK_TEXT);
        _cleanup_(fd_closep) int parent = -1, fd = -1;
        char bytes[CARRY_CHUNK];
        const char *name;
        struct stat st;
        ssize_t n;

        parent = carry_open_parent(area, path, false, &name);
        fd = parent < 0 ? -1 : open_beneath(parent, name, READ_FLAGS, 0, BENEATH_STRICT);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return carry_answer(result, "gone", err);
        n = read_full_at(fd, bytes, sizeof(bytes), offset);
        if (n < 0)
                return error_errno(err, (int)-n, _("cannot read a file of the mutable area %s"), area->name);
        if (text_base64(&text, bytes, (size_t)n) < 0 ||
            json_object_set_new(result, "data", json_stringn(buffer_text(&text), text.length)) < 0)
                return error_memory(err);
        return carry_answer(result, "done", err);
}

/* ---- what is there ---- */

int carry_what_is(int parent, const char *name, char text[static DIGEST_HEX_SIZE], int *ret_fd, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        struct digest digest;
        uint64_t size = 0;
        struct stat st;
        int r;

        if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                if (errno != ENOENT)
                        return error_errno(err, errno, _("cannot look at a name in a mutable area"));
                snprintf(text, DIGEST_HEX_SIZE, "none");
                return 0;
        }
        snprintf(text, DIGEST_HEX_SIZE, S_ISDIR(st.st_mode) ? "folder" : "other");
        if (!S_ISREG(st.st_mode) || (fd = open_beneath(parent, name, READ_FLAGS, 0, BENEATH_STRICT)) < 0)
                return 0;
        r = digest_of_fd(fd, CARRY_FILE_MAXIMUM, &digest, &size, err);
        if (r == -E2BIG)
                return 0;
        if (r < 0)
                return r;
        digest_hex(&digest, text);
        *ret_fd = fd_steal(&fd);
        return 0;
}

/* ---- rules ---- */

static int refuse(const struct carry_area *area, const struct carry_entry *entry, enum breach breach, struct error *err)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(CARRY_NAME_MAXIMUM);

        if (text_escape(&path, entry->path, entry->path_length) < 0)
                return error_memory(err);
        return error_refuse(err, _("%.200s is not taken into the mutable area %s: %s"), buffer_text(&path), area->name,
                            breach_text(breach));
}

/* Each part of the way is a folder's name, and there are folders in which a web server runs what it finds. */
static int check_names(const struct carry_area *area, const struct carry_entry *entry, struct error *err)
{
        const mode_t type = entry->type == CARRY_FOLDER ? S_IFDIR : S_IFREG;
        const char *part = entry->path;
        enum breach breach = BREACH_NONE;

        for (const char *slash; breach == BREACH_NONE && (slash = strchr(part, '/')); part = slash + 1) {
                char name[ENTRY_NAME_MAXIMUM + 1];

                snprintf(name, sizeof(name), "%.*s", (int)(slash - part), part);
                breach = policy_check(area->allow, name, S_IFDIR | 0755, NULL, 0);
        }
        if (breach == BREACH_NONE && carry_is_temporary(part))
                breach = BREACH_CONTROL;
        if (breach == BREACH_NONE)
                breach = policy_check(area->allow, part, type | entry->mode, NULL, 0);
        return breach == BREACH_NONE ? 0 : refuse(area, entry, breach, err);
}

static int check_head(const struct carry_area *area, const struct carry_entry *entry, int fd, struct error *err)
{
        const char *slash = strrchr(entry->path, '/');
        char head[POLICY_HEAD_SIZE];
        const ssize_t n = read_full_at(fd, head, sizeof(head), 0);
        enum breach breach;

        if (n < 0)
                return error_errno(err, (int)-n, _("cannot read what came for the mutable area %s"), area->name);
        breach = policy_check(area->allow, slash ? slash + 1 : entry->path, S_IFREG | entry->mode, head, (size_t)n);
        return breach == BREACH_NONE ? 0 : refuse(area, entry, breach, err);
}

/* ---- putting it into its place ---- */

static int give(int fd, const struct carry_entry *entry)
{
        const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = entry->time } };

        if ((fchown(fd, entry->uid, entry->gid) < 0 && geteuid() == 0) || fchmod(fd, entry->mode) < 0 ||
            (entry->type == CARRY_FILE && futimens(fd, times) < 0))
                return -errno;
        return 0;
}

static bool is_inode(int parent, const char *name, int fd)
{
        struct stat there, open;

        return fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &open) == 0 &&
               there.st_dev == open.st_dev && there.st_ino == open.st_ino;
}

int carry_put(int parent, const char *temporary, const char *name, int replaced)
{
        int r = rename_at(parent, temporary, parent, name, replaced < 0 ? RENAME_NOREPLACE : RENAME_EXCHANGE);

        if (r < 0)
                return r == -EEXIST || r == -ENOENT ? -ESTALE : r;
        if (replaced < 0 || is_inode(parent, temporary, replaced))
                return 0;
        r = rename_at(parent, temporary, parent, name, RENAME_EXCHANGE);
        return r < 0 ? r : -ESTALE;
}

static int copy_proven(int from, int to, const struct carry_entry *entry, struct error *err)
{
        _cleanup_(copier_freep) struct copier *copier = NULL;
        bool clone = true;
        int r = copier_new(&copier, err);

        return r < 0 ? r : copier_copy(copier, from, to, &entry->digest, entry->size, &clone);
}

/* What came is whole: a copy of it, proven while it is made, gets owner, mode and time under a name of ours. */
static int lay_beside(int parent, const struct carry_entry *entry, int from, char temporary[static TEMPORARY_SIZE], int *ret_to,
                      struct error *err)
{
        int r = carry_temporary(temporary, err);

        if (r < 0)
                return r;
        *ret_to = openat(parent, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        r = *ret_to < 0 ? -errno : copy_proven(from, *ret_to, entry, err);
        return r < 0 ? r : give(*ret_to, entry);
}

/* At once, or held: *parent is the area's then. 1: it is held. */
static int install(struct carry_area *area, int *parent, const char *name, const struct carry_wanted *wanted, int from,
                   int replaced, struct error *err)
{
        char temporary[TEMPORARY_SIZE];
        _cleanup_(fd_closep) int to = -1;
        int r = lay_beside(*parent, &wanted->entry, from, temporary, &to, err);

        if (r == 0 && wanted->hold && replaced < 0 && carry_hold(area, parent, temporary, name, &to))
                return 1;
        if (r == 0)
                r = fd_sync(to);
        if (r == 0)
                r = carry_put(*parent, temporary, name, replaced);
        if (r == 0)
                r = fd_sync(*parent);
        if (to >= 0 && (r < 0 || replaced >= 0))
                (void)unlinkat(*parent, temporary, 0);
        if (r < 0 && r != -ESTALE)
                return error_errno(err, -r, _("cannot write into the mutable area %s"), area->name);
        return r;
}

/* ---- taking ---- */

static int write_folder(const struct carry_area *area, const struct carry_wanted *wanted, json_t *result, struct error *err)
{
        _cleanup_(fd_closep) int parent = -1, fd = -1;
        const char *name;
        int r = parent = carry_open_parent(area, wanted->entry.path, true, &name);

        if (r >= 0 && mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
                r = -errno;
        if (r >= 0)
                r = fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        if (r == -ENOTDIR || r == -ELOOP || r == -EXDEV || r == -ENOENT)
                return carry_answer(result, "changed", err);
        if (r >= 0)
                r = give(fd, &wanted->entry);
        if (r < 0)
                return error_errno(err, -r, _("cannot write into the mutable area %s"), area->name);
        return carry_answer(result, "done", err);
}

/* Adds the bytes of the request when they are the next ones. A disk that is full keeps no part of a file. */
static int add_bytes(const struct carry_area *area, int incoming, int fd, const char *hex, const struct carry_wanted *wanted,
                     uint64_t *have, struct error *err)
{
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return error_errno(err, errno, _("cannot look at what came for the mutable area %s"), area->name);
        *have = (uint64_t)st.st_size;
        if (*have != wanted->offset || wanted->length == 0 || *have + wanted->length > wanted->entry.size)
                return 0;
        r = lseek(fd, st.st_size, SEEK_SET) < 0 ? -errno : write_full(fd, wanted->bytes, wanted->length);
        if (r < 0) {
                (void)unlinkat(incoming, hex, 0);
                return error_errno(err, -r, _("cannot take a file of the mutable area %s"), area->name);
        }
        *have += wanted->length;
        return 0;
}

/* All of it is here: `from` is what came, or the file in place when only its owner or mode is another. */
static int finish(struct carry_area *area, const struct carry_wanted *wanted, int from, json_t *result,
                  struct error *err)
{
        char found[DIGEST_HEX_SIZE], hex[DIGEST_HEX_SIZE];
        _cleanup_(fd_closep) int parent = -1, there = -1;
        const char *name;
        int r = parent = carry_open_parent(area, wanted->entry.path, true, &name);

        if (r == -ENOTDIR || r == -ELOOP || r == -EXDEV)
                return carry_answer(result, "changed", err);
        if (r < 0)
                return error_errno(err, -r, _("cannot write into the mutable area %s"), area->name);
        r = carry_what_is(parent, name, found, &there, err);
        if (r < 0)
                return r;
        digest_hex(&wanted->entry.digest, hex);
        if (!text_equal(found, wanted->expected))
                return carry_answer(result, "changed", err);
        if (from < 0 && !text_equal(found, hex))
                return carry_answer(result, "more", err);
        r = check_head(area, &wanted->entry, from < 0 ? there : from, err);
        if (r == 0)
                r = install(area, &parent, name, wanted, from < 0 ? there : from, there, err);
        return r < 0 && r != -ESTALE ? r : carry_answer(result, r < 0 ? "changed" : r ? "held" : "done", err);
}

static int write_file(struct carry_area *area, const struct carry_wanted *wanted, json_t *result, struct error *err)
{
        _cleanup_(fd_closep) int incoming = -1, fd = -1;
        char hex[DIGEST_HEX_SIZE];
        uint64_t have = 0;
        int r;

        digest_hex(&wanted->entry.digest, hex);
        if (wanted->offset == 0 && text_equal(wanted->expected, hex)) {
                r = finish(area, wanted, -1, result, err);
                if (r < 0 || !text_equal(json_string_value(json_object_get(result, "outcome")), "more"))
                        return r;
        }
        r = incoming = carry_folder(area, "incoming", err);
        if (r < 0)
                return r;
        fd = openat(incoming, hex, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_errno(err, errno, _("cannot take a file of the mutable area %s"), area->name);
        r = add_bytes(area, incoming, fd, hex, wanted, &have, err);
        if (r < 0)
                return r;
        json_object_set_new(result, "have", json_integer((json_int_t)have));
        if (have < wanted->entry.size)
                return carry_answer(result, "more", err);
        r = finish(area, wanted, fd, result, err);
        (void)unlinkat(incoming, hex, 0); /* done, or no use: another look is taken before it is tried again */
        return r;
}

int carry_write(struct carry_area *area, const struct carry_wanted *wanted, json_t *result, struct error *err)
{
        int r = carry_area_lock(area, err);

        if (r == 0)
                r = check_names(area, &wanted->entry, err);
        if (r < 0)
                return r;
        return wanted->entry.type == CARRY_FOLDER ? write_folder(area, wanted, result, err) : write_file(area, wanted, result, err);
}
