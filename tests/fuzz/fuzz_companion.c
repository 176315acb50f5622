/* Any bytes as a companion: what is accepted is written again to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "manifest/companion.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(companion_done) struct companion companion = COMPANION_EMPTY;
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(COMPANION_MAXIMUM);
        struct error error = ERROR_NONE;

        if (companion_parse((const char *)data, size, &companion, &error) < 0)
                return 0;
        if (companion_format(&companion, &again, &error) < 0 || again.length != size ||
            memcmp(again.data, data, size) != 0)
                abort();
        for (size_t i = 0; i < companion.area_count; i++)
                if (companion_area(&companion, companion.areas[i].path) != &companion.areas[i])
                        abort();
        for (size_t i = 0; i < companion.ignored_count; i++)
                if (companion_ignored(&companion, companion.ignored[i].path) != &companion.ignored[i])
                        abort();
        return 0;
}
