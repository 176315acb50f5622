/*
 * journal.c - the writer: a queue in memory, and commits.
 *
 * Two locks, always taken in this order: `commit` by whoever commits (it guards edge, checkpoint, `writing`),
 * and `queue` for the moment in which records are appended or the batches are exchanged. A commit takes the whole
 * queue, locks the folder against other processes, loads the edge anew when one of them has appended meanwhile, and
 * signs once. When it fails, its batch stays in `writing` and goes first with the next commit.
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
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/edge.h"
#include "journal/home.h"
#include "journal/reader.h"
#include "journal/recover.h"
#include "journal/witness.h"

#define QUEUE_RECORDS     65536
#define QUEUE_BYTES       ((size_t)32 << 20)
#define RETRY_MS          1000 /* after a commit that failed */
#define WITNESS_PAUSE_MS  1000 /* a witness is told at most this often; and when the journal is closed */
#define WITNESSES_MAXIMUM 16

struct batch {
        struct buffer bytes;
        struct batch_item {
                uint32_t length, split;
        } * items;
        size_t count;
};

struct journal {
        char *path, *server;
        int folder;
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

        pthread_mutex_t commit;
        struct note_key key;
        struct edge edge;
        bool loaded;                   /* the edge is that of `checkpoint` */
        struct buffer checkpoint_note; /* as it lay on the disk when the edge was loaded or signed */
        struct checkpoint checkpoint;
        struct checkpoint intended; /* of a commit whose end is not known; size 0: none */
        struct batch writing;
        char *witnesses[WITNESSES_MAXIMUM];
        size_t witness_count;
        int64_t told_ms;
        bool untold;
};

/* ---- batches ---- */

static int batch_put(struct batch *batch, const char *bytes, size_t length, size_t split)
{
        size_t start = batch->bytes.length;
        int r = buffer_append(&batch->bytes, bytes, length);

        if (r < 0)
                return r;
        r = memory_grow(&batch->items, batch->count, sizeof(batch->items[0]));
        if (r < 0)
                batch->bytes.length = start;
        else
                batch->items[batch->count++] = (struct batch_item){ (uint32_t)length, (uint32_t)split };
        return r;
}

/* A record of the journal's own. */
static int batch_tell(struct batch *batch, const char *kind, const char *what, const char *server, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RECORD_MAXIMUM);
        struct journal_record record = { .actor = "journal", .kind = kind, .what = what };
        size_t split = 0;
        int r = record_format(&record, server, &text, &split, err);

        if (r == 0 && batch_put(batch, text.data, text.length, split) < 0)
                r = error_memory(err);
        return r;
}

/* memory_grow() counts on a list that only grows: an emptied batch gives its list back. */
static void batch_clear(struct batch *batch)
{
        buffer_clear(&batch->bytes);
        free(batch->items);
        batch->items = NULL;
        batch->count = 0;
}

static void batch_done(struct batch *batch)
{
        batch_clear(batch);
        buffer_done(&batch->bytes);
}

/* ---- notes and witnesses ---- */

static void say(struct journal *journal, const char *sentence)
{
        if (journal->note)
                journal->note(journal->context, sentence);
}

static int read_witnesses(struct journal *journal, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(64 * 1024);
        const char *cursor, *line;
        size_t length;
        int r = files_read(journal->folder, JOURNAL_WITNESSES, &text, err);

        if (r == -ENOENT && err)
                *err = ERROR_NONE;
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        cursor = buffer_text(&text);
        while (text_next_line(&cursor, buffer_text(&text) + text.length, &line, &length)) {
                if (length == 0 || *line == '#')
                        continue;
                if (*line != '/' || journal->witness_count == WITNESSES_MAXIMUM)
                        return error_set(err, -EBADMSG,
                                         _("%s/witnesses must have one absolute path a line, at most %d"),
                                         journal->path, WITNESSES_MAXIMUM);
                journal->witnesses[journal->witness_count] = memory_copy(line, length);
                if (!journal->witnesses[journal->witness_count])
                        return error_memory(err);
                journal->witness_count++;
        }
        return 0;
}

