/* reader.c - records in order, and proofs out of tiles. */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "journal/files.h"
#include "journal/tile.h"

struct journal_reader {
        int folder;
        bool owned; /* folder is ours to close */
        struct hasher *hasher;
        struct checkpoint checkpoint;
        struct { /* the last tile that was read of each level */
                bool valid;
                uint64_t index;
                struct digest hashes[TILE_WIDTH];
        } tiles[TILE_LEVELS];
};

void journal_reader_close(struct journal_reader *reader)
{
        if (!reader)
                return;
        if (reader->owned)
                fd_close(&reader->folder);
        hasher_free(reader->hasher);
        free(reader);
}

void journal_reader_closep(struct journal_reader **reader)
{
        journal_reader_close(*reader);
}

int journal_reader_at(int folder, const struct checkpoint *checkpoint, struct journal_reader **ret_reader,
                      struct error *err)
{
        _cleanup_(journal_reader_closep) struct journal_reader *reader = memory_new(1, sizeof(*reader));
        int r;

        if (!reader)
                return error_memory(err);
        reader->folder = folder;
        reader->checkpoint = *checkpoint;
        r = hasher_new(&reader->hasher, err);
        if (r < 0)
                return r;
        *ret_reader = reader;
        reader = NULL;
        return 0;
}

int journal_reader_open(const char *path, struct journal_reader **ret_reader, struct error *err)
{
        _cleanup_(fd_closep) int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NOTE_MAXIMUM);
        struct checkpoint checkpoint;
        struct note_key key;
        int r;

        if (folder < 0)
                return error_errno(err, errno, _("cannot open the journal %s"), path);
        r = files_read(folder, JOURNAL_PUBLIC, &text, err);
        if (r == 0)
                r = note_key_parse(buffer_text(&text), text.length, &key, err);
        if (r == 0)
                r = files_read(folder, JOURNAL_CHECKPOINT, &text, err);
        if (r == 0)
                r = checkpoint_open(buffer_text(&text), text.length, &key, 1, _("the journal's checkpoint"),
                                    &checkpoint, err);
        if (r == 0)
                r = journal_reader_at(folder, &checkpoint, ret_reader, err);
        if (r == 0) {
                (*ret_reader)->owned = true;
                fd_steal(&folder);
        }
        return r;
}

const struct checkpoint *journal_reader_checkpoint(const struct journal_reader *reader)
{
        return &reader->checkpoint;
}

/* ---- records ---- */

int journal_read(struct journal_reader *reader, uint64_t first,
                 int (*record)(void *context, uint64_t sequence, const char *bytes, size_t length, struct error *err),
                 void *context, struct error *err)
{
        _cleanup_(buffer_done) struct buffer bundle = BUFFER_INIT(BUNDLE_MAXIMUM);
        uint64_t wrong = UINT64_MAX;

        for (uint64_t sequence = first / TILE_WIDTH * TILE_WIDTH; sequence < reader->checkpoint.size;) {
                uint64_t index = sequence / TILE_WIDTH;
                unsigned int width = tile_width(TILE_ENTRIES, index, reader->checkpoint.size);
                struct digest hashes[TILE_WIDTH], leaf;
                const char *cursor, *end, *entry;
                size_t length;
                int r = files_read_tile(reader->folder, 0, index, width, hashes, err);

                if (r == 0)
                        r = files_read_bundle(reader->folder, index, width, &bundle, err);
                if (r < 0)
                        return r == -ENOENT ? -EBADMSG : r;
                cursor = buffer_text(&bundle);
                end = cursor + bundle.length;
                for (unsigned int i = 0; tile_next_entry(&cursor, end, &entry, &length); i++, sequence++) {
                        if (sequence < first)
                                continue;
                        r = merkle_leaf(reader->hasher, entry, length, &leaf, err);
                        if (r == 0 && wrong == UINT64_MAX && !digest_equal(&leaf, &hashes[i]))
                                wrong = sequence;
                        if (r == 0)
                                r = record(context, sequence, entry, length, err);
                        if (r != 0)
                                return r < 0 ? r : 0;
                }
        }
        if (wrong != UINT64_MAX)
                return error_set(err, -EBADMSG,
                                 _("record %" PRIu64 " of the journal is not what was signed; 'understudy journal "
                                   "verify' tells more"),
                                 wrong);
        return 0;
}

/* ---- proofs ---- */

static int load_tile(struct journal_reader *reader, int level, uint64_t index, struct error *err)
{
        unsigned int width = tile_width(level, index, reader->checkpoint.size);
        int r;

        if (reader->tiles[level].valid && reader->tiles[level].index == index)
                return 0;
        reader->tiles[level].valid = false;
        r = files_read_tile(reader->folder, level, index, width, reader->tiles[level].hashes, err);
        reader->tiles[level].index = index;
        reader->tiles[level].valid = r == 0;
        return r;
}

static int reader_node(void *context, unsigned int level, uint64_t index, struct digest *ret_hash, struct error *err)
{
        struct journal_reader *reader = context;
        unsigned int tile = level / TILE_HEIGHT, inside = level % TILE_HEIGHT;
        int r = load_tile(reader, (int)tile, (index << inside) / TILE_WIDTH, err);

        return r < 0 ? r : files_fold(reader->hasher, reader->tiles[tile].hashes, level, index, ret_hash, err);
}

struct merkle_source journal_reader_source(struct journal_reader *reader)
{
        return (struct merkle_source){ reader->hasher, reader_node, reader };
}

int journal_prove(struct journal_reader *reader, uint64_t sequence, struct digest *ret_leaf,
                  struct merkle_proof *ret_proof, struct error *err)
{
        struct merkle_source source = journal_reader_source(reader);
        int r = merkle_inclusion(&source, sequence, reader->checkpoint.size, ret_proof, err);

        return r < 0 ? r : reader_node(reader, 0, sequence, ret_leaf, err);
}
