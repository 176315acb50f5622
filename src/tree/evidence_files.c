/* evidence_files.c - copying what differences name out of the parked tree, which an intruder may still be changing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/inode.h"
#include "manifest/walk.h"
#include "tree/evidence_parts.h"
#include "tree/proven.h"

#define COPY_BUFFER   ((size_t)64 << 10)
#define SMALL_BYTES   (UINT64_C(64) << 10) /* pages and programs, as against what is laid out to use up the limit */
#define LEASE_WAIT_MS 60000                /* the kernel takes a write lease away after lease-break-time, 45 s */
#define PAUSE_US      100000

/*
 * What an intruder would most like to have left out is a small file in the place of a genuine one; what he can make
 * many of to use up the limit is extra. So the order is: what should have been there, then extra files, each of them
 * the small ones first.
 */
enum pass { PASS_LISTED, PASS_EXTRA, PASS_REST };

/* One root's collection under way. */
struct collection {
        struct evidence *evidence;
        const char *root;
        int target;                        /* files/ROOT in the evidence */
        int top;                           /* the parked tree; -1: what stood at DEST was no folder */
        char last[ENTRY_PATH_MAXIMUM + 2]; /* path that was described last: a path has a line for each kind */
        char *bytes;
        enum pass pass;
        struct proven leased; /* somebody keeps a lease on them: they come last */
        bool rest;            /* there is something for PASS_REST */
        int64_t until_ms;     /* how long leases are waited for, all of them together; 0: not yet */
};

