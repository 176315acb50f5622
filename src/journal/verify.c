/* verify.c - every record and tile of a journal against its checkpoint, and that against those held elsewhere. */
#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/files.h"
#include "journal/record.h"
#include "journal/tile.h"

#define HELD_MAXIMUM     1024
#define PROGRESS_RECORDS (64 * TILE_WIDTH)

/* Rows of hashes as they must be, from the records alone; the tiles on the disk are compared with them. */
struct rebuilt {
        int folder;
        struct hasher *hasher;
        uint64_t size;        /* of the journal */
        uint64_t tiles_wrong; /* files of hashes that say something else than the records */
        char wrong_path[TILE_PATH_SIZE];
        struct {
                uint64_t count; /* hashes so far */
                struct digest hashes[TILE_WIDTH];
        } rows[TILE_LEVELS];
};

/* A checkpoint from elsewhere, and the root that the records have at its size. */
struct expected {
        const struct journal_held *held;
        struct checkpoint checkpoint;
        struct digest root;
        bool reached;
};

struct job {
        const struct note_key *keys;
        size_t key_count;
        struct note_key own; /* beside the journal */
        struct expected expected[HELD_MAXIMUM];
        size_t expected_count;
        struct rebuilt rebuilt;
        struct journal_verdict verdict;
        void (*progress)(void *context, uint64_t done, uint64_t total);
        void *context;
};

const char *journal_fault_name(enum journal_fault fault)
{
        static const char *const names[] = { "whole", "truncated", "rewritten", "forked", "replaced", "damaged" };

        return names[fault];
}

/* The first thing that is wrong is what is said. */
static void _printf_(3, 4) find(struct job *job, enum journal_fault fault, const char *format, ...)
{
        struct error words = ERROR_NONE;
        char text[ERROR_TEXT_SIZE];
        va_list arguments;

        if (job->verdict.fault != JOURNAL_WHOLE)
                return;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        error_set(&words, -EBADMSG, "%s", text); /* escapes what came from files */
        job->verdict.fault = fault;
        snprintf(job->verdict.sentence, sizeof(job->verdict.sentence), "%s", words.text);
}

/* ---- rebuilding the tree from the records ---- */

static int rebuilt_node(void *context, unsigned int level, uint64_t index, struct digest *ret_hash, struct error *err)
{
        struct rebuilt *rebuilt = context;

        return files_fold(rebuilt->hasher, rebuilt->rows[level / TILE_HEIGHT].hashes, level, index, ret_hash, err);
}

/* A tile that is complete as far as this journal goes is compared with the file. */
static int compare_tile(struct rebuilt *rebuilt, int level, uint64_t index, unsigned int width, struct error *err)
{
        struct digest found[TILE_WIDTH];
        int r = files_read_tile(rebuilt->folder, level, index, width, found, err);

        if (r == -ENOENT || r == -EBADMSG || r == -ELOOP ||
            (r == 0 && memcmp(found, rebuilt->rows[level].hashes, width * sizeof(found[0])) != 0)) {
                if (rebuilt->tiles_wrong++ == 0)
                        tile_path(level, index, width, rebuilt->wrong_path);
                if (err)
                        *err = ERROR_NONE;
                return 0;
        }
        return r;
}

