/* keep.c - copy, hash what was copied, and only then give it its name. */
#include "guard/keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"

#define TEMPORARY ".next"

/* What is there from earlier lives. */
static uint64_t add_up(int folder)
{
        int copy = fcntl(folder, F_DUPFD_CLOEXEC, 3);
        DIR *directory = copy < 0 ? NULL : fdopendir(copy);
        const struct dirent *entry;
        uint64_t bytes = 0;
        struct stat st;

        if (!directory) {
                fd_close(&copy);
                return 0;
        }
        rewinddir(directory);
        while ((entry = readdir(directory)))
                if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
                        bytes += (uint64_t)st.st_size;
        (void)closedir(directory);
        return bytes;
}

int keep_open(int state_folder, struct keep *ret_keep, struct error *err)
{
        if (mkdirat(state_folder, KEEP_FOLDER, 0700) < 0 && errno != EEXIST)
                return error_errno(err, errno, _("cannot make the folder for what is found"));
        ret_keep->folder = openat(state_folder, KEEP_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (ret_keep->folder < 0)
                return error_errno(err, errno, _("cannot open the folder for what is found"));
        ret_keep->bytes = add_up(ret_keep->folder);
        return 0;
}

void keep_close(struct keep *keep)
{
        fd_close(&keep->folder);
}

static int copy(int from, int to, uint64_t limit, struct digest *ret_digest, uint64_t *ret_bytes, struct error *err)
{
        _cleanup_(hasher_freep) struct hasher *hasher = NULL;
        char bytes[65536];
        uint64_t at = 0;
        int r = hasher_new(&hasher, err);

        if (r == 0)
                r = hasher_begin(hasher);
        while (r == 0) {
                ssize_t n = read_at(from, bytes, sizeof(bytes), at);

                if (n <= 0) {
                        r = (int)n;
                        break;
                }
                at += (uint64_t)n;
                if (at > limit)
                        return -EFBIG;
                r = write_full(to, bytes, (size_t)n);
                if (r == 0)
                        r = hasher_add(hasher, bytes, (size_t)n);
        }
        if (r == 0)
                r = hasher_end(hasher, ret_digest);
        *ret_bytes = at;
        return r;
}

/* The same bytes may have been found before: then their copy has its name, and is on the disk. */
static bool is_kept(const struct keep *keep, const struct digest *digest)
{
        char name[DIGEST_HEX_SIZE];
        struct stat st;

        digest_hex(digest, name);
        return fstatat(keep->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int cannot_keep(const struct keep *keep, int code, struct error *err)
{
        (void)unlinkat(keep->folder, TEMPORARY, 0);
        return code == -EFBIG ? code : error_errno(err, -code, _("cannot keep what was found"));
}

static uint64_t room_in(const struct keep *keep)
{
        return keep->bytes < KEEP_MAXIMUM_BYTES ? KEEP_MAXIMUM_BYTES - keep->bytes : 0;
}

int keep_copy(struct keep *keep, int file, struct kept *ret_kept, struct error *err)
{
        uint64_t room = room_in(keep);
        _cleanup_(fd_closep) int to = -1;
        struct kept kept = { .copy = -1 };
        struct stat st = { 0 };
        int r;

        if (fstat(file, &st) == 0 && (uint64_t)st.st_size > room) {
                keep->bytes = add_up(keep->folder); /* somebody may have made room */
                room = room_in(keep);
        }
        if ((uint64_t)st.st_size > room)
                return -EFBIG; /* nothing is written first: a hole of a terabyte costs its owner nothing */
        (void)unlinkat(keep->folder, TEMPORARY, 0);
        to = openat(keep->folder, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (to < 0)
                return error_errno(err, errno, _("cannot keep what was found"));
        r = copy(file, to, room, &kept.digest, &kept.bytes, err);
        if (r < 0)
                return cannot_keep(keep, r, err);
        if (is_kept(keep, &kept.digest)) {
                (void)unlinkat(keep->folder, TEMPORARY, 0);
        } else {
                (void)sync_file_range(to, 0, 0, SYNC_FILE_RANGE_WRITE);
                kept.copy = fd_steal(&to);
        }
        *ret_kept = kept;
        return 0;
}

int keep_settle(struct keep *keep, struct kept *kept, struct error *err)
{
        _cleanup_(fd_closep) int copied = kept->copy;
        char name[DIGEST_HEX_SIZE];
        int r;

        if (copied < 0)
                return 0;
        kept->copy = -1;
        digest_hex(&kept->digest, name);
        r = fd_sync(copied);
        if (r == 0)
                r = rename_at(keep->folder, TEMPORARY, keep->folder, name, 0);
        if (r == 0)
                r = fd_sync(keep->folder);
        if (r < 0)
                return cannot_keep(keep, r, err);
        keep->bytes += kept->bytes;
        return 0;
}
