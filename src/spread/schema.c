#include "schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "spread/backfill.h"
#include "spread/rollup.h"
#include "spread/row.h"
#include "spread/salted.h"

/*
 * The partition's second part is always 0. It is there because ClickHouse keeps the least and the greatest value of
 * what a partition is made of for each part: so the rows of a batch are found without reading the others.
 */
static const char event_table[] =
        "CREATE TABLE IF NOT EXISTS event (day Date, node UInt64, sequence UInt32, " ROW_STRUCTURE_1 ") "
        "ENGINE = MergeTree PARTITION BY (toYYYYMM(day), intDiv(sequence, 4294967295)) ORDER BY (day, source, visitor, ms) "
        "SETTINGS index_granularity = 8192";

/* 18.16 has no ADD COLUMN IF NOT EXISTS. */
#define HAS_COLUMN(name)                                                                                               \
        "SELECT toUInt64(count()) FROM system.columns WHERE database = currentDatabase() AND "                         \
        "table = 'event' AND name = '" name "' FORMAT RowBinary"

/* The last row of a server is what counts; the others go when parts are merged. */
static const char node_table[] =
        "CREATE TABLE IF NOT EXISTS node (node UInt64, time DateTime, name String) "
        "ENGINE = ReplacingMergeTree(time) PARTITION BY tuple() ORDER BY node";
static const char standing_table[] =
        "CREATE TABLE IF NOT EXISTS standing (server String, time DateTime, obstacle String) "
        "ENGINE = ReplacingMergeTree(time) PARTITION BY tuple() ORDER BY server";

/* By version. What stands here is never changed: a change is a new version. */
static const struct step {
        uint64_t version;
        const char *unless; /* NULL, or a number: not 0 when it was done already */
        const char *sql;    /* NULL: the events that are there are taken into the rollup */
} steps[] = {
        {1,  NULL,      event_table                                           },
        { 2, HAS_COLUMN("marks"), "ALTER TABLE event ADD COLUMN marks Array(String)"    },
        { 2, NULL,      rollup_table                                          },
        { 2, NULL,      rollup_view                                           },
        { 2, NULL,      node_table                                            },
        { 2, NULL,      standing_table                                        },
        { 2, NULL,      NULL                                                  },
        { 3, HAS_COLUMN("place"), "ALTER TABLE event ADD COLUMN place UInt32" },
        { 4, NULL,      SALTED_TABLE                                          },
};

static int run(struct server *server, const char *sql, int64_t deadline_ms, struct error *err)
{
        return server_ask(server, sql, deadline_ms, NULL, err);
}

static int run_number(struct server *server, const char *sql, int64_t deadline_ms, uint64_t *ret_number,
                      struct error *err)
{
        _cleanup_(buffer_done) struct buffer answer = BUFFER_INIT(4096);
        const char *at;
        int r = server_ask(server, sql, deadline_ms, &answer, err);

        if (r < 0)
                return r;
        at = buffer_text(&answer);
        if (answer.length != 8 || !row_take_u64(&at, at + 8, ret_number))
                return error_set(err, -EBADMSG, _("the analysis server %s does not answer with a number"),
                                 server_name(server));
        return 0;
}

static int make_step(struct server *server, const struct step *step, int64_t deadline_ms, struct error *err)
{
        uint64_t done = 0;
        int r = step->unless ? run_number(server, step->unless, deadline_ms, &done, err) : 0;

        if (r < 0 || done)
                return r;
        return step->sql ? run(server, step->sql, deadline_ms, err) : backfill(server, deadline_ms, err);
}

static int make_version(struct server *server, uint64_t version, int64_t deadline_ms, struct error *err)
{
        char sql[128];
        int r = 0;

        for (size_t i = 0; i < LENGTH(steps) && r == 0; i++)
                if (steps[i].version == version)
                        r = make_step(server, &steps[i], deadline_ms, err);
        snprintf(sql, sizeof(sql), "INSERT INTO schema VALUES (%" PRIu64 ", now())", version);
        return r < 0 ? r : run(server, sql, deadline_ms, err);
}

