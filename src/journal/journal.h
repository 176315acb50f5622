/*
 * journal.h - the journal: an append-only Merkle log that nobody can rewrite unnoticed. The writer's side.
 *
 * STATE/journal/        (0700, root's)
 *     node.key          the node's secret key, made on first use (0600); signs checkpoints and nothing else
 *     node.pub          its public half
 *     checkpoint        the newest signed checkpoint
 *     tile/             hashes and records (tile.h); with `checkpoint` this is a C2SP tlog-tiles log that any web
 * server can serve and any such verifier can follow witnesses         who gets every checkpoint, a folder or an address
 * a line (src/witness); may be missing cosigned          the newest checkpoint that witnesses have signed, too
 *     personal/         keys of incidents (personal.h)
 *     lock              flock: one writer at a time; readers need none
 *
 * What it promises: a record whose journal_wait() returned 0 is on the disk, under a checkpoint that was signed after
 * records and tiles were fsynced, and stays there through a crash or a power loss. Records keep the order in which they
 * were appended. What lies on the disk beyond the newest checkpoint when a writer comes is taken in if it is whole, and
 * cut off with a word if it is torn. A file that a checkpoint covers is never written again.
 *
 * What it never does: block in journal_append(), lose a record without saying so (a queue that overflowed is told by a
 * record of its own), or go on over a log that is not what its checkpoint says.
 *
 * Several processes may have the same journal open for writing: the lock is held for one commit, not for the life of a
 * writer. Each record is committed with those that wait beside it (group commit). In a daemon journal_start() makes a
 * thread that commits; without it journal_wait(), journal_commit() and journal_close() do it in the caller. After
 * fork() the child must not use the parent's.
 *
 *     _cleanup_(journal_closep) struct journal *journal = NULL;
 *     r = journal_open("/var/lib/understudy/journal", NULL, &journal, err);
 *     r = journal_append(journal, &(struct journal_record){ .actor = "uid 0", .kind = "pull_started",
 *                                                           .what = "..." }, &ticket, err);
 *     r = journal_wait(journal, ticket, err);
 *
 * All functions may be called from several threads at once but journal_close().
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "journal/checkpoint.h"
#include "journal/record.h"

struct journal_options {
        const char *server;   /* name of this server in records; NULL: the host's */
        size_t queue_records; /* most records that wait for a commit; 0: 65,536 */
        size_t queue_bytes;   /* most bytes of them; 0: 32 MiB */
        /* This program, as a path that can be run: its `journal tell` is started beside the commits to tell the
         * witnesses of new checkpoints (journal/teller.h). NULL: they are not told by this writer. */
        const char *program;
        /* Sentences for the operator: what was replayed or cut, a witness that could not be reached. Called by whoever
         * commits. NULL: dropped. */
        void (*note)(void *context, const char *sentence);
        void *context;
};

struct journal;

/*
 * Opens a journal for writing; a folder that is not there is made, with a key. -EBADMSG when what is there is not what
 * its checkpoint says (`journal verify` tells more), -EBUSY when another writer held the lock for ten seconds.
 */
int journal_open(const char *folder, const struct journal_options *options, struct journal **ret_journal,
                 struct error *err);

/* Commits what still waits, has the witnesses told (for at most ten seconds) and lets go; what could not be written is
 * said through `note`. NULL is fine. */
void journal_close(struct journal *journal);
void journal_closep(struct journal **journal);

/* A thread that commits as soon as something waits. */
int journal_start(struct journal *journal, struct error *err);

/* Queues a record, which is copied. -EAGAIN when the queue is full: the record is lost, and a later record counts how
 * many were. *ret_ticket (may be NULL) is for journal_wait(). */
int journal_append(struct journal *journal, const struct journal_record *record, uint64_t *ret_ticket,
                   struct error *err);

/* Returns when the record is committed. An error is that of the commit that was tried; the records stay queued and are
 * tried again with the next, in a daemon once a second. A full disk loses none of them before the queue is full, and
 * the journal tells afterwards how long it could not be written (journal_resumed). */
int journal_wait(struct journal *journal, uint64_t ticket, struct error *err);

/* Waits until the record is committed or a commit fails, for at most so long; whether it is committed. For whoever would
 * rather not be in the way of the commit's own waits for the disk, and goes on in any case. */
bool journal_wait_briefly(struct journal *journal, uint64_t ticket, int patience_ms);

/* Commits all that waits. */
int journal_commit(struct journal *journal, struct error *err);

/* The newest checkpoint that this writer knows, and the key that signed it; size 0 before the first record. */
void journal_latest(struct journal *journal, struct checkpoint *ret_checkpoint, struct note_key *ret_key);

#endif
