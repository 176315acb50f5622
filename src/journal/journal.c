/*
 * journal.c - the writer: a queue in memory, and who commits it when.
 *
 * Two locks, always taken in this order: `committing` by whoever commits (it guards `commit`), and `queue` for the
 * moment in which records are appended or the batches are exchanged. A commit takes the whole queue. When it fails, its
 * batch stays and goes first with the next commit. `tidying` is for what nobody waits for, and is never held together
 * with another one: witnesses, and files that can go.
 */
#include "journal.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "journal/commit.h"
#include "journal/teller.h"

#define QUEUE_RECORDS 65536
#define QUEUE_BYTES   ((size_t)32 << 20)
#define PAUSE_MS      1000 /* after a commit that failed; and how often an idle thread looks at the witnesses */

struct journal {
        char *path, *server;
        size_t queue_records;
        void (*note)(void *context, const char *sentence);
        void *context;

        pthread_mutex_t queue;
        pthread_cond_t arrived; /* something waits, or the thread must end */
        pthread_cond_t settled; /* a commit ended, well or not */
        struct batch waiting;
        uint64_t appended, committed; /* tickets */
        uint64_t lost;                /* records that found the queue full */
        uint64_t failures;            /* commits that failed */
        struct error failure;         /* the last one's words */
        bool ending, threaded;
        pthread_t thread;

        pthread_mutex_t committing;
        struct commit commit;
        uint64_t tries; /* that failed since the last one that did not */
        int64_t failing_since_ms;

        pthread_mutex_t tidying;
        struct teller teller;
        struct prune prune;
};

/* ---- committing; `committing` is held ---- */

/* A record of the journal's own, behind those that wait. `queue` is held. */
static bool add_own(struct journal *journal, const char *kind, const char *what)
{
        bool added;

        journal->waiting.bytes.maximum += RECORD_MAXIMUM;
        added = batch_tell(&journal->waiting, kind, what, journal->server, NULL) == 0;
        journal->waiting.bytes.maximum -= RECORD_MAXIMUM;
        journal->appended += added;
        return added;
}

static void tell_lost(struct journal *journal)
{
        char what[120];

        if (journal->lost == 0)
                return;
        snprintf(what, sizeof(what), "%" PRIu64 " records were lost: they came faster than they could be written",
                 journal->lost);
        if (add_own(journal, "journal_overflow", what))
                journal->lost = 0;
}

/* The disk was full, or worse, and takes records again. True when there is a record of it to be committed. */
static bool tell_resumed(struct journal *journal, size_t waited)
{
        const char *reason = strerrorname_np(-journal->failure.code);
        char what[200];

        if (journal->tries == 0)
                return false;
        snprintf(what, sizeof(what),
                 "the journal could not be written for %" PRId64 " seconds (%s, tried %" PRIu64
                 " times); the %zu records that waited are in",
                 (clock_monotonic_ms() - journal->failing_since_ms + 500) / 1000, reason ? reason : "damaged",
                 journal->tries, waited);
        journal->tries = 0;
        return add_own(journal, "journal_resumed", what);
}

static void note_failure(struct journal *journal, const struct error *err)
{
        if (journal->tries++ == 0)
                journal->failing_since_ms = clock_monotonic_ms();
        journal->failures++;
        journal->failure = *err;
}

/* *ret_more: another commit has something to write at once. */
static int commit_once(struct journal *journal, bool *ret_more, struct error *err)
{
        uint64_t upto = journal->committed + journal->commit.writing.count;
        bool again = journal->commit.writing.count > 0; /* one that failed before; others wait behind it */
        int r;

        if (!again) {
                struct batch taken;

                pthread_mutex_lock(&journal->queue);
                tell_lost(journal);
                taken = journal->waiting;
                journal->waiting = journal->commit.writing;
                journal->commit.writing = taken;
                upto = journal->appended;
                pthread_mutex_unlock(&journal->queue);
                if (taken.count == 0) /* somebody else has written it meanwhile */
                        return 0;
        }
        r = commit_write(&journal->commit, err);
        pthread_mutex_lock(&journal->queue);
        if (r == 0) {
                journal->committed = upto;
                *ret_more = tell_resumed(journal, journal->commit.writing.count) || again;
                batch_clear(&journal->commit.writing);
        } else {
                note_failure(journal, err);
        }
        pthread_cond_broadcast(&journal->settled);
        pthread_mutex_unlock(&journal->queue);
        return r;
}

