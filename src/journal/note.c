/* note.c - signed notes: keys, signing, strict parsing, verifying. */
#include "note.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

#define SECRET_PREFIX "PRIVATE+KEY+"
#define DASH          "\xe2\x80\x94 " /* em dash, space */
#define COSIGNATURE   "cosignature/v1\n"

/* ---- names and keys ---- */

/* Unicode's white space beyond ASCII, as Go's unicode.IsSpace() has it. */
static bool is_unicode_space(const char *bytes, size_t length)
{
        static const char *const spaces[] = { "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8",
                                              "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80" };

        for (size_t i = 0; i < LENGTH(spaces); i++)
                if (strlen(spaces[i]) == length && memcmp(bytes, spaces[i], length) == 0)
                        return true;
        return length == 3 && memcmp(bytes, "\xe2\x80", 2) == 0 && (unsigned char)bytes[2] >= 0x80 &&
               (unsigned char)bytes[2] <= 0x8a;
}

static bool name_is_good(const char *name, size_t length)
{
        if (length == 0 || length >= NOTE_NAME_SIZE)
                return false;
        for (size_t i = 0; i < length;) {
                size_t n = text_utf8_length(name + i, length - i);
                unsigned char byte = (unsigned char)name[i];

                if (n == 0 || byte <= ' ' || byte == 0x7f || byte == '+' || is_unicode_space(name + i, n))
                        return false;
                i += n;
        }
        return true;
}

int note_name_check(const char *name, size_t length, struct error *err)
{
        if (name_is_good(name, length))
                return 0;
        return error_set(err, -EBADMSG,
                         _("'%.*s' is no name for a key; it must be short and without spaces and plus signs"),
                         (int)(length < 100 ? length : 100), name);
}

int note_make_name(const char *what, char name[static NOTE_NAME_SIZE], struct error *err)
{
        char host[100] = "", hex[9];
        uint8_t salt[4];
        int r = random_secret(salt, sizeof(salt), err);

        if (r < 0)
                return r;
        gethostname(host, sizeof(host) - 1);
        for (char *p = host; *p; p++)
                if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '.' ||
                      *p == '-' || *p == '_'))
                        *p = '-';
        text_hex(salt, sizeof(salt), hex);
        snprintf(name, NOTE_NAME_SIZE, "%s/%s/%s", *host ? host : "localhost", what, hex);
        return 0;
}

static int key_id(const struct note_key *key, uint8_t id[4], struct error *err)
{
        uint8_t bytes[NOTE_NAME_SIZE + 2 + ED25519_KEY_SIZE];
        size_t length = strlen(key->name);
        struct digest digest;
        int r;

        memcpy(bytes, key->name, length);
        bytes[length] = '\n';
        bytes[length + 1] = (uint8_t)key->algorithm;
        memcpy(bytes + length + 2, key->key, ED25519_KEY_SIZE);
        r = digest_of_bytes(bytes, length + 2 + ED25519_KEY_SIZE, &digest, err);
        if (r == 0)
                memcpy(id, digest.bytes, 4);
        return r;
}

void note_signer_wipe(struct note_signer *signer)
{
        memory_wipe(signer, sizeof(*signer));
}

int note_signer_generate(const char *name, enum note_algorithm algorithm, struct note_signer *ret_signer,
                         struct error *err)
{
        struct note_signer signer = { .pub.algorithm = algorithm };
        int r = note_name_check(name, strlen(name), err);

        if (r < 0)
                return r;
        snprintf(signer.pub.name, sizeof(signer.pub.name), "%s", name);
        r = ed25519_generate(signer.seed, signer.pub.key, err);
        if (r == 0)
                r = key_id(&signer.pub, signer.pub.id, err);
        if (r == 0)
                *ret_signer = signer;
        note_signer_wipe(&signer);
        return r;
}

