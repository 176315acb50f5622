#include "visits.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "accesslog/line.h"
#include "analyze/visitors.h"
#include "spread/question_private.h"
#include "spread/row.h"

#define DAY_US INT64_C(86400000000)

/* Arrays of all visitors of a month may be larger than a query may be: what is grouped goes to the disk then. */
#define SPILL " SETTINGS max_bytes_before_external_group_by = 400000000"

_Static_assert(BEACON_EVENT == 4 && BEACON_OUTBOUND == 5, "as in the SQL");

/* What prolongs a visit, as in the tally: requests that were not answered with 4xx, and what is done on a page. */
#define COUNTED   "visitor != 0 AND ((source < 4 AND intDiv(status, 100) != 4) OR source IN (4, 5))"
#define PAGE_VIEW                                                                                                      \
        "toUInt8(source < 4 AND asset = 0 AND method IN ('GET', 'POST') AND "                                          \
        "(status IN (0, 304) OR intDiv(status, 100) = 2))"

/* `own`: what the visitor is; `text`: of a page view, of which the first or the last one counts. */
static const struct list {
        int dimension;
        const char *own, *text;
        bool last;
        const char *label, *where;
} lists[] = {
        { QUERY_ALL,            "''",      "''",       false, "''",    "1"                       },
        { DIMENSION_BROWSERS,   "browser", "''",       false, "who",   "1"                       },
        { DIMENSION_SYSTEMS,    "system",  "''",       false, "who",   "1"                       },
        { DIMENSION_DEVICES,    "device",  "''",       false, "who",   "1"                       },
        { DIMENSION_BOTS,       "bot",     "''",       false, "who",   "who != ''"               },
        { DIMENSION_REFERRERS,  "''",      "referrer", false, "ended", "viewed = 1 AND ended != ''" },
        { DIMENSION_CAMPAIGNS,  "''",      "campaign", false, "ended", "viewed = 1 AND ended != ''" },
        { DIMENSION_ENTRY,      "''",      "path",     false, "ended", "viewed = 1"              },
        { DIMENSION_EXIT,       "''",      "path",     true,  "ended", "viewed = 1"              },
};

static const struct list *find_list(int dimension)
{
        for (size_t i = 0; i < LENGTH(lists); i++)
                if (lists[i].dimension == dimension)
                        return &lists[i];
        return NULL;
}

bool visits_has_list(int dimension)
{
        return find_list(dimension) != NULL;
}

bool visits_are_all(int dimension)
{
        return dimension == DIMENSION_ENTRY || dimension == DIMENSION_EXIT;
}

/* Whole days: a visit is known only with all of its day. */
static int put_days(struct buffer *sql, const struct store_query *query)
{
        int r = 0;

        if (query->from_us > 0)
                r = buffer_printf(sql, " AND day >= toDate(%" PRId64 ")", query->from_us / DAY_US);
        if (r == 0 && query->until_us > 0)
                r = buffer_printf(sql, " AND day <= toDate(%" PRId64 ")", (query->until_us - 1) / DAY_US);
        return r;
}

static int put_source(struct buffer *sql, const struct question *question)
{
        int r = buffer_printf(sql, " AND source %s 0", question->beacon ? "!=" : "=");

        if (r == 0)
                r = put_days(sql, question->query);
        return r < 0 ? r : question_put_site(sql, "host", question->query);
}

/*
 * A visitor's day as arrays of the same length: `list` in order, and of each request the number of the visit that it
 * belongs to. No lambda takes an array from outside: that would copy it for each of its elements.
 */
static int put_days_of_visitors(struct buffer *sql, const struct list *list, const struct question *question)
{
        int r = buffer_printf(sql,
                              "SELECT day, visitor, any(%s) AS being, any(bot) AS software, "
                              "arraySort(groupArray(tuple(ms, node, sequence, place, " PAGE_VIEW ", if(" PAGE_VIEW ", %s, '')))) "
                              "AS list, arrayMap(x -> toInt64(tupleElement(x, 1)), list) AS times, "
                              "arrayCumSum(arrayMap((x, before) -> toUInt32(x - before > %u), times, "
                              "arrayPushFront(arrayPopBack(times), toInt64(-86400000)))) AS numbers "
                              "FROM event WHERE " COUNTED,
                              list->own, list->text, VISIT_GAP_MS);

        if (r == 0)
                r = put_source(sql, question);
        return r < 0 ? r : buffer_append_text(sql, " GROUP BY day, visitor");
}

