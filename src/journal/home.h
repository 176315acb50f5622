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

/* With the lock held: reads the key, or makes it and the checkpoint of no records when nothing is there yet. A key that
 * is gone while the rest is there is refused. */
int home_key(int folder, const char *path, struct note_signer *ret_signer, struct error *err);

/* The newest checkpoint, as text and parsed; its signature must be the signer's. */
int home_checkpoint(int folder, const struct note_signer *signer, struct buffer *note,
                    struct checkpoint *ret_checkpoint, struct error *err);

/* Signs and replaces it durably; `note` becomes its text. */
int home_sign(int folder, const struct note_signer *signer, const struct checkpoint *checkpoint, struct buffer *note,
              struct error *err);

#endif
