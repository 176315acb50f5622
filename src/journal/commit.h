/*
 * commit.h - one commit: a batch of records goes to the disk under a newly signed checkpoint, or nothing of it does.
 * For journal.c alone, which sees to it that only one thread is in here.
 */
#ifndef JOURNAL_COMMIT_H
#define JOURNAL_COMMIT_H

#include <stdbool.h>

#include "journal/batch.h"
#include "journal/edge.h"
#include "journal/prune.h"

struct commit {
        const char *path, *server; /* borrowed */
        void (*note)(void *context, const char *sentence);
        void *context;

        int folder;
        struct note_key key;
        struct edge edge;
        bool loaded;             /* the edge is that of `checkpoint` */
        struct buffer note_text; /* of the checkpoint, as it lay on the disk when the edge was loaded or signed */
        struct checkpoint checkpoint;
        struct checkpoint intended; /* of a commit whose end is not known; size 0: none */
        struct batch writing;       /* what is to be written; stays when that fails */
        struct prune prune;
};

/* Opens the folder, makes what is missing, and takes in what a crash left. _done takes half-opened ones. */
int commit_open(struct commit *commit, struct error *err);
void commit_done(struct commit *commit);

/* Writes `writing` and signs. When it fails nothing of the batch is left behind the checkpoint, so that it can be
 * written again, here or in another place of the order. */
int commit_write(struct commit *commit, struct error *err);

#endif
