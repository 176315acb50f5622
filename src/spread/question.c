#include "question.h"

#include <inttypes.h>
#include <string.h>

#include "accesslog/line.h"
#include "analyze/classify.h"
#include "analyze/tag.h"
#include "spread/question_private.h"
#include "spread/row.h"

#define DAY_HOURS 24
#define HOUR_US   INT64_C(3600000000)
#define DAY_US    (DAY_HOURS * HOUR_US)

/* What a list is made of: its name, and which rows are in it; of the events, and (NULL: not there) of the rollup. */
struct list {
        int dimension;
        const char *name, *where;
        const char *rolled_name, *rolled_where;
};

#define REQUEST "source < 4" /* of events: no action of a beacon */
#define DIGITS(status) "substring(toString(1000 + " status "), 2)" /* three of them; ROW_STATUS_000 is 000 */
#define MARK    "substring(mark, 2)"

#define HOURS_AND(hour) "toInt64(toUInt16(day)) * 24 + " hour

static const struct list lists[] = {
        { QUERY_ALL,                "''",               REQUEST,                                  "''",             "kind = 1"                 },
        { DIMENSION_PAGES,          "path",             "method != '' AND asset = 0",             "name",           "kind = 2 AND flag = 0"    },
        { DIMENSION_ASSETS,         "path",             "method != '' AND asset = 1",             "name",           "kind = 2 AND flag = 1"    },
        { DIMENSION_NOT_FOUND,      "path",             "method != '' AND status IN (404, 410)",  "name",           "kind = 2 AND code = 404"  },
        { DIMENSION_REFERRERS,      "referrer",         "referrer != '' AND asset = 0",           "name",           "kind = 3 AND flag = 0"    },
        { DIMENSION_REFERRER_PAGES, "referrer_page",    "referrer_page != ''",                    NULL,             NULL                       },
        { DIMENSION_CAMPAIGNS,      "campaign",         "campaign != ''",                         "name",           "kind = 4"                 },
        { DIMENSION_BROWSERS,       "browser",          REQUEST,                                  "client",         "kind = 1"                 },
        { DIMENSION_SYSTEMS,        "system",           REQUEST,                                  "platform",       "kind = 1"                 },
        { DIMENSION_DEVICES,        "device",           REQUEST,                                  "machine",        "kind = 1"                 },
        { DIMENSION_BOTS,           "bot",              REQUEST " AND bot != ''",                 "robot",          "kind = 1 AND robot != ''" },
        { DIMENSION_HOSTS,          "host",             REQUEST " AND host != ''",                "site",           "kind = 1 AND site != ''"  },
        { DIMENSION_STATUS,         DIGITS("status"),   REQUEST " AND status != 0",               DIGITS("code"),   "kind = 1 AND code != 0"   },
        { DIMENSION_METHODS,        "method",           "method != ''",                           "verb",           "kind = 1 AND verb != ''"  },
        { DIMENSION_COUNTRIES,      "country",          REQUEST " AND country != ''",             "land",           "kind = 1 AND land != ''"  },
        { DIMENSION_GOALS,          MARK,               "substring(mark, 1, 1) = 'g'",            NULL,             NULL                       },
        { DIMENSION_EVENTS,         MARK,               "substring(mark, 1, 1) = 'e'",            NULL,             NULL                       },
        { DIMENSION_PROPERTIES,     MARK,               "substring(mark, 1, 1) = 'p'",            NULL,             NULL                       },
        { DIMENSION_OUTBOUND,       MARK,               "substring(mark, 1, 1) = 'o'",            NULL,             NULL                       },
        { QUESTION_EMBEDDING,       "referrer",         "referrer != '' AND asset = 1",           "name",           "kind = 3 AND flag = 1"    },
};

static const struct list *find_list(int dimension)
{
        for (size_t i = 0; i < LENGTH(lists); i++)
                if (lists[i].dimension == dimension)
                        return &lists[i];
        return NULL;
}

