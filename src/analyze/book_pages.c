/* book_pages.c - writing pages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/book_private.h"
#include "base/memory.h"

int book_page_number(struct buffer *page, uint64_t number)
{
        uint8_t bytes[10];
        size_t length = 0;

        for (; number > 127; number >>= 7)
                bytes[length++] = (uint8_t)(number | 128);
        bytes[length++] = (uint8_t)number;
        return buffer_append(page, bytes, length);
}

int book_page_begin(struct buffer *page, const uint64_t *addresses, size_t count)
{
        int r = buffer_append_byte(page, BOOK_PAGE_VERSION);

        if (r == 0)
                r = book_page_number(page, count);
        return r == 0 && count ? buffer_append(page, addresses, count * sizeof(*addresses)) : r;
}

static int put_numbers(struct buffer *page, const uint64_t *numbers, size_t count)
{
        int r = 0;

        for (size_t i = 0; i < count && r == 0; i++)
                r = book_page_number(page, numbers[i]);
        return r;
}

int book_page_visitor(struct buffer *page, const struct book_visitor *visitor)
{
        const uint64_t numbers[] = { visitor->hours, visitor->browser, visitor->platform, visitor->device,
                                     visitor->bot };
        int r = buffer_append(page, visitor->key, sizeof(visitor->key));

        return r < 0 ? r : put_numbers(page, numbers, LENGTH(numbers));
}

int book_page_visit(struct buffer *page, const struct visit *visit)
{
        const uint64_t numbers[] = { visit->start,
                                     (uint32_t)visit->end - visit->start,
                                     visit->pages,
                                     (uint32_t)visit->entry_time - visit->start,
                                     (uint32_t)visit->exit_time - visit->start,
                                     visit->entry,
                                     visit->exit,
                                     visit->source,
                                     visit->campaign,
                                     (uint64_t)visit->entry_high << 32 | visit->entry_low,
                                     (uint64_t)visit->exit_high << 32 | visit->exit_low };

        return put_numbers(page, numbers, visit->pages ? LENGTH(numbers) : 3);
}

static int write_record(const struct book *book, const struct record *record, struct buffer *page)
{
        uint64_t visits = 0;
        int r = book_page_visitor(page, &record->who);

        if (r == 0)
                r = book_page_number(page, record->seen_count);
        for (size_t i = 0; record->seen_power && r == 0 && i < (size_t)1 << record->seen_power; i++) {
                const uint64_t numbers[] = { record->seen[i].token, record->seen[i].hours };

                if (record->seen[i].token)
                        r = put_numbers(page, numbers, LENGTH(numbers));
        }
        for (const struct visit *visit = visitor_first(&record->visits); visit;
             visit = visitors_next_visit(&book->visitors, visit))
                visits++;
        if (r == 0)
                r = book_page_number(page, visits);
        for (const struct visit *visit = visitor_first(&record->visits); visit && r == 0;
             visit = visitors_next_visit(&book->visitors, visit))
                r = book_page_visit(page, visit);
        return r;
}

int book_write(const struct book *book, size_t size,
               int (*write)(void *context, const void *page, size_t length, struct error *err), void *context,
               struct error *err)
{
        _cleanup_(buffer_done) struct buffer page = BUFFER_INIT(BOOK_PAGE_MAXIMUM);
        _cleanup_(memory_freep) uint64_t *addresses = memory_new(book->address_count + 1, sizeof(*addresses));
        size_t count = 0;
        int r;

        if (!addresses)
                return error_memory(err);
        for (size_t i = 0; i <= book->address_mask; i++)
                if (book->addresses[i])
                        addresses[count++] = book->addresses[i];
        r = book_page_begin(&page, addresses, count);
        for (size_t i = 0; i < book->count && r == 0; i++) {
                r = write_record(book, book->records[i], &page);
                if (r == 0 && page.length > size && i + 1 < book->count) {
                        r = write(context, page.data, page.length, err);
                        if (r < 0)
                                return r;
                        buffer_clear(&page);
                        r = book_page_begin(&page, NULL, 0);
                }
        }
        return r < 0 ? error_memory(err) : write(context, page.data, page.length, err);
}
