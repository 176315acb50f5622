/*
 * answer.h - what several analysis servers answered, put together: pure.
 *
 * Each answer is rows of RowBinary (ask.c says of which columns). A visitor lies on one server, so everything adds up:
 * rows of the same name and time become one.
 */
#ifndef SPREAD_ANSWER_H
#define SPREAD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/store.h"
#include "base/buffer.h"

struct answer_row {
        const char *name; /* in the bytes of the answer */
        size_t name_length;
        int64_t start;
        struct figures figures;
        uint16_t first_day, last_day;
};

struct answer_rows {
        struct answer_row *rows; /* owned */
        size_t count;
        size_t names;                 /* different ones, also those that were left out */
        uint16_t first_day, last_day; /* of all rows; first > last: there are none */
};

#define ANSWER_ROWS_INIT                                                                                               \
        {                                                                                                              \
                .first_day = UINT16_MAX                                                                                \
        }

void answer_rows_done(struct answer_rows *rows);

/*
 * A server may lie. All that one says of a figure is at most this, so that figures of all servers add up in 63 bits:
 * otherwise one that answers with 2^64 - N takes N away from what the others have.
 */
#define ANSWER_COUNT_MAXIMUM (UINT64_C(1) << 58)

/* Adds to what the same answer said before; false, and nothing is added, when that becomes more than there can be. */
bool answer_add(uint64_t *sum, uint64_t figure);

/* Milliseconds since 1970, within the days that a Date of ClickHouse knows. */
bool answer_times(uint64_t first_ms, uint64_t last_ms);

/* Appends the rows of one server, whose bytes must stay; `span` is that of the question. -EBADMSG when they are none, or
 * none that can be: then nothing was appended. */
int answer_take(struct answer_rows *rows, const struct buffer *bytes, int span);

/* The same, but that they are visits (visits.h). `ends`: first or last pages, of which all figures are those of visits; else
 * rows of the same name have the other figures. */
int answer_take_visits(struct answer_rows *rows, const struct buffer *bytes, int span, bool ends);

/* Takes the rows of one server out again, by its bytes. */
void answer_drop(struct answer_rows *rows, const struct buffer *bytes);

/* Adds up, and leaves the `top` names (0: all) with the most of `order`: those first, each by time. */
int answer_settle(struct answer_rows *rows, enum store_metric order, size_t top);

#endif
