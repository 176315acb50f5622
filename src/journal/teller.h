/*
 * teller.h - has the witnesses told, by a program beside the commits: `understudy journal tell`. For journal.c alone.
 *
 * A witness may be a share that hangs or a server that answers a byte a minute; no record waits for that, and no
 * bytes of theirs come into the process that writes. The program is started when there is a new checkpoint, at most
 * once a second and one at a time, again after a minute when it failed, and is ended when it takes too long. What it
 * says goes to `note`, the same complaint only once.
 */
#ifndef JOURNAL_TELLER_H
#define JOURNAL_TELLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"

struct teller {
        const char *program; /* NULL: nobody is told */
        const char *path;    /* of the journal */
        void (*note)(void *context, const char *sentence);
        void *context;

        bool untold; /* there is a checkpoint that was not told yet */
        pid_t pid;   /* 0: none runs */
        int words;   /* what it says; -1 */
        int64_t started_ms, pause_ms;
        char said[512]; /* how its last complaint began */
};

/* Starts it when it is time, hears it when it has ended; waits for nothing. */
void teller_step(struct teller *teller);

/* Ends it; what it was to tell is untold again. */
void teller_stop(struct teller *teller);

/* Tells what is untold and waits for the end, ten seconds at most. */
void teller_finish(struct teller *teller);

#endif
