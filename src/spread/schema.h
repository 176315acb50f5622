/*
 * schema.h - the tables on an analysis server, and how they are made and brought up to date.
 *
 *     event         one row for each request (row.h), with the day, and with node and sequence of its batch
 *     schema        the versions that were reached, and when
 *
 * The statements mean the same to ClickHouse 18.16 and to today's versions. Each may be run again: a migration that was
 * interrupted goes on.
 */
#ifndef SPREAD_SCHEMA_H
#define SPREAD_SCHEMA_H

#include <stdint.h>

#include "base/error.h"
#include "spread/server.h"

#define SCHEMA_LATEST 1

/* Makes the database and tables, or brings them to SCHEMA_LATEST. -ENOTSUP when they are newer than this program. */
int schema_migrate(struct server *server, const char *database, int64_t deadline_ms, uint64_t *ret_before,
                   struct error *err);

/* "INSERT INTO event SELECT ... FROM batch": appended. Takes a batch only whole, and only if it is not there: the check
 * and the rows are one query, and no two of one name run at the same time. */
int schema_insert(struct buffer *sql, uint64_t node, uint32_t sequence, uint16_t day, uint32_t rows);

/* How many rows of a batch are there. */
int schema_count(struct buffer *sql, uint64_t node, uint32_t sequence, uint16_t day);

#endif
