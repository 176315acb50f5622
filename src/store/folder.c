#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/text.h"
#include "manifest/release.h"

#define LOCK_WAIT_MS   60000
#define NAME_SIZE      64
#define NEW_PREFIX     ".new-"
#define NEW_NAME_SIZE  (NAME_SIZE + 8)
#define LATEST_MAXIMUM 32 /* bytes */

/* The files that are replaced in pairs. */
static const char *const pairs[] = { "keys.json", "current.json" };

static void signature_name(const char *name, char signature[static NAME_SIZE])
{
        snprintf(signature, NAME_SIZE, "%s.minisig", name);
}

static void new_name(const char *name, char new[static NEW_NAME_SIZE])
{
        snprintf(new, NEW_NAME_SIZE, NEW_PREFIX "%s", name);
}

static int lock(struct folder *folder, struct error *err)
{
        int r;

        folder->lock = fault_point(FAULT_OPEN)
                               ? -1
                               : openat(folder->fd, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (folder->lock < 0)
                return error_errno(err, errno, _("cannot open the lock of the repository %s"), folder->path);
        r = lock_wait(folder->lock, LOCK_EX, LOCK_WAIT_MS);
        if (r == -ENOLCK || r == -EOPNOTSUPP || r == -ENOSYS) {
                fd_close(&folder->lock);
                return 0;
        }
        if (r == -EBUSY)
                return error_set(err, -EBUSY,
                                 _("another command is at work in the repository %s and did not end within a "
                                   "minute; wait for it, then run the same command again"),
                                 folder->path);
        return r < 0 ? error_errno(err, -r, _("cannot lock the repository %s"), folder->path) : 0;
}

/* What file_replace() left of a .new-NAME or of `latest` when it was killed; nobody else writes here while we have the
 * lock. */
static int remove_leftovers(const struct folder *folder, struct error *err)
{
        int fd = fault_point(FAULT_OPEN) ? -1 : openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *list = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;

        if (!list) {
                int r = error_errno(err, errno, _("cannot list the repository %s"), folder->path);

                fd_close(&fd);
                return r;
        }
        while ((entry = readdir(list))) {
                if ((text_starts(entry->d_name, "." NEW_PREFIX) || text_starts(entry->d_name, ".latest.")) &&
                    text_ends(entry->d_name, ".tmp"))
                        (void)unlinkat(folder->fd, entry->d_name, 0); /* what stays does no harm */
        }
        closedir(list);
        return 0;
}

/* Ends what a crash interrupted. Both new files: nothing was renamed yet, and the old pair is whole. */
static int finish_replacement(const struct folder *folder, const char *name, struct error *err)
{
        char signature[NAME_SIZE], new_text[NEW_NAME_SIZE], new_signature[NEW_NAME_SIZE];
        struct stat st;
        int r = 0;

        signature_name(name, signature);
        new_name(name, new_text);
        new_name(signature, new_signature);
        if (fstatat(folder->fd, new_signature, &st, AT_SYMLINK_NOFOLLOW) == 0) {
                /* The text first: what is left after another crash must not look like the last step of all. */
                if ((unlinkat(folder->fd, new_text, 0) < 0 && errno != ENOENT) ||
                    unlinkat(folder->fd, new_signature, 0) < 0)
                        r = -errno;
        } else if (fstatat(folder->fd, new_text, &st, AT_SYMLINK_NOFOLLOW) == 0) {
                r = rename_at(folder->fd, new_text, folder->fd, name, 0);
                if (r == 0)
                        r = fd_sync(folder->fd);
        }
        if (r < 0)
                return error_errno(err, -r, _("cannot finish the replacement of %s that was interrupted in %s"), name,
                                   folder->path);
        return 0;
}

static int open_folder(struct folder *folder, bool make, struct error *err)
{
        folder->fd = fault_point(FAULT_OPEN) ? -1 : open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder->fd < 0 && errno == ENOENT && make) {
                int r = directory_make(AT_FDCWD, folder->path, 0755, err);

                if (r < 0)
                        return r;
                folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
        if (folder->fd < 0)
                return error_errno(err, errno, _("cannot open the repository %s"), folder->path);
        return 0;
}

int folder_open(const char *path, bool make, struct folder *ret_folder, struct error *err)
{
        _cleanup_(folder_done) struct folder folder = FOLDER_NONE;
        int r;

        if (text_starts(path, "file://"))
                path += strlen("file://");
        else if (text_starts(path, "http://") || text_starts(path, "https://"))
                return error_usage(
                        err,
                        _("the repository %s cannot be changed over HTTP; give the folder that the web server "
                          "serves"),
                        path);
        folder.path = path;
        r = open_folder(&folder, make, err);
        if (r == 0)
                r = lock(&folder, err);
        if (r == 0)
                r = remove_leftovers(&folder, err);
        for (size_t i = 0; r == 0 && i < LENGTH(pairs); i++)
                r = finish_replacement(&folder, pairs[i], err);
        if (r < 0)
                return r;
        *ret_folder = folder;
        folder.fd = folder.lock = -1;
        return 0;
}

void folder_done(struct folder *folder)
{
        fd_close(&folder->fd);
        fd_close(&folder->lock); /* last: it lets the next one in */
}

int folder_read(const struct folder *folder, const char *name, struct buffer *text, struct buffer *signature,
                struct error *err)
{
        char signature_file[NAME_SIZE];
        int r;

        signature_name(name, signature_file);
        r = file_read(folder->fd, name, text, err);
        if (r == 0)
                r = file_read(folder->fd, signature_file, signature, err);
        if (r < 0)
                error_prefix(err, _("in the repository %s"), folder->path);
        return r;
}

int folder_replace(const struct folder *folder, const char *name, const struct buffer *text,
                   const struct buffer *signature, struct error *err)
{
        char signature_file[NAME_SIZE], new_text[NEW_NAME_SIZE], new_signature[NEW_NAME_SIZE];
        int r;

        signature_name(name, signature_file);
        new_name(name, new_text);
        new_name(signature_file, new_signature);
        /* The signature first: .new-NAME alone must never be there before its signature is in place. */
        r = file_replace(folder->fd, new_signature, signature->data, signature->length, 0644, err);
        if (r == 0)
                r = file_replace(folder->fd, new_text, text->data, text->length, 0644, err);
        if (r < 0)
                return error_prefix(err, _("in the repository %s"), folder->path);
        r = rename_at(folder->fd, new_signature, folder->fd, signature_file, 0);
        if (r == 0)
                r = fd_sync(folder->fd); /* in this order also after a power loss */
        if (r == 0)
                r = rename_at(folder->fd, new_text, folder->fd, name, 0);
        if (r == 0)
                r = fd_sync(folder->fd);
        if (r < 0)
                return error_errno(err, -r,
                                   _("cannot put %s in its place in the repository %s; run the same command again"),
                                   name, folder->path);
        return 0;
}

static bool release_is_there(const struct folder *folder, uint64_t number)
{
        char path[NAME_SIZE];
        struct stat st;

        snprintf(path, sizeof(path), "releases/%" PRIu64 "/release.json", number);
        return fstatat(folder->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Without `latest`: the highest number that has a release. Old ones may have been taken away, so counting from 1 would
 * find none, and the next publish would begin anew. */
static int highest_release(const struct folder *folder, uint64_t *ret_number, struct error *err)
{
        int fd = fault_point(FAULT_OPEN) ? -1 : openat(folder->fd, "releases", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *list = fd < 0 ? NULL : fdopendir(fd);
        uint64_t highest = 0, number;
        const struct dirent *entry;

        if (!list && errno != ENOENT) {
                int r = error_errno(err, errno, _("cannot list the releases of the repository %s"), folder->path);

                fd_close(&fd);
                return r;
        }
        while (list && (entry = readdir(list)))
                if (text_parse_u64(entry->d_name, strlen(entry->d_name), RELEASE_NUMBER_MAXIMUM, &number) == 0 &&
                    number > highest && release_is_there(folder, number))
                        highest = number;
        if (list)
                closedir(list);
        *ret_number = highest;
        return 0;
}

int folder_newest(const struct folder *folder, uint64_t *ret_number, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(LATEST_MAXIMUM);
        uint64_t number = 0;
        int r;

        r = file_read(folder->fd, "latest", &text, err);
        if (r == -ENOENT)
                return highest_release(folder, ret_number, err);
        if (r < 0)
                return error_prefix(err, _("in the repository %s"), folder->path);
        if (text.length < 2 || text.data[text.length - 1] != '\n' ||
            text_parse_u64(text.data, text.length - 1, RELEASE_NUMBER_MAXIMUM, &number) < 0 ||
            !release_is_there(folder, number))
                return error_set(
                        err, -EBADMSG,
                        _("the file latest in the repository %s does not name a release that is there; put its "
                          "newest number there, as in \"12\""),
                        folder->path);
        while (number < RELEASE_NUMBER_MAXIMUM && release_is_there(folder, number + 1))
                number++;
        *ret_number = number;
        return 0;
}
