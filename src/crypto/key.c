#include "key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/secret.h"

#define PUBLIC_SIZE    (2 + KEY_ID_SIZE + 32) /* "Ed", id, key */
#define SECRET_SIZE    158                    /* secret.c */
#define SIGNATURE_SIZE (2 + KEY_ID_SIZE + 64) /* signature.c */
#define COMMENT_PREFIX "untrusted comment: "

bool public_key_equal(const struct public_key *a, const struct public_key *b)
{
        return memcmp(a->id, b->id, sizeof(a->id)) == 0 && memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

void public_key_text(const struct public_key *key, char text[static KEY_TEXT_SIZE])
{
        char storage[KEY_TEXT_SIZE];
        struct buffer buffer = { storage, 0, sizeof(storage), sizeof(storage) - 1 }; /* never grows, never fails */
        uint8_t bytes[PUBLIC_SIZE] = { 'E', 'd' };

        memcpy(bytes + 2, key->id, KEY_ID_SIZE);
        memcpy(bytes + 2 + KEY_ID_SIZE, key->key, sizeof(key->key));
        if (text_base64(&buffer, bytes, sizeof(bytes)) == 0)
                memcpy(text, storage, KEY_TEXT_SIZE);
}

void public_key_id_text(const struct public_key *key, char text[static KEY_ID_TEXT_SIZE])
{
        for (size_t i = 0; i < KEY_ID_SIZE; i++)
                snprintf(text + 2 * i, 3, "%02X", key->id[KEY_ID_SIZE - 1 - i]);
}

/* Says what a base64 line is that is no public key. */
static int not_a_public_key(const uint8_t *bytes, size_t length, struct error *err)
{
        if (length == SECRET_SIZE && memcmp(bytes, "Ed", 2) == 0)
                return error_set(err, -EBADMSG,
                                 _("this is a secret key, which no server may hold; give the file that ends in .pub"));
        if (length == SIGNATURE_SIZE)
                return error_set(err, -EBADMSG,
                                 _("this is a signature; give the public key, a file that ends in .pub"));
        return error_set(err, -EBADMSG,
                         _("this is not a public key of minisign; it begins with RW and has 56 letters"));
}

int public_key_parse(const char *text, size_t length, struct public_key *ret_key, struct error *err)
{
        uint8_t bytes[SECRET_SIZE];
        size_t size = 0;
        int r;

        r = text_unbase64(text, length, bytes, sizeof(bytes), &size);
        if (r < 0 || size != PUBLIC_SIZE || memcmp(bytes, "Ed", 2) != 0) {
                r = not_a_public_key(bytes, r < 0 ? 0 : size, err);
        } else {
                memcpy(ret_key->id, bytes + 2, KEY_ID_SIZE);
                memcpy(ret_key->key, bytes + 2 + KEY_ID_SIZE, sizeof(ret_key->key));
        }
        memory_wipe(bytes, sizeof(bytes)); /* it may have been a secret one */
        return r < 0 ? r : 0;
}

int key_file_body(const char *text, size_t length, const char **ret_body, size_t *ret_length)
{
        const char *cursor = text, *end = text + length;
        const char *comment, *body;
        size_t comment_length, body_length;

        if (!text_next_line(&cursor, end, &comment, &comment_length) ||
            !text_next_line(&cursor, end, &body, &body_length))
                return -EBADMSG;
        if (comment_length < strlen(COMMENT_PREFIX) || memcmp(comment, COMMENT_PREFIX, strlen(COMMENT_PREFIX)) != 0)
                return -EBADMSG;
        *ret_body = body;
        *ret_length = body_length;
        return 0;
}

int key_file_read(const char *path, struct buffer *text, unsigned int *ret_mode, struct error *err)
{
        _cleanup_(fd_closep) int fd = fault_point(FAULT_OPEN) ? -1 : open(path, O_RDONLY | O_CLOEXEC);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_errno(err, errno, _("cannot open the key file %s"), path);
        r = buffer_reserve(text, text->maximum); /* at once: growing would leave copies of a secret behind in memory */
        if (r < 0)
                return error_memory(err);
        r = read_to_end(fd, text);
        if (r == -E2BIG)
                return error_set(err, -EBADMSG, _("%s is no key file: it is larger than %zu bytes"), path,
                                 text->maximum);
        if (r < 0)
                return error_errno(err, -r, _("cannot read the key file %s"), path);
        *ret_mode = S_ISREG(st.st_mode) ? st.st_mode & 07777 : 0;
        return 0;
}

int public_key_read(const char *path, struct public_key *ret_key, struct error *err)
{
        char storage[KEY_FILE_MAXIMUM + 1];
        struct buffer text = { storage, 0, sizeof(storage), KEY_FILE_MAXIMUM };
        const char *body = NULL;
        size_t body_length = 0;
        unsigned int mode;
        int r;

        storage[0] = '\0';
        r = key_file_read(path, &text, &mode, err);
        if (r == 0 && key_file_body(text.data, text.length, &body, &body_length) < 0)
                r = error_set(err, -EBADMSG,
                              _("%s is not a public key file of minisign (an untrusted comment, and a line that begins "
                                "with RW)"),
                              path);
        else if (r == 0) {
                r = public_key_parse(body, body_length, ret_key, err);
                if (r < 0)
                        error_prefix(err, _("cannot use %s as a public key"), path);
        }
        memory_wipe(storage, sizeof(storage));
        return r;
}