/* ---- what nobody waits for ---- */

/* True when there is more of it that can be done at once. */
static bool tidy(struct journal *journal)
{
        bool more;

        if (pthread_mutex_trylock(&journal->tidying) != 0)
                return false; /* somebody else is at it */
        more = prune_one(&journal->prune, journal->commit.folder);
        teller_step(&journal->teller);
        pthread_mutex_unlock(&journal->tidying);
        return more;
}

/* What a commit left to be done. `committing` is held, and given up before anything is done. */
static void hand_over(struct journal *journal, uint64_t size_before)
{
        struct prune filled = journal->commit.prune;
        bool grown = journal->commit.checkpoint.size != size_before;

        journal->commit.prune.count = 0;
        pthread_mutex_unlock(&journal->committing);
        pthread_mutex_lock(&journal->tidying);
        for (size_t i = 0; i < filled.count; i++)
                prune_add(&journal->prune, filled.waiting[i].level, filled.waiting[i].index);
        if (grown)
                journal->teller.untold = true;
        pthread_mutex_unlock(&journal->tidying);
}

int journal_commit(struct journal *journal, struct error *err)
{
        struct error error = ERROR_NONE;
        bool more = true;
        uint64_t size;
        int r = 0;

        pthread_mutex_lock(&journal->committing);
        size = journal->commit.checkpoint.size;
        while (more && r == 0) {
                more = false;
                r = commit_once(journal, &more, &error);
        }
        hand_over(journal, size);
        if (!journal->threaded)
                tidy(journal);
        if (r < 0 && err)
                *err = error;
        return r;
}

/* ---- the thread ---- */

/* Until records wait, a second passed, or the journal ends. After a failure only the latter two. */
static void wait_for_work(struct journal *journal, bool failed)
{
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += PAUSE_MS / 1000;
        while (!journal->ending && (failed || journal->committed == journal->appended))
                if (pthread_cond_timedwait(&journal->arrived, &journal->queue, &until) == ETIMEDOUT)
                        break;
}

static void *commit_loop(void *context)
{
        struct journal *journal = context;
        bool failed = false, busy = false;

        for (;;) {
                struct error error = ERROR_NONE;
                bool ending, idle;

                pthread_mutex_lock(&journal->queue);
                if (!busy)
                        wait_for_work(journal, failed);
                ending = journal->ending;
                idle = journal->committed == journal->appended;
                pthread_mutex_unlock(&journal->queue);
                if (ending)
                        break; /* journal_close() commits the rest */
                if (!idle && journal_commit(journal, &error) < 0 && !failed && journal->note)
                        journal->note(journal->context, error.text);
                failed = error.code < 0;
                busy = !failed && tidy(journal);
        }
        teller_stop(&journal->teller); /* it would not outlive this thread */
        return NULL;
}

int journal_start(struct journal *journal, struct error *err)
{
        int code = pthread_create(&journal->thread, NULL, commit_loop, journal);

        if (code != 0)
                return error_errno(err, code, _("cannot start the journal's thread"));
        journal->threaded = true;
        return 0;
}

/* ---- appending ---- */

int journal_append(struct journal *journal, const struct journal_record *record, uint64_t *ret_ticket,
                   struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(2 * RECORD_MAXIMUM);
        size_t split = 0;
        int r = record_format(record, journal->server, &text, &split, err);

        if (r < 0)
                return r;
        pthread_mutex_lock(&journal->queue);
        r = journal->waiting.count >= journal->queue_records
                    ? -E2BIG
                    : batch_put(&journal->waiting, text.data, text.length, split);
        if (r < 0) {
                journal->lost++;
        } else {
                journal->appended++;
                if (ret_ticket)
                        *ret_ticket = journal->appended;
        }
        pthread_cond_signal(&journal->arrived);
        pthread_mutex_unlock(&journal->queue);
        if (r == -E2BIG)
                return error_set(err, -EAGAIN, _("the journal's queue is full: a record is lost, and counted"));
        return r < 0 ? error_memory(err) : 0;
}

int journal_wait(struct journal *journal, uint64_t ticket, struct error *err)
{
        uint64_t failures;
        int r = 0;

        if (!journal->threaded)
                return journal_commit(journal, err);
        pthread_mutex_lock(&journal->queue);
        failures = journal->failures;
        while (journal->committed < ticket && journal->failures == failures)
                pthread_cond_wait(&journal->settled, &journal->queue);
        if (journal->committed < ticket) {
                r = journal->failure.code;
                if (err)
                        *err = journal->failure;
        }
        pthread_mutex_unlock(&journal->queue);
        return r;
}

