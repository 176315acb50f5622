/*
 * salted.h - by what salts the senders of events know their days, kept on the analysis servers: a day with more than one
 * of them has visitors that are counted twice. With salts that are shared that is so whoever sent them, else only when
 * one sender had two. Pure: statements, and what is answered.
 *
 * A mark is what salt_check() makes of a salt. It is kept as long as the events that it is about: beside each of them
 * stands a visitor under the same salt, which says more.
 */
#ifndef SPREAD_SALTED_H
#define SPREAD_SALTED_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/salts.h"
#include "analyze/summary.h"
#include "base/buffer.h"

/* The table, of version SCHEMA_SALTS on. */
#define SALTED_TABLE                                                                                                   \
        "CREATE TABLE IF NOT EXISTS salted (day Date, node UInt64, mark UInt64, time DateTime) "                       \
        "ENGINE = MergeTree PARTITION BY tuple() ORDER BY (day, node)"

uint64_t salted_mark(const uint8_t check[static SALT_CHECK_SIZE]);

/* "INSERT INTO salted", at the server's time. */
int salted_say(struct buffer *sql, uint64_t node, uint16_t day, uint64_t mark) _must_check_;

/* "SELECT": a day (since 1970) with more than one, and when the second of them came, two UInt64 each. */
int salted_question(struct buffer *sql, bool shared) _must_check_;

/* Into items of REPLACED_SALTS_MAXIMUM, by day, the newest when there are more; of a day that is there the earlier time.
 * -EBADMSG: this is no answer. */
int salted_take(struct replaced_salts *salts, const struct buffer *answer);

#endif
