/*
 * verify.h - is a journal what it was? Every record, every tile and the checkpoint against each other, and all of it
 * against checkpoints that are held elsewhere.
 *
 * Without a checkpoint from elsewhere only this is shown: what lies there is one whole journal signed by its key. Root
 * on the server can sign another one, or put an old one back. A checkpoint that somebody else holds takes that away.
 */
#ifndef JOURNAL_VERIFY_H
#define JOURNAL_VERIFY_H

#include "journal/checkpoint.h"

enum journal_fault {
        JOURNAL_WHOLE,
        JOURNAL_TRUNCATED, /* records are missing at the end */
        JOURNAL_REWRITTEN, /* what lies there is not what was signed */
        JOURNAL_FORKED,    /* two histories are signed by the same key */
        JOURNAL_REPLACED,  /* another origin or key: another journal, another disk */
        JOURNAL_DAMAGED,   /* files are missing or no such files: a broken disk, or somebody's hand */
};

/* A checkpoint held elsewhere: the bytes of the signed note, and what to call it. Borrowed. */
struct journal_held {
        const char *name;
        const char *note;
        size_t length;
};

struct journal_verdict {
        enum journal_fault fault;
        char sentence[ERROR_TEXT_SIZE]; /* what is wrong; "" when nothing is */
        struct checkpoint checkpoint;   /* the journal's own, when it could be read */
        uint64_t records;               /* that were read and agree */
        bool pinned;                    /* the key was given, not taken from the journal */
        size_t held;                    /* checkpoints from elsewhere that agree */
};

/*
 * 0 when the journal could be judged (look at the fault), negative with words when it could not: no journal and nothing
 * held, an I/O error, a held file that is no checkpoint, or one that none of the given keys signed.
 * Without keys the one beside the journal counts; then a held checkpoint of another key means "replaced".
 */
int journal_verify(const char *folder, const struct note_key *keys, size_t key_count, const struct journal_held *held,
                   size_t held_count, void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
                   struct journal_verdict *ret_verdict, struct error *err);

/* "whole", "truncated", "rewritten", "forked", "replaced", "damaged": for JSON, never translated. */
const char *journal_fault_name(enum journal_fault fault);

#endif