/* The kinds of the store that came later have numbers of their own there. */
static int of_store(int dimension)
{
        switch (dimension) {
        case STORE_EVENTS: return DIMENSION_EVENTS;
        case STORE_PROPERTIES: return DIMENSION_PROPERTIES;
        case STORE_OUTBOUND: return DIMENSION_OUTBOUND;
        default: return dimension;
        }
}

bool question_has_list(int dimension)
{
        return find_list(of_store(dimension)) != NULL;
}

/* ---------------------------------------------------------------- which rows */

int question_put_name(struct buffer *sql, const char *name, const char *wanted)
{
        size_t length = strlen(wanted);
        bool prefix = length && wanted[length - 1] == '*';
        int r;

        length -= prefix;
        r = prefix ? buffer_printf(sql, " AND substring(%s, 1, %zu) = ", name, length)
                   : buffer_printf(sql, " AND %s = ", name);
        return r < 0 ? r : row_put_sql(sql, wanted, length);
}

/* The hosts of the site itself, as referrer_split() writes them. */
int question_put_own(struct buffer *sql, const char *host, const char *const own[])
{
        int r = 0;

        for (size_t i = 0; own && own[i] && r == 0; i++) {
                char normal[REFERRER_HOST_MAXIMUM + 1];
                size_t length;

                if (!host_normalize(own[i], strlen(own[i]), normal, &length))
                        continue;
                r = buffer_printf(sql, " AND %s != ", host);
                if (r == 0)
                        r = row_put_sql(sql, normal, length);
        }
        return r;
}

/* Whole hours, wider rather than narrower; with the day, so that other days are not read. */
int question_put_time(struct buffer *sql, const struct store_query *query, const char *hour)
{
        int64_t from = query->from_us > 0 ? query->from_us / HOUR_US : 0;
        int64_t until = query->until_us > 0 ? (query->until_us + HOUR_US - 1) / HOUR_US : 0;
        int r = 0;

        if (query->from_us)
                r = buffer_printf(sql, " AND day >= toDate(%" PRId64 ") AND toInt64(toUInt16(day)) * 24 + %s >= %" PRId64,
                                  from / DAY_HOURS, hour, from);
        if (r == 0 && query->until_us)
                r = buffer_printf(sql, " AND day <= toDate(%" PRId64 ") AND toInt64(toUInt16(day)) * 24 + %s < %" PRId64,
                                  until / DAY_HOURS, hour, until);
        return r;
}

int question_put_site(struct buffer *sql, const char *column, const struct store_query *query)
{
        int r = query->site && *query->site ? buffer_printf(sql, " AND %s = ", column) : 0;

        return r < 0 || !query->site || !*query->site ? r : row_put_sql(sql, query->site, strlen(query->site));
}

/* ---------------------------------------------------------------- figures */

const char *question_start_of(int span, const char *hour)
{
        switch (span) {
        case SPAN_HOUR:
                return strcmp(hour, HOUR_ROLLED) == 0     ? HOURS_AND(HOUR_ROLLED)
                       : strcmp(hour, HOUR_OF_EVENT) == 0 ? HOURS_AND(HOUR_OF_EVENT)
                                                          : HOURS_AND(HOUR_OF_VISIT);
        case SPAN_DAY: return "toInt64(toUInt16(day))";
        case SPAN_MONTH: return "(toInt64(toYear(day)) - 1970) * 12 + toMonth(day) - 1";
        default: return "toInt64(0)";
        }
}

static int put_events(struct buffer *sql, const struct list *list, const struct question *question)
{
        return buffer_printf(sql,
                             "SELECT %s AS label, toInt64(%s) AS start, toUInt64(count()), "
                             "toUInt64(uniqExactIf(visitor, visitor != 0 AND intDiv(status, 100) != 4)), "
                             "toUInt64(sum(bytes)), toUInt64(countIf(bot != '')), "
                             "toUInt64(countIf(intDiv(status, 100) IN (4, 5))), toUInt16(min(day)), toUInt16(max(day)) "
                             "FROM event%s WHERE %s AND source %s 0",
                             list->name, question_start_of(question->query->span, HOUR_OF_EVENT),
                             strcmp(list->name, MARK) == 0 ? " ARRAY JOIN marks AS mark" : "",
                             list->where, question->beacon ? "!=" : "=");
}

