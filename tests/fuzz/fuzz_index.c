/* Any bytes as the index of a pack: what is accepted is written again to the same bytes, and every entry is found. */
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "store/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(pack_index_done) struct pack_index index = { 0 };
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(size + 1);
        struct error error = ERROR_NONE;

        if (pack_index_parse(data, size, &index, &error) < 0)
                return 0;
        if (pack_index_format(&index, &again, &error) < 0 || again.length != size ||
            memcmp(again.data, data, size) != 0)
                abort();
        for (size_t i = 0; i < index.count; i++) {
                const struct pack_entry *entry = &index.entries[i];

                if (pack_index_find(&index, &entry->object) != entry || entry->offset > index.pack_size ||
                    entry->stored > index.pack_size - entry->offset)
                        abort();
        }
        return 0;
}
