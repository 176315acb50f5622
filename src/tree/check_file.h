/*
 * check_file.h - regular files against their entries: attributes, content, and whether anybody can write them.
 *
 * Runs in the walking thread and in the workers of hash_pool.h; each has a checker of its own and shares nothing. Two
 * files are on their way in it at a time, because hashing two takes less than twice the time (digest_pair.h):
 *
 *     while (jobs are left or r > 0)
 *             r = checker_has_room(&checker) && jobs are left ? checker_begin(&checker, next job, err)
 *                                                             : checker_finish(&checker, &job, err);
 */
#ifndef TREE_CHECK_FILE_H
#define TREE_CHECK_FILE_H

#include <stdatomic.h>

#include "base/buffer.h"
#include "crypto/digest_pair.h"
#include "tree/findings.h"
#include "manifest/walk.h"

/* A file that must be read, or a path with findings that wait for their turn. */
struct file_job {
        struct walk_folder *folder; /* a reference; NULL: nothing to read, only findings */
        struct buffer path;         /* owned */
        size_t name_at;             /* of the last component in it */
        struct entry entry;         /* its path is the buffer's */
        const struct attributes *expected;
        bool looked;      /* the walk has looked at it: stx and its findings are there; else the descriptor is asked */
        struct statx stx; /* before it was read */
        bool again;       /* nothing is read: only looked at, for changes.h; `error` and stx say how it is now */
        int error;        /* negative errno of that look */
        bool slash;       /* an extra folder: shown with "/" at its end */

        struct findings findings;
        bool regular;   /* it was a regular file, and stx says which */
        uint64_t bytes; /* read and hashed */
        bool changed;   /* something changed while it was read */
        bool writable;  /* somebody holds it open for writing */
        bool no_lease;  /* the file system gives none */

        atomic_bool done; /* the pool's: set by whoever checked it, and then it is the walking thread's again */
};

/* One of the files that are being read. */
struct lane {
        struct file_job *job; /* NULL: none */
        int fd;
        char *bytes;     /* page aligned */
        size_t from, to; /* of what was read and is not hashed yet */
        bool ended;      /* there is no more to read */
        int failed;      /* negative errno of reading or hashing */
};

struct checker {
        const struct verify_options *options;
        struct hasher_pair *hashers;
        struct lane lanes[HASHER_LANES];
        int no_atime; /* O_NOATIME while we may: reading must not write the inode */
};

int checker_init(struct checker *checker, const struct verify_options *options, struct error *err);
void checker_done(struct checker *checker);

bool checker_has_room(struct checker *checker);

/* Begins a file, for which there must be room: 1 when it is done already, whatever was found; 0 when it has to be read;
 * negative with words when the verification cannot go on. */
int checker_begin(struct checker *checker, struct file_job *job, struct error *err);

/* Reads on until a file is done: 1 and which, 0 when none was begun, negative as above. */
int checker_finish(struct checker *checker, struct file_job **ret_job, struct error *err);

/* Leaves a file half-way, when the verification cannot go on: which, or NULL when there is none. */
struct file_job *checker_drop(struct checker *checker);

/* Whether a read lease on the file system of `folder` keeps everybody from writing. On a stacked or a network file
 * system the same bytes can be reached past it: through the folder behind an overlay, by a FUSE process, from another
 * machine. */
bool leases_hold(int folder);

#endif