/* NAME+ID+BASE64 with a byte for the algorithm and 32 bytes, into their parts. */
static int parse_parts(const char *text, size_t length, struct note_key *key, uint8_t secret_or_key[static 32])
{
        uint8_t bytes[1 + 32];
        const char *first = memchr(text, '+', length), *second;
        size_t name_length = first ? (size_t)(first - text) : 0, decoded = 0;

        if (!first || !name_is_good(text, name_length))
                return -EBADMSG;
        second = memchr(first + 1, '+', length - name_length - 1);
        if (!second || text_unhex(first + 1, (size_t)(second - first - 1), key->id, 4) < 0 ||
            text_unbase64(second + 1, (size_t)(text + length - second - 1), bytes, sizeof(bytes), &decoded) < 0 ||
            decoded != sizeof(bytes) || (bytes[0] != NOTE_ED25519 && bytes[0] != NOTE_COSIGNATURE))
                return -EBADMSG;
        memcpy(key->name, text, name_length);
        key->name[name_length] = '\0';
        key->algorithm = (enum note_algorithm)bytes[0];
        memcpy(secret_or_key, bytes + 1, 32);
        memory_wipe(bytes, sizeof(bytes));
        return 0;
}

static size_t without_newline(const char *text, size_t length)
{
        return length > 0 && text[length - 1] == '\n' ? length - 1 : length;
}

int note_key_parse(const char *text, size_t length, struct note_key *ret_key, struct error *err)
{
        struct note_key key;
        uint8_t id[4];

        if (parse_parts(text, without_newline(text, length), &key, key.key) < 0)
                return error_set(err, -EBADMSG,
                                 _("this is not the public key of a journal (NAME+ID+KEY, as in the file node.pub)"));
        if (key_id(&key, id, err) < 0)
                return -EIO;
        if (memcmp(id, key.id, sizeof(id)) != 0)
                return error_set(err, -EBADMSG, _("the public key of %s is damaged: its id is another one"), key.name);
        *ret_key = key;
        return 0;
}

int note_signer_parse(const char *text, size_t length, struct note_signer *ret_signer, struct error *err)
{
        struct note_signer signer = { 0 };
        size_t prefix = strlen(SECRET_PREFIX);
        uint8_t id[4];
        int r = -EBADMSG;

        length = without_newline(text, length);
        if (length > prefix && memcmp(text, SECRET_PREFIX, prefix) == 0)
                r = parse_parts(text + prefix, length - prefix, &signer.pub, signer.seed);
        if (r == 0 && (ed25519_public(signer.seed, signer.pub.key) < 0 || key_id(&signer.pub, id, NULL) < 0 ||
                       memcmp(id, signer.pub.id, 4) != 0))
                r = -EBADMSG;
        if (r == 0)
                *ret_signer = signer;
        else
                error_set(err, r, _("this is not the secret key of a journal, or it is damaged"));
        note_signer_wipe(&signer);
        return r;
}

static int format_parts(const struct note_key *key, const uint8_t secret_or_key[32], struct buffer *out)
{
        uint8_t bytes[1 + 32] = { (uint8_t)key->algorithm };
        char id[9];
        int r;

        memcpy(bytes + 1, secret_or_key, 32);
        text_hex(key->id, sizeof(key->id), id);
        r = buffer_printf(out, "%s+%s+", key->name, id);
        if (r == 0)
                r = text_base64(out, bytes, sizeof(bytes));
        memory_wipe(bytes, sizeof(bytes));
        return r;
}

int note_key_format(const struct note_key *key, struct buffer *out)
{
        return format_parts(key, key->key, out);
}

int note_signer_format(const struct note_signer *signer, struct buffer *out)
{
        int r = buffer_append_text(out, SECRET_PREFIX);

        return r < 0 ? r : format_parts(&signer->pub, signer->seed, out);
}

/* ---- notes ---- */

static int put_signature(const struct note_key *key, const uint8_t *signature, size_t length, struct buffer *out)
{
        uint8_t bytes[4 + NOTE_SIGNATURE_SIZE];
        int r = buffer_printf(out, DASH "%s ", key->name);

        memcpy(bytes, key->id, 4);
        memcpy(bytes + 4, signature, length);
        if (r == 0)
                r = text_base64(out, bytes, 4 + length);
        return r < 0 ? r : buffer_append_byte(out, '\n');
}

