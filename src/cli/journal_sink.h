/*
 * journal_sink.h - how a command writes to this server's journal, so that nothing below src/cli has to know of it.
 *
 * A journal that cannot be written is said once, on standard error, and the command goes on and ends as before: a site
 * must be healable also when the journal's disk is full.
 */
#ifndef CLI_JOURNAL_SINK_H
#define CLI_JOURNAL_SINK_H

#include <jansson.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "crypto/digest.h"
#include "tree/verify.h"

#define JOURNAL_SINK_DIFFERENCES 10000

struct journal;

struct journal_sink {
        struct journal *journal; /* NULL: could not be opened, or not wanted */
        bool failed;             /* it was said */
        uint64_t differences;    /* so far */
};

/* Opens STATE/journal. With `quietly` a state that may not be written (verify runs without rights, too) is no failure
 * that is worth a word. */
void journal_sink_open(struct journal_sink *sink, const char *state_directory, bool quietly);
void journal_sink_close(struct journal_sink *sink);

/* Who gave the command: the user that we run as, and the one who logged in before he became that. */
#define JOURNAL_ACTOR_SIZE 64
void journal_actor(char *actor, size_t size);

/* Queues a record; the details' reference is taken (NULL: none). */
void journal_sink_add(struct journal_sink *sink, const char *kind, const struct digest *evidence, json_t *details,
                      const char *format, ...) _printf_(5, 6);

/* A record of a difference, its evidence the SHA-256 of what was found when that is known. At most
 * JOURNAL_SINK_DIFFERENCES are written one by one; a hostile tree may hold millions. */
void journal_sink_difference(struct journal_sink *sink, const char *dest, const struct difference *difference);

/* Returns when all that was added is on the disk and signed, or could not be. */
void journal_sink_commit(struct journal_sink *sink);

#endif
