/* Any bytes as a page of visitors: what is accepted can be written and read again. */
#include <stdlib.h>

#include "analyze/book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t no_search(void *context, uint32_t referrer)
{
        (void)context;
        return referrer & 1;
}

static int read_again(void *context, const void *page, size_t length, struct error *err)
{
        (void)err;
        return book_add(context, page, length, NULL, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct deltas deltas = { .search_of = no_search };
        struct book *book = book_new(0), *again = book_new(0);

        if (!book || !again)
                abort();
        if (book_add(book, data, size, &deltas, NULL, NULL) == 0 && book_write(book, 100, read_again, again, NULL) < 0)
                abort();
        deltas_done(&deltas);
        book_free(book);
        book_free(again);
        return 0;
}
