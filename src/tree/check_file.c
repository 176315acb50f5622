/* check_file.c - opens, reads and hashes one file through one descriptor, and makes sure that it stayed the same. */
#include "check_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "manifest/inode.h"

#define READ_BYTES        (128 * 1024)
#define OTHER_SIZE_LIMIT  (INT64_C(64) << 20) /* a file of a wrong size is hashed as evidence up to here */
#define FOUND_WORDS_LIMIT 4096                /* bytes of words about extended attributes */

int checker_init(struct checker *checker, const struct verify_options *options, struct error *err)
{
        *checker = (struct checker){ .options = options, .no_atime = O_NOATIME };
        if (fault_point(FAULT_ALLOCATE) || posix_memalign((void **)&checker->bytes, 4096, READ_BYTES) != 0) {
                checker->bytes = NULL;
                return error_memory(err);
        }
        return hasher_new(&checker->hasher, err);
}

void checker_done(struct checker *checker)
{
        hasher_free(checker->hasher);
        free(checker->bytes);
        *checker = (struct checker){ 0 };
}

/* A mount over the file is not crossed, a link not followed, a FIFO not waited for. */
static int open_file(struct checker *checker, const struct file_job *job)
{
        const char *name = job->path.data + job->name_at;
        int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
        int fd = open_beneath(walk_folder_fd(job->folder), name, flags | checker->no_atime, 0, BENEATH_STRICT);

        if (fd == -EPERM && checker->no_atime) { /* neither owner nor root */
                checker->no_atime = 0;
                fd = open_beneath(walk_folder_fd(job->folder), name, flags, 0, BENEATH_STRICT);
        }
        return fd;
}