int note_sign(const struct note_signer *signer, const char *text, size_t length, struct buffer *out, struct error *err)
{
        uint8_t signature[ED25519_SIGNATURE_SIZE];
        int r;

        assert(signer->pub.algorithm == NOTE_ED25519);
        r = ed25519_sign(signer->seed, text, length, signature, err);
        if (r < 0)
                return r;
        if (buffer_append(out, text, length) < 0 || buffer_append_byte(out, '\n') < 0 ||
            put_signature(&signer->pub, signature, sizeof(signature), out) < 0)
                return error_memory(err);
        return 0;
}

/* What a cosignature signs: two lines, then the note's text. */
static int cosigned_message(uint64_t seconds, const char *text, size_t length, struct buffer *message,
                            struct error *err)
{
        if (buffer_printf(message, COSIGNATURE "time %" PRIu64 "\n", seconds) < 0 ||
            buffer_append(message, text, length) < 0)
                return error_memory(err);
        return 0;
}

int note_cosign(const struct note_signer *signer, int64_t seconds, const char *text, size_t length, struct buffer *out,
                struct error *err)
{
        _cleanup_(buffer_done) struct buffer message = BUFFER_INIT(NOTE_MAXIMUM + 64);
        uint8_t signature[NOTE_SIGNATURE_SIZE];
        int r;

        assert(signer->pub.algorithm == NOTE_COSIGNATURE);
        r = cosigned_message((uint64_t)seconds, text, length, &message, err);
        for (int i = 0; i < NOTE_TIME_SIZE; i++)
                signature[i] = (uint8_t)((uint64_t)seconds >> (8 * (NOTE_TIME_SIZE - 1 - i)));
        if (r == 0)
                r = ed25519_sign(signer->seed, message.data, message.length, signature + NOTE_TIME_SIZE, err);
        if (r < 0)
                return r;
        return put_signature(&signer->pub, signature, sizeof(signature), out) < 0 ? error_memory(err) : 0;
}

static bool text_is_clean(const char *text, size_t length)
{
        for (size_t i = 0; i < length;) {
                size_t n = text_utf8_length(text + i, length - i);

                if (n == 0 || ((unsigned char)text[i] < ' ' && text[i] != '\n'))
                        return false;
                i += n;
        }
        return true;
}

/* "- NAME BASE64" without the newline. */
static int parse_signature(const char *line, size_t length, struct note_signature *signature)
{
        uint8_t bytes[8192]; /* signatures that withstand quantum computers are large, and not for us to judge */
        const char *space;
        size_t decoded = 0;

        if (length < strlen(DASH) || memcmp(line, DASH, strlen(DASH)) != 0)
                return -EBADMSG;
        signature->name = line + strlen(DASH);
        space = memchr(signature->name, ' ', length - strlen(DASH));
        if (!space)
                return -EBADMSG;
        signature->name_length = (size_t)(space - signature->name);
        if (!name_is_good(signature->name, signature->name_length) ||
            text_unbase64(space + 1, (size_t)(line + length - space - 1), bytes, sizeof(bytes), &decoded) < 0 ||
            decoded <= 4)
                return -EBADMSG;
        memcpy(signature->id, bytes, 4);
        signature->length = decoded - 4;
        if (signature->length <= NOTE_SIGNATURE_SIZE)
                memcpy(signature->signature, bytes + 4, signature->length);
        return 0;
}

static int not_a_note(const char *what, struct error *err)
{
        return error_set(err, -EBADMSG, _("%s is not a signed note (text, an empty line, signatures)"), what);
}

