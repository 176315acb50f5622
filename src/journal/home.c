/* home.c - the folder of a journal: key, lock, checkpoint. */
#include "home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/text.h"
#include "journal/files.h"

#define LOCK_PATIENCE_MS 10000

int home_open(const char *path, struct error *err)
{
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (fd >= 0)
                return fd;
        if (errno != ENOENT)
                return error_errno(err, errno, _("cannot open the journal %s"), path);
        r = directory_make(AT_FDCWD, path, 0700, err);
        if (r < 0)
                return r;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, _("cannot open the journal %s"), path) : fd;
}

int home_lock(int folder, const char *path, struct error *err)
{
        _cleanup_(fd_closep) int fd =
                open_beneath(folder, JOURNAL_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, BENEATH_STRICT);
        int r;

        if (fd < 0)
                return error_errno(err, -fd, _("cannot open the lock of the journal %s"), path);
        r = lock_wait(fd, LOCK_EX, LOCK_PATIENCE_MS);
        if (r == -EBUSY)
                return error_set(err, -EBUSY,
                                 _("the journal %s has been locked by another command for ten seconds; see "
                                   "what holds %s/lock"),
                                 path, path);
        if (r < 0)
                return error_errno(err, -r, _("cannot lock the journal %s"), path);
        return fd_steal(&fd);
}

static bool is_there(int folder, const char *name)
{
        struct stat st;

        return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int make_key(int folder, const char *path, struct note_signer *signer, struct error *err)
{
        _cleanup_(buffer_wipe) struct buffer text = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM);
        char name[NOTE_NAME_SIZE];
        int r;

        if (is_there(folder, JOURNAL_PUBLIC) || is_there(folder, JOURNAL_CHECKPOINT) || is_there(folder, "tile"))
                return error_set(err, -EBADMSG,
                                 _("the key of the journal %s is gone; keep the folder as evidence under another name, "
                                   "and a new journal is begun"),
                                 path);
        r = note_make_name("understudy", name, err);
        if (r == 0)
                r = note_signer_generate(name, NOTE_ED25519, signer, err);
        if (r < 0)
                return r;
        if (buffer_reserve(&text, NOTE_KEY_TEXT_MAXIMUM) < 0 || note_signer_format(signer, &text) < 0 ||
            buffer_append_byte(&text, '\n') < 0)
                return error_memory(err);
        return file_create(folder, JOURNAL_SECRET, text.data, text.length, 0600, err);
}

static int read_key(int folder, const char *path, struct note_signer *signer, struct error *err)
{
        _cleanup_(buffer_wipe) struct buffer text = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM);
        struct stat st;
        int r = buffer_reserve(&text, NOTE_KEY_TEXT_MAXIMUM);

        if (r < 0)
                return error_memory(err);
        r = file_read(folder, JOURNAL_SECRET, &text, err);
        if (r < 0)
                return r;
        if (fstatat(folder, JOURNAL_SECRET, &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & 077))
                return error_set(err, -EBADMSG,
                                 _("others may read the key of the journal, %s/node.key; look who has, and take their "
                                   "right away with chmod 600"),
                                 path);
        r = note_signer_parse(buffer_text(&text), text.length, signer, err);
        if (r == 0 && signer->pub.algorithm != NOTE_ED25519)
                r = error_set(err, -EBADMSG, _("%s/node.key is a witness's key, and not a journal's"), path);
        return r;
}

int home_key(int folder, const char *path, struct note_key *ret_key, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NOTE_MAXIMUM);
        struct checkpoint none = { .size = 0 };
        struct note_signer signer;
        int r = 0;

        if (is_there(folder, JOURNAL_SECRET))
                r = read_key(folder, path, &signer, err);
        else
                r = make_key(folder, path, &signer, err);
        if (r == 0 && !is_there(folder, JOURNAL_PUBLIC)) {
                if (note_key_format(&signer.pub, &text) < 0 || buffer_append_byte(&text, '\n') < 0)
                        r = error_memory(err);
                else
                        r = file_replace(folder, JOURNAL_PUBLIC, text.data, text.length, 0644, err);
        }
        if (r == 0 && !is_there(folder, JOURNAL_CHECKPOINT)) {
                snprintf(none.origin, sizeof(none.origin), "%s", signer.pub.name);
                r = digest_of_bytes("", 0, &none.root, err);
                if (is_there(folder, "tile"))
                        r = error_set(err, -EBADMSG,
                                      _("the checkpoint of the journal %s is gone; 'understudy journal verify' tells "
                                        "more"),
                                      path);
                if (r == 0)
                        r = home_sign(folder, path, &signer.pub, &none, &text, err);
        }
        if (r == 0)
                *ret_key = signer.pub;
        note_signer_wipe(&signer);
        return r;
}

void home_clean(int folder)
{
        int fd = open_beneath(folder, ".", O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        DIR *names = fd >= 0 ? fdopendir(fd) : NULL;

        if (!names) {
                fd_close(&fd);
                return;
        }
        for (struct dirent *one = readdir(names); one; one = readdir(names))
                if (*one->d_name == '.' && text_ends(one->d_name, ".tmp"))
                        (void)unlinkat(folder, one->d_name, 0);
        closedir(names);
}

int home_checkpoint(int folder, const struct note_key *key, struct buffer *note, struct checkpoint *ret_checkpoint,
                    struct error *err)
{
        int r = files_read(folder, JOURNAL_CHECKPOINT, note, err);

        if (r == 0)
                r = checkpoint_open(buffer_text(note), note->length, key, 1, _("the journal's checkpoint"),
                                    ret_checkpoint, err);
        return r == -ENOENT || r == -EKEYREJECTED ? -EBADMSG : r;
}

int home_sign(int folder, const char *path, const struct note_key *key, const struct checkpoint *checkpoint,
              struct buffer *note, struct error *err)
{
        struct note_signer signer;
        int r = read_key(folder, path, &signer, err);

        if (r < 0)
                return r;
        if (memcmp(signer.pub.key, key->key, sizeof(key->key)) != 0)
                r = error_set(err, -EBADMSG, _("the key of the journal %s was replaced"), path);
        buffer_clear(note);
        if (r == 0)
                r = checkpoint_sign(checkpoint, &signer, note, err);
        note_signer_wipe(&signer);
        return r < 0 ? r : file_replace(folder, JOURNAL_CHECKPOINT, note->data, note->length, 0644, err);
}
