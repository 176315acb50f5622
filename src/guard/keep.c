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

int keep_file(struct keep *keep, int file, struct digest *ret_digest, struct error *err)
{
        uint64_t room = keep->bytes < KEEP_MAXIMUM_BYTES ? KEEP_MAXIMUM_BYTES - keep->bytes : 0, bytes = 0;
        char name[DIGEST_HEX_SIZE];
        _cleanup_(fd_closep) int to = -1;
        struct stat st;
        int r;

        if (fstat(file, &st) == 0 && (uint64_t)st.st_size > room)
                return -EFBIG; /* nothing is written first: a hole of a terabyte costs its owner nothing */
        (void)unlinkat(keep->folder, TEMPORARY, 0);
        to = openat(keep->folder, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (to < 0)
                return error_errno(err, errno, _("cannot keep what was found"));
        r = copy(file, to, room, ret_digest, &bytes, err);
        if (r == 0)
                r = fd_sync(to);
        if (r == 0) {
                digest_hex(ret_digest, name);
                if (fstatat(keep->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
                        (void)unlinkat(keep->folder, TEMPORARY, 0); /* the same again */
                        return 0;
                }
                r = rename_at(keep->folder, TEMPORARY, keep->folder, name, 0);
        }
        if (r == 0)
                r = fd_sync(keep->folder);
        if (r < 0) {
                (void)unlinkat(keep->folder, TEMPORARY, 0);
                return error_errno(err, -r, _("cannot keep what was found"));
        }
        keep->bytes += bytes;
        return 0;
}
