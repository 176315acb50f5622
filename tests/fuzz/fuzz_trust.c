/* Any bytes as keys.json and as current.json: what is accepted is written again to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "manifest/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct buffer *again, const uint8_t *data, size_t size)
{
        if (again->length != size || memcmp(again->data, data, size) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct keys keys; /* 24 KB */
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(KEYS_MAXIMUM);
        struct error error = ERROR_NONE;
        struct current current;

        if (keys_parse((const char *)data, size, &keys, &error) == 0) {
                if (keys.version == 0 || keys.count > KEYS_COUNT_MAXIMUM || keys_format(&keys, &again, &error) < 0)
                        abort();
                check_same(&again, data, size);
        }
        buffer_clear(&again);
        if (current_parse((const char *)data, size, &current, &error) == 0) {
                if (current.expires <= current.created || current_format(&current, &again, &error) < 0)
                        abort();
                check_same(&again, data, size);
        }
        return 0;
}
