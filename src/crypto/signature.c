#include "signature.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/ed25519.h"
#include "crypto/secret.h"

#define UNTRUSTED_PREFIX "untrusted comment: "
#define TRUSTED_PREFIX   "trusted comment: "
#define PREHASH_SIZE     64 /* BLAKE2b-512 */
#define READ_SIZE        (256U << 10)

struct prehash {
        uint8_t bytes[PREHASH_SIZE];
};

static int not_a_signature(struct error *err)
{
        return error_set(err, -EBADMSG,
                         _("this is not a signature of minisign (four lines: untrusted comment, signature, trusted "
                           "comment, signature)"));
}

static bool line_starts(const char *line, size_t length, const char *prefix)
{
        return length >= strlen(prefix) && memcmp(line, prefix, strlen(prefix)) == 0;
}

/* A comment is shown to people: valid UTF-8 without control characters, but for minisign's own tabs. */
static bool comment_is_clean(const char *comment, size_t length)
{
        for (size_t i = 0; i < length;) {
                size_t n = text_utf8_length(comment + i, length - i);
                unsigned char byte = (unsigned char)comment[i];

                if (n == 0 || (byte < 0x20 && byte != '\t') || byte == 0x7f)
                        return false;
                if (n == 2 && byte == 0xc2 && (unsigned char)comment[i + 1] < 0xa0) /* C1 */
                        return false;
                i += n;
        }
        return true;
}

static int decode_exactly(const char *text, size_t length, void *bytes, size_t size)
{
        size_t decoded = 0;

        if (text_unbase64(text, length, bytes, size, &decoded) < 0 || decoded != size)
                return -EBADMSG;
        return 0;
}

int signature_parse(const char *text, size_t length, struct signature *ret_signature, struct error *err)
{
        const char *cursor = text, *end = text + length;
        const char *lines[4];
        size_t lengths[4];
        uint8_t body[2 + KEY_ID_SIZE + 64], global[64];
        const char *comment;
        size_t comment_length;

        if (length > SIGNATURE_MAXIMUM)
                return not_a_signature(err);
        for (size_t i = 0; i < LENGTH(lines); i++) {
                if (!text_next_line(&cursor, end, &lines[i], &lengths[i]))
                        return not_a_signature(err);
        }
        if (cursor != end || !line_starts(lines[0], lengths[0], UNTRUSTED_PREFIX) ||
            !line_starts(lines[2], lengths[2], TRUSTED_PREFIX))
                return not_a_signature(err);
        comment = lines[2] + strlen(TRUSTED_PREFIX);
        comment_length = lengths[2] - strlen(TRUSTED_PREFIX);
        if (decode_exactly(lines[1], lengths[1], body, sizeof(body)) < 0 ||
            decode_exactly(lines[3], lengths[3], global, sizeof(global)) < 0 ||
            (memcmp(body, "ED", 2) != 0 && memcmp(body, "Ed", 2) != 0) || comment_length > SIGNATURE_COMMENT_MAXIMUM ||
            !comment_is_clean(comment, comment_length))
                return not_a_signature(err);
        memcpy(ret_signature->algorithm, body, 2);
        memcpy(ret_signature->key_id, body + 2, KEY_ID_SIZE);
        memcpy(ret_signature->signature, body + 2 + KEY_ID_SIZE, 64);
        memcpy(ret_signature->global, global, 64);
        memcpy(ret_signature->comment, comment, comment_length);
        ret_signature->comment[comment_length] = '\0';
        return 0;
}

static int prehash_bytes(const void *bytes, size_t length, struct prehash *ret_prehash, struct error *err)
{
        unsigned int size = 0;

        if (EVP_Digest(bytes, length, ret_prehash->bytes, &size, EVP_blake2b512(), NULL) != 1 || size != PREHASH_SIZE)
                return ed25519_error(err);
        return 0;
}

