/*
 * checkpoint.h - what a log says of itself at one size (C2SP tlog-checkpoint, https://c2sp.org/tlog-checkpoint):
 * origin, number of records and root hash, as the text of a signed note. Pure.
 */
#ifndef JOURNAL_CHECKPOINT_H
#define JOURNAL_CHECKPOINT_H

#include "crypto/digest.h"
#include "journal/note.h"

struct checkpoint {
        char origin[NOTE_NAME_SIZE];
        uint64_t size;
        struct digest root;
};

/* The three lines of a note's text. Extension lines of others are accepted and not kept. */
int checkpoint_parse(const char *text, size_t length, const char *what, struct checkpoint *ret_checkpoint,
                     struct error *err);
int checkpoint_format(const struct checkpoint *checkpoint, struct buffer *out);

/* The signed note. */
int checkpoint_sign(const struct checkpoint *checkpoint, const struct note_signer *signer, struct buffer *out,
                    struct error *err);

/*
 * Parses a note and its text, and checks the signature with the keys; errors as note_verify(). For -EKEYREJECTED and a
 * signature that does not hold *ret_checkpoint is filled all the same, for words about it.
 */
int checkpoint_open(const char *note, size_t length, const struct note_key *keys, size_t count, const char *what,
                    struct checkpoint *ret_checkpoint, struct error *err);

#endif
