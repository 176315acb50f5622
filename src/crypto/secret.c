/* secret.c - secret keys: made, read from and written to minisign's files. The contract is key.h. */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/little_endian.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/blake2b.h"
#include "crypto/ed25519.h"
#include "crypto/scrypt.h"

#define PASSWORD_MAXIMUM 1024
#define CHECKSUM_SIZE    32
#define OPERATIONS_LEAST (SCRYPT_OPERATIONS_SENSITIVE / 64) /* with 16 MB: below that a password protects nothing */

/* The file's bytes as they are; everything is bytes, so there is no padding. */
struct secret_file {
        uint8_t algorithm[2];  /* "Ed" */
        uint8_t derivation[2]; /* "Sc", or two zeros: not encrypted */
        uint8_t checksum_algorithm[2];
        uint8_t salt[32];
        uint8_t operations[8]; /* little endian */
        uint8_t memory[8];
        struct secret_part {
                uint8_t id[KEY_ID_SIZE];
                uint8_t seed[SEED_SIZE];
                uint8_t public[32];
                uint8_t checksum[CHECKSUM_SIZE];
        } secret; /* this part is encrypted */
};
_Static_assert(sizeof(struct secret_file) == 158, "the file format has no padding");

static void wipe_file(struct secret_file *file)
{
        memory_wipe(file, sizeof(*file));
}

int secret_key_generate(struct secret_key **ret_key, struct error *err)
{
        _cleanup_(secret_key_freep) struct secret_key *key = memory_new(1, sizeof(*key));

        if (!key)
                return error_memory(err);
        if (RAND_bytes(key->pub.id, KEY_ID_SIZE) != 1 || RAND_priv_bytes(key->seed, SEED_SIZE) != 1 ||
            ed25519_public(key->seed, key->pub.key) < 0) {
                ERR_clear_error();
                return error_set(err, -EIO, _("cannot make a key: OpenSSL refused; check its configuration"));
        }
        *ret_key = key;
        key = NULL;
        return 0;
}

static void compute_checksum(const struct secret_file *file, uint8_t checksum[CHECKSUM_SIZE])
{
        uint8_t bytes[2 + KEY_ID_SIZE + SEED_SIZE + 32];

        memcpy(bytes, file->algorithm, 2);
        memcpy(bytes + 2, &file->secret, sizeof(bytes) - 2); /* id, seed and public key lie together */
        blake2b(bytes, sizeof(bytes), checksum, CHECKSUM_SIZE);
        memory_wipe(bytes, sizeof(bytes));
}

/* XORs the secret part with the password's key: encrypts and decrypts. */
static int apply_password(struct secret_file *file, const char *password, size_t length)
{
        uint8_t stream[sizeof(file->secret)];
        uint8_t bytes[sizeof(file->secret)];
        int r;

        r = scrypt_derive(password, length, file->salt, le64_load(file->operations), le64_load(file->memory), stream,
                          sizeof(stream));
        if (r == 0) {
                memcpy(bytes, &file->secret, sizeof(bytes));
                for (size_t i = 0; i < sizeof(bytes); i++)
                        bytes[i] ^= stream[i];
                memcpy(&file->secret, bytes, sizeof(bytes));
        }
        memory_wipe(stream, sizeof(stream));
        memory_wipe(bytes, sizeof(bytes));
        return r;
}

static int decrypt(struct secret_file *file, const char *path, key_password_function *ask, void *context,
                   struct error *err)
{
        _cleanup_(buffer_wipe) struct buffer password = BUFFER_INIT(PASSWORD_MAXIMUM);
        int r;

        r = ask(context, path, &password, err);
        if (r < 0)
                return r;
        r = apply_password(file, buffer_text(&password), password.length);
        if (r == -E2BIG)
                return error_set(err, -EBADMSG,
                                 _("the key file %s asks for more memory than any key needs; it is damaged"), path);
        if (r < 0)
                return error_set(err, r,
                                 _("there is not enough memory to decrypt %s (it takes %llu MB); free some, then run "
                                   "the same command again"),
                                 path, (unsigned long long)(le64_load(file->memory) >> 20));
        return 0;
}

