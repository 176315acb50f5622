/* Any bytes as a heartbeat: one spelling only, and never with a key that it was not written with. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "notify/deadman.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const struct webhook_key none = { .length = 0 };
        static struct webhook_key key = { .length = 16 };
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(BEAT_MAXIMUM);
        struct error error = ERROR_NONE;
        struct beat beat;
        size_t body;

        if (beat_parse((const char *)data, size, &none, &beat, &error) < 0) {
                if (!*error.text)
                        abort();
                return 0;
        }
        if (beat_format(&beat, &none, &again, NULL) < 0)
                abort();
        body = again.length - 2; /* without }\n: an HMAC may follow */
        if (body > size || memcmp(again.data, data, body) != 0 || !beat_name_is_good(beat.name))
                abort();
        memset(key.bytes, 'q', 16);
        if (beat_parse((const char *)data, size, &key, &beat, NULL) != -EKEYREJECTED)
                abort();
        return 0;
}