/* A witness that cannot be told or that refuses is said; the journal goes on. */
static void tell_witnesses(struct journal *journal, bool now)
{
        int64_t time = clock_monotonic_ms();
        struct error error = ERROR_NONE;
        struct journal_reader *reader = NULL;

        if (!journal->untold || journal->witness_count == 0 || (!now && time - journal->told_ms < WITNESS_PAUSE_MS))
                return;
        journal->told_ms = time;
        journal->untold = false;
        if (journal_reader_at(journal->folder, &journal->checkpoint, &reader, &error) < 0) {
                say(journal, error.text);
                return;
        }
        for (size_t i = 0; i < journal->witness_count; i++) {
                struct merkle_source source = journal_reader_source(reader);
                struct witness witness = witness_folder(journal->witnesses[i]);

                error = ERROR_NONE;
                if (witness_tell(&witness, &source, journal->checkpoint_note.data, journal->checkpoint_note.length,
                                 &journal->key, &error) < 0)
                        say(journal, error.text);
        }
        journal_reader_close(reader);
}

/* ---- committing; `commit` is held ---- */

static int sign(struct journal *journal, struct error *err)
{
        struct checkpoint next = journal->checkpoint;
        int r = edge_finish(&journal->edge, &next.root, err);

        if (r < 0)
                return r;
        next.size = journal->edge.size;
        journal->intended = next;
        r = home_sign(journal->folder, journal->path, &journal->key, &next, &journal->checkpoint_note, err);
        if (r < 0)
                return r;
        journal->checkpoint = next;
        journal->intended.size = 0;
        journal->untold = true;
        edge_prune(&journal->edge);
        return 0;
}

/* What a crash left is taken in, with a record that says so. */
static int replay(struct journal *journal, struct error *err)
{
        struct recovery recovery = { 0, 0 };
        struct batch batch = { .bytes = BUFFER_INIT(2 * RECORD_MAXIMUM) };
        char what[200], digits[24];
        int r = recover_replay(&journal->edge, &recovery, err);

        if (r < 0 || (recovery.replayed == 0 && recovery.cut == 0))
                return r;
        snprintf(what, sizeof(what),
                 "the journal was not closed: %" PRIu64 " unsigned records were taken in, %" PRIu64
                 " torn files were cut",
                 recovery.replayed, recovery.cut);
        r = batch_tell(&batch, "journal_recovered", what, journal->server, err);
        snprintf(digits, sizeof(digits), "%" PRIu64, journal->edge.size);
        if (r == 0)
                r = edge_append(&journal->edge, batch.bytes.data, batch.items[0].split, digits,
                                batch.bytes.data + batch.items[0].split, batch.items[0].length - batch.items[0].split,
                                err);
        if (r == 0)
                r = sign(journal, err);
        journal->intended.size = 0; /* it says nothing of the queue */
        if (r == 0) {
                recover_clean(&journal->edge);
                say(journal, what);
        }
        batch_done(&batch);
        return r;
}

/* With the folder locked: makes the edge that of the newest checkpoint, which another process may have moved on. */
static int refresh(struct journal *journal, struct error *err)
{
        _cleanup_(buffer_done) struct buffer note = BUFFER_INIT(NOTE_MAXIMUM);
        struct checkpoint found;
        int r = files_read(journal->folder, JOURNAL_CHECKPOINT, &note, err);

        if (r < 0)
                return r == -ENOENT ? -EBADMSG : r;
        if (journal->loaded && note.length == journal->checkpoint_note.length &&
            memcmp(note.data, journal->checkpoint_note.data, note.length) == 0)
                return 0;
        r = home_checkpoint(journal->folder, &journal->key, &note, &found, err);
        if (r == 0 && found.size < journal->checkpoint.size)
                r = error_set(err, -EBADMSG,
                              _("the journal %s was cut: it had %" PRIu64 " records, now it says %" PRIu64),
                              journal->path, journal->checkpoint.size, found.size);
        if (r == 0)
                r = edge_load(&journal->edge, &found, err);
        if (r < 0)
                return r;
        journal->checkpoint = found;
        buffer_clear(&journal->checkpoint_note);
        if (buffer_append(&journal->checkpoint_note, note.data, note.length) < 0)
                return error_memory(err);
        return replay(journal, err);
}