static int read_into(int fd, EVP_MD_CTX *context, const char *what, struct error *err)
{
        _cleanup_(memory_freep) char *bytes = memory_new(READ_SIZE, 1);
        uint64_t offset = 0;

        if (!bytes)
                return error_memory(err);
        for (;;) {
                ssize_t n = read_at(fd, bytes, READ_SIZE, offset);

                if (n < 0)
                        return error_errno(err, (int)-n, _("cannot read %s"), what);
                if (n == 0)
                        return 0;
                if (EVP_DigestUpdate(context, bytes, (size_t)n) != 1)
                        return ed25519_error(err);
                offset += (uint64_t)n;
        }
}

static int prehash_fd(int fd, const char *what, struct prehash *ret_prehash, struct error *err)
{
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        unsigned int size = 0;
        int r;

        if (!context || EVP_DigestInit_ex(context, EVP_blake2b512(), NULL) != 1)
                r = ed25519_error(err);
        else
                r = read_into(fd, context, what, err);
        if (r == 0 && EVP_DigestFinal_ex(context, ret_prehash->bytes, &size) != 1)
                r = ed25519_error(err);
        EVP_MD_CTX_free(context);
        return r;
}

/* The second signature covers the first one and the trusted comment. */
static int global_message(const uint8_t signature[64], const char *comment, struct buffer *out, struct error *err)
{
        if (buffer_append(out, signature, 64) < 0 || buffer_append_text(out, comment) < 0)
                return error_memory(err);
        return 0;
}

static int append_signature(const struct secret_key *key, const struct prehash *prehash, const char *comment,
                            struct buffer *out, struct error *err)
{
        _cleanup_(buffer_done) struct buffer message = BUFFER_INIT(64 + SIGNATURE_COMMENT_MAXIMUM);
        uint8_t body[2 + KEY_ID_SIZE + 64] = { 'E', 'D' }, global[64];
        char id[KEY_ID_TEXT_SIZE];
        int r;

        if (strlen(comment) > SIGNATURE_COMMENT_MAXIMUM || !comment_is_clean(comment, strlen(comment)))
                return error_set(err, -EINVAL,
                                 _("the trusted comment of a signature must be one line of printable text, at most %d "
                                   "bytes"),
                                 SIGNATURE_COMMENT_MAXIMUM);
        memcpy(body + 2, key->pub.id, KEY_ID_SIZE);
        r = ed25519_sign(key->seed, prehash->bytes, PREHASH_SIZE, body + 2 + KEY_ID_SIZE, err);
        if (r == 0)
                r = global_message(body + 2 + KEY_ID_SIZE, comment, &message, err);
        if (r == 0)
                r = ed25519_sign(key->seed, message.data, message.length, global, err);
        if (r < 0)
                return r;
        public_key_id_text(&key->pub, id);
        if (buffer_printf(out, UNTRUSTED_PREFIX "signature by understudy key %s\n", id) < 0 ||
            text_base64(out, body, sizeof(body)) < 0 || buffer_printf(out, "\n" TRUSTED_PREFIX "%s\n", comment) < 0 ||
            text_base64(out, global, sizeof(global)) < 0 || buffer_append_byte(out, '\n') < 0)
                return error_memory(err);
        return 0;
}

int signature_make(const struct secret_key *key, const void *bytes, size_t length, const char *comment,
                   struct buffer *out, struct error *err)
{
        struct prehash prehash;
        int r;

        r = prehash_bytes(bytes, length, &prehash, err);
        return r < 0 ? r : append_signature(key, &prehash, comment, out, err);
}

int signature_make_fd(const struct secret_key *key, int fd, const char *comment, struct buffer *out, struct error *err)
{
        struct prehash prehash;
        int r;

        r = prehash_fd(fd, _("the file to be signed"), &prehash, err);
        return r < 0 ? r : append_signature(key, &prehash, comment, out, err);
}

/*
 * The second signature tells whether this key made the .minisig at all; so a file that was changed is told apart from
 * a signature by somebody else.
 */