/* SHA-256 of at most `limit` + 1 bytes, so that a file that has become longer is seen to be. */
static int hash(struct checker *checker, int fd, int64_t limit, struct digest *ret_digest, uint64_t *ret_bytes)
{
        uint64_t done = 0;
        int r = hasher_begin(checker->hasher);

        if (r < 0)
                return r;
        if (limit > READ_BYTES)
                (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        while (done <= (uint64_t)limit) {
                uint64_t left = (uint64_t)limit - done + 1;
                size_t asked = left < READ_BYTES ? (size_t)left : READ_BYTES;
                ssize_t n = fault_point(FAULT_READ) ? -1 : read(fd, checker->bytes, asked);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                r = n > 0 ? hasher_add(checker->hasher, checker->bytes, (size_t)n) : 0;
                if (r < 0)
                        return r;
                done += (uint64_t)n;
                if (n == 0 || ((size_t)n < asked && done == (uint64_t)limit))
                        break;
        }
        *ret_bytes = done;
        return hasher_end(checker->hasher, ret_digest);
}

static int check_content(struct checker *checker, struct file_job *job, int fd)
{
        const struct entry *entry = &job->entry;
        int64_t size = (int64_t)job->stx.stx_size;
        char expected[DIGEST_HEX_SIZE], found[DIGEST_HEX_SIZE];
        struct digest digest;
        int r;

        if (size != entry->size && size > OTHER_SIZE_LIMIT) {
                digest_hex(&entry->digest, expected);
                return findings_printf(&job->findings, DIFFERENCE_CONTENT, expected, "size %" PRId64, size);
        }
        r = hash(checker, fd, size, &digest, &job->bytes);
        if (r == 0 && job->bytes != (uint64_t)size)
                job->changed = true;
        if (r == 0 && size == entry->size && digest_equal(&digest, &entry->digest))
                return 0;
        digest_hex(&entry->digest, expected);
        if (r < 0)
                return findings_unreadable(&job->findings, expected, r);
        digest_hex(&digest, found);
        return findings_add(&job->findings, DIFFERENCE_CONTENT, expected, found);
}

static int check_attributes(struct file_job *job, int fd, struct error *err)
{
        _cleanup_(buffer_done) struct buffer found = BUFFER_INIT(FOUND_WORDS_LIMIT);
        _cleanup_(buffer_done) struct buffer expected = BUFFER_INIT(FOUND_WORDS_LIMIT);
        int r = inode_attributes_equal(fd, job->expected, &found, err);

        if (r > 0)
                return 0;
        if (r < 0)
                return findings_lack(r) ? r : findings_unreadable(&job->findings, NULL, r);
        if (job->expected && inode_attributes_describe(job->expected, &expected) < 0)
                return error_memory(err);
        return findings_add(&job->findings, DIFFERENCE_XATTR, expected.length ? buffer_text(&expected) : NULL,
                            found.length ? buffer_text(&found) : NULL);
}

bool leases_hold(int folder)
{
        return inode_is_local(folder);
}

/* A read lease cannot be had while anybody holds the file open for writing, a shared mapping included. */
static void take_lease(struct file_job *job, int fd)
{
        if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
                return;
        if (errno == EAGAIN)
                job->writable = true;
        else
                job->no_lease = true;
}

static int check_open_file(struct checker *checker, struct file_job *job, int fd, struct error *err)
{
        const struct verify_options *options = checker->options;
        struct statx now;
        int r;

        if (options->leases)
                take_lease(job, fd);
        r = check_attributes(job, fd, err);
        if (r == 0)
                r = check_content(checker, job, fd);
        if (r < 0)
                return r == -ENOMEM ? error_memory(err) : r;
        /* Whether it stayed the same is asked again for all files at the end (changes.h); earlier only where it matters
         * now: to tell a change from a difference, and before somebody acts upon it. */
        if ((job->findings.kinds || options->genuine || options->leases) &&
            (inode_stat(fd, &now) < 0 || !inode_same(&job->stx, &now)))
                job->changed = true;
        if (options->leases && !job->writable && !job->no_lease && fcntl(fd, F_GETLEASE) != F_RDLCK)
                job->writable = true; /* somebody opened it meanwhile, and waits for us to be done */
        if (job->changed || job->findings.kinds & (DIFFERENCE_CONTENT | DIFFERENCE_XATTR) || !options->genuine)
                return 0;
        return options->genuine(options->context, &job->entry, fd, &job->stx, err);
}

/* The first look at the inode, or a second one after the walk's. */
static int take_look(struct file_job *job, const struct statx *now)
{
        const struct attributes *expected = job->expected;

        job->regular = true;
        if (job->looked) {
                job->changed = job->changed || !inode_same(&job->stx, now);
                return 0;
        }
        job->stx = *now;
        return findings_of_inode(&job->findings, now, &job->entry, expected ? expected->flags : 0);
}

static int look(struct file_job *job, int fd)
{
        struct statx now;
        int r = inode_stat(fd, &now);

        if (r < 0)
                return r;
        if (!S_ISREG(now.stx_mode) ||
            (job->looked && (now.stx_ino != job->stx.stx_ino || now.stx_mnt_id != job->stx.stx_mnt_id)))
                return -ESTALE;
        return take_look(job, &now);
}

/* It could not be opened as the regular file that it was listed as: what can be said without. */
static int tell_unopened(struct file_job *job, int error)
{
        char expected[DIGEST_HEX_SIZE];
        struct statx now;
        bool there = inode_glance_at(walk_folder_fd(job->folder), job->path.data + job->name_at, &now) == 0;

        if (error == -EXDEV)
                return findings_add(&job->findings, DIFFERENCE_MOUNT, NULL,
                                    there ? inode_type_name(now.stx_mode) : NULL);
        /* It is not what it was a moment ago. */
        job->changed = error == -ENOENT || error == -ELOOP || error == -ENXIO || error == -ESTALE;
        if (error == -ENOENT)
                return findings_add(&job->findings, DIFFERENCE_MISSING, "file", NULL);
        if (there && S_ISREG(now.stx_mode) && take_look(job, &now) < 0)
                return -ENOMEM;
        digest_hex(&job->entry.digest, expected);
        return findings_unreadable(&job->findings, expected, error);
}

int check_file(struct checker *checker, struct file_job *job, struct error *err)
{
        _cleanup_(fd_closep) int fd = open_file(checker, job);
        int r = fd < 0 ? fd : look(job, fd);

        if (r == 0)
                return check_open_file(checker, job, fd, err);
        if (findings_lack(r))
                return error_errno(err, -r, _("cannot open %s"), job->path.data);
        return tell_unopened(job, r) < 0 ? error_memory(err) : 0;
}
