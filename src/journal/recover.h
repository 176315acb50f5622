/*
 * recover.h - what a crash left beyond the newest checkpoint.
 *
 * Records are written before their checkpoint is signed. Those that are whole when a writer comes - they follow the
 * signed ones, are records, and have the right numbers - are taken in; of what is torn the whole part is. Nobody was
 * told that they are in the journal, so either would be right; keeping them loses nothing.
 */
#ifndef JOURNAL_RECOVER_H
#define JOURNAL_RECOVER_H

#include "journal/edge.h"

struct recovery {
        uint64_t replayed; /* records that were whole */
        uint64_t cut;      /* files whose rest was torn, or foreign, and is removed */
};

/* Appends the whole records beyond the edge to it; the caller goes on with edge_finish(). */
int recover_replay(struct edge *edge, struct recovery *ret_recovery, struct error *err);

/* After the checkpoint is durable: removes the torn files beyond it. */
void recover_clean(const struct edge *edge);

/* Removes all records beyond a log of this size: those of a commit that failed and will be tried again. */
void recover_discard(int folder, uint64_t size);

#endif
