/*
 * commit.c - a commit: lock the folder, see whether another process has moved the log on, write, sign, unlock.
 */
#include "commit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/io.h"
#include "journal/home.h"
#include "journal/record.h"
#include "journal/recover.h"

static void say(struct commit *commit, const char *sentence)
{
        if (commit->note)
                commit->note(commit->context, sentence);
}

static int sign(struct commit *commit, struct error *err)
{
        struct checkpoint next = commit->checkpoint;
        int r = edge_finish(&commit->edge, &next.root, err);

        if (r < 0)
                return r;
        next.size = commit->edge.size;
        commit->intended = next;
        r = home_sign(commit->folder, commit->path, &commit->key, &next, &commit->note_text, err);
        if (r < 0)
                return r;
        commit->checkpoint = next;
        commit->intended.size = 0;
        edge_filled(&commit->edge, &commit->prune);
        return 0;
}

static int write_record(struct commit *commit, const char *bytes, const struct batch_item *item, struct error *err)
{
        char digits[24];

        snprintf(digits, sizeof(digits), "%" PRIu64, commit->edge.size);
        return edge_append(&commit->edge, bytes, item->split, digits, bytes + item->split, item->length - item->split,
                           err);
}

/* What a crash left is taken in, with a record that says so. */
static int replay(struct commit *commit, struct error *err)
{
        struct recovery recovery = { 0, 0 };
        struct batch batch = { .bytes = BUFFER_INIT(2 * RECORD_MAXIMUM) };
        char what[200];
        int r = recover_replay(&commit->edge, &recovery, err);

        if (r < 0 || (recovery.replayed == 0 && recovery.cut == 0))
                return r;
        snprintf(what, sizeof(what),
                 "the journal was not closed: %" PRIu64 " unsigned records were taken in, %" PRIu64
                 " torn files were cut",
                 recovery.replayed, recovery.cut);
        r = batch_tell(&batch, "journal_recovered", what, commit->server, err);
        if (r == 0)
                r = write_record(commit, batch.bytes.data, batch.items, err);
        if (r == 0)
                r = sign(commit, err);
        commit->intended.size = 0; /* it says nothing of the queue */
        if (r == 0) {
                recover_clean(&commit->edge);
                say(commit, what);
        }
        batch_done(&batch);
        return r;
}

/* With the folder locked: makes the edge that of the newest checkpoint, which another process may have moved on. */
static int refresh(struct commit *commit, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NOTE_MAXIMUM);
        struct checkpoint found;
        int r = files_read(commit->folder, JOURNAL_CHECKPOINT, &text, err);

        if (r < 0)
                return r == -ENOENT ? -EBADMSG : r;
        if (commit->loaded && text.length == commit->note_text.length &&
            memcmp(text.data, commit->note_text.data, text.length) == 0)
                return 0;
        r = home_checkpoint(commit->folder, &commit->key, &text, &found, err);
        if (r == 0 && found.size < commit->checkpoint.size)
                r = error_set(err, -EBADMSG,
                              _("the journal %s was cut: it had %" PRIu64 " records, now it says %" PRIu64),
                              commit->path, commit->checkpoint.size, found.size);
        if (r == 0)
                r = edge_load(&commit->edge, &found, err);
        if (r < 0)
                return r;
        commit->checkpoint = found;
        buffer_clear(&commit->note_text);
        if (buffer_append(&commit->note_text, text.data, text.length) < 0)
                return error_memory(err);
        return replay(commit, err);
}

/* True when the checkpoint on the disk is that of the commit that was said to have failed: its records are in. */
static bool was_committed(struct commit *commit)
{
        bool same = commit->intended.size > 0 && commit->intended.size == commit->checkpoint.size &&
                    digest_equal(&commit->intended.root, &commit->checkpoint.root);

        commit->intended.size = 0;
        return same;
}

static int write_batch(struct commit *commit, struct error *err)
{
        const char *bytes = commit->writing.bytes.data;

        for (size_t i = 0; i < commit->writing.count; i++) {
                int r = write_record(commit, bytes, &commit->writing.items[i], err);

                if (r < 0)
                        return r;
                bytes += commit->writing.items[i].length;
        }
        return commit->writing.count ? sign(commit, err) : 0;
}

/*
 * The batch stays and is written again: what lies behind the checkpoint now must not be taken for what a crash left,
 * or its records would be in the journal twice. On a full disk it makes room, too. When the new checkpoint is in its
 * place already (only its folder's fsync failed), nothing is removed.
 */
static void undo(struct commit *commit)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NOTE_MAXIMUM);
        struct checkpoint found;

        if (home_checkpoint(commit->folder, &commit->key, &text, &found, NULL) == 0 &&
            found.size == commit->checkpoint.size && digest_equal(&found.root, &commit->checkpoint.root))
                recover_discard(commit->folder, found.size);
}

int commit_write(struct commit *commit, struct error *err)
{
        _cleanup_(fd_closep) int lock = home_lock(commit->folder, commit->path, err);
        int r;

        if (lock < 0)
                return lock;
        r = refresh(commit, err);
        commit->loaded = r == 0;
        if (r < 0 || (commit->writing.count && was_committed(commit)))
                return r;
        r = write_batch(commit, err);
        commit->loaded = r == 0;
        if (r < 0)
                undo(commit);
        return r;
}

int commit_open(struct commit *commit, struct error *err)
{
        _cleanup_(fd_closep) int lock = -1;
        int r;

        commit->note_text.maximum = NOTE_MAXIMUM;
        commit->folder = home_open(commit->path, err);
        if (commit->folder < 0)
                return commit->folder;
        r = edge_init(&commit->edge, commit->folder, err);
        if (r < 0)
                return r;
        lock = home_lock(commit->folder, commit->path, err);
        if (lock < 0)
                return lock;
        home_clean(commit->folder);
        r = home_key(commit->folder, commit->path, &commit->key, err);
        if (r == 0)
                r = refresh(commit, err);
        commit->loaded = r == 0;
        if (r == 0)
                prune_add_before(&commit->prune, commit->checkpoint.size);
        return r;
}

void commit_done(struct commit *commit)
{
        edge_done(&commit->edge);
        fd_close(&commit->folder);
        batch_done(&commit->writing);
        buffer_done(&commit->note_text);
}