/* True when the checkpoint on the disk is that of the commit that was said to have failed: its records are in. */
static bool was_committed(struct journal *journal)
{
        bool same = journal->intended.size > 0 && journal->intended.size == journal->checkpoint.size &&
                    digest_equal(&journal->intended.root, &journal->checkpoint.root);

        journal->intended.size = 0;
        return same;
}

static int write_batch(struct journal *journal, const struct batch *batch, struct error *err)
{
        const char *bytes = batch->bytes.data;

        for (size_t i = 0; i < batch->count; i++) {
                const struct batch_item *item = &batch->items[i];
                char digits[24];
                int r;

                snprintf(digits, sizeof(digits), "%" PRIu64, journal->edge.size);
                r = edge_append(&journal->edge, bytes, item->split, digits, bytes + item->split,
                                item->length - item->split, err);
                if (r < 0)
                        return r;
                bytes += item->length;
        }
        return batch->count ? sign(journal, err) : 0;
}

static int commit_locked(struct journal *journal, struct error *err)
{
        _cleanup_(fd_closep) int lock = home_lock(journal->folder, journal->path, err);
        int r;

        if (lock < 0)
                return lock;
        r = refresh(journal, err);
        if (r == 0 && !(journal->writing.count && was_committed(journal)))
                r = write_batch(journal, &journal->writing, err);
        journal->loaded = r == 0;
        return r;
}

/* What was lost is told by a record of its own, behind those that came before. `queue` is held. */
static void tell_lost(struct journal *journal)
{
        char what[120];
        struct error ignored = ERROR_NONE;

        if (journal->lost == 0)
                return;
        snprintf(what, sizeof(what), "%" PRIu64 " records were lost: they came faster than they could be written",
                 journal->lost);
        journal->waiting.bytes.maximum += RECORD_MAXIMUM;
        if (batch_tell(&journal->waiting, "journal_overflow", what, journal->server, &ignored) == 0) {
                journal->lost = 0;
                journal->appended++;
        }
        journal->waiting.bytes.maximum -= RECORD_MAXIMUM;
}

static int commit_once(struct journal *journal, struct error *err)
{
        uint64_t upto = journal->committed + journal->writing.count;
        int r;

        if (journal->writing.count == 0) {
                struct batch taken;

                pthread_mutex_lock(&journal->queue);
                tell_lost(journal);
                taken = journal->waiting;
                journal->waiting = journal->writing;
                journal->writing = taken;
                upto = journal->appended;
                pthread_mutex_unlock(&journal->queue);
        }
        r = commit_locked(journal, err);
        pthread_mutex_lock(&journal->queue);
        if (r == 0) {
                journal->committed = upto;
                batch_clear(&journal->writing);
        } else {
                journal->failures++;
                journal->failure = *err;
        }
        pthread_cond_broadcast(&journal->settled);
        pthread_mutex_unlock(&journal->queue);
        return r;
}

int journal_commit(struct journal *journal, struct error *err)
{
        struct error error = ERROR_NONE;
        bool more = true;
        int r = 0;

        pthread_mutex_lock(&journal->commit);
        while (r == 0 && more) {
                more = journal->writing.count > 0; /* one that failed before comes first, then what waits behind it */
                r = commit_once(journal, &error);
        }
        tell_witnesses(journal, false);
        pthread_mutex_unlock(&journal->commit);
        if (r < 0 && err)
                *err = error;
        return r;
}

/* ---- the thread ---- */

static void deadline(int64_t after_ms, struct timespec *ret_time)
{
        clock_gettime(CLOCK_MONOTONIC, ret_time);
        ret_time->tv_sec += after_ms / 1000;
}

