/*
 * home.h - a journal's folder for the writer: made on first use, its key, its lock, its checkpoint. For journal.c
 * alone.
 */
#ifndef JOURNAL_HOME_H
#define JOURNAL_HOME_H

#include "base/buffer.h"
#include "journal/checkpoint.h"

/* Opens the folder; one that is not there is made (0700). Returns the descriptor. */
int home_open(const char *path, struct error *err);

/* Takes the lock, for at most ten seconds: the descriptor to close, or -EBUSY with words. */
int home_lock(int folder, const char *path, struct error *err);

/*
 * With the lock held: the public half of the node's key. When nothing is there yet the key is made, and the checkpoint
 * of no records. A key that is gone while the rest is there is refused.
 *
 * The secret half is read for one signature and wiped after it: a command that has the journal open forks helpers which
 * parse what comes from outside, and they must not find it in their memory.
 */
int home_key(int folder, const char *path, struct note_key *ret_key, struct error *err);

/* With the lock held: removes the temporary files of writers that were killed; who writes one holds the lock. */
void home_clean(int folder);

/* The newest checkpoint, as text and parsed; its signature must be the key's. */
int home_checkpoint(int folder, const struct note_key *key, struct buffer *note, struct checkpoint *ret_checkpoint,
                    struct error *err);

/* Signs and replaces it durably; `note` becomes its text. -EBADMSG when the key on the disk is another one by now. */
int home_sign(int folder, const char *path, const struct note_key *key, const struct checkpoint *checkpoint,
              struct buffer *note, struct error *err);

#endif
