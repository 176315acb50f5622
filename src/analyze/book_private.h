/* book_private.h - what is in a book; for book*.c alone. */
#ifndef ANALYZE_BOOK_PRIVATE_H
#define ANALYZE_BOOK_PRIVATE_H

#include "analyze/book.h"

#define BOOK_PAGE_VERSION 2
#define HOUR_MS           (3600U * 1000)

struct seen_name {
        uint32_t token; /* 0: empty */
        uint32_t hours;
};

struct record {
        struct book_visitor who;
        struct visitor visits; /* only the visits of it are used */
        struct seen_name *seen;
        uint32_t seen_count;
        uint8_t seen_power; /* 0: none yet */
};

struct book {
        struct visitors visitors; /* holds visits beyond each one's first */
        struct arena arena;
        struct record **records;
        size_t count;
        uint32_t *slots; /* index + 1 */
        size_t mask;
        uint64_t *addresses; /* 0: empty */
        size_t address_mask, address_count;
        uint64_t seen_bytes; /* of what all have seen */
        uint64_t limit_bytes;
};

/* ---- book_figures.c: what changes in the figures */

extern const struct delta book_one_visitor;

/* He came in these hours, and before in those. */
void book_add_hours(struct deltas *deltas, const struct book_visitor *who, uint32_t before, uint32_t hours);
void book_add_seen(struct deltas *deltas, uint32_t token, uint32_t hours);

/* What changes in the figures of all visits of a visitor; mostly he goes on with one, and nothing does but its length.
 */
struct visit_change {
        int64_t visits[BUCKETS], bounces[BUCKETS], ms[BUCKETS];
};

/* All that the visits of a visitor are in the figures, once more or (sign -1) no more. They belong to the hour in which
 * they begin. */
void book_add_visits(const struct book *book, struct deltas *deltas, const struct record *record, int64_t sign,
                     struct visit_change *change);
void book_add_visit_change(struct deltas *deltas, const struct book_visitor *who, const struct visit_change *change);

#endif
