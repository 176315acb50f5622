#include "rollup.h"

#include <inttypes.h>

/* Names that no column of `event` has: an alias that hides a column would be taken for it elsewhere in the query. */
#define KEYS    "day, hour, kind, beacon, site, name, flag, code, verb, client, platform, machine, robot, land"
#define FIGURES "hits, visitors, volume, bot_hits, errors"

const char rollup_table[] =
        "CREATE TABLE IF NOT EXISTS rollup (day Date, hour UInt8, kind UInt8, beacon UInt8, site String, name String, "
        "flag UInt8, code UInt16, verb String, client String, platform String, machine String, robot String, "
        "land String, hits AggregateFunction(sum, UInt64), visitors AggregateFunction(uniqExactIf, UInt64, UInt8), "
        "volume AggregateFunction(sum, UInt64), bot_hits AggregateFunction(sum, UInt64), "
        "errors AggregateFunction(sum, UInt64)) "
        "ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(day) "
        "ORDER BY (kind, beacon, day, site, name, hour, flag, code, verb, client, platform, machine, robot, land) "
        "SETTINGS index_granularity = 8192";

/* `kinds`: which ways an event is looked at, an array; those without a name drop out. Actions of a beacon (source 4 and
 * above) are no requests and in no figure. */
#define ROLLUP_OF(kinds)                                                                                               \
        "SELECT day, toUInt8(if(kind = 0, 0, intDiv(ms, 3600000))) AS hour, "                                         \
        "arrayJoin(arrayFilter(x -> x = 0 OR (source < 4 AND (x = 1 OR (x = 2 AND method != '') "                      \
        "OR (x = 3 AND referrer != '') OR (x = 4 AND campaign != ''))), " kinds ")) AS kind, "                         \
        "toUInt8(kind != 0 AND source != 0) AS beacon, if(kind = 0, '', host) AS site, "                               \
        "multiIf(kind = 0, " ROLLUP_BATCH ", kind = 2, path, kind = 3, referrer, kind = 4, campaign, '') AS name, "    \
        "toUInt8(kind IN (2, 3) AND asset = 1) AS flag, "                                                              \
        "toUInt16(multiIf(kind = 1, status, kind = 2 AND status IN (404, 410), 404, 0)) AS code, "                     \
        "if(kind = 1, method, '') AS verb, if(kind = 1, browser, '') AS client, if(kind = 1, system, '') AS platform, " \
        "if(kind = 1, device, '') AS machine, if(kind = 1, bot, '') AS robot, if(kind = 1, country, '') AS land, "     \
        "sumState(toUInt64(1)) AS hits, "                                                                              \
        "uniqExactIfState(visitor, visitor != 0 AND intDiv(status, 100) != 4) AS visitors, "                           \
        "sumState(bytes) AS volume, sumState(toUInt64(bot != '')) AS bot_hits, "                                       \
        "sumState(toUInt64(intDiv(status, 100) IN (4, 5))) AS errors FROM event"
#define GROUPED " GROUP BY " KEYS

/* One row of an inserted block is enough to name its batch. */
const char rollup_view[] =
        "CREATE MATERIALIZED VIEW IF NOT EXISTS rollup_view TO rollup AS " ROLLUP_OF(
                "arraySlice([0, 1, 2, 3, 4], if(rowNumberInBlock() = 0, 1, 2))") GROUPED;

int rollup_fill(struct buffer *sql, uint64_t node, uint16_t day, const uint32_t sequences[], size_t count)
{
        int r = buffer_printf(sql,
                              "INSERT INTO rollup (" KEYS ", " FIGURES ") " ROLLUP_OF("[0, 1, 2, 3, 4]")
                              " WHERE day = toDate(%u) AND node = %" PRIu64 " AND sequence IN (",
                              day, node);

        for (size_t i = 0; i < count && r == 0; i++)
                r = buffer_printf(sql, "%s%" PRIu32, i ? ", " : "", sequences[i]);
        return r < 0 ? r
                     : buffer_printf(sql,
                                     ") AND " ROLLUP_BATCH
                                     " NOT IN (SELECT name FROM rollup WHERE kind = 0 AND beacon = 0 AND day = toDate(%u))" GROUPED,
                                     day);
}

int rollup_count(struct buffer *sql, uint64_t node, uint32_t sequence, uint16_t day)
{
        return buffer_printf(sql,
                             "assumeNotNull((SELECT toUInt64(count()) FROM rollup WHERE kind = 0 AND beacon = 0 AND "
                             "day = toDate(%u) AND name = '%" PRIu64 "-%" PRIu32 "'))",
                             day, node, sequence);
}