bool journal_wait_briefly(struct journal *journal, uint64_t ticket, int patience_ms)
{
        struct timespec until;
        uint64_t failures;
        bool committed;

        if (!journal->threaded)
                return journal_commit(journal, NULL) == 0;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += (long)patience_ms * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&journal->queue);
        failures = journal->failures;
        while (journal->committed < ticket && journal->failures == failures)
                if (pthread_cond_timedwait(&journal->settled, &journal->queue, &until) == ETIMEDOUT)
                        break;
        committed = journal->committed >= ticket;
        pthread_mutex_unlock(&journal->queue);
        return committed;
}

void journal_latest(struct journal *journal, struct checkpoint *ret_checkpoint, struct note_key *ret_key)
{
        pthread_mutex_lock(&journal->committing);
        *ret_checkpoint = journal->commit.checkpoint;
        *ret_key = journal->commit.key;
        pthread_mutex_unlock(&journal->committing);
}

/* ---- opening and closing ---- */

static void init_locks(struct journal *journal)
{
        pthread_condattr_t monotonic;

        pthread_mutex_init(&journal->queue, NULL);
        pthread_mutex_init(&journal->committing, NULL);
        pthread_mutex_init(&journal->tidying, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&journal->arrived, &monotonic);
        pthread_cond_init(&journal->settled, &monotonic);
        pthread_condattr_destroy(&monotonic);
}

static int init(struct journal *journal, const char *folder, const struct journal_options *options, struct error *err)
{
        size_t bytes = options->queue_bytes ? options->queue_bytes : QUEUE_BYTES;
        char host[256] = "";

        init_locks(journal);
        gethostname(host, sizeof(host) - 1);
        journal->path = memory_string(folder);
        journal->server = memory_string(options->server ? options->server : host);
        journal->queue_records = options->queue_records ? options->queue_records : QUEUE_RECORDS;
        journal->note = options->note;
        journal->context = options->context;
        journal->waiting.bytes.maximum = bytes;
        journal->commit = (struct commit){ .path = journal->path,
                                           .server = journal->server,
                                           .note = options->note,
                                           .context = options->context,
                                           .folder = -1,
                                           .writing.bytes.maximum = bytes };
        journal->teller = (struct teller){ .program = options->program,
                                           .path = journal->path,
                                           .note = options->note,
                                           .context = options->context,
                                           .words = -1 };
        return journal->server && journal->path ? 0 : error_memory(err);
}

static void destroy(struct journal *journal)
{
        commit_done(&journal->commit);
        batch_done(&journal->waiting);
        pthread_cond_destroy(&journal->arrived);
        pthread_cond_destroy(&journal->settled);
        pthread_mutex_destroy(&journal->queue);
        pthread_mutex_destroy(&journal->committing);
        pthread_mutex_destroy(&journal->tidying);
        free(journal->server);
        free(journal->path);
        free(journal);
}

int journal_open(const char *folder, const struct journal_options *options, struct journal **ret_journal,
                 struct error *err)
{
        static const struct journal_options plain = { 0 };
        struct journal *journal = memory_new(1, sizeof(*journal));
        int r;

        if (!journal)
                return error_memory(err);
        r = init(journal, folder, options ? options : &plain, err);
        if (r == 0)
                r = commit_open(&journal->commit, err);
        if (r < 0) {
                destroy(journal);
                return r;
        }
        journal->prune = journal->commit.prune;
        *ret_journal = journal;
        return 0;
}

void journal_close(struct journal *journal)
{
        struct error error = ERROR_NONE;

        if (!journal)
                return;
        if (journal->threaded) {
                pthread_mutex_lock(&journal->queue);
                journal->ending = true;
                pthread_cond_signal(&journal->arrived);
                pthread_mutex_unlock(&journal->queue);
                pthread_join(journal->thread, NULL);
        }
        if ((journal->appended != journal->committed || journal->lost) && journal_commit(journal, &error) < 0 &&
            journal->note)
                journal->note(journal->context, error.text);
        while (prune_one(&journal->prune, journal->commit.folder))
                ;
        teller_finish(&journal->teller);
        destroy(journal);
}

void journal_closep(struct journal **journal)
{
        journal_close(*journal);
}
