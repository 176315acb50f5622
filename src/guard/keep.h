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

/* Copies a file from its start and names the copy by what was copied: *ret_digest. -EFBIG when there is no room left by
 * the limit. On the disk when it returns 0. */
int keep_file(struct keep *keep, int file, struct digest *ret_digest, struct error *err);

#endif
