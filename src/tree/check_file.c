/* check_file.c - opens, reads and hashes files, each through one descriptor, and makes sure that they stayed the same.
 */
#include "check_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "manifest/inode.h"

#define READ_BYTES        (128 * 1024)
#define OTHER_SIZE_LIMIT  (UINT64_C(64) << 20) /* a file of a wrong size is hashed as evidence up to here */
#define FOUND_WORDS_LIMIT 4096                 /* bytes of words about extended attributes */

int checker_init(struct checker *checker, const struct verify_options *options, struct error *err)
{
        *checker = (struct checker){ .options = options, .no_atime = O_NOATIME };
        for (size_t i = 0; i < HASHER_LANES; i++) {
                struct lane *lane = &checker->lanes[i];

                lane->fd = -1;
                if (fault_point(FAULT_ALLOCATE) || posix_memalign((void **)&lane->bytes, 4096, READ_BYTES) != 0) {
                        lane->bytes = NULL;
                        return error_memory(err);
                }
        }
        return hasher_pair_new(&checker->hashers, err);
}

void checker_done(struct checker *checker)
{
        while (checker_drop(checker)) {
        }
        for (size_t i = 0; i < HASHER_LANES; i++)
                free(checker->lanes[i].bytes);
        hasher_pair_free(checker->hashers);
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

/* A file of another size than the manifest's is hashed as evidence, but not if it is huge. */
static int tell_size(struct file_job *job)
{
        char expected[DIGEST_HEX_SIZE];

        digest_hex(&job->entry.digest, expected);
        return findings_printf(&job->findings, DIFFERENCE_CONTENT, expected, "size %llu", job->stx.stx_size);
}

static int compare_content(struct file_job *job, int r, const struct digest *digest)
{
        char expected[DIGEST_HEX_SIZE], found[DIGEST_HEX_SIZE];
        uint64_t size = job->stx.stx_size;

        if (r == 0 && job->bytes != size)
                job->changed = true;
        if (r == 0 && size == (uint64_t)job->entry.size && digest_equal(digest, &job->entry.digest))
                return 0;
        digest_hex(&job->entry.digest, expected);
        if (r < 0)
                return findings_unreadable(&job->findings, expected, r);
        digest_hex(digest, found);
        return findings_add(&job->findings, DIFFERENCE_CONTENT, expected, found);
}

/* Everything was read that is to be read. */
static int conclude(struct checker *checker, struct file_job *job, int fd, struct error *err)
{
        const struct verify_options *options = checker->options;
        bool leased = options->leases && !job->writable && !job->no_lease;
        struct statx now;

        if (leased && fcntl(fd, F_GETLEASE) != F_RDLCK) {
                job->writable = true; /* somebody opened it meanwhile, and waits for us to be done */
                leased = false;
        }
        /* Whether it stayed the same is asked again for all files at the end (changes.h); earlier only where it matters
         * now: to tell a change from a difference, and before somebody acts upon bytes that no lease held still. */
        if ((job->findings.kinds || (!leased && (options->genuine || options->leases))) &&
            (inode_stat(fd, &now) < 0 || !inode_same(&job->stx, &now)))
                job->changed = true;
        if (job->changed || job->findings.kinds & (DIFFERENCE_CONTENT | DIFFERENCE_XATTR) || !options->genuine ||
            job->writable)
                return 0;
        return options->genuine(options->context, &job->entry, fd, &job->stx, err);
}

static struct lane *free_lane(struct checker *checker)
{
        for (size_t i = 0; i < HASHER_LANES; i++)
                if (!checker->lanes[i].job)
                        return &checker->lanes[i];
        return NULL;
}

bool checker_has_room(struct checker *checker)
{
        return free_lane(checker);
}

static unsigned int number_of(const struct checker *checker, const struct lane *lane)
{
        return (unsigned int)(lane - checker->lanes);
}

/* What is read from here on is the lane's: the descriptor moves. */
static void enter_lane(struct checker *checker, struct file_job *job, int *fd)
{
        struct lane *lane = free_lane(checker);

        assert(lane);
        lane->job = job;
        lane->fd = fd_steal(fd);
        lane->from = lane->to = 0;
        lane->failed = hasher_pair_begin(checker->hashers, number_of(checker, lane));
        lane->ended = lane->failed < 0;
        if (job->stx.stx_size > READ_BYTES)
                (void)posix_fadvise(lane->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

static int begin_open_file(struct checker *checker, struct file_job *job, int *fd, struct error *err)
{
        bool readable = job->stx.stx_size == (uint64_t)job->entry.size || job->stx.stx_size <= OTHER_SIZE_LIMIT;
        int r;

        if (checker->options->leases)
                take_lease(job, *fd);
        r = check_attributes(job, *fd, err);
        if (r == 0 && readable) {
                enter_lane(checker, job, fd);
                return 0;
        }
        if (r == 0)
                r = tell_size(job);
        if (r == 0)
                r = conclude(checker, job, *fd, err);
        return r == -ENOMEM ? error_memory(err) : r < 0 ? r : 1;
}

int checker_begin(struct checker *checker, struct file_job *job, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        int r;

        if (job->again) {
                job->error = walk_folder_look(job->folder, job->path.data + job->name_at, &job->stx);
                return 1;
        }
        fd = open_file(checker, job);
        r = fd < 0 ? fd : look(job, fd);
        if (r == 0)
                return begin_open_file(checker, job, &fd, err);
        if (findings_lack(r))
                return error_errno(err, -r, _("cannot open %s"), job->path.data);
        return tell_unopened(job, r) < 0 ? error_memory(err) : 1;
}

/* Up to one byte more than the file had, so that one that has become longer is seen to be. */
static void fill(struct lane *lane)
{
        struct file_job *job = lane->job;
        uint64_t size = job->stx.stx_size, left = size - job->bytes + 1;
        size_t asked = left < READ_BYTES ? (size_t)left : READ_BYTES;
        ssize_t n;

        do
                n = fault_point(FAULT_READ) ? -1 : read(lane->fd, lane->bytes, asked);
        while (n < 0 && errno == EINTR);
        if (n < 0) {
                lane->failed = -errno;
                lane->ended = true;
                return;
        }
        lane->from = 0;
        lane->to = (size_t)n;
        job->bytes += (uint64_t)n;
        lane->ended = n == 0 || job->bytes > size || ((size_t)n < asked && job->bytes == size);
}

static size_t there(const struct lane *lane)
{
        return lane->to - lane->from;
}

static int hash_one(struct checker *checker, struct lane *lane)
{
        int r = hasher_pair_add(checker->hashers, number_of(checker, lane), lane->bytes + lane->from, there(lane));

        lane->from = lane->to;
        return r;
}

/* What both lanes have there is hashed together; the shorter end of a file, and a file without company, alone. */
static int hash_some(struct checker *checker)
{
        struct lane *a = &checker->lanes[0], *b = &checker->lanes[1];
        size_t both = (there(a) < there(b) ? there(a) : there(b)) / HASHER_PAIR_UNIT * HASHER_PAIR_UNIT;
        const void *const bytes[] = { a->bytes + a->from, b->bytes + b->from };

        if (both == 0)
                return hash_one(checker, there(b) == 0 || (there(a) > 0 && there(a) < there(b)) ? a : b);
        a->from += both;
        b->from += both;
        return hasher_pair_add_both(checker->hashers, bytes, both);
}

/* The lane is free again, unless the verification cannot go on. */
static int leave_lane(struct checker *checker, struct lane *lane, struct file_job **ret_job, struct error *err)
{
        struct file_job *job = lane->job;
        struct digest digest = { 0 };
        int r = lane->failed ? lane->failed : hasher_pair_end(checker->hashers, number_of(checker, lane), &digest);

        if (compare_content(job, r, &digest) < 0)
                return error_memory(err);
        r = conclude(checker, job, lane->fd, err);
        if (r < 0)
                return r;
        fd_close(&lane->fd);
        lane->job = NULL;
        *ret_job = job;
        return 1;
}

int checker_finish(struct checker *checker, struct file_job **ret_job, struct error *err)
{
        for (;;) {
                bool idle = true;
                int r;

                for (size_t i = 0; i < HASHER_LANES; i++) {
                        struct lane *lane = &checker->lanes[i];

                        if (!lane->job)
                                continue;
                        idle = false;
                        if (there(lane) == 0 && !lane->ended)
                                fill(lane);
                        if (there(lane) == 0 && lane->ended)
                                return leave_lane(checker, lane, ret_job, err);
                }
                if (idle)
                        return 0;
                r = hash_some(checker);
                for (size_t i = 0; r < 0 && i < HASHER_LANES; i++) { /* OpenSSL failed: which file's fault, who knows */
                        checker->lanes[i].failed = r;
                        checker->lanes[i].ended = true;
                        checker->lanes[i].from = checker->lanes[i].to;
                }
        }
}

struct file_job *checker_drop(struct checker *checker)
{
        for (size_t i = 0; i < HASHER_LANES; i++) {
                struct file_job *job = checker->lanes[i].job;

                if (!job)
                        continue;
                fd_close(&checker->lanes[i].fd);
                checker->lanes[i].job = NULL;
                return job;
        }
        return NULL;
}
