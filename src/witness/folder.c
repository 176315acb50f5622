/* witness.c - telling a witness, and the witness that is a plain folder. */
#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"

#define NAME_LATEST "latest"
#define NAME_KEY    "key"

int witness_tell(const struct witness *witness, const struct merkle_source *source, const char *note, size_t length,
                 const struct note_key *key, struct error *err)
{
        struct checkpoint checkpoint, seen = { 0 };
        struct merkle_proof proof = { .count = 0 };
        int r = checkpoint_open(note, length, key, 1, _("the checkpoint"), &checkpoint, err);

        if (r == 0)
                r = witness->seen(witness->context, checkpoint.origin, &seen, err);
        if (r < 0 || (seen.size == checkpoint.size && digest_equal(&seen.root, &checkpoint.root)))
                return r;
        if (seen.size <= checkpoint.size)
                r = merkle_consistency(source, seen.size, checkpoint.size, &proof, err);
        return r < 0 ? r : witness->offer(witness->context, note, length, key, seen.size, &proof, err);
}

/* ---- a folder ---- */

static void folder_name(const char *origin, char name[static NOTE_NAME_SIZE])
{
        snprintf(name, NOTE_NAME_SIZE, "%s", origin);
        for (char *p = name; *p; p++)
                if (*p == '/' || (p == name && *p == '.'))
                        *p = '_';
}

/* Opens FOLDER/ORIGIN; with `make` it is made. FOLDER itself must be there: a share that is not mounted is an error. */
static int open_log(const char *path, const char *origin, bool make, struct error *err)
{
        _cleanup_(fd_closep) int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char name[NOTE_NAME_SIZE];
        int fd, r;

        if (folder < 0)
                return error_errno(err, errno, _("cannot open the folder %s of a witness"), path);
        folder_name(origin, name);
        if (make) {
                r = directory_make(folder, name, 0755, err);
                if (r < 0)
                        return r;
        }
        fd = open_beneath(folder, name, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        if (fd == -ENOENT && !make)
                return fd;
        return fd < 0 ? error_errno(err, -fd, _("cannot open the folder %s/%s of a witness"), path, name) : fd;
}

static int read_text(int folder, const char *name, struct buffer *out, struct error *err)
{
        int r = file_read(folder, name, out, err);

        if (r == -ENOENT && err)
                *err = ERROR_NONE;
        return r;
}

/* The newest one; its signature was checked when it was taken, and is again: the folder may be anybody's by now. */
static int read_latest(int folder, const char *path, struct checkpoint *ret_checkpoint, struct error *err)
{
        _cleanup_(buffer_done) struct buffer note = BUFFER_INIT(NOTE_MAXIMUM),
                                             text = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM);
        struct checkpoint checkpoint = { .size = 0 };
        struct note_key key;
        int r = read_text(folder, NAME_LATEST, &note, err);

        if (r == -ENOENT) {
                *ret_checkpoint = checkpoint;
                return 0;
        }
        if (r == 0)
                r = file_read(folder, NAME_KEY, &text, err);
        if (r == 0)
                r = note_key_parse(text.data, text.length, &key, err);
        if (r == 0)
                r = checkpoint_open(note.data, note.length, &key, 1, _("the checkpoint"), &checkpoint, err);
        if (r < 0)
                return error_prefix(err, _("the witness %s"), path);
        *ret_checkpoint = checkpoint;
        return 0;
}

static int folder_seen(void *context, const char *origin, struct checkpoint *ret_checkpoint, struct error *err)
{
        const char *path = context;
        _cleanup_(fd_closep) int folder = open_log(path, origin, false, err);

        if (folder == -ENOENT) {
                *ret_checkpoint = (struct checkpoint){ .size = 0 };
                return 0;
        }
        return folder < 0 ? folder : read_latest(folder, path, ret_checkpoint, err);
}