static int put_rollup(struct buffer *sql, const struct list *list, const struct question *question)
{
        return buffer_printf(sql,
                             "SELECT %s AS label, toInt64(%s) AS start, toUInt64(sumMerge(hits)), "
                             "toUInt64(uniqExactIfMerge(visitors)), toUInt64(sumMerge(volume)), "
                             "toUInt64(sumMerge(bot_hits)), toUInt64(sumMerge(errors)), toUInt16(min(day)), "
                             "toUInt16(max(day)) FROM rollup WHERE %s AND beacon = %d",
                             list->rolled_name, question_start_of(question->query->span, HOUR_ROLLED), list->rolled_where,
                             question->beacon);
}

int question_put(struct buffer *sql, const struct question *question)
{
        const struct store_query *query = question->query;
        const struct list *list = find_list(of_store(question->dimension));
        bool rolled = question->rollup && list->rolled_name;
        const char *name = rolled ? list->rolled_name : list->name;
        int r = rolled ? put_rollup(sql, list, question) : put_events(sql, list, question);

        if (r == 0)
                r = question_put_site(sql, rolled ? "site" : "host", query);
        if (r == 0 && query->name)
                r = question_put_name(sql, name, query->name);
        if (r == 0)
                r = question_put_own(sql, rolled ? "name" : "referrer", question->own);
        if (r == 0)
                r = question_put_time(sql, query, rolled ? HOUR_ROLLED : HOUR_OF_EVENT);
        return r < 0 ? r : buffer_append_text(sql, " GROUP BY label, start FORMAT RowBinary");
}

/* ---------------------------------------------------------------- other questions */

int question_put_vitals(struct buffer *sql, const struct store_query *query)
{
        int r = buffer_append_text(sql, "SELECT toUInt64(substring(mark, 2, 1)) AS vital, toUInt64(substring(mark, 4)) AS "
                                        "measured, toUInt64(count()) FROM event ARRAY JOIN marks AS mark "
                                        "WHERE substring(mark, 1, 1) = 'v' AND bot = ''");

        if (r == 0)
                r = question_put_site(sql, "host", query);
        if (r == 0)
                r = question_put_time(sql, query, HOUR_OF_EVENT);
        return r < 0 ? r : buffer_append_text(sql, " GROUP BY vital, measured FORMAT RowBinary");
}

int question_put_embedders(struct buffer *sql, int64_t from_us, int64_t until_us)
{
        int r = buffer_printf(sql,
                              "SELECT first, last, fetches, referrer, if(who = '', toString(node), who), path FROM "
                              "(SELECT min(toUInt64(toUInt16(day)) * 86400000 + ms) AS first, "
                              "max(toUInt64(toUInt16(day)) * 86400000 + ms) AS last, toUInt64(count()) AS fetches, "
                              "referrer, node, path FROM event WHERE source = 0 AND substring(path, 1, %zu) = ",
                              strlen(TAG_SCRIPTS));

        if (r == 0)
                r = row_put_sql(sql, TAG_SCRIPTS, strlen(TAG_SCRIPTS));
        if (r == 0)
                r = buffer_append_text(sql, " AND status IN (200, 206, 304)");
        if (r == 0 && from_us > 0)
                r = buffer_printf(sql, " AND day >= toDate(%" PRId64 ")", from_us / DAY_US);
        if (r == 0 && until_us > 0)
                r = buffer_printf(sql, " AND day <= toDate(%" PRId64 ")", (until_us - 1) / DAY_US);
        return r < 0 ? r
                     : buffer_append_text(sql,
                                          " GROUP BY referrer, node, path) AS fetched ANY LEFT JOIN (SELECT node, argMax(name, time) AS who "
                                          "FROM node GROUP BY node) AS named USING node FORMAT RowBinary");
}
