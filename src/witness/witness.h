/*
 * witness.h - checkpoints that are held elsewhere: without them a journal that was rolled back whole looks whole.
 *
 * A witness remembers the newest checkpoint that it has seen of each log, and takes another one only when a consistency
 * proof shows that the log was appended to since. What it is lies behind a table of one function:
 *
 *     folder.h     a plain folder: a mounted share, another disk, a folder that is copied off the machine
 *     http.h       a server, ours (receiver.h) or anybody's, that speaks C2SP tlog-witness
 *
 * Which ones a journal has stands in its file `witnesses`, one a line, "#" for words:
 *
 *     /mnt/elsewhere/witness
 *     https://web2.example.org/witness web2/understudy-witness/1a2b3c4d+5e6f7081+BF...
 *
 * Behind an address is the key that the witness cosigns with (C2SP tlog-cosignature); without it its cosignatures are
 * not kept, since nobody could say whose they are.
 *
 * witness_tell_all() works in processes of its own, one for each witness, and is called by a process without threads:
 * `understudy journal tell`.
 */
#ifndef WITNESS_WITNESS_H
#define WITNESS_WITNESS_H

#include "base/buffer.h"
#include "journal/checkpoint.h"
#include "journal/merkle.h"

#define WITNESSES_MAXIMUM 16

struct witness {
        /*
         * Hands it a signed note with the proof that it continues a log of `old` records. 0: it holds it now, and the
         * lines with which it cosigned are appended to `cosignatures`. -ESTALE: it has seen *ret_seen records, not
         * `old`, or as many but others; nothing happened. -EPERM: refused, the proof does not hold.
         */
        int (*offer)(void *context, const char *note, size_t length, const struct note_key *key, uint64_t old,
                     const struct merkle_proof *proof, struct buffer *cosignatures, uint64_t *ret_seen,
                     struct error *err);
        void *context;
};

/*
 * Offers a signed note, with proofs out of the log's own tiles. `guess`: how many records the witness may have seen;
 * another number costs one more question. -EPERM with words when the log was cut, rewritten, forked or replaced since.
 */
int witness_tell(const struct witness *witness, const struct merkle_source *source, const char *note, size_t length,
                 const struct note_key *key, uint64_t guess, struct buffer *cosignatures, struct error *err);

struct witness_entry {
        char *address; /* owned */
        bool is_folder, has_key;
        struct note_key key;
};

struct witness_list {
        struct witness_entry entries[WITNESSES_MAXIMUM];
        size_t count;
};

/* The file `witnesses` of a journal; none is an empty list. */
int witness_list_read(int journal, struct witness_list *ret_list, struct error *err);
void witness_list_done(struct witness_list *list);

/* One witness was told (error NULL), or could not be. */
typedef void witness_report(void *context, const struct witness_entry *entry, const struct error *error);

/*
 * Tells all of a journal's witnesses of its newest checkpoint, all at once, for at most half a minute, and keeps what
 * they cosigned in the journal's file `cosigned`. Returns how many were told; negative when there is no whole journal.
 */
int witness_tell_all(const char *journal, witness_report *report, void *context, struct error *err);

#endif
