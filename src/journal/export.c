/* export.c - the public part of a journal, copied. */
#include "export.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "journal/files.h"
#include "journal/tile.h"

struct copying {
        int from, to;
        struct buffer bytes;
        struct checkpoint checkpoint;
};

static int put(const struct copying *copying, const char *path, const void *bytes, size_t length, struct error *err)
{
        char parent[TILE_PATH_SIZE];
        const char *slash = strrchr(path, '/');
        int r = 0;

        if (slash) {
                memcpy(parent, path, (size_t)(slash - path));
                parent[slash - path] = '\0';
                r = directory_make(copying->to, parent, 0755, err);
        }
        return r < 0 ? r : file_replace(copying->to, path, bytes, length, 0644, err);
}

static int copy_tile(struct copying *copying, int level, uint64_t index, struct error *err)
{
        unsigned int width = tile_width(level, index, copying->checkpoint.size);
        struct digest hashes[TILE_WIDTH];
        char path[TILE_PATH_SIZE];
        int r;

        tile_path(level, index, width, path);
        if (faccessat(copying->to, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return 0;
        if (level == TILE_ENTRIES) {
                r = files_read_bundle(copying->from, index, width, &copying->bytes, err);
                return r < 0 ? r : put(copying, path, copying->bytes.data, copying->bytes.length, err);
        }
        r = files_read_tile(copying->from, level, index, width, hashes, err);
        return r < 0 ? r : put(copying, path, hashes, width * sizeof(hashes[0]), err);
}

static int copy_level(struct copying *copying, int level, struct error *err)
{
        int r = 0;

        for (uint64_t index = 0; r == 0 && tile_width(level, index, copying->checkpoint.size) > 0; index++)
                r = copy_tile(copying, level, index, err);
        return r;
}

/* What is there already must be an earlier state of this journal. */
static int check_target(struct copying *copying, const struct note_key *key, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NOTE_MAXIMUM);
        struct checkpoint there;
        int r = files_read(copying->to, JOURNAL_CHECKPOINT, &text, err);

        if (r == -ENOENT) {
                if (err)
                        *err = ERROR_NONE;
                return 0;
        }
        if (r == 0)
                r = checkpoint_open(buffer_text(&text), text.length, key, 1, JOURNAL_CHECKPOINT, &there, err);
        if (r == -EKEYREJECTED || r == -EBADMSG || (r == 0 && there.size > copying->checkpoint.size))
                return error_refuse(err, _("the folder holds another journal, or more of this one than there is here; "
                                           "export to an empty folder"));
        return r;
}

static int copy_all(struct copying *copying, struct error *err)
{
        _cleanup_(buffer_done) struct buffer key_text = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM),
                                             note = BUFFER_INIT(NOTE_MAXIMUM);
        struct note_key key;
        int r = files_read(copying->from, JOURNAL_PUBLIC, &key_text, err);

        if (r == 0)
                r = note_key_parse(buffer_text(&key_text), key_text.length, &key, err);
        if (r == 0)
                r = files_read(copying->from, JOURNAL_CHECKPOINT, &note, err);
        if (r == 0)
                r = checkpoint_open(buffer_text(&note), note.length, &key, 1, _("the journal's checkpoint"),
                                    &copying->checkpoint, err);
        if (r == 0)
                r = check_target(copying, &key, err);
        for (int level = TILE_ENTRIES; level < TILE_LEVELS && r == 0; level++)
                r = copy_level(copying, level, err);
        if (r == 0)
                r = put(copying, JOURNAL_PUBLIC, key_text.data, key_text.length, err);
        return r < 0 ? r : put(copying, JOURNAL_CHECKPOINT, note.data, note.length, err);
}

int journal_export(const char *folder, const char *to, struct checkpoint *ret_checkpoint, struct error *err)
{
        struct copying copying = { .from = -1, .to = -1, .bytes = BUFFER_INIT(BUNDLE_MAXIMUM) };
        int r = 0;

        copying.from = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (copying.from < 0)
                r = error_errno(err, errno, _("cannot open the journal %s"), folder);
        else
                r = directory_make(AT_FDCWD, to, 0755, err);
        if (r == 0) {
                copying.to = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                r = copying.to < 0 ? error_errno(err, errno, _("cannot open the folder %s"), to)
                                   : copy_all(&copying, err);
        }
        if (r == 0)
                *ret_checkpoint = copying.checkpoint;
        fd_close(&copying.from);
        fd_close(&copying.to);
        buffer_done(&copying.bytes);
        return r;
}