static void *commit_loop(void *context)
{
        struct journal *journal = context;
        bool failed = false;

        for (;;) {
                struct error error = ERROR_NONE;
                struct timespec until;
                bool ending, idle;

                pthread_mutex_lock(&journal->queue);
                deadline(RETRY_MS, &until);
                while (!journal->ending && (failed || journal->committed == journal->appended))
                        if (pthread_cond_timedwait(&journal->arrived, &journal->queue, &until) == ETIMEDOUT)
                                break;
                ending = journal->ending;
                idle = journal->committed == journal->appended;
                pthread_mutex_unlock(&journal->queue);
                if (ending)
                        return NULL; /* journal_close() commits the rest */
                if (idle) {
                        pthread_mutex_lock(&journal->commit);
                        tell_witnesses(journal, false);
                        pthread_mutex_unlock(&journal->commit);
                        continue;
                }
                if (journal_commit(journal, &error) < 0 && !failed)
                        say(journal, error.text);
                failed = error.code < 0;
        }
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

void journal_latest(struct journal *journal, struct checkpoint *ret_checkpoint, struct note_key *ret_key)
{
        pthread_mutex_lock(&journal->commit);
        *ret_checkpoint = journal->checkpoint;
        *ret_key = journal->key;
        pthread_mutex_unlock(&journal->commit);
}

/* ---- opening and closing ---- */

static int init(struct journal *journal, const struct journal_options *options, struct error *err)
{
        pthread_condattr_t monotonic;
        size_t bytes = options && options->queue_bytes ? options->queue_bytes : QUEUE_BYTES;
        char host[256] = "";

        journal->folder = -1;
        pthread_mutex_init(&journal->queue, NULL);
        pthread_mutex_init(&journal->commit, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&journal->arrived, &monotonic);
        pthread_cond_init(&journal->settled, &monotonic);
        pthread_condattr_destroy(&monotonic);
        gethostname(host, sizeof(host) - 1);
        journal->server = memory_string(options && options->server ? options->server : host);
        journal->queue_records = options && options->queue_records ? options->queue_records : QUEUE_RECORDS;
        journal->waiting.bytes.maximum = journal->writing.bytes.maximum = bytes;
        journal->checkpoint_note.maximum = NOTE_MAXIMUM;
        journal->note = options ? options->note : NULL;
        journal->context = options ? options->context : NULL;
        return journal->server && journal->path ? 0 : error_memory(err);
}

static void destroy(struct journal *journal)
{
        edge_done(&journal->edge);
        fd_close(&journal->folder);
        batch_done(&journal->waiting);
        batch_done(&journal->writing);
        buffer_done(&journal->checkpoint_note);
        for (size_t i = 0; i < journal->witness_count; i++)
                free(journal->witnesses[i]);
        pthread_cond_destroy(&journal->arrived);
        pthread_cond_destroy(&journal->settled);
        pthread_mutex_destroy(&journal->queue);
        pthread_mutex_destroy(&journal->commit);
        free(journal->server);
        free(journal->path);
        free(journal);
}

static int load(struct journal *journal, struct error *err)
{
        _cleanup_(fd_closep) int lock = -1;
        int r;

        journal->folder = home_open(journal->path, err);
        if (journal->folder < 0)
                return journal->folder;
        r = edge_init(&journal->edge, journal->folder, err);
        if (r < 0)
                return r;
        lock = home_lock(journal->folder, journal->path, err);
        if (lock < 0)
                return lock;
        home_clean(journal->folder);
        r = home_key(journal->folder, journal->path, &journal->key, err);
        if (r == 0)
                r = refresh(journal, err);
        journal->loaded = r == 0;
        return r < 0 ? r : read_witnesses(journal, err);
}

int journal_open(const char *folder, const struct journal_options *options, struct journal **ret_journal,
                 struct error *err)
{
        struct journal *journal = memory_new(1, sizeof(*journal));
        int r;

        if (!journal)
                return error_memory(err);
        journal->path = memory_string(folder);
        r = init(journal, options, err);
        if (r == 0)
                r = load(journal, err);
        if (r < 0) {
                destroy(journal);
                return r;
        }
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
        if ((journal->appended != journal->committed || journal->lost) && journal_commit(journal, &error) < 0)
                say(journal, error.text);
        tell_witnesses(journal, true);
        destroy(journal);
}

void journal_closep(struct journal **journal)
{
        journal_close(*journal);
}