static int judge(const struct signature *signature, const struct public_key *key, const void *message, size_t length,
                 const char *what, struct error *err)
{
        _cleanup_(buffer_done) struct buffer global = BUFFER_INIT(64 + SIGNATURE_COMMENT_MAXIMUM);
        int message_holds, global_holds, r;

        r = global_message(signature->signature, signature->comment, &global, err);
        if (r < 0)
                return r;
        message_holds = ed25519_holds(key->key, message, length, signature->signature, err);
        global_holds = ed25519_holds(key->key, global.data, global.length, signature->global, err);
        if (message_holds < 0 || global_holds < 0)
                return -EIO;
        if (message_holds && global_holds)
                return 0;
        if (global_holds)
                return error_set(err, -EBADMSG, _("%s is not what was signed: it was changed after the signing"), what);
        if (message_holds)
                return error_set(err, -EBADMSG, _("the trusted comment in the signature of %s was changed"), what);
        return error_set(err, -EKEYREJECTED,
                         _("the signature of %s does not hold: it was not made by the key that it names"), what);
}

static int check_id(const struct signature *signature, const struct public_key *key, const char *what,
                    struct error *err)
{
        struct public_key other = { 0 };
        char wanted[KEY_ID_TEXT_SIZE], found[KEY_ID_TEXT_SIZE];

        if (memcmp(signature->key_id, key->id, KEY_ID_SIZE) == 0)
                return 0;
        memcpy(other.id, signature->key_id, KEY_ID_SIZE);
        public_key_id_text(key, wanted);
        public_key_id_text(&other, found);
        return error_set(err, -EKEYREJECTED, _("%s is signed by another key: by %s, not by %s"), what, found, wanted);
}

int signature_verify(const struct signature *signature, const struct public_key *key, const void *bytes, size_t length,
                     const char *what, struct error *err)
{
        struct prehash prehash;
        int r;

        r = check_id(signature, key, what, err);
        if (r < 0)
                return r;
        if (signature->algorithm[1] == 'D') {
                r = prehash_bytes(bytes, length, &prehash, err);
                return r < 0 ? r : judge(signature, key, prehash.bytes, PREHASH_SIZE, what, err);
        }
        if (length > SIGNATURE_LEGACY_MAXIMUM)
                return error_set(err, -EKEYREJECTED,
                                 _("%s is larger than 8 MB and has a signature of minisign's old kind; sign it again "
                                   "with a current minisign"),
                                 what);
        return judge(signature, key, bytes, length, what, err);
}

int signature_verify_fd(const struct signature *signature, const struct public_key *key, int fd, const char *what,
                        struct error *err)
{
        _cleanup_(buffer_done) struct buffer whole = BUFFER_INIT(SIGNATURE_LEGACY_MAXIMUM + 1);
        struct prehash prehash;
        int r;

        r = check_id(signature, key, what, err);
        if (r < 0)
                return r;
        if (signature->algorithm[1] == 'D') {
                r = prehash_fd(fd, what, &prehash, err);
                return r < 0 ? r : judge(signature, key, prehash.bytes, PREHASH_SIZE, what, err);
        }
        for (;;) { /* one byte beyond the maximum is enough for signature_verify() to refuse it */
                ssize_t n;

                if (whole.length == whole.maximum)
                        break;
                r = buffer_reserve(&whole,
                                   whole.maximum - whole.length < READ_SIZE ? whole.maximum - whole.length : READ_SIZE);
                if (r < 0)
                        return error_memory(err);
                n = read_at(fd, whole.data + whole.length,
                            whole.maximum - whole.length < READ_SIZE ? whole.maximum - whole.length : READ_SIZE,
                            whole.length);
                if (n < 0)
                        return error_errno(err, (int)-n, _("cannot read %s"), what);
                if (n == 0)
                        break;
                whole.length += (size_t)n;
        }
        return signature_verify(signature, key, buffer_text(&whole), whole.length, what, err);
}
