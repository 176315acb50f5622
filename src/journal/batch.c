/* batch.c - records that wait. */
#include "batch.h"

#include <stdlib.h>

#include "base/memory.h"
#include "journal/record.h"

int batch_put(struct batch *batch, const char *bytes, size_t length, size_t split)
{
        size_t start = batch->bytes.length;
        int r = buffer_append(&batch->bytes, bytes, length);

        if (r < 0)
                return r;
        r = memory_grow(&batch->items, batch->count, sizeof(batch->items[0]));
        if (r < 0)
                batch->bytes.length = start;
        else
                batch->items[batch->count++] = (struct batch_item){ (uint32_t)length, (uint32_t)split };
        return r;
}

int batch_tell(struct batch *batch, const char *kind, const char *what, const char *server, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RECORD_MAXIMUM);
        struct journal_record record = { .actor = "journal", .kind = kind, .what = what };
        size_t split = 0;
        int r = record_format(&record, server, &text, &split, err);

        if (r == 0 && batch_put(batch, text.data, text.length, split) < 0)
                r = error_memory(err);
        return r;
}

/* memory_grow() counts on a list that only grows: an emptied batch gives its list back. */
void batch_clear(struct batch *batch)
{
        buffer_clear(&batch->bytes);
        free(batch->items);
        batch->items = NULL;
        batch->count = 0;
}

void batch_done(struct batch *batch)
{
        batch_clear(batch);
        buffer_done(&batch->bytes);
}