/* A lack that the next run may not have: it must not cost evidence. Anything else would stop every run. */
static bool is_passing(int r)
{
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

/* ---- metadata ---- */

static void set_time(json_t *json, const char *key, const struct statx_timestamp *time)
{
        char text[64];

        snprintf(text, sizeof(text), "%lld.%09u", (long long)time->tv_sec, time->tv_nsec);
        json_object_set_new(json, key, json_string(text));
}

static void set_attributes(json_t *json, int fd)
{
        _cleanup_(attributes_done) struct attributes attributes = { 0 };
        json_t *xattrs;

        if (inode_attributes(fd, &attributes, NULL) < 0)
                return;
        if (attributes.flags)
                json_object_set_new(json, "flags", json_integer(attributes.flags));
        if (attributes.xattr_count == 0)
                return;
        xattrs = json_object();
        for (size_t i = 0; i < attributes.xattr_count; i++) {
                _cleanup_(buffer_done) struct buffer value = BUFFER_INIT(2 * XATTR_VALUE_MAXIMUM);
                const struct xattr *xattr = &attributes.xattrs[i];

                json_t *name = evidence_json_name(xattr->name, strlen(xattr->name));

                if (name && text_base64(&value, xattr->value, xattr->length) == 0)
                        json_object_set_new(xattrs, json_string_value(name), json_string(buffer_text(&value)));
                json_decref(name);
        }
        json_object_set_new(json, "xattrs", xattrs);
}

static json_t *describe(const struct collection *collection, const char *path, const struct statx *stx)
{
        json_t *json =
                json_pack("{s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:I}", "root", collection->root, "path",
                          evidence_json_name(path, strlen(path)), "type", inode_type_name(stx->stx_mode), "uid",
                          (json_int_t)stx->stx_uid, "gid", (json_int_t)stx->stx_gid, "size", (json_int_t)stx->stx_size,
                          "links", (json_int_t)stx->stx_nlink, "inode", (json_int_t)stx->stx_ino);
        char mode[16];

        if (!json)
                return NULL;
        snprintf(mode, sizeof(mode), "%04o", stx->stx_mode & 07777U);
        json_object_set_new(json, "mode", json_string(mode));
        if (stx->stx_mask & STATX_BTIME)
                set_time(json, "born", &stx->stx_btime);
        set_time(json, "changed", &stx->stx_ctime);
        set_time(json, "modified", &stx->stx_mtime);
        set_time(json, "read", &stx->stx_atime);
        if (S_ISBLK(stx->stx_mode) || S_ISCHR(stx->stx_mode)) {
                char device[32];

                snprintf(device, sizeof(device), "%u:%u", stx->stx_rdev_major, stx->stx_rdev_minor);
                json_object_set_new(json, "device", json_string(device));
        }
        return json;
}

/* ---- contents ---- */

static int open_copy(const struct collection *collection, const char *path, struct error *err)
{
        const char *slash = strrchr(path, '/');
        int fd, r;

        if (slash) {
                _cleanup_(memory_freep) char *folder = memory_copy(path, (size_t)(slash - path));

                if (!folder)
                        return error_memory(err);
                r = directory_make(collection->target, folder, 0700, err);
                if (r < 0)
                        return r;
        }
        if (text_equal(path, ".")) /* DEST itself was a file */
                path = "DEST";
        fd = openat(collection->target, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 ? error_errno(err, errno, _("cannot write evidence of %s into the state folder"), path) : fd;
}

/* At most the size that was seen: the file may be growing. Returns 0, 1 when it cannot be read to its end. */
static int copy_content(struct collection *collection, int from, int to, uint64_t size, struct digest *ret_digest)
{
        struct evidence *evidence = collection->evidence;
        uint64_t done = 0;
        int r = hasher_begin(evidence->hasher);

        while (r == 0 && done < size) {
                size_t want = size - done < COPY_BUFFER ? (size_t)(size - done) : COPY_BUFFER;
                ssize_t n = pread(from, collection->bytes, want, (off_t)done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                done += (uint64_t)n;
                r = write_full(to, collection->bytes, (size_t)n);
                if (r == 0)
                        r = hasher_add(evidence->hasher, collection->bytes, (size_t)n);
        }
        evidence->left -= done < evidence->left ? done : evidence->left;
        if (r == 0)
                r = hasher_end(evidence->hasher, ret_digest);
        return r < 0 ? r : done < size;
}

static void leave_out(struct collection *collection, json_t *json, uint64_t size, const char *why)
{
        json_object_set_new(json, "left_out", json_string(why));
        collection->evidence->left_out_files++;
        collection->evidence->left_out_bytes += size;
}

/* A full disk or an odd name must not stop the settling of a pull: what cannot be kept is said in the report. */
static void copy_file(struct collection *collection, const char *path, int from, const struct statx *stx, json_t *json)
{
        const struct timespec times[2] = {
                {stx->stx_atime.tv_sec,  stx->stx_atime.tv_nsec},
                { stx->stx_mtime.tv_sec, stx->stx_mtime.tv_nsec}
        };
        struct error error = ERROR_NONE;
        char hex[DIGEST_HEX_SIZE];
        struct digest digest;
        _cleanup_(fd_closep) int to = -1;
        int r;

        if (stx->stx_size > collection->evidence->left) {
                leave_out(collection, json, stx->stx_size, "limit");
                return;
        }
        to = open_copy(collection, path, &error);
        r = to < 0 ? to : copy_content(collection, from, to, stx->stx_size, &digest);
        if (r < 0) {
                leave_out(collection, json, stx->stx_size, to < 0 ? error.text : strerror(-r));
                return;
        }
        if (r > 0)
                json_object_set_new(json, "incomplete", json_true());
        digest_hex(&digest, hex);
        json_object_set_new(json, "sha256", json_string(hex));
        (void)futimens(to, times);
        /* A few are made durable one by one; one sync of a whole file system waits for everybody's writes. */
        if (collection->evidence->copied++ < SYNC_ONE_BY_ONE && fd_sync(to) < 0)
                leave_out(collection, json, 0, "cannot be made durable");
}

/* Opening a leased file begins the time that the holder of the lease has; in the last pass its end is waited for. */
static int open_kept(struct collection *collection, int folder, const char *name)
{
        for (;;) {
                int fd = open_beneath(folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0, BENEATH_STRICT);

                if (fd != -EAGAIN || collection->pass != PASS_REST)
                        return fd;
                if (collection->until_ms == 0)
                        collection->until_ms = clock_monotonic_ms() + LEASE_WAIT_MS;
                if (clock_monotonic_ms() >= collection->until_ms)
                        return fd;
                usleep(PAUSE_US);
        }
}

/* Whether the file must wait for the last pass. */
static int put_off(struct collection *collection, const struct statx *stx, int fd, struct error *err)
{
        bool is_large = S_ISREG(stx->stx_mode) && stx->stx_size > SMALL_BYTES;

        if (collection->pass == PASS_REST)
                return !is_large && proven_look(&collection->leased, stx) == PROVEN_UNKNOWN;
        if (!is_large && fd != -EAGAIN)
                return 0;
        collection->rest = true;
        if (!is_large && proven_add(&collection->leased, stx) < 0)
                return error_memory(err);
        return 1;
}

/* One line of the report's list of files; one that is too long goes without its attributes' values. */
static int tell(struct collection *collection, json_t *json, struct error *err)
{
        struct evidence *evidence = collection->evidence;
        int r = evidence_line(evidence, evidence->files, json_incref(json), err);

        if (r > 0 && json_object_get(json, "xattrs")) {
                json_object_set_new(json, "xattrs", json_string("too long"));
                r = evidence_line(evidence, evidence->files, json_incref(json), err);
        }
        json_decref(json);
        if (r > 0)
                evidence->left_out_files++;
        return r < 0 ? r : 0;
}

/* `folder` and `name` lead to what `stx` says; nothing but a regular file or a folder is opened. */
static int keep(struct collection *collection, int folder, const char *name, const char *path, const struct statx *stx,
                struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        struct statx opened;
        json_t *json;
        int r;

        if (collection->pass == PASS_REST && (r = put_off(collection, stx, -1, err)) != 0)
                return r < 0 ? r : 0;
        if (S_ISREG(stx->stx_mode) || S_ISDIR(stx->stx_mode))
                fd = open_kept(collection, folder, name);
        if (collection->pass != PASS_REST && (r = put_off(collection, stx, fd, err)) != 0)
                return r < 0 ? r : 0;
        json = describe(collection, path, stx);
        if (!json)
                return error_memory(err);
        if (fd >= 0 && inode_stat(fd, &opened) == 0 && opened.stx_ino == stx->stx_ino) {
                set_attributes(json, fd);
                if (S_ISREG(stx->stx_mode))
                        copy_file(collection, path, fd, stx, json);
        } else if (S_ISREG(stx->stx_mode)) {
                leave_out(collection, json, stx->stx_size, "cannot be opened");
        } else if (S_ISLNK(stx->stx_mode)) {
                char target[ENTRY_LINK_MAXIMUM + 1];
                ssize_t length = readlinkat(folder, name, target, sizeof(target));

                if (length >= 0)
                        json_object_set_new(json, "target", evidence_json_name(target, (size_t)length));
        }
        return tell(collection, json, err);
}

/* What was found and cannot be described any more: that is said, too. */
static int tell_lost(struct collection *collection, const char *path, const char *why, struct error *err)
{
        json_t *json;

        if (collection->pass == PASS_REST)
                return 0; /* said before */
        json = json_pack("{s:s, s:o, s:s}", "left_out", why, "path", evidence_json_name(path, strlen(path)), "root",
                         collection->root);
        if (!json)
                return error_memory(err);
        collection->evidence->left_out_files++;
        return tell(collection, json, err);
}

/* An extra folder: all that is in it, but not behind a mount. */
static int keep_below(struct collection *collection, const char *path, struct error *err)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        _cleanup_(fd_closep) int fd =
                open_beneath(collection->top, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        const struct walk_item *item;
        int r;

        if (fd < 0)
                return 0;
        r = walk_new(fd, 0, &walk, err);
        while (r == 0 && walk_next(walk, &item)) {
                _cleanup_(buffer_done) struct buffer full = BUFFER_INIT(2 * PATH_MAX);

                if (item->path_length > 0 && item->error == 0) {
                        if (buffer_printf(&full, "%s/%s", path, item->path) < 0) {
                                r = tell_lost(collection, item->path, "the path is too long", err);
                                continue;
                        }
                        r = keep(collection, walk_folder_fd(item->folder), item->name, buffer_text(&full), &item->stx,
                                 err);
                }
                if (r == 0 && item->error == 0 && S_ISDIR(item->stx.stx_mode) && !item->mount) {
                        int entered = walk_enter(walk);

                        if (is_passing(entered))
                                r = error_errno(err, -entered, _("cannot keep evidence of %s"), path);
                        else if (entered < 0)
                                r = tell_lost(collection, full.length ? buffer_text(&full) : path,
                                              "the folder cannot be read, or lies too deep", err);
                }
        }
        return r;
}

/* What a difference names: an open folder to look in and the name. */
static int keep_path(struct collection *collection, const char *path, enum pass pass, bool whole, struct error *err)
{
        struct statx stx;
        _cleanup_(fd_closep) int fd = open_beneath(collection->top, path, O_PATH | O_NOFOLLOW, 0, BENEATH_STRICT);
        int r;

        if (is_passing(fd))
                return error_errno(err, -fd, _("cannot keep evidence of %s"), path);
        if (fd == -ENOENT && collection->pass == pass) /* somebody at work in the old tree */
                return tell_lost(collection, path, "gone", err);
        if (fd < 0)
                return 0; /* behind a mount, or in a mutable area */
        if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &stx) < 0)
                return 0;
        r = collection->pass == pass || collection->pass == PASS_REST
                    ? keep(collection, collection->top, path, path, &stx, err)
                    : 0;
        if (r == 0 && whole && S_ISDIR(stx.stx_mode) && collection->pass != PASS_LISTED)
                r = keep_below(collection, path, err);
        return r;
}

static int keep_kind(struct collection *collection, const char *kind, const char *path, struct error *err)
{
        bool is_extra = text_equal(kind, "extra");
        /* Of a folder that could not be read ("content") nobody knows what in it differs. */
        bool whole = is_extra || text_equal(kind, "type") || text_equal(kind, "content");

        if (text_equal(kind, "missing") || text_equal(kind, "mount") || text_equal(path, collection->last) ||
            (is_extra && collection->pass == PASS_LISTED))
                return 0;
        snprintf(collection->last, sizeof(collection->last), "%s", path);
        return keep_path(collection, path, is_extra ? PASS_EXTRA : PASS_LISTED, whole, err);
}

static int keep_line(struct collection *collection, const char *line, size_t length, struct error *err)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(ENTRY_PATH_MAXIMUM + 1);
        json_t *json = json_loadb(line, length, 0, NULL);
        const char *root = json_string_value(json_object_get(json, "root"));
        const char *kind = json_string_value(json_object_get(json, "kind"));
        const char *escaped = json_string_value(json_object_get(json, "path"));
        int r = escaped ? text_unescape(&path, escaped, strlen(escaped)) : -EINVAL;

        if (r == -ENOMEM) {
                json_decref(json);
                return error_memory(err);
        }
        if (r == 0 && root && kind && text_equal(root, collection->root) && collection->top >= 0 && path.length > 0) {
                while (path.length > 1 && path.data[path.length - 1] == '/')
                        path.data[--path.length] = '\0';
                r = keep_kind(collection, kind, path.data, err);
        } else {
                r = 0; /* another root's, or no line of ours */
        }
        json_decref(json);
        return r;
}