static int add_leaf(struct rebuilt *rebuilt, const struct digest *leaf, struct error *err)
{
        struct digest hash = *leaf;

        for (int level = 0; level < TILE_LEVELS; level++) {
                uint64_t count = rebuilt->rows[level].count++;
                int r;

                rebuilt->rows[level].hashes[count % TILE_WIDTH] = hash;
                if (count % TILE_WIDTH != TILE_WIDTH - 1)
                        break;
                r = compare_tile(rebuilt, level, count / TILE_WIDTH, TILE_WIDTH, err);
                if (r == 0)
                        r = merkle_fold(rebuilt->hasher, rebuilt->rows[level].hashes, TILE_HEIGHT, &hash, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The root at this size for those who hold a checkpoint of it. A fold works on a copy, so the rows stay. */
static int note_roots(struct job *job, uint64_t size, struct error *err)
{
        struct merkle_source source = { job->rebuilt.hasher, rebuilt_node, &job->rebuilt };

        for (size_t i = 0; i < job->expected_count; i++) {
                struct expected *expected = &job->expected[i];
                int r;

                if (expected->checkpoint.size != size)
                        continue;
                r = merkle_root(&source, size, &expected->root, err);
                if (r < 0)
                        return r;
                expected->reached = true;
        }
        return 0;
}

static int read_bundle(struct job *job, uint64_t index, struct buffer *bundle, struct error *err)
{
        struct rebuilt *rebuilt = &job->rebuilt;
        unsigned int width = tile_width(TILE_ENTRIES, index, rebuilt->size);
        uint64_t sequence = index * TILE_WIDTH;
        const char *cursor, *end, *entry;
        size_t length;
        int r = files_read_bundle(rebuilt->folder, index, width, bundle, err);

        if (r == -ENOENT || r == -EBADMSG || r == -ELOOP) {
                find(job, r == -ENOENT ? JOURNAL_DAMAGED : JOURNAL_REWRITTEN,
                     r == -ENOENT ? _("the records from %" PRIu64 " on are gone: %s")
                                  : _("the records from %" PRIu64 " on were changed: %s"),
                     sequence, err->text);
                *err = ERROR_NONE;
                return 1;
        }
        if (r < 0)
                return r;
        cursor = buffer_text(bundle);
        end = cursor + bundle->length;
        for (; tile_next_entry(&cursor, end, &entry, &length); sequence++) {
                struct digest leaf;

                r = merkle_leaf(rebuilt->hasher, entry, length, &leaf, err);
                if (r == 0)
                        r = add_leaf(rebuilt, &leaf, err);
                if (r == 0)
                        r = note_roots(job, sequence + 1, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int compare_right_edge(struct rebuilt *rebuilt, struct error *err)
{
        int r = 0;

        for (int level = 0; level < TILE_LEVELS && r == 0; level++) {
                uint64_t count = rebuilt->rows[level].count;

                if (count % TILE_WIDTH)
                        r = compare_tile(rebuilt, level, count / TILE_WIDTH, (unsigned int)(count % TILE_WIDTH), err);
        }
        return r;
}

/* Reads everything. 1 when something is wrong that ends the reading, and is said. */
static int rebuild(struct job *job, struct error *err)
{
        _cleanup_(buffer_done) struct buffer bundle = BUFFER_INIT(BUNDLE_MAXIMUM);
        struct rebuilt *rebuilt = &job->rebuilt;
        int r = hasher_new(&rebuilt->hasher, err);

        if (r == 0)
                r = note_roots(job, 0, err);
        for (uint64_t index = 0; r == 0 && index * TILE_WIDTH < rebuilt->size; index++) {
                if (job->progress && index * TILE_WIDTH % PROGRESS_RECORDS == 0)
                        job->progress(job->context, index * TILE_WIDTH, rebuilt->size);
                r = read_bundle(job, index, &bundle, err);
        }
        return r == 0 ? compare_right_edge(rebuilt, err) : r;
}

/* Which record is not the one whose hash the tiles have: only for words, after the root was found wrong. */
static uint64_t first_changed(struct job *job)
{
        _cleanup_(buffer_done) struct buffer bundle = BUFFER_INIT(BUNDLE_MAXIMUM);
        struct rebuilt *rebuilt = &job->rebuilt;
        struct error ignored = ERROR_NONE;

        for (uint64_t index = 0; index * TILE_WIDTH < rebuilt->size; index++) {
                unsigned int width = tile_width(TILE_ENTRIES, index, rebuilt->size);
                struct digest hashes[TILE_WIDTH], leaf;
                const char *cursor, *entry;
                size_t length;

                if (files_read_tile(rebuilt->folder, 0, index, width, hashes, &ignored) < 0 ||
                    files_read_bundle(rebuilt->folder, index, width, &bundle, &ignored) < 0)
                        return index * TILE_WIDTH;
                cursor = buffer_text(&bundle);
                for (unsigned int i = 0; tile_next_entry(&cursor, bundle.data + bundle.length, &entry, &length); i++)
                        if (merkle_leaf(rebuilt->hasher, entry, length, &leaf, &ignored) < 0 ||
                            !digest_equal(&leaf, &hashes[i]))
                                return index * TILE_WIDTH + i;
        }
        return UINT64_MAX;
}

/* ---- judging ---- */

static int judge_own(struct job *job, struct error *err)
{
        struct merkle_source source = { job->rebuilt.hasher, rebuilt_node, &job->rebuilt };
        struct digest root;
        int r = merkle_root(&source, job->rebuilt.size, &root, err);

        if (r < 0)
                return r;
        if (!digest_equal(&root, &job->verdict.checkpoint.root)) {
                uint64_t changed = first_changed(job);

                if (changed != UINT64_MAX)
                        find(job, JOURNAL_REWRITTEN,
                             _("the journal was rewritten: record %" PRIu64 " is not the one that was signed"),
                             changed);
                else
                        find(job, JOURNAL_REWRITTEN,
                             _("the journal was rewritten: its records and tiles do not have the root hash that its "
                               "checkpoint was signed for"));
        } else if (job->rebuilt.tiles_wrong) {
                find(job, JOURNAL_DAMAGED,
                     _("the records are those that were signed, but %" PRIu64
                       " files of hashes are not, the first is %s; proofs made from them would not hold"),
                     job->rebuilt.tiles_wrong, job->rebuilt.wrong_path);
        }
        job->verdict.records = job->rebuilt.size;
        return 0;
}

static void judge_held(struct job *job)
{
        const struct checkpoint *own = &job->verdict.checkpoint;

        for (size_t i = 0; i < job->expected_count; i++) {
                struct expected *expected = &job->expected[i];
                uint64_t size = expected->checkpoint.size;

                if (size > own->size)
                        find(job, JOURNAL_TRUNCATED,
                             _("the journal was cut: %s was signed for %" PRIu64 " records, and %" PRIu64 " are there"),
                             expected->held->name, size, own->size);
                else if (size == own->size && !digest_equal(&expected->checkpoint.root, &own->root))
                        find(job, JOURNAL_FORKED,
                             _("the journal was forked: %s and the journal's own checkpoint are both signed for "
                               "%" PRIu64 " records, which are not the same ones"),
                             expected->held->name, size);
                else if (expected->reached && !digest_equal(&expected->checkpoint.root, &expected->root))
                        find(job, JOURNAL_REWRITTEN,
                             _("the journal was rewritten and signed again: its first %" PRIu64
                               " records are not those of %s"),
                             size, expected->held->name);
                else if (expected->reached)
                        job->verdict.held++;
        }
}

/* Two held ones of the same size that differ prove a fork, whatever the journal says. */
static void judge_among_held(struct job *job)
{
        for (size_t i = 0; i < job->expected_count; i++)
                for (size_t k = i + 1; k < job->expected_count; k++) {
                        const struct checkpoint *a = &job->expected[i].checkpoint, *b = &job->expected[k].checkpoint;

                        if (a->size == b->size && !digest_equal(&a->root, &b->root))
                                find(job, JOURNAL_FORKED,
                                     _("the journal was forked: %s and %s are both signed for %" PRIu64
                                       " records, which are not the same ones"),
                                     job->expected[i].held->name, job->expected[k].held->name, a->size);
                }
}

/* ---- reading what there is ---- */

static int open_held(struct job *job, const struct journal_held *held, size_t count, struct error *err)
{
        if (count > HELD_MAXIMUM)
                return error_set(err, -E2BIG, _("more than %d checkpoints are given"), HELD_MAXIMUM);
        for (size_t i = 0; i < count; i++) {
                struct expected *expected = &job->expected[job->expected_count];
                int r;

                expected->held = &held[i];
                r = checkpoint_open(held[i].note, held[i].length, job->keys, job->key_count, held[i].name,
                                    &expected->checkpoint, err);
                if (r == -EKEYREJECTED && !job->verdict.pinned) {
                        find(job, JOURNAL_REPLACED,
                             _("the journal was replaced: %s is of %s and signed by another key than %s, which lies "
                               "there now"),
                             held[i].name, expected->checkpoint.origin, job->own.name);
                        *err = ERROR_NONE;
                        continue;
                }
                if (r < 0)
                        return r;
                job->expected_count++;
        }
        judge_among_held(job);
        return 0;
}

/* The journal's own checkpoint. 1 when it is wrong in a way that ends the judging, and is said. */
static int open_own(struct job *job, bool anything_held, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NOTE_MAXIMUM);
        int r = files_read(job->rebuilt.folder, JOURNAL_CHECKPOINT, &text, err);

        if (r == -ENOENT) {
                if (!anything_held && faccessat(job->rebuilt.folder, "tile", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                        return error_set(err, -ENOENT, _("there is no journal in this folder"));
                find(job, JOURNAL_TRUNCATED, _("the journal's checkpoint is gone: its end was cut off"));
                *err = ERROR_NONE;
                return 1;
        }
        if (r == 0)
                r = checkpoint_open(buffer_text(&text), text.length, job->keys, job->key_count,
                                    _("the journal's checkpoint"), &job->verdict.checkpoint, err);
        if (r == -EKEYREJECTED)
                find(job, JOURNAL_REPLACED, _("the journal was replaced: %s"), err->text);
        else if (r == -EBADMSG)
                find(job, JOURNAL_REWRITTEN, _("the journal was rewritten: %s"), err->text);
        if (r == -EKEYREJECTED || r == -EBADMSG) {
                *err = ERROR_NONE;
                return 1;
        }
        return r;
}

static int compare_origins(struct job *job)
{
        for (size_t i = 0; i < job->expected_count; i++)
                if (!text_equal(job->expected[i].checkpoint.origin, job->verdict.checkpoint.origin)) {
                        find(job, JOURNAL_REPLACED, _("the journal was replaced: %s is of %s, and %s lies there now"),
                             job->expected[i].held->name, job->expected[i].checkpoint.origin,
                             job->verdict.checkpoint.origin);
                        return 1;
                }
        return 0;
}

/* Without a key from outside the one beside the journal has to do. */
static int own_key(struct job *job, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM);
        int r;

        if (job->key_count) {
                job->verdict.pinned = true;
                return 0;
        }
        r = files_read(job->rebuilt.folder, JOURNAL_PUBLIC, &text, err);
        if (r == 0)
                r = note_key_parse(buffer_text(&text), text.length, &job->own, err);
        job->keys = &job->own;
        job->key_count = 1;
        return r;
}

static int judge(struct job *job, const struct journal_held *held, size_t held_count, struct error *err)
{
        int r = own_key(job, err);

        if (r == 0)
                r = open_held(job, held, held_count, err);
        if (r == 0 && job->verdict.fault == JOURNAL_WHOLE)
                r = open_own(job, held_count > 0, err);
        if (r == 0 && job->verdict.fault == JOURNAL_WHOLE)
                r = compare_origins(job);
        if (r != 0 || job->verdict.fault != JOURNAL_WHOLE)
                return r < 0 ? r : 0;
        job->rebuilt.size = job->verdict.checkpoint.size;
        r = rebuild(job, err);
        if (r == 0)
                r = judge_own(job, err);
        if (r < 0)
                return r;
        judge_held(job);
        return 0;
}

int journal_verify(const char *folder, const struct note_key *keys, size_t key_count, const struct journal_held *held,
                   size_t held_count, void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
                   struct journal_verdict *ret_verdict, struct error *err)
{
        _cleanup_(memory_freep) struct job *job = memory_new(1, sizeof(*job));
        struct error words = ERROR_NONE;
        int r;

        if (!job)
                return error_memory(err);
        job->keys = keys;
        job->key_count = key_count;
        job->progress = progress;
        job->context = context;
        job->rebuilt.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (job->rebuilt.folder < 0 && errno == ENOENT && held_count > 0) {
                find(job, JOURNAL_TRUNCATED, _("the journal %s is gone, all of it"), folder);
                *ret_verdict = job->verdict;
                return 0;
        }
        if (job->rebuilt.folder < 0)
                return error_errno(err, errno, _("cannot open the journal %s"), folder);
        r = judge(job, held, held_count, &words);
        fd_close(&job->rebuilt.folder);
        hasher_free(job->rebuilt.hasher);
        if (r == 0)
                *ret_verdict = job->verdict;
        else if (err)
                *err = words;
        return r;
}
