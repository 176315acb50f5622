/* folder.c - a plain folder that holds checkpoints. */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"

#define NAME_LATEST  "latest"
#define NAME_KEY     "key"
#define NAME_REFUSED "refused"

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

        if (folder < 0) /* not -ENOENT, which says that a log is not known */
                return error_set(err, -EIO, _("cannot open the folder: %s"), strerror(errno));
        folder_name(origin, name);
        if (make) {
                r = directory_make(folder, name, 0755, err);
                if (r < 0)
                        return r;
        }
        fd = open_beneath(folder, name, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        return fd < 0 ? error_errno(err, -fd, _("cannot open the folder %s"), name) : fd;
}

/* The newest one; its signature was checked when it was taken, and is again: the folder may be anybody's by now. */
static int read_latest(int folder, const struct note_key *key, struct checkpoint *ret_checkpoint, struct error *err)
{
        _cleanup_(buffer_done) struct buffer note = BUFFER_INIT(NOTE_MAXIMUM);
        int r = file_read(folder, NAME_LATEST, &note, err);

        if (r == -ENOENT) {
                if (err)
                        *err = ERROR_NONE;
                *ret_checkpoint = (struct checkpoint){ .size = 0 };
                return digest_of_bytes("", 0, &ret_checkpoint->root, err);
        }
        if (r == 0)
                r = checkpoint_open(note.data, note.length, key, 1, _("the newest checkpoint"), ret_checkpoint, err);
        return r;
}

static int read_key(int folder, struct note_key *ret_key, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM);
        int r = file_read(folder, NAME_KEY, &text, err);

        return r < 0 ? r : note_key_parse(buffer_text(&text), text.length, ret_key, err);
}

/* The first key stays the key: another one is another journal. */
static int pin_key(int folder, const struct note_key *key, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM);
        struct note_key kept;
        int r;

        if (note_key_format(key, &text) < 0 || buffer_append_byte(&text, '\n') < 0)
                return error_memory(err);
        r = file_create(folder, NAME_KEY, text.data, text.length, 0644, err);
        if (r != -EEXIST)
                return r;
        if (err)
                *err = ERROR_NONE;
        r = read_key(folder, &kept, err);
        if (r == 0 && (memcmp(kept.key, key->key, sizeof(key->key)) != 0 || strcmp(kept.name, key->name) != 0))
                return error_refuse(err, _("it knows %s with another key: the journal was replaced"), key->name);
        return r;
}

int folder_introduce(const char *path, const struct note_key *key, struct error *err)
{
        _cleanup_(fd_closep) int folder = open_log(path, key->name, true, err);

        return folder < 0 ? folder : pin_key(folder, key, err);
}

/* Is it what comes after what was seen? */
static int judge(const struct checkpoint *seen, const struct checkpoint *checkpoint,
                 const struct witness_request *request, uint64_t *ret_seen, struct error *err)
{
        _cleanup_(hasher_freep) struct hasher *hasher = NULL;
        int r;

        if (request->old > checkpoint->size)
                return error_set(err, -EINVAL, _("the old size is larger than the checkpoint's"));
        if (seen->size != request->old ||
            (seen->size == checkpoint->size && !digest_equal(&seen->root, &checkpoint->root))) {
                *ret_seen = seen->size;
                return error_set(err, -ESTALE, _("it has seen %" PRIu64 " records"), seen->size);
        }
        r = hasher_new(&hasher, err);
        if (r == 0)
                r = merkle_consistency_holds(hasher, seen->size, &seen->root, checkpoint->size, &checkpoint->root,
                                             &request->proof, err);
        if (r == 0)
                return error_refuse(err,
                                    _("the journal does not begin with the %" PRIu64
                                      " records that it has seen: it was rewritten or forked"),
                                    seen->size);
        return r < 0 ? r : 0;
}

/* The file of that size: there already when the same checkpoint comes again. */
static int keep(int folder, const char *note, size_t length, const struct checkpoint *checkpoint, struct error *err)
{
        char name[32];
        int r;

        snprintf(name, sizeof(name), "%020" PRIu64, checkpoint->size);
        r = file_create(folder, name, note, length, 0444, err);
        if (r == -EEXIST && err)
                *err = ERROR_NONE;
        if (r == 0 || r == -EEXIST)
                r = file_replace(folder, NAME_LATEST, note, length, 0644, err);
        return r;
}

/* With the folder of its log. */
static int take(int folder, const struct witness_request *request, const struct note_signer *signer,
                struct buffer *cosignatures, uint64_t *ret_seen, struct error *err)
{
        _cleanup_(buffer_done) struct buffer kept = BUFFER_INIT(2 * NOTE_MAXIMUM);
        struct checkpoint checkpoint, seen;
        struct note_key key;
        struct note note;
        size_t before = cosignatures->length;
        int r = read_key(folder, &key, err);

        if (r < 0)
                return -EIO;
        r = checkpoint_open(request->note, request->note_length, &key, 1, _("the checkpoint"), &checkpoint, err);
        if (r < 0)
                return r == -EBADMSG ? -EKEYREJECTED : r;
        if (flock(folder, LOCK_EX) < 0)
                return error_errno(err, errno, _("cannot lock the folder"));
        r = read_latest(folder, &key, &seen, err);
        if (r == 0)
                r = judge(&seen, &checkpoint, request, ret_seen, err);
        if (r == -EPERM || (r == -ESTALE && request->old == checkpoint.size && seen.size == checkpoint.size))
                (void)file_replace(folder, NAME_REFUSED, request->note, request->note_length, 0644, NULL);
        if (r == 0)
                r = note_parse(request->note, request->note_length, _("the checkpoint"), &note, err);
        if (r == 0 && signer)
                r = note_cosign(signer, clock_now(), note.text, note.text_length, cosignatures, err);
        if (r == 0 && (buffer_append(&kept, request->note, request->note_length) < 0 ||
                       buffer_append(&kept, buffer_text(cosignatures) + before, cosignatures->length - before) < 0))
                r = error_memory(err);
        if (r == 0)
                r = keep(folder, kept.data, kept.length, &checkpoint, err);
        if (r < 0)
                cosignatures->length = before;
        return r;
}

int folder_take(const char *path, const struct witness_request *request, const struct note_signer *signer,
                struct buffer *cosignatures, uint64_t *ret_seen, struct error *err)
{
        _cleanup_(fd_closep) int folder = -1;
        struct checkpoint checkpoint;
        struct note note;
        int r = note_parse(request->note, request->note_length, _("the checkpoint"), &note, err);

        if (r == 0)
                r = checkpoint_parse(note.text, note.text_length, _("the checkpoint"), &checkpoint, err);
        if (r == 0) /* it becomes a folder's name */
                r = note_name_check(checkpoint.origin, strlen(checkpoint.origin), err);
        if (r < 0)
                return r;
        folder = open_log(path, checkpoint.origin, false, err);
        return folder < 0 ? folder : take(folder, request, signer, cosignatures, ret_seen, err);
}

static int folder_offer(void *context, const char *note, size_t length, const struct note_key *key, uint64_t old,
                        const struct merkle_proof *proof, struct buffer *cosignatures, uint64_t *ret_seen,
                        struct error *err)
{
        struct witness_request request = { .old = old, .proof = *proof, .note = note, .note_length = length };
        const char *path = context;
        int r = folder_introduce(path, key, err);

        return r < 0 ? r : folder_take(path, &request, NULL, cosignatures, ret_seen, err);
}

struct witness witness_folder(const char *path)
{
        return (struct witness){ folder_offer, (void *)(uintptr_t)path };
}