int note_parse(const char *bytes, size_t length, const char *what, struct note *ret_note, struct error *err)
{
        const char *end = bytes + length, *split, *cursor, *line;
        size_t line_length;
        struct note *note = ret_note;

        if (length == 0 || length > NOTE_MAXIMUM || bytes[length - 1] != '\n' || !text_is_clean(bytes, length))
                return not_a_note(what, err);
        split = memrchr(bytes, '\n', length - 1);
        while (split && split > bytes && split[-1] != '\n') /* the last empty line */
                split = memrchr(bytes, '\n', (size_t)(split - bytes));
        if (!split || split == bytes)
                return not_a_note(what, err);
        note->text = bytes;
        note->text_length = (size_t)(split - bytes);
        note->signature_count = 0;
        cursor = split + 1;
        while (text_next_line(&cursor, end, &line, &line_length)) {
                if (note->signature_count == NOTE_SIGNATURES ||
                    parse_signature(line, line_length, &note->signatures[note->signature_count]) < 0)
                        return not_a_note(what, err);
                note->signature_count++;
        }
        return note->signature_count ? 0 : not_a_note(what, err);
}

static bool is_by(const struct note_signature *signature, const struct note_key *key)
{
        return memcmp(signature->id, key->id, 4) == 0 && signature->name_length == strlen(key->name) &&
               memcmp(signature->name, key->name, signature->name_length) == 0;
}

int note_copy_signature(const struct note_signature *signature, const struct note_key *key, struct buffer *out)
{
        if (!is_by(signature, key) || signature->length > NOTE_SIGNATURE_SIZE)
                return 0;
        return put_signature(key, signature->signature, signature->length, out);
}

static uint64_t cosignature_time(const struct note_signature *signature)
{
        uint64_t seconds = 0;

        for (int i = 0; i < NOTE_TIME_SIZE; i++)
                seconds = seconds << 8 | signature->signature[i];
        return seconds;
}

/* 1 when the signature holds, 0 when it does not, negative with words when that could not be told. */
static int holds(const struct note *note, const struct note_signature *signature, const struct note_key *key,
                 struct error *err)
{
        _cleanup_(buffer_done) struct buffer message = BUFFER_INIT(NOTE_MAXIMUM + 64);
        int r;

        if (key->algorithm == NOTE_ED25519)
                return signature->length != ED25519_SIGNATURE_SIZE
                               ? 0
                               : ed25519_holds(key->key, note->text, note->text_length, signature->signature, err);
        if (signature->length != NOTE_SIGNATURE_SIZE || cosignature_time(signature) > INT64_MAX)
                return 0;
        r = cosigned_message(cosignature_time(signature), note->text, note->text_length, &message, err);
        return r < 0 ? r
                     : ed25519_holds(key->key, message.data, message.length, signature->signature + NOTE_TIME_SIZE,
                                     err);
}

static int not_by_these(const struct note *note, const char *what, struct error *err)
{
        return error_set(err, -EKEYREJECTED, _("%s is not signed by the key that is trusted here, but by %.*s"), what,
                         (int)note->signatures[0].name_length, note->signatures[0].name);
}

int note_verify(const struct note *note, const struct note_key *keys, size_t count, const char *what, size_t *ret_key,
                struct error *err)
{
        bool found = false;

        for (size_t s = 0; s < note->signature_count; s++)
                for (size_t k = 0; k < count; k++) {
                        int r;

                        if (!is_by(&note->signatures[s], &keys[k]))
                                continue;
                        r = holds(note, &note->signatures[s], &keys[k], err);
                        if (r < 0)
                                return r;
                        if (r == 0)
                                return error_set(err, -EBADMSG, _("the signature of %s by %s does not hold"), what,
                                                 keys[k].name);
                        if (ret_key && !found)
                                *ret_key = k;
                        found = true;
                }
        return found ? 0 : not_by_these(note, what, err);
}

int note_cosigned(const struct note *note, const struct note_key *key, const char *what, int64_t *ret_seconds,
                  struct error *err)
{
        uint64_t latest = 0;
        int r;

        assert(key->algorithm == NOTE_COSIGNATURE);
        r = note_verify(note, key, 1, what, NULL, err);
        if (r < 0)
                return r;
        for (size_t s = 0; s < note->signature_count; s++)
                if (is_by(&note->signatures[s], key) && cosignature_time(&note->signatures[s]) > latest)
                        latest = cosignature_time(&note->signatures[s]);
        *ret_seconds = (int64_t)latest;
        return 0;
}
