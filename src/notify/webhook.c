/* webhook.c - the key of a webhook, and its signature. */
#include "notify/webhook.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/ed25519.h"

#define PREFIX         "whsec_"
#define DECODED_LEAST  24
#define DECODED_MOST   64
#define RAW_LEAST      16
#define FILE_MAXIMUM   (WEBHOOK_KEY_MAXIMUM + 1)
#define SIGNED_MAXIMUM (1U << 20)

int webhook_key_parse(const char *text, size_t length, const char *path, struct webhook_key *ret_key, struct error *err)
{
        if (length > 0 && text[length - 1] == '\n')
                length--;
        ret_key->length = 0;
        if (length >= strlen(PREFIX) && memcmp(text, PREFIX, strlen(PREFIX)) == 0) {
                size_t decoded = 0;

                if (text_unbase64(text + strlen(PREFIX), length - strlen(PREFIX), ret_key->bytes, DECODED_MOST,
                                  &decoded) == 0 &&
                    decoded >= DECODED_LEAST) {
                        ret_key->length = decoded;
                        return 0;
                }
        } else if (length >= RAW_LEAST && length <= WEBHOOK_KEY_MAXIMUM) {
                memcpy(ret_key->bytes, text, length);
                ret_key->length = length;
                return 0;
        }
        return error_usage(err,
                           _("%s holds no key for a webhook; write 'whsec_' and 24 to 64 bytes in base64 (echo "
                             "whsec_$(openssl rand -base64 32)), or at least 16 bytes"),
                           path);
}

int webhook_key_read(const char *path, struct webhook_key *ret_key, struct error *err)
{
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct buffer text = BUFFER_INIT(FILE_MAXIMUM);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_errno(err, errno, _("cannot open the webhook's key %s"), path);
        if (S_ISREG(st.st_mode) && (st.st_mode & 0077))
                return error_usage(err, _("others may read the webhook's key %s; run: chmod 600 %s"), path, path);
        r = read_to_end(fd, &text);
        if (r < 0)
                error_errno(err, -r, _("cannot read the webhook's key %s"), path);
        else
                r = webhook_key_parse(buffer_text(&text), text.length, path, ret_key, err);
        if (text.data)
                memory_wipe(text.data, text.capacity);
        buffer_done(&text);
        return r;
}

int webhook_head(const char *id, int64_t seconds, const struct webhook_key *key, const void *body, size_t length,
                 struct buffer *out, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(SIGNED_MAXIMUM);
        struct digest digest;
        int r;

        if (buffer_printf(out, "webhook-id: %s\r\nwebhook-timestamp: %" PRId64 "\r\n", id, seconds) < 0)
                return error_memory(err);
        if (key->length == 0)
                return 0;
        if (buffer_printf(&text, "%s.%" PRId64 ".", id, seconds) < 0 || buffer_append(&text, body, length) < 0)
                return error_memory(err);
        r = hmac_sha256(key->bytes, key->length, text.data, text.length, &digest, err);
        if (r < 0)
                return r;
        if (buffer_append_text(out, "webhook-signature: v1,") < 0 || text_base64(out, digest.bytes, DIGEST_SIZE) < 0 ||
            buffer_append_text(out, "\r\n") < 0)
                return error_memory(err);
        return 0;
}
