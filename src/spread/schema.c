#include "schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "spread/row.h"

/*
 * The partition's second part is always 0. It is there because ClickHouse keeps the least and the greatest value of
 * what a partition is made of for each part: so the rows of a batch are found without reading the others.
 */
static const char event_table[] =
        "CREATE TABLE IF NOT EXISTS event (day Date, node UInt64, sequence UInt32, " ROW_STRUCTURE ") "
        "ENGINE = MergeTree PARTITION BY (toYYYYMM(day), intDiv(sequence, 4294967295)) ORDER BY (day, source, visitor, ms) "
        "SETTINGS index_granularity = 8192";

/* By version - 1; a NULL ends those of one version. What stands here is never changed: a change is a new version. */
static const char *const versions[SCHEMA_LATEST][4] = {
        { event_table },
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

static int make_version(struct server *server, uint64_t version, int64_t deadline_ms, struct error *err)
{
        char sql[128];
        int r = 0;

        for (size_t i = 0; i < LENGTH(versions[0]) && versions[version - 1][i] && r == 0; i++)
                r = run(server, versions[version - 1][i], deadline_ms, err);
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
                r = run_number(server, "SELECT toUInt64(max(version)) FROM schema FORMAT RowBinary", deadline_ms,
                               &version, err);
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
        int r = buffer_append_text(sql, "SELECT toUInt64(count()) FROM event WHERE ");

        if (r == 0)
                r = put_which(sql, node, sequence, day);
        return r < 0 ? r : buffer_append_text(sql, " FORMAT RowBinary");
}

int schema_insert(struct buffer *sql, uint64_t node, uint32_t sequence, uint16_t day, uint32_t rows)
{
        int r = buffer_printf(sql,
                              "INSERT INTO event (day, node, sequence, " ROW_COLUMNS ") SELECT toDate(%u), toUInt64(%" PRIu64
                              "), toUInt32(%" PRIu32 "), " ROW_COLUMNS
                              " FROM batch WHERE (SELECT count() FROM batch) = %" PRIu32
                              " AND (SELECT count() FROM event WHERE ",
                              day, node, sequence, rows);

        if (r == 0)
                r = put_which(sql, node, sequence, day);
        return r < 0 ? r : buffer_append_text(sql, ") = 0");
}
