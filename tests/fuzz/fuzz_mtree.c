/* Any bytes as a manifest: what is accepted is written again to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "manifest/mtree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(size + MTREE_LINE_MAXIMUM);
        struct error error = ERROR_NONE;
        struct entry entry;
        int r;

        if (mtree_reader_new_bytes((const char *)data, size, "manifest", &reader, &error) < 0 ||
            mtree_write_head(&again) < 0)
                abort();
        while ((r = mtree_reader_next(reader, &entry, &error)) > 0)
                if (path_check(entry.path, entry.path_length, &error) < 0 || mtree_write_entry(&again, &entry) < 0)
                        abort();
        if (r == 0 && (again.length != size || memcmp(again.data, data, size) != 0))
                abort();
        return 0;
}
