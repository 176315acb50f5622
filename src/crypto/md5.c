/*
 * md5.c - MD5 of a file, for comparing with a distributor's list.
 */
#include "crypto/md5.h"

#include <errno.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/attributes.h"
#include "base/fault.h"
#include "base/i18n.h"

static void context_freep(EVP_MD_CTX **context)
{
        EVP_MD_CTX_free(*context);
}

int md5_of_fd(int fd, struct md5 *ret_md5, struct error *err)
{
        _cleanup_(context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
        unsigned char bytes[16384];
        off_t offset = 0;

        if (!context || EVP_DigestInit_ex(context, EVP_md5(), NULL) != 1)
                return error_set(err, -EIO, _("cannot compute an MD5: this machine's OpenSSL does not offer it"));
        for (;;) {
                ssize_t n = fault_point(FAULT_READ) ? -1 : pread(fd, bytes, sizeof(bytes), offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_errno(err, errno, _("cannot read a file to compute its MD5"));
                if (n == 0)
                        break;
                if (EVP_DigestUpdate(context, bytes, (size_t)n) != 1)
                        return error_set(err, -EIO, _("cannot compute an MD5"));
                offset += n;
        }
        if (EVP_DigestFinal_ex(context, ret_md5->bytes, NULL) != 1)
                return error_set(err, -EIO, _("cannot compute an MD5"));
        return 0;
}
