/*
 * rollup.h - figures by hour on an analysis server, kept by a materialised view while events come in: pure SQL.
 *
 *     rollup        hour, and for each way of looking at an event (`kind`) what it is counted by
 *                   1   who and how: virtual host, status, method, browser, system, device, bot, country
 *                   2   what: path, whether it is an asset, whether it was not found
 *                   3   where from: the referrer's host, whether an asset was embedded there
 *                   4   campaign
 *                   0   no figure: the batch whose rows these are ("NODE-SEQUENCE")
 *     rollup_view   makes it of each batch
 *
 * ClickHouse first writes the rows of a batch and then what views make of it; it may be killed in between. What the view
 * makes of a batch is one block, one part: all of it is there or nothing, so the row of kind 0 proves the others. Who
 * misses it puts it in from the events (rollup_fill()).
 */
#ifndef SPREAD_ROLLUP_H
#define SPREAD_ROLLUP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

extern const char rollup_table[], rollup_view[];

/* The name of a batch in the row of kind 0. */
#define ROLLUP_BATCH "concat(toString(node), '-', toString(sequence))"

/* "INSERT INTO rollup SELECT ... FROM event" of batches of one day and node: of each of them all, unless it is there. */
int rollup_fill(struct buffer *sql, uint64_t node, uint16_t day, const uint32_t sequences[], size_t count);

/* How many rows of kind 0 a batch has, as an expression: 0 when the view has not taken it. */
int rollup_count(struct buffer *sql, uint64_t node, uint32_t sequence, uint16_t day);

#endif
