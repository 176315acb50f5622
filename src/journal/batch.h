/* batch.h - formatted records that wait for a commit, in one piece of memory. For the writer alone. */
#ifndef JOURNAL_BATCH_H
#define JOURNAL_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct batch {
        struct buffer bytes; /* its maximum is the batch's */
        struct batch_item {
                uint32_t length, split; /* of the record; where its sequence number belongs (record.h) */
        } * items;
        size_t count;
};

/* 0, or -E2BIG or -ENOMEM without words; the batch is as before then. */
int batch_put(struct batch *batch, const char *bytes, size_t length, size_t split);

/* A record of the journal's own. */
int batch_tell(struct batch *batch, const char *kind, const char *what, const char *server, struct error *err);

/* Empties it; _done gives its memory back as well. */
void batch_clear(struct batch *batch);
void batch_done(struct batch *batch);

#endif
