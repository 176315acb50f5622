/*
 * witness.h - checkpoints that are held elsewhere: without them a journal that was rolled back whole looks whole.
 *
 * A witness remembers the newest checkpoint that it has seen of each log, and takes another one only when a consistency
 * proof shows that the log was appended to since. What holds the checkpoints is behind a table of functions; here is
 * the plain folder (a mounted share, another disk, a folder that is copied off the machine):
 *
 *     FOLDER/<origin, every "/" as "_">/<size, 20 digits>     a checkpoint; never overwritten by another one
 *     FOLDER/<origin>/latest                                  the newest
 *     FOLDER/<origin>/key                                     the key that the first one was signed with
 *
 * A witness over HTTP has the same two steps (what have you seen; here is a proof and the checkpoint, as in C2SP
 * tlog-witness) and is another table.
 */
#ifndef JOURNAL_WITNESS_H
#define JOURNAL_WITNESS_H

#include "journal/checkpoint.h"
#include "journal/merkle.h"

struct witness {
        /* The newest checkpoint that it has seen of this origin; size 0 when there is none. */
        int (*seen)(void *context, const char *origin, struct checkpoint *ret_checkpoint, struct error *err);
        /* Hands it a signed note with the proof that it continues what was seen. -EPERM (refused, with words) when it
         * does not: the log was rewritten, forked or replaced. */
        int (*offer)(void *context, const char *note, size_t length, const struct note_key *key, uint64_t old,
                     const struct merkle_proof *proof, struct error *err);
        void *context;
};

/* Asks, proves from the log's own tiles, and offers. Nothing is done when the witness has seen this checkpoint. */
int witness_tell(const struct witness *witness, const struct merkle_source *source, const char *note, size_t length,
                 const struct note_key *key, struct error *err);

/* A plain folder; the path is borrowed as context. */
struct witness witness_folder(const char *path);

#endif
