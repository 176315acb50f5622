#include "ed25519.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdbool.h>

#include "base/i18n.h"

int ed25519_error(struct error *err)
{
        ERR_clear_error();
        return error_set(err, -EIO,
                         _("cannot compute a signature: OpenSSL refused; check its configuration "
                           "(openssl.cnf)"));
}

int random_secret(void *bytes, size_t length, struct error *err)
{
        if (length > INT_MAX || RAND_priv_bytes(bytes, (int)length) != 1) {
                ERR_clear_error();
                return error_set(err, -EIO, _("cannot make a key: OpenSSL refused; check its configuration"));
        }
        return 0;
}

int ed25519_public(const uint8_t seed[static ED25519_SEED_SIZE], uint8_t key[static ED25519_KEY_SIZE])
{
        EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_SIZE);
        size_t size = ED25519_KEY_SIZE;
        bool ok = pkey && EVP_PKEY_get_raw_public_key(pkey, key, &size) == 1 && size == ED25519_KEY_SIZE;

        EVP_PKEY_free(pkey);
        ERR_clear_error();
        return ok ? 0 : -EIO;
}

int ed25519_generate(uint8_t seed[static ED25519_SEED_SIZE], uint8_t key[static ED25519_KEY_SIZE], struct error *err)
{
        int r = random_secret(seed, ED25519_SEED_SIZE, err);

        if (r == 0 && ed25519_public(seed, key) < 0)
                r = ed25519_error(err);
        return r;
}

int ed25519_sign(const uint8_t seed[static ED25519_SEED_SIZE], const void *bytes, size_t length,
                 uint8_t signature[static ED25519_SIGNATURE_SIZE], struct error *err)
{
        EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_SIZE);
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        size_t size = ED25519_SIGNATURE_SIZE;
        bool ok = pkey && context && EVP_DigestSignInit(context, NULL, NULL, NULL, pkey) == 1 &&
                  EVP_DigestSign(context, signature, &size, bytes, length) == 1 && size == ED25519_SIGNATURE_SIZE;

        EVP_MD_CTX_free(context);
        EVP_PKEY_free(pkey);
        return ok ? 0 : ed25519_error(err);
}

int ed25519_holds(const uint8_t key[static ED25519_KEY_SIZE], const void *bytes, size_t length,
                  const uint8_t signature[static ED25519_SIGNATURE_SIZE], struct error *err)
{
        EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, ED25519_KEY_SIZE);
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        bool ready = pkey && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1;
        int r = ready ? EVP_DigestVerify(context, signature, ED25519_SIGNATURE_SIZE, bytes, length) == 1 : -EIO;

        EVP_MD_CTX_free(context);
        EVP_PKEY_free(pkey);
        ERR_clear_error();
        return r < 0 ? ed25519_error(err) : r;
}

int hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length, struct digest *ret_digest,
                struct error *err)
{
        struct digest digest;
        unsigned int size = 0;

        if (key_length > INT_MAX || !HMAC(EVP_sha256(), key, (int)key_length, bytes, length, digest.bytes, &size) ||
            size != DIGEST_SIZE)
                return ed25519_error(err);
        *ret_digest = digest;
        return 0;
}