/* The first key stays the key: another one is another journal. */
static int pin_key(int folder, const struct note_key *key, const char *path, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM),
                                             kept = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM);
        int r;

        if (note_key_format(key, &text) < 0 || buffer_append_byte(&text, '\n') < 0)
                return error_memory(err);
        r = file_create(folder, NAME_KEY, text.data, text.length, 0644, err);
        if (r != -EEXIST)
                return r;
        if (err)
                *err = ERROR_NONE;
        r = file_read(folder, NAME_KEY, &kept, err);
        if (r == 0 && (kept.length != text.length || memcmp(kept.data, text.data, text.length) != 0))
                return error_refuse(err, _("the witness %s knows this journal with another key: it was replaced"),
                                    path);
        return r;
}

/* The file of that size; one with other bytes is a fork, unless only other signatures stand on the same text. */
static int keep(int folder, const char *note, size_t length, const struct checkpoint *checkpoint, const char *path,
                const struct note_key *key, struct error *err)
{
        _cleanup_(buffer_done) struct buffer kept = BUFFER_INIT(NOTE_MAXIMUM);
        struct checkpoint other;
        char name[32];
        int r;

        snprintf(name, sizeof(name), "%020" PRIu64, checkpoint->size);
        r = file_create(folder, name, note, length, 0444, err);
        if (r != -EEXIST)
                return r;
        if (err)
                *err = ERROR_NONE;
        r = file_read(folder, name, &kept, err);
        if (r == 0)
                r = checkpoint_open(kept.data, kept.length, key, 1, name, &other, err);
        if (r == 0 && !digest_equal(&other.root, &checkpoint->root))
                return error_refuse(
                        err,
                        _("the witness %s holds another checkpoint of %" PRIu64 " records: the journal was forked"),
                        path, checkpoint->size);
        return r;
}

static int judge(const struct checkpoint *seen, const struct checkpoint *checkpoint, const struct merkle_proof *proof,
                 const char *path, struct error *err)
{
        _cleanup_(hasher_freep) struct hasher *hasher = NULL;
        int r;

        if (checkpoint->size < seen->size)
                return error_refuse(
                        err, _("the witness %s has seen %" PRIu64 " records, the journal has %" PRIu64 ": it was cut"),
                        path, seen->size, checkpoint->size);
        if (seen->size == 0)
                return 0;
        r = hasher_new(&hasher, err);
        if (r == 0)
                r = merkle_consistency_holds(hasher, seen->size, &seen->root, checkpoint->size, &checkpoint->root,
                                             proof, err);
        if (r == 0)
                return error_refuse(err,
                                    _("the journal does not begin with the %" PRIu64
                                      " records that the witness %s has seen: it was rewritten or forked"),
                                    seen->size, path);
        return r < 0 ? r : 0;
}

static int folder_offer(void *context, const char *note, size_t length, const struct note_key *key,
                        uint64_t old _unused_, const struct merkle_proof *proof, struct error *err)
{
        const char *path = context;
        struct checkpoint checkpoint, seen = { 0 };
        _cleanup_(fd_closep) int folder = -1;
        int r = checkpoint_open(note, length, key, 1, _("the checkpoint"), &checkpoint, err);

        if (r < 0)
                return r;
        folder = open_log(path, checkpoint.origin, true, err);
        if (folder < 0)
                return folder;
        if (flock(folder, LOCK_EX) < 0)
                return error_errno(err, errno, _("cannot lock the folder %s of a witness"), path);
        r = pin_key(folder, key, path, err);
        if (r == 0)
                r = read_latest(folder, path, &seen, err);
        if (r == 0)
                r = judge(&seen, &checkpoint, proof, path, err);
        if (r == 0)
                r = keep(folder, note, length, &checkpoint, path, key, err);
        if (r == 0)
                r = file_replace(folder, NAME_LATEST, note, length, 0644, err);
        return r;
}

struct witness witness_folder(const char *path)
{
        return (struct witness){ folder_seen, folder_offer, (void *)(uintptr_t)path };
}