/* minisign writes zeros in place of the checksum when the key is not encrypted. */
static bool checksum_holds(const struct secret_file *file, bool encrypted)
{
        static const uint8_t zeros[CHECKSUM_SIZE];
        uint8_t checksum[CHECKSUM_SIZE];

        compute_checksum(file, checksum);
        if (memcmp(checksum, file->secret.checksum, CHECKSUM_SIZE) == 0)
                return true;
        return !encrypted && memcmp(zeros, file->secret.checksum, CHECKSUM_SIZE) == 0;
}

static int open_file(struct secret_file *file, const char *path, key_password_function *ask, void *context,
                     struct secret_key **ret_key, struct error *err)
{
        _cleanup_(secret_key_freep) struct secret_key *key = NULL;
        bool encrypted = memcmp(file->derivation, "Sc", 2) == 0;
        uint8_t public[32];
        int r;

        if (encrypted) {
                r = decrypt(file, path, ask, context, err);
                if (r < 0)
                        return r;
        }
        if (!checksum_holds(file, encrypted)) {
                if (encrypted)
                        return error_set(err, -EKEYREJECTED, _("wrong password for %s"), path);
                return error_set(err, -EBADMSG, _("the secret key in %s is damaged; restore it from its backup"), path);
        }
        if (ed25519_public(file->secret.seed, public) < 0 || memcmp(public, file->secret.public, sizeof(public)) != 0)
                return error_set(err, -EBADMSG, _("the secret key in %s is damaged; restore it from its backup"), path);
        key = memory_new(1, sizeof(*key));
        if (!key)
                return error_memory(err);
        memcpy(key->pub.id, file->secret.id, KEY_ID_SIZE);
        memcpy(key->pub.key, file->secret.public, sizeof(key->pub.key));
        memcpy(key->seed, file->secret.seed, SEED_SIZE);
        *ret_key = key;
        key = NULL;
        return 0;
}

static bool is_secret_file(const struct secret_file *file)
{
        static const uint8_t none[2];

        return memcmp(file->algorithm, "Ed", 2) == 0 && memcmp(file->checksum_algorithm, "B2", 2) == 0 &&
               (memcmp(file->derivation, "Sc", 2) == 0 || memcmp(file->derivation, none, 2) == 0);
}

int secret_key_read(const char *path, key_password_function *ask, void *context, struct secret_key **ret_key,
                    struct error *err)
{
        _cleanup_(buffer_wipe) struct buffer text = BUFFER_INIT(KEY_FILE_MAXIMUM);
        _cleanup_(wipe_file) struct secret_file file = { 0 };
        const char *body = NULL;
        size_t body_length = 0, size = 0;
        unsigned int mode = 0;
        int r;

        r = key_file_read(path, &text, &mode, err);
        if (r < 0)
                return r;
        if (key_file_body(buffer_text(&text), text.length, &body, &body_length) < 0 ||
            text_unbase64(body, body_length, &file, sizeof(file), &size) < 0 || size != sizeof(file) ||
            !is_secret_file(&file))
                return error_set(err, -EBADMSG,
                                 _("%s is not a secret key file of minisign; give the file that ends in .key, as "
                                   "'understudy keygen' made it"),
                                 path);
        if (mode & 077)
                return error_set(err, -EACCES, _("others may read the secret key %s; run: chmod 600 %s"), path, path);
        return open_file(&file, path, ask, context, ret_key, err);
}