static int keep_pass(struct collection *collection, struct error *err)
{
        FILE *spool = evidence_read(collection->evidence, SPOOL_DIFFERENCES);
        char *line = NULL;
        size_t size = 0;
        ssize_t length;
        int r = 0;

        if (!spool)
                return error_errno(err, errno, _("cannot read the list of what differed in the state folder"));
        while (r == 0 && (length = getline(&line, &size, spool)) > 0)
                r = keep_line(collection, line, (size_t)length, err);
        free(line);
        fclose(spool);
        collection->last[0] = '\0';
        return r;
}

static int keep_all(struct collection *collection, struct error *err)
{
        int r = 0;

        for (collection->pass = PASS_LISTED; collection->pass < PASS_REST && r == 0; collection->pass++)
                r = keep_pass(collection, err);
        proven_sort(&collection->leased);
        return r == 0 && collection->rest ? keep_pass(collection, err) : r;
}

/* DEST was a link, a file or a device. */
static int keep_single(struct collection *collection, int sibling, const char *parked, struct error *err)
{
        struct statx stx;
        int r;

        if (statx(sibling, parked, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &stx) < 0)
                return 0;
        r = keep(collection, sibling, parked, ".", &stx, err);
        if (r < 0 || !collection->rest)
                return r;
        collection->pass = PASS_REST;
        proven_sort(&collection->leased);
        return keep(collection, sibling, parked, ".", &stx, err);
}

int evidence_collect(struct evidence *evidence, const char *root, int sibling, const char *parked, struct error *err)
{
        struct collection *collection = memory_new(1, sizeof(*collection));
        char target[RELEASE_NAME_SIZE + 16];
        int r;

        if (!collection || !(collection->bytes = memory_new(COPY_BUFFER, 1))) {
                free(collection);
                return error_memory(err);
        }
        proven_init(&collection->leased);
        collection->evidence = evidence;
        collection->root = root;
        collection->target = -1;
        snprintf(target, sizeof(target), FILES_FOLDER "/%s", root);
        r = directory_make(evidence->folder, target, 0700, err);
        if (r == 0) {
                collection->target = openat(evidence->folder, target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                collection->top = open_beneath(sibling, parked, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
                if (is_passing(collection->top))
                        r = error_errno(err, -collection->top, _("cannot open the old tree"));
                else if (collection->top >= 0)
                        r = keep_all(collection, err);
                else
                        r = keep_single(collection, sibling, parked, err);
                fd_close(&collection->top);
                fd_close(&collection->target);
        }
        proven_done(&collection->leased);
        free(collection->bytes);
        free(collection);
        return r;
}
