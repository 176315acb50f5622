/* test_question.c - spread/question.h: from where a question is answered, and that no name becomes a part of the SQL. */
#include "tests.h"

#include "spread/question.h"
#include "spread/visits.h"

static const char *sql_of(int dimension, bool rollup, const char *name, const char *const own[])
{
        static struct buffer sql = BUFFER_INIT(1U << 20);
        const struct store_query query = { .dimension = dimension, .span = SPAN_DAY, .name = name };

        buffer_clear(&sql);
        assert_int_equal(question_put(&sql, &(struct question){ .query = &query,
                                                                .dimension = dimension,
                                                                .rollup = rollup,
                                                                .own = own }),
                         0);
        return buffer_text(&sql);
}

static void lists_come_from_the_rollup_where_it_has_them(void **state _unused_)
{
        static const int rolled[] = { QUERY_ALL, DIMENSION_PAGES, DIMENSION_ASSETS, DIMENSION_NOT_FOUND, DIMENSION_REFERRERS,
                                      DIMENSION_CAMPAIGNS, DIMENSION_BROWSERS, DIMENSION_STATUS, DIMENSION_COUNTRIES };
        static const int events[] = { DIMENSION_REFERRER_PAGES, DIMENSION_GOALS, STORE_EVENTS, STORE_PROPERTIES };

        for (size_t i = 0; i < LENGTH(rolled); i++) {
                assert_non_null(strstr(sql_of(rolled[i], true, NULL, NULL), " FROM rollup WHERE "));
                assert_non_null(strstr(sql_of(rolled[i], false, NULL, NULL), " FROM event WHERE "));
        }
        for (size_t i = 0; i < LENGTH(events); i++)
                assert_non_null(strstr(sql_of(events[i], true, NULL, NULL), " FROM event"));
        assert_true(question_has_list(STORE_OUTBOUND));
        assert_false(question_has_list(DIMENSION_ENTRY));
}

static void names_stay_names(void **state _unused_)
{
        static const char *const own[] = { "example.org", NULL };
        const char *sql = sql_of(DIMENSION_REFERRERS, true, "x') OR 1 --", own);

        assert_null(strstr(sql, "OR 1"));
        assert_non_null(strstr(sql, "name = unhex('782729204F522031202D2D')"));
        assert_non_null(strstr(sql, "name != unhex('6578616D706C652E6F7267')"));
        assert_non_null(strstr(sql_of(DIMENSION_PAGES, false, "/shop/*", NULL), "substring(path, 1, 6) = unhex('2F73686F702F')"));
}

static void only_whole_hours_are_asked_for(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(1U << 20);
        const struct store_query query = { .dimension = QUERY_ALL,
                                           .span = QUERY_ONCE,
                                           .from_us = INT64_C(3600000000) * 25 + 1,
                                           .until_us = INT64_C(3600000000) * 30 + 1 };

        assert_int_equal(question_put(&sql, &(struct question){ .query = &query, .dimension = QUERY_ALL, .rollup = true }), 0);
        assert_non_null(strstr(buffer_text(&sql), "day >= toDate(1) AND toInt64(toUInt16(day)) * 24 + hour >= 25"));
        assert_non_null(strstr(buffer_text(&sql), "day <= toDate(1) AND toInt64(toUInt16(day)) * 24 + hour < 31"));
}

static void names_in_visits_and_funnels_stay_names(void **state _unused_)
{
        static const char *const goals[] = { "one", "x') OR 1 --" };
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(1U << 20);
        const struct store_query query = { .site = "it's", .name = "') OR 1", .span = SPAN_HOUR };
        const struct question question = { .query = &query, .dimension = DIMENSION_EXIT };

        assert_int_equal(visits_put(&sql, &question), 0);
        assert_int_equal(visits_put_funnel(&sql, &question, goals, LENGTH(goals)), 0);
        assert_null(strstr(buffer_text(&sql), "OR 1"));
        assert_null(strstr(buffer_text(&sql), "it's"));
        assert_non_null(strstr(buffer_text(&sql), "step0 > 0 AND at > step0"));
        assert_true(visits_are_all(DIMENSION_ENTRY));
        assert_false(visits_has_list(DIMENSION_PAGES));
}

/* Today's servers refuse a join with a subquery that has no name. */
static void what_is_joined_has_a_name(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(1U << 20);

        assert_int_equal(question_put_embedders(&sql, 0, 0), 0);
        assert_non_null(strstr(buffer_text(&sql), ") AS fetched ANY LEFT JOIN ("));
        assert_non_null(strstr(buffer_text(&sql), ") AS named USING "));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lists_come_from_the_rollup_where_it_has_them),
                cmocka_unit_test(names_stay_names),
                cmocka_unit_test(names_in_visits_and_funnels_stay_names),
                cmocka_unit_test(only_whole_hours_are_asked_for),
                cmocka_unit_test(what_is_joined_has_a_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