int schema_migrate(struct server *server, const char *database, int64_t deadline_ms, uint64_t *ret_before,
                   struct error *err)
{
        uint64_t version = 0;
        int r = server_make_database(server, database, deadline_ms, err);

        if (r == 0)
                r = run(server,
                        "CREATE TABLE IF NOT EXISTS schema (version UInt32, made DateTime) ENGINE = MergeTree "
                        "PARTITION BY tuple() ORDER BY version",
                        deadline_ms, err);
        if (r == 0)
                r = run_number(server, SCHEMA_VERSION, deadline_ms, &version, err);
        if (r < 0)
                return r;
        if (version > SCHEMA_LATEST)
                return error_set(err, -ENOTSUP,
                                 _("the tables of the analysis server %s were made by a newer version of Understudy "
                                   "(schema %d, this one knows %d)"),
                                 server_name(server), (int)version, SCHEMA_LATEST);
        *ret_before = version;
        while (version < SCHEMA_LATEST && r == 0)
                r = make_version(server, ++version, deadline_ms, err);
        return r;
}

/* ---------------------------------------------------------------- batches */

static int put_which(struct buffer *sql, uint64_t node, uint32_t sequence, uint16_t day)
{
        return buffer_printf(sql, "day = toDate(%u) AND node = %" PRIu64 " AND sequence = %" PRIu32, day, node, sequence);
}

int schema_count(struct buffer *sql, uint64_t node, uint32_t sequence, uint16_t day)
{
        int r = buffer_append_text(sql, "SELECT toUInt64(count()), ");

        if (r == 0)
                r = rollup_count(sql, node, sequence, day);
        if (r == 0)
                r = buffer_append_text(sql, " FROM event WHERE ");
        if (r == 0)
                r = put_which(sql, node, sequence, day);
        return r < 0 ? r : buffer_append_text(sql, " FORMAT RowBinary");
}

int schema_insert(struct buffer *sql, unsigned int structure, uint64_t node, uint32_t sequence, uint16_t day,
                  uint32_t rows)
{
        const char *columns = row_columns(structure);
        int r = buffer_printf(sql,
                              "INSERT INTO event (day, node, sequence, %s) SELECT toDate(%u), toUInt64(%" PRIu64
                              "), toUInt32(%" PRIu32 "), %s FROM batch WHERE (SELECT count() FROM batch) = %" PRIu32
                              " AND (SELECT count() FROM event WHERE ",
                              columns, day, node, sequence, columns, rows);

        if (r == 0)
                r = put_which(sql, node, sequence, day);
        return r < 0 ? r : buffer_append_text(sql, ") = 0");
}

int schema_name(struct buffer *sql, uint64_t node, const char *name)
{
        int r = buffer_printf(sql, "INSERT INTO node (node, time, name) SELECT toUInt64(%" PRIu64 "), now(), ", node);

        return r < 0 ? r : row_put_sql(sql, name, strlen(name));
}

void schema_id(uint64_t node, uint32_t sequence, char id[static SCHEMA_ID_SIZE])
{
        snprintf(id, SCHEMA_ID_SIZE, "understudy-%016" PRIx64 "-%" PRIu32, node, sequence);
}

bool schema_id_parse(const char *id, size_t length, uint64_t *ret_node, uint32_t *ret_sequence)
{
        char text[SCHEMA_ID_SIZE], again[SCHEMA_ID_SIZE];
        uint64_t node;
        uint32_t sequence;

        if (length >= sizeof(text))
                return false;
        memcpy(text, id, length);
        text[length] = '\0';
        if (sscanf(text, "understudy-%16" SCNx64 "-%10" SCNu32, &node, &sequence) != 2)
                return false;
        schema_id(node, sequence, again);
        if (strcmp(text, again) != 0)
                return false;
        *ret_node = node;
        *ret_sequence = sequence;
        return true;
}
