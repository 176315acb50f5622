/*
 * schema.h - the tables on an analysis server, and how they are made and brought up to date.
 *
 *     event         one row for each request (row.h), with the day, and with node and sequence of its batch
 *     rollup        figures by hour, and the view that makes them of events (rollup.h)
 *     node          the names of those who send events
 *     standing      whether this server is proven, as it says itself (proof.h)
 *     salted        by what salts the senders know their days (salted.h)
 *     schema        the versions that were reached, and when
 *
 *     version 1     event
 *     version 2     all others, and what a beacon tells (the column `marks`)
 *     version 3     the order of requests of one time (the column `place`; 0 of older ones: their order is not known)
 *     version 4     by what salts days were sent (the table `salted`)
 *
 * The statements mean the same to ClickHouse 18.16 and to today's versions. Each may be run again: a migration that was
 * interrupted goes on.
 */
#ifndef SPREAD_SCHEMA_H
#define SPREAD_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "spread/server.h"

#define SCHEMA_LATEST  4
#define SCHEMA_ROLLUPS 2 /* the first with rollups, that hold all events once it is reached */

#define SCHEMA_SALTS   4 /* the first that knows by what salts days were sent (salted.h) */

/* Makes the database and tables, or brings them to SCHEMA_LATEST. -ENOTSUP when they are newer than this program. */
int schema_migrate(struct server *server, const char *database, int64_t deadline_ms, uint64_t *ret_before,
                   struct error *err);

/* "SELECT" of the version that was reached, one UInt64. */
#define SCHEMA_VERSION "SELECT toUInt64(max(version)) FROM schema FORMAT RowBinary"

/* "INSERT INTO event SELECT ... FROM batch": appended. Takes a batch only whole, and only if it is not there: the check
 * and the rows are one query, and no two of one name run at the same time. `structure` is that of its rows (row.h). */
int schema_insert(struct buffer *sql, unsigned int structure, uint64_t node, uint32_t sequence, uint16_t day,
                  uint32_t rows);

/* How many rows of a batch are there, and how many proofs that the rollup has them: "SELECT", two UInt64. */
int schema_count(struct buffer *sql, uint64_t node, uint32_t sequence, uint16_t day);

/* "INSERT INTO node": the name of a sender, whatever bytes it has. */
int schema_name(struct buffer *sql, uint64_t node, const char *name);

/* The name of the query that brings a batch, and of the one that mends its rollup: never two of one name at a time. */
#define SCHEMA_ID_SIZE 48
void schema_id(uint64_t node, uint32_t sequence, char id[static SCHEMA_ID_SIZE]);
bool schema_id_parse(const char *id, size_t length, uint64_t *ret_node, uint32_t *ret_sequence);

#endif
