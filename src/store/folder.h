/*
 * folder.h - a repository as the folder that its owner has: its lock, and the two signed files in it that are replaced.
 *
 * For delegate, revoke and refresh. keys.json and current.json are two files each, with their signatures. Both new ones
 * are written and synced first (.new-NAME and .new-NAME.minisig), then the signature is renamed and then the file: a
 * reader in between finds a signature that does not hold, and reads both again. After a crash in between only .new-NAME
 * is there; who locks the folder next finishes the step, so the pair is whole again before it is read.
 *
 *     _cleanup_(folder_done) struct folder folder = FOLDER_NONE;
 *     r = folder_open("/srv/repo", false, &folder, err);
 *     r = folder_read(&folder, "keys.json", &text, &signature, err);
 *     r = folder_replace(&folder, "keys.json", &text, &signature, err);
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct folder {
        const char *path; /* as given, without file://; borrowed */
        int fd;
        int lock; /* held until folder_done(); -1: the file system has no flock */
};

#define FOLDER_NONE                                                                                                    \
        {                                                                                                              \
                NULL, -1, -1                                                                                           \
        }

/*
 * Opens and locks; waits up to a minute for another command that is at work (-EBUSY). `make`: a folder that is not
 * there is made. `path` may begin with file://; any other URL is a usage error.
 */
int folder_open(const char *path, bool make, struct folder *ret_folder, struct error *err);
void folder_done(struct folder *folder);

/* Reads NAME and NAME.minisig, up to the buffers' maxima. -ENOENT with words when either is not there. */
int folder_read(const struct folder *folder, const char *name, struct buffer *text, struct buffer *signature,
                struct error *err);

/* Replaces both as said above. */
int folder_replace(const struct folder *folder, const char *name, const struct buffer *text,
                   const struct buffer *signature, struct error *err);

/* The number of the newest release that is there, 0 when there is none: what `latest` says, or one after it that an
 * interrupted publish has made without getting to `latest`. */
int folder_newest(const struct folder *folder, uint64_t *ret_number, struct error *err);

#endif
