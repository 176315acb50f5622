/*
 * book.h - the visitors of one site on one day that is still open: what has to be known of them so that the next line
 * is counted rightly, also after a restart in the middle of a visit.
 *
 * A book is a sum of pages: each transaction writes one with what its lines add (who came, what he saw in which hour,
 * pieces of visits), and reading all of them in order gives the book again. Pages are put together by the rules of
 * visitors.h, so it is of no matter how lines were dealt out to them. While a page is added, what that changes in the
 * figures is added to `deltas`; a whole book is a page as well, so pages that became many are written anew as few.
 *
 * A visitor is 16 bytes of a hash (salts.h), a client address 8 bytes of another; names are ids of the store.
 *
 * Format of a page: byte 2 (of version 1 tokens had 5 bits for the list, and are read); number of addresses, each 8
 * bytes; then visitors up to the end: 16 bytes, then numbers (LEB128): hours (bits), ids of browser, system, device,
 * bot; how many names were seen, each token and hours (bits; bit 24: in the figures of the day); how many visits, each
 * start, length, pages and, when there are pages, first and last page's time behind the start, the ids of both, of the
 * referrer's host and the campaign, and the two positions.
 */
#ifndef ANALYZE_BOOK_H
#define ANALYZE_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/arena.h"
#include "analyze/deltas.h"
#include "analyze/store.h"
#include "analyze/visitors.h"
#include "base/buffer.h"
#include "base/error.h"

#define BOOK_KEY_SIZE     16
#define BOOK_PAGE_MAXIMUM (256U << 20)

/* A name and the list that it is in. */
static inline uint32_t book_token(unsigned int dimension, uint32_t id)
{
        return id << DIMENSION_BITS | dimension;
}

struct book;

/* `limit_bytes`: visitors beyond it are not followed (0: no limit). NULL without memory. */
struct book *book_new(uint64_t limit_bytes);
void book_free(struct book *book);

/*
 * Adds a page. -EBADMSG without words when it is none (the book is of no use then), -ENOMEM. `deltas` may be NULL.
 * Visitors that are not followed are handed to `unfollowed` (may be NULL).
 */
int book_add(struct book *book, const void *page, size_t length, struct deltas *deltas,
             void (*unfollowed)(void *context, const uint8_t key[static BOOK_KEY_SIZE]), void *context);

uint64_t book_bytes(const struct book *book);

/* ---- writing pages */

int book_page_begin(struct buffer *page, const uint64_t *addresses, size_t count);

/* What a page says of a visitor; the lists follow. */
struct book_visitor {
        uint8_t key[BOOK_KEY_SIZE];
        uint32_t hours, browser, platform, device, bot;
};

int book_page_number(struct buffer *page, uint64_t number);
int book_page_visitor(struct buffer *page, const struct book_visitor *visitor);
int book_page_visit(struct buffer *page, const struct visit *visit);

/* The whole book as pages of about `size` bytes. */
int book_write(const struct book *book, size_t size,
               int (*write)(void *context, const void *page, size_t length, struct error *err), void *context,
               struct error *err);

#endif
