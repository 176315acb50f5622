#include "digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"

#define READ_SIZE (256U << 10)

struct hasher {
        EVP_MD *algorithm; /* fetched once: a look-up for every file would cost more than hashing a small one */
        EVP_MD_CTX *context;
};

void digest_hex(const struct digest *digest, char hex[static DIGEST_HEX_SIZE])
{
        text_hex(digest->bytes, DIGEST_SIZE, hex);
}

int digest_parse(const char *hex, size_t length, struct digest *ret_digest)
{
        struct digest digest;

        if (text_unhex(hex, length, digest.bytes, DIGEST_SIZE) < 0)
                return -EINVAL;
        *ret_digest = digest;
        return 0;
}

int hasher_error(struct error *err)
{
        return error_set(err, -EIO,
                         _("cannot compute a SHA-256: OpenSSL refused; check its configuration (openssl.cnf)"));
}

int hasher_new(struct hasher **ret_hasher, struct error *err)
{
        _cleanup_(hasher_freep) struct hasher *hasher = memory_new(1, sizeof(*hasher));

        if (!hasher)
                return error_memory(err);
        hasher->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
        hasher->context = EVP_MD_CTX_new();
        if (!hasher->algorithm || !hasher->context)
                return hasher_error(err);
        *ret_hasher = hasher;
        hasher = NULL;
        return 0;
}

void hasher_free(struct hasher *hasher)
{
        if (!hasher)
                return;
        EVP_MD_CTX_free(hasher->context);
        EVP_MD_free(hasher->algorithm);
        free(hasher);
}

void hasher_freep(struct hasher **hasher)
{
        hasher_free(*hasher);
}

bool hasher_is_default(const struct hasher *hasher)
{
        return text_equal(OSSL_PROVIDER_get0_name(EVP_MD_get0_provider(hasher->algorithm)), "default");
}

int hasher_begin(struct hasher *hasher)
{
        return EVP_DigestInit_ex2(hasher->context, hasher->algorithm, NULL) == 1 ? 0 : -EIO;
}

int hasher_add(struct hasher *hasher, const void *bytes, size_t length)
{
        return EVP_DigestUpdate(hasher->context, bytes, length) == 1 ? 0 : -EIO;
}

int hasher_end(struct hasher *hasher, struct digest *ret_digest)
{
        struct digest digest;
        unsigned int length = 0;

        if (EVP_DigestFinal_ex(hasher->context, digest.bytes, &length) != 1 || length != DIGEST_SIZE)
                return -EIO;
        *ret_digest = digest;
        return 0;
}

int digest_of_bytes(const void *bytes, size_t length, struct digest *ret_digest, struct error *err)
{
        _cleanup_(hasher_freep) struct hasher *hasher = NULL;
        int r;

        r = hasher_new(&hasher, err);
        if (r < 0)
                return r;
        if (hasher_begin(hasher) < 0 || hasher_add(hasher, bytes, length) < 0 || hasher_end(hasher, ret_digest) < 0)
                return hasher_error(err);
        return 0;
}

int digest_of_fd(int fd, uint64_t maximum, struct digest *ret_digest, uint64_t *ret_size, struct error *err)
{
        _cleanup_(hasher_freep) struct hasher *hasher = NULL;
        _cleanup_(memory_freep) char *bytes = memory_new(READ_SIZE, 1);
        uint64_t size = 0;
        int r;

        if (!bytes)
                return error_memory(err);
        r = hasher_new(&hasher, err);
        if (r < 0)
                return r;
        if (hasher_begin(hasher) < 0)
                return hasher_error(err);
        for (;;) {
                ssize_t n = read_at(fd, bytes, READ_SIZE, size);

                if (n < 0)
                        return error_errno(err, (int)-n, _("cannot read a file to compute its SHA-256"));
                if (n == 0)
                        break;
                size += (uint64_t)n;
                if (size > maximum)
                        return error_set(err, -E2BIG, _("a file is larger than the %llu bytes that are allowed here"),
                                         (unsigned long long)maximum);
                if (hasher_add(hasher, bytes, (size_t)n) < 0)
                        return hasher_error(err);
        }
        if (hasher_end(hasher, ret_digest) < 0)
                return hasher_error(err);
        if (ret_size)
                *ret_size = size;
        return 0;
}
