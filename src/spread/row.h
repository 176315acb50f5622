/*
 * row.h - one request as a row of RowBinary, the bytes that ClickHouse takes with the least work: numbers little-endian,
 * texts behind their length as LEB128 (https://clickhouse.com/docs/en/interfaces/formats#rowbinary).
 *
 * What all rows of a batch share (day, node, sequence) is not in it: the insert says it once.
 */
#ifndef SPREAD_ROW_H
#define SPREAD_ROW_H

#include <stdint.h>

#include "accesslog/line.h"
#include "base/buffer.h"

/* The columns in their order, as ClickHouse names and types them. Batches of the first structure, from before there were
 * marks, may still lie in a spool. */
#define ROW_STRUCTURE_1                                                                                                \
        "ms UInt32, visitor UInt64, source UInt8, host String, method String, path String, asset UInt8, "              \
        "status UInt16, bytes UInt64, referrer String, referrer_page String, campaign String, browser String, "        \
        "system String, device String, bot String, country String"
#define ROW_STRUCTURE_LATEST 3 /* 2: with marks; 3: and the place */

const char *row_structure(unsigned int structure); /* "ms UInt32, ..." */
const char *row_columns(unsigned int structure);   /* "ms, ..." */

/*
 * What else an event means, as texts that begin with one of these: goals that were reached, and what a beacon tells
 * besides page views (log_beacon from BEACON_EVENT on).
 */
#define MARK_GOAL     'g'
#define MARK_EVENT    'e'
#define MARK_PROPERTY 'p' /* "event: key=value" */
#define MARK_OUTBOUND 'o'
#define MARK_VITAL    'v' /* "0=1250": enum beacon_vital and what was measured */

/* All texts of one line are parts of it, or short. */
#define ROW_BYTES_MAXIMUM (20U * LOG_LINE_MAXIMUM) /* marks repeat the event's name */

/* A status of 000, which means that the client did not wait for an answer, is another thing than none. */
#define ROW_STATUS_000 1000

struct spread_row {
        uint32_t ms;      /* of the day */
        uint64_t visitor; /* 0: nobody knows (the salt of its day is gone) */
        uint8_t source;   /* enum log_beacon: 0 is an access log */
        bool asset;
        uint16_t status; /* 0: the line had none; ROW_STATUS_000 */
        uint64_t bytes;
        struct span host, method, path, referrer, referrer_page, campaign, country;
        struct span agent; /* browser, system, device and bot, as row_put_text() wrote them */
        struct span marks; /* so many, each as row_put_mark() wrote it */
        uint32_t mark_count;
        uint32_t place; /* of two rows of a batch the later one has the higher one */
};

/* 0 or -ENOMEM, -E2BIG: then nothing was appended. */
int row_put(struct buffer *buffer, const struct spread_row *row) _must_check_;

int row_put_text(struct buffer *buffer, const char *text, size_t length) _must_check_;

int row_put_mark(struct buffer *buffer, char kind, const char *text, size_t length) _must_check_;

/* Any bytes as a text of SQL: nothing of them can be taken for anything else. */
int row_put_sql(struct buffer *sql, const char *bytes, size_t length) _must_check_;

/* ---- reading: what a server answers with. Each takes from [*at, end) and fails, leaving *at alone, past the end. */

bool row_take_u64(const char **at, const char *end, uint64_t *ret_value);
bool row_take_u16(const char **at, const char *end, uint16_t *ret_value);
bool row_take_text(const char **at, const char *end, const char **ret_text, size_t *ret_length);

#endif