/* On a machine with little memory the cost is halved until it fits, as minisign does; the file says which it was. */
static int encrypt(struct secret_file *file, const char *password, struct error *err)
{
        uint64_t operations = SCRYPT_OPERATIONS_SENSITIVE, memory = SCRYPT_MEMORY_SENSITIVE;
        int r;

        if (RAND_bytes(file->salt, sizeof(file->salt)) != 1)
                return error_set(err, -EIO, _("cannot get random bytes from OpenSSL; check its configuration"));
        memcpy(file->derivation, "Sc", 2);
        for (;; operations /= 2, memory /= 2) {
                le64_store(file->operations, operations);
                le64_store(file->memory, memory);
                r = apply_password(file, password, strlen(password));
                if (r == 0)
                        return 0;
                if (operations <= OPERATIONS_LEAST)
                        return error_memory(err);
        }
}

static int format_secret(const struct secret_key *key, const char *role, const char *password, struct buffer *out,
                         struct error *err)
{
        _cleanup_(wipe_file) struct secret_file file = { .algorithm = "Ed", .checksum_algorithm = "B2" };
        char id[KEY_ID_TEXT_SIZE];
        int r;

        memcpy(file.secret.id, key->pub.id, KEY_ID_SIZE);
        memcpy(file.secret.seed, key->seed, SEED_SIZE);
        memcpy(file.secret.public, key->pub.key, sizeof(file.secret.public));
        compute_checksum(&file, file.secret.checksum);
        if (password && *password) {
                r = encrypt(&file, password, err);
                if (r < 0)
                        return r;
        }
        public_key_id_text(&key->pub, id);
        if (buffer_reserve(out, out->maximum) < 0 ||
            buffer_printf(out, "untrusted comment: understudy %s secret key %s\n", role, id) < 0 ||
            text_base64(out, &file, sizeof(file)) < 0 || buffer_append_byte(out, '\n') < 0)
                return error_memory(err);
        return 0;
}

static int write_pair(const struct buffer *secret, const struct buffer *public, const char *key_path,
                      const char *pub_path, struct error *err)
{
        int r;

        r = file_create(AT_FDCWD, key_path, secret->data, secret->length, 0600, err);
        if (r == -EEXIST)
                return error_set(err, r, _("%s is there already; a key is never overwritten, name another folder"),
                                 key_path);
        if (r < 0)
                return r;
        r = file_create(AT_FDCWD, pub_path, public->data, public->length, 0644, err);
        if (r < 0)
                unlink(key_path); /* half a pair would only stand in the way of the next try */
        if (r == -EEXIST)
                return error_set(err, r, _("%s is there already; a key is never overwritten, name another folder"),
                                 pub_path);
        return r;
}

int key_pair_write(const struct secret_key *key, const char *folder, const char *role, const char *password,
                   struct error *err)
{
        _cleanup_(buffer_wipe) struct buffer secret = BUFFER_INIT(KEY_FILE_MAXIMUM);
        _cleanup_(buffer_done) struct buffer public = BUFFER_INIT(KEY_FILE_MAXIMUM);
        _cleanup_(buffer_done) struct buffer key_path = BUFFER_INIT(8192), pub_path = BUFFER_INIT(8192);
        char text[KEY_TEXT_SIZE], id[KEY_ID_TEXT_SIZE];
        int r;

        public_key_text(&key->pub, text);
        public_key_id_text(&key->pub, id);
        if (buffer_printf(&key_path, "%s/%s.key", folder, role) < 0 ||
            buffer_printf(&pub_path, "%s/%s.pub", folder, role) < 0 ||
            buffer_printf(&public, "untrusted comment: understudy %s public key %s\n%s\n", role, id, text) < 0)
                return error_memory(err);
        r = format_secret(key, role, password, &secret, err);
        if (r < 0)
                return r;
        return write_pair(&secret, &public, key_path.data, pub_path.data, err);
}

const struct public_key *secret_key_public(const struct secret_key *key)
{
        return &key->pub;
}

void secret_key_free(struct secret_key *key)
{
        if (!key)
                return;
        memory_wipe(key, sizeof(*key));
        free(key);
}

void secret_key_freep(struct secret_key **key)
{
        secret_key_free(*key);
}
