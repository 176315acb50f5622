/* Any bytes as what the server that makes salts answers: a salt in its whole form, or none and nothing is touched. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "analyze/salts_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct shared_salt salt, before;
        struct error error = ERROR_NONE;
        json_t *answer = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
        int r;

        memset(&salt, 0xa5, sizeof(salt));
        before = salt;
        r = salts_answer_take(answer, "an1", &salt, &error); /* NULL, too */
        if (r == 0 && (salt.age_seconds < 0 || salt.age_seconds >= SALT_SECONDS))
                abort();
        if (r < 0 && (memcmp(&salt, &before, sizeof(salt)) != 0 || !*error.text || (r != -ESTALE && r != -EBADMSG)))
                abort();
        json_decref(answer);
        return 0;
}
