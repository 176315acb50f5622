/*
 * folder.h - checkpoints in a plain folder:
 *
 *     FOLDER/<origin, every "/" as "_">/key                   the key of this log: the first one that it came with, or
 *                                                             was introduced with; it stays the key
 *     FOLDER/<origin>/<size, 20 digits>                       a checkpoint; never overwritten by another one
 *     FOLDER/<origin>/latest                                  the newest
 *     FOLDER/<origin>/refused                                 the last one that was signed by the log and did not
 *                                                             continue it: proof of a fork
 */
#ifndef WITNESS_FOLDER_H
#define WITNESS_FOLDER_H

#include "witness/request.h"
#include "witness/witness.h"

/* A folder as a witness; the path is borrowed as context. A log that it does not know is taken with the key it has. */
struct witness witness_folder(const char *path);

/* Makes a log known. -EPERM (refused) when it is known with another key. */
int folder_introduce(const char *path, const struct note_key *key, struct error *err);

/*
 * Takes a checkpoint of a log that is known. With a signer (NULL: none) it is cosigned, and the line appended to
 * `cosignatures`. -ENOENT: no such log; -EKEYREJECTED: not signed by its key; -EBADMSG: no checkpoint; -EINVAL: `old`
 * is more than it has; -ESTALE and -EPERM as in witness.h.
 */
int folder_take(const char *path, const struct witness_request *request, const struct note_signer *signer,
                struct buffer *cosignatures, uint64_t *ret_seen, struct error *err);

#endif
