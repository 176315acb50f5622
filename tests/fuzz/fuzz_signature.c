/* Any bytes as a .minisig: what is accepted has a clean comment, and does not hold for a key that never signed it. */
#include <stdlib.h>

#include "base/text.h"
#include "crypto/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct public_key key = {
                .key = {0x58, 0x66}
        };
        struct error error = ERROR_NONE;
        struct signature signature;
        int r;

        r = signature_parse((const char *)data, size, &signature, &error);
        if (r < 0) {
                if (error.status != EXIT_FAILED || !*error.text)
                        abort();
                return 0;
        }
        for (const unsigned char *p = (const unsigned char *)signature.comment; *p; p++)
                if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
                        abort();
        memcpy(key.id, signature.key_id, sizeof(key.id));
        if (signature_verify(&signature, &key, "x", 1, "it", &error) == 0)
                abort();
        return 0;
}
