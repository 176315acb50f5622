/*
 * check_file.h - one regular file against its entry: attributes, content, and whether anybody can write it.
 *
 * Runs in the walking thread and in the workers of hash_pool.h; each has a checker of its own and shares nothing.
 */
#ifndef TREE_CHECK_FILE_H
#define TREE_CHECK_FILE_H

#include "base/buffer.h"
#include "crypto/digest.h"
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
        bool slash;       /* an extra folder: shown with "/" at its end */

        struct findings findings;
        bool regular;   /* it was a regular file, and stx says which */
        uint64_t bytes; /* read and hashed */
        bool changed;   /* something changed while it was read */
        bool writable;  /* somebody holds it open for writing */
        bool no_lease;  /* the file system gives none */
};

struct checker {
        const struct verify_options *options;
        struct hasher *hasher;
        char *bytes;  /* page aligned */
        int no_atime; /* O_NOATIME while we may: reading must not write the inode */
};

int checker_init(struct checker *checker, const struct verify_options *options, struct error *err);
void checker_done(struct checker *checker);

/* 0 when the file was looked at, whatever was found; negative with words when the verification cannot go on. */
int check_file(struct checker *checker, struct file_job *job, struct error *err);

/* Whether a read lease on the file system of `folder` keeps everybody from writing. On a stacked or a network file
 * system the same bytes can be reached past it: through the folder behind an overlay, by a FUSE process, from another
 * machine. */
bool leases_hold(int folder);

#endif
