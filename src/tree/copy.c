/* copy.c - contents into fresh inodes, with the hash taken of the very bytes that are written. */
#include "tree/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/memory.h"

#define COPY_BUFFER ((size_t)256 << 10)
/* Files from this size on are handed to the disk as soon as they are written, so that the sync at the end finds little
 * left to do. */
#define EARLY_WRITEBACK ((uint64_t)1 << 20)

struct copier {
        struct hasher *hasher;
        char *bytes;
        int to; /* borrowed between begin and end */
        uint64_t written;
};

int copier_new(struct copier **ret_copier, struct error *err)
{
        _cleanup_(copier_freep) struct copier *copier = memory_new(1, sizeof(*copier));
        int r;

        if (!copier || !(copier->bytes = memory_new(COPY_BUFFER, 1)))
                return error_memory(err);
        r = hasher_new(&copier->hasher, err);
        if (r < 0)
                return r;
        *ret_copier = copier;
        copier = NULL;
        return 0;
}

void copier_free(struct copier *copier)
{
        if (!copier)
                return;
        hasher_free(copier->hasher);
        free(copier->bytes);
        free(copier);
}

void copier_freep(struct copier **copier)
{
        copier_free(*copier);
}

int copier_begin(struct copier *copier, int to)
{
        copier->to = to;
        copier->written = 0;
        return hasher_begin(copier->hasher);
}

int copier_add(struct copier *copier, const void *bytes, size_t length)
{
        int r = hasher_add(copier->hasher, bytes, length);

        if (r == 0)
                r = write_full(copier->to, bytes, length);
        if (r == 0)
                copier->written += length;
        return r;
}

int copier_end(struct copier *copier, const struct digest *digest, uint64_t size)
{
        struct digest found;
        int r = hasher_end(copier->hasher, &found);

        if (r < 0)
                return r;
        if (copier->written != size || !digest_equal(&found, digest))
                return -ESTALE;
        if (size >= EARLY_WRITEBACK)
                (void)sync_file_range(copier->to, 0, 0, SYNC_FILE_RANGE_WRITE);
        return 0;
}

/* Reads back what a clone put there: at most `size` bytes and one more. */
static int check_clone(int to, const struct digest *digest, uint64_t size)
{
        struct digest found;
        uint64_t length = 0;
        int r = digest_of_fd(to, size, &found, &length, NULL);

        if (r == -E2BIG || (r == 0 && (length != size || !digest_equal(&found, digest))))
                return -ESTALE;
        return r;
}

static int copy_bytes(struct copier *copier, int from, int to, const struct digest *digest, uint64_t size)
{
        int r = copier_begin(copier, to);

        while (r == 0 && copier->written <= size) {
                ssize_t n = pread(from, copier->bytes, COPY_BUFFER, (off_t)copier->written);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -ESTALE; /* it cannot be read: no source */
                if (n == 0)
                        return copier_end(copier, digest, size);
                r = copier_add(copier, copier->bytes, (size_t)n);
        }
        return r < 0 ? r : -ESTALE; /* longer than it should be */
}

int copier_copy(struct copier *copier, int from, int to, const struct digest *digest, uint64_t size, bool *clone)
{
        if (*clone && size > 0) {
                if (ioctl(to, FICLONE, from) == 0)
                        return check_clone(to, digest, size);
                /* An odd file (other file system, NODATACOW) is copied; a file system that cannot is not asked again.
                 */
                if (errno != EXDEV && errno != EINVAL)
                        *clone = false;
        }
        return copy_bytes(copier, from, to, digest, size);
}
