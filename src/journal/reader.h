/*
 * reader.h - the journal for those who read it: records in order, and proofs. Needs no lock and no right to write; what
 * is read is what the checkpoint covers that was there when the reader was opened.
 */
#ifndef JOURNAL_READER_H
#define JOURNAL_READER_H

#include "journal/checkpoint.h"
#include "journal/merkle.h"

struct journal_reader;

/* Opens a journal. Its checkpoint must be whole; its signature is checked against the key beside it, which proves
 * little (journal_verify() takes keys). -ENOENT: there is no journal. */
int journal_reader_open(const char *folder, struct journal_reader **ret_reader, struct error *err);
/* The same below a descriptor, which is borrowed, for a checkpoint that the caller has. */
int journal_reader_at(int folder, const struct checkpoint *checkpoint, struct journal_reader **ret_reader,
                      struct error *err);
void journal_reader_close(struct journal_reader *reader);
void journal_reader_closep(struct journal_reader **reader);

const struct checkpoint *journal_reader_checkpoint(const struct journal_reader *reader);

/*
 * Calls `record` for each entry from `first` on, with its bytes as they lie on the disk. A negative result ends the
 * reading with it; 1 ends it well. Hashes on the way: -EBADMSG, after the last record, when what was read is not what
 * the tiles say (only for first == 0 the whole of it is compared with the checkpoint).
 */
int journal_read(struct journal_reader *reader, uint64_t first,
                 int (*record)(void *context, uint64_t sequence, const char *bytes, size_t length, struct error *err),
                 void *context, struct error *err);

/* Proofs for the reader's checkpoint. */
int journal_prove(struct journal_reader *reader, uint64_t sequence, struct digest *ret_leaf,
                  struct merkle_proof *ret_proof, struct error *err);
struct merkle_source journal_reader_source(struct journal_reader *reader);

#endif
