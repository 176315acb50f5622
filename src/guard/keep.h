/*
 * keep.h - the bytes of what differed, kept the moment it is found: STATE/dest/X/found/<sha256>.
 *
 * By content, so that somebody who plants the same page every second fills no disk; bounded in bytes. 0600 in a 0700
 * folder, never served. What a pull finds on top is kept by the pull (tree/evidence.h).
 */
#ifndef GUARD_KEEP_H
#define GUARD_KEEP_H

#include <stdint.h>

#include "base/error.h"
#include "crypto/digest.h"

#define KEEP_FOLDER        "found"
#define KEEP_MAXIMUM_BYTES (UINT64_C(256) << 20) /* of all that is kept for one DEST */

struct keep {
        int folder;
        uint64_t bytes; /* in it */
};

/* `state_folder`: the state's folder of DEST. */
int keep_open(int state_folder, struct keep *ret_keep, struct error *err);
void keep_close(struct keep *keep);

/*
 * Two steps, so that the record that names the bytes can be on its way to the disk together with them. What was found
 * must be left as it is, in the tree, until both are done: a power cut between them takes the copy, never the bytes.
 */
struct kept {
        int copy; /* of what is not on the disk yet; -1: it was kept before */
        uint64_t bytes;
        struct digest digest;
};

/* Copies a file from its start, and tells its digest. -EFBIG when there is no room left by the limit. The disk has begun
 * to write when it returns 0; keep_settle() must follow before the next copy. */
int keep_copy(struct keep *keep, int file, struct kept *ret_kept, struct error *err);

/* Names the copy by its digest; on the disk when it returns 0. */
int keep_settle(struct keep *keep, struct kept *kept, struct error *err);

#endif
