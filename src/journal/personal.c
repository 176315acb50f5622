/* personal.c - commitments under an incident's key, and its destruction. */
#include "personal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/ed25519.h"

#define FOLDER        "personal"
#define KEY_SIZE      32
#define NAME_MAXIMUM  64
#define VALUE_MAXIMUM 65536

static int open_folder(const char *journal, const char *incident, struct error *err)
{
        _cleanup_(fd_closep) int base = -1;
        size_t length = strspn(incident, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
        int fd, r;

        if (length == 0 || length > NAME_MAXIMUM || incident[length])
                return error_usage(err, _("'%s' is no name of an incident; use letters, digits, - and _"), incident);
        base = open(journal, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (base < 0)
                return error_errno(err, errno, _("cannot open the journal %s"), journal);
        r = directory_make(base, FOLDER, 0700, err);
        if (r < 0)
                return r;
        fd = open_beneath(base, FOLDER, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        return fd < 0 ? error_errno(err, -fd, _("cannot open the keys of incidents in %s"), journal) : fd;
}

static int read_key(int folder, const char *incident, uint8_t key[static KEY_SIZE], struct error *err)
{
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(KEY_SIZE);
        char name[NAME_MAXIMUM + 16];
        int r;

        snprintf(name, sizeof(name), "%s.destroyed", incident);
        if (faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return error_set(err, -ESTALE,
                                 _("the key of the incident %s was destroyed: its personal data is deleted"), incident);
        snprintf(name, sizeof(name), "%s.key", incident);
        r = file_read(folder, name, &bytes, err);
        if (r == 0 && bytes.length != KEY_SIZE)
                r = error_set(err, -EBADMSG, _("the key of the incident %s is damaged"), incident);
        if (r == 0)
                memcpy(key, bytes.data, KEY_SIZE);
        memory_wipe(bytes.data, bytes.length);
        return r;
}

static int make_key(int folder, const char *incident, uint8_t key[static KEY_SIZE], struct error *err)
{
        char name[NAME_MAXIMUM + 16];
        int r = random_secret(key, KEY_SIZE, err);

        snprintf(name, sizeof(name), "%s.key", incident);
        if (r == 0)
                r = file_create(folder, name, key, KEY_SIZE, 0600, err);
        if (r != -EEXIST)
                return r;
        if (err)
                *err = ERROR_NONE;
        return read_key(folder, incident, key, err); /* somebody else was first */
}

static int commitment(const uint8_t key[static KEY_SIZE], const char *label, const char *value,
                      char text[static PERSONAL_TEXT_SIZE], struct error *err)
{
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(VALUE_MAXIMUM);
        char hex[DIGEST_HEX_SIZE];
        struct digest digest;
        int r = buffer_append(&bytes, label, strlen(label) + 1);

        if (r == 0)
                r = buffer_append_text(&bytes, value);
        if (r < 0)
                return error_set(err, r, _("a value is too large to be committed to"));
        r = hmac_sha256(key, KEY_SIZE, bytes.data, bytes.length, &digest, err);
        memory_wipe(bytes.data, bytes.length);
        if (r < 0)
                return r;
        digest_hex(&digest, hex);
        snprintf(text, PERSONAL_TEXT_SIZE, "hmac-sha256:%s", hex);
        return 0;
}

int personal_commit(const char *journal, const char *incident, const char *label, const char *value,
                    char text[static PERSONAL_TEXT_SIZE], struct error *err)
{
        _cleanup_(fd_closep) int folder = open_folder(journal, incident, err);
        uint8_t key[KEY_SIZE];
        int r = folder < 0 ? folder : read_key(folder, incident, key, err);

        if (r == -ENOENT) {
                if (err)
                        *err = ERROR_NONE;
                r = make_key(folder, incident, key, err);
        }
        if (r == 0)
                r = commitment(key, label, value, text, err);
        memory_wipe(key, sizeof(key));
        return r;
}

int personal_holds(const char *journal, const char *incident, const char *label, const char *value, const char *text,
                   struct error *err)
{
        _cleanup_(fd_closep) int folder = open_folder(journal, incident, err);
        char again[PERSONAL_TEXT_SIZE] = "";
        uint8_t key[KEY_SIZE];
        int r = folder < 0 ? folder : read_key(folder, incident, key, err);

        if (r == 0)
                r = commitment(key, label, value, again, err);
        memory_wipe(key, sizeof(key));
        return r < 0 ? r : text_equal(again, text);
}

int personal_destroy(const char *journal, const char *incident, struct error *err)
{
        static const uint8_t nothing[KEY_SIZE];
        _cleanup_(fd_closep) int folder = open_folder(journal, incident, err);
        _cleanup_(fd_closep) int fd = -1;
        char name[NAME_MAXIMUM + 16];
        int r;

        if (folder < 0)
                return folder;
        snprintf(name, sizeof(name), "%s.destroyed", incident);
        r = file_replace(folder, name, "", 0, 0600, err);
        if (r < 0)
                return r;
        snprintf(name, sizeof(name), "%s.key", incident);
        fd = open_beneath(folder, name, O_WRONLY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (fd == -ENOENT)
                return 0;
        r = fd < 0 ? fd : write_full(fd, nothing, sizeof(nothing));
        if (r == 0)
                r = fd_sync(fd);
        if (r == 0 && unlinkat(folder, name, 0) < 0)
                r = -errno;
        if (r == 0)
                r = fd_sync(folder);
        return r < 0 ? error_errno(err, -r, _("cannot destroy the key of the incident %s"), incident) : 0;
}