static int put_each_visit(struct buffer *sql, const struct list *list, const struct question *question)
{
        int r = buffer_printf(sql,
                              "SELECT day, visitor, any(being) AS who, any(software) AS robot, min(tupleElement(item, 1)) AS begun, "
                              "max(tupleElement(item, 5)) AS viewed, %s(tupleElement(item, 6), "
                              "if(tupleElement(item, 5) = 1, toInt64(at), toInt64(%d))) AS ended FROM (",
                              list->last ? "argMax" : "argMin", list->last ? -1 : INT32_MAX);

        if (r == 0)
                r = put_days_of_visitors(sql, list, question);
        return r < 0 ? r
                     : buffer_append_text(sql, ") ARRAY JOIN list AS item, numbers AS number, arrayEnumerate(list) AS at "
                                               "GROUP BY day, visitor, number");
}

int visits_put(struct buffer *sql, const struct question *question)
{
        const struct list *list = find_list(question->dimension);
        const struct store_query *query = question->query;
        int r;

        assert(list);
        r = buffer_printf(sql,
                          "SELECT %s AS label, toInt64(%s) AS start, toUInt64(count()), toUInt64(uniqExact(visitor)), "
                          "toUInt64(0), toUInt64(countIf(robot != '')), toUInt64(0), toUInt16(min(day)), "
                          "toUInt16(max(day)) FROM (",
                          list->label, question_start_of(query->span, HOUR_OF_VISIT));
        if (r == 0)
                r = put_each_visit(sql, list, question);
        if (r == 0)
                r = buffer_printf(sql, ") WHERE %s", list->where);
        if (r == 0 && query->name)
                r = question_put_name(sql, list->label, query->name);
        if (r == 0)
                r = question_put_own(sql, "ended", question->own);
        if (r == 0)
                r = question_put_time(sql, query, HOUR_OF_VISIT);
        return r < 0 ? r : buffer_append_text(sql, " GROUP BY label, start" SPILL " FORMAT RowBinary");
}

/* ---------------------------------------------------------------- funnels */

static int put_goal(struct buffer *sql, const char *goal)
{
        int r = buffer_append_text(sql, "concat('g', ");

        if (r == 0)
                r = row_put_sql(sql, goal, strlen(goal));
        return r < 0 ? r : buffer_append_text(sql, ")");
}

/* Of each visitor's day the first request that reaches a step behind that of the step before; 0: none. */
static int put_steps(struct buffer *sql, const char *const goals[], size_t count)
{
        int r = 0;

        for (size_t i = 0; i < count && r == 0; i++) {
                r = buffer_append_text(sql, ", arrayFirstIndex((x, at) -> has(tupleElement(x, 5), ");
                if (r == 0)
                        r = put_goal(sql, goals[i]);
                if (r == 0 && i)
                        r = buffer_printf(sql, ") AND step%zu > 0 AND at > step%zu", i - 1, i - 1);
                else if (r == 0)
                        r = buffer_append_text(sql, ")");
                if (r == 0)
                        r = buffer_printf(sql, ", list, arrayEnumerate(list)) AS step%zu", i);
        }
        return r;
}

int visits_put_funnel(struct buffer *sql, const struct question *question, const char *const goals[], size_t count)
{
        int r = buffer_append_text(sql, "SELECT ");

        for (size_t i = 0; i < count && r == 0; i++)
                r = buffer_printf(sql, "%stoUInt64(countIf(step%zu > 0)), toUInt64(countIf(step%zu > 0 AND robot = ''))",
                                  i ? ", " : "", i, i);
        if (r == 0)
                r = buffer_append_text(sql, " FROM (SELECT day, visitor, any(bot) AS robot, "
                                            "arraySort(groupArray(tuple(ms, node, sequence, place, marks))) AS list");
        if (r == 0)
                r = put_steps(sql, goals, count);
        if (r == 0)
                r = buffer_append_text(sql, " FROM event WHERE visitor != 0 AND (");
        for (size_t i = 0; i < count && r == 0; i++) {
                r = buffer_printf(sql, "%shas(marks, ", i ? " OR " : "");
                if (r == 0)
                        r = put_goal(sql, goals[i]);
                if (r == 0)
                        r = buffer_append_text(sql, ")");
        }
        if (r == 0)
                r = buffer_append_text(sql, ")");
        if (r == 0)
                r = put_source(sql, question);
        return r < 0 ? r : buffer_append_text(sql, " GROUP BY day, visitor)" SPILL " FORMAT RowBinary");
}
