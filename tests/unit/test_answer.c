/* test_answer.c - spread/answer.h: what several servers said, put together. */
#include "tests.h"

#include "spread/answer.h"
#include "spread/row.h"

static void put_number(struct buffer *bytes, uint64_t value, size_t size)
{
        for (size_t i = 0; i < size; i++)
                assert_int_equal(buffer_append_byte(bytes, (char)(value >> (8 * i))), 0);
}

static void put(struct buffer *bytes, const char *name, int64_t start, uint64_t hits, uint64_t visitors, uint16_t day)
{
        assert_int_equal(row_put_text(bytes, name, strlen(name)), 0);
        put_number(bytes, (uint64_t)start, 8);
        put_number(bytes, hits, 8);
        put_number(bytes, visitors, 8);
        for (int i = 0; i < 3; i++)
                put_number(bytes, 0, 8);
        put_number(bytes, day, 2);
        put_number(bytes, day, 2);
}

static void names_of_all_servers_add_up(void **state _unused_)
{
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        _cleanup_(buffer_done) struct buffer one = BUFFER_INIT(10000), other = BUFFER_INIT(10000);

        put(&one, "/a", 0, 1, 1, 7);
        put(&one, "/b", 0, 5, 2, 9);
        put(&other, "/a", 0, 3, 2, 8);
        put(&other, "/c", 0, 4, 9, 8);
        assert_int_equal(answer_take(&rows, &one, SPAN_MONTH), 0);
        assert_int_equal(answer_take(&rows, &other, SPAN_MONTH), 0);
        assert_int_equal(answer_settle(&rows, METRIC_HITS, 0), 0);
        assert_int_equal(rows.count, 3);
        assert_int_equal(rows.names, 3);
        assert_memory_equal(rows.rows[0].name, "/b", 2);
        assert_memory_equal(rows.rows[1].name, "/a", 2); /* 4 as /c: then by name */
        assert_int_equal(rows.rows[1].figures.hits, 4);
        assert_int_equal(rows.rows[1].figures.visitors, 3);
        assert_int_equal(rows.first_day, 7);
        assert_int_equal(rows.last_day, 9);
}

/* The most over the whole time decides, and a name that is small on each server may be large together. */
static void the_top_is_that_of_all_together(void **state _unused_)
{
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        _cleanup_(buffer_done) struct buffer one = BUFFER_INIT(10000), other = BUFFER_INIT(10000);

        put(&one, "x", 2, 6, 1, 7);
        put(&one, "both", 1, 4, 1, 7);
        put(&other, "y", 1, 7, 1, 7);
        put(&other, "both", 2, 4, 1, 7);
        assert_int_equal(answer_take(&rows, &one, SPAN_MONTH), 0);
        assert_int_equal(answer_take(&rows, &other, SPAN_MONTH), 0);
        assert_int_equal(answer_settle(&rows, METRIC_HITS, 1), 0);
        assert_int_equal(rows.count, 2);
        assert_int_equal(rows.names, 3);
        assert_memory_equal(rows.rows[0].name, "both", 4);
        assert_int_equal(rows.rows[0].start, 1);
        assert_int_equal(rows.rows[1].start, 2);
}

static void a_piece_of_an_answer_is_none(void **state _unused_)
{
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        _cleanup_(buffer_done) struct buffer good = BUFFER_INIT(10000), bad = BUFFER_INIT(10000);

        put(&good, "/a", 0, 1, 1, 7);
        assert_int_equal(answer_take(&rows, &good, SPAN_MONTH), 0);
        put(&bad, "/b", 0, 1, 1, 7);
        put(&bad, "/c", 0, 1, 1, 7);
        bad.length--;
        assert_int_equal(answer_take(&rows, &bad, SPAN_MONTH), -EBADMSG);
        assert_int_equal(rows.count, 1);
        assert_int_equal(answer_settle(&rows, METRIC_HITS, 0), 0);
        assert_int_equal(rows.count, 1);
}

static void visits_are_added_to_other_figures(void **state _unused_)
{
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        _cleanup_(buffer_done) struct buffer figures = BUFFER_INIT(10000), visits = BUFFER_INIT(10000);

        put(&figures, "/a", 0, 9, 5, 7);
        put(&visits, "/a", 0, 4, 3, 7);
        assert_int_equal(answer_take(&rows, &figures, SPAN_MONTH), 0);
        assert_int_equal(answer_take_visits(&rows, &visits, SPAN_MONTH, false), 0);
        assert_int_equal(answer_settle(&rows, METRIC_VISITS, 0), 0);
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.rows[0].figures.hits, 9);
        assert_int_equal(rows.rows[0].figures.visitors, 5);
        assert_int_equal(rows.rows[0].figures.visits, 4);
}

static void first_and_last_pages_are_visits(void **state _unused_)
{
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        _cleanup_(buffer_done) struct buffer visits = BUFFER_INIT(10000);

        put(&visits, "/a", 0, 4, 3, 7);
        assert_int_equal(answer_take_visits(&rows, &visits, SPAN_MONTH, true), 0);
        assert_int_equal(rows.rows[0].figures.hits, 4);
        assert_int_equal(rows.rows[0].figures.visits, 4);
        assert_int_equal(rows.rows[0].figures.visitors, 3);
}

/* Who answers one of two questions is left out with both. */
static void the_rows_of_one_can_be_dropped(void **state _unused_)
{
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        _cleanup_(buffer_done) struct buffer one = BUFFER_INIT(10000), other = BUFFER_INIT(10000), none = BUFFER_INIT(10);

        put(&one, "", 0, 1, 1, 7);
        put(&other, "", 0, 2, 1, 7);
        put(&one, "/b", 0, 4, 1, 7);
        assert_int_equal(answer_take(&rows, &one, SPAN_MONTH), 0);
        assert_int_equal(answer_take(&rows, &other, SPAN_MONTH), 0);
        answer_drop(&rows, &none);
        assert_int_equal(rows.count, 3);
        answer_drop(&rows, &one);
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.rows[0].figures.hits, 2);
}

/* Of a server that lies: `day` is the row's only one. */
static int take_start(int64_t start, uint16_t day, int span)
{
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(1000);
        int r;

        put(&bytes, "/a", 0, 0, 0, 0);
        put(&bytes, "/a", start, 1, 1, day);
        r = answer_take(&rows, &bytes, span);
        assert_int_equal(rows.count, r == 0);
        return r;
}

static void a_time_that_no_server_has_is_none(void **state _unused_)
{
        static const int64_t starts[] = { -1, INT64_MAX, INT64_MIN, INT64_C(65536) * 24 };

        for (size_t i = 0; i < LENGTH(starts); i++)
                for (int span = QUERY_ONCE; span <= SPAN_MONTH; span++)
                        assert_int_equal(take_start(starts[i], UINT16_MAX, span), -EBADMSG);
        assert_int_equal(take_start(UINT16_MAX * 24 + 23, UINT16_MAX, SPAN_HOUR), 0);
        assert_int_equal(take_start(20000 * 24 + 23, 20000, SPAN_HOUR), 0);
        assert_int_equal(take_start(20000 * 24 + 24, 20000, SPAN_HOUR), -EBADMSG);
        assert_int_equal(take_start(20000 * 24 - 1, 20000, SPAN_HOUR), -EBADMSG);
        assert_int_equal(take_start(20000, 20000, SPAN_DAY), 0);
        assert_int_equal(take_start(20001, 20000, SPAN_DAY), -EBADMSG);
        assert_int_equal(take_start(657, 20000, SPAN_MONTH), 0);
        assert_int_equal(take_start(20000, 20000, SPAN_MONTH), -EBADMSG);
        assert_int_equal(take_start(0, 20000, QUERY_ONCE), 0);
        assert_int_equal(take_start(1, 20000, QUERY_ONCE), -EBADMSG);
        assert_true(answer_times(5, 5));
        assert_false(answer_times(6, 5));
        assert_true(answer_times(0, UINT64_C(65536) * 86400000 - 1));
        assert_false(answer_times(0, UINT64_C(65536) * 86400000));
        assert_false(answer_times(UINT64_MAX, UINT64_MAX));
}

static void days_that_end_before_they_begin_are_none(void **state _unused_)
{
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(1000);

        put(&bytes, "/a", 0, 1, 1, 7);
        bytes.data[bytes.length - 2] = 6;
        assert_int_equal(answer_take(&rows, &bytes, QUERY_ONCE), -EBADMSG);
}

/* 2^64 - 5 hits of one server would be 5 fewer of another. */
static void what_one_server_says_takes_nothing_from_another(void **state _unused_)
{
        static const uint64_t lies[] = { UINT64_MAX - 4, UINT64_MAX, UINT64_C(1) << 63, ANSWER_COUNT_MAXIMUM + 1 };
        uint64_t sum = 0;

        for (size_t i = 0; i < LENGTH(lies); i++) {
                _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
                _cleanup_(buffer_done) struct buffer hits = BUFFER_INIT(1000), visitors = BUFFER_INIT(1000);

                put(&hits, "/a", 0, lies[i], 1, 7);
                put(&visitors, "/a", 0, 1, lies[i], 7);
                assert_int_equal(answer_take(&rows, &hits, QUERY_ONCE), -EBADMSG);
                assert_int_equal(answer_take(&rows, &visitors, QUERY_ONCE), -EBADMSG);
        }
        /* Nor many rows together. */
        assert_true(answer_add(&sum, ANSWER_COUNT_MAXIMUM));
        assert_true(answer_add(&sum, 0));
        assert_false(answer_add(&sum, 1));
        assert_false(answer_add(&sum, UINT64_MAX));
        assert_true(sum == ANSWER_COUNT_MAXIMUM);
}

static void nothing_is_nothing(void **state _unused_)
{
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(1000);

        put(&bytes, "", 0, 0, 0, 0);
        assert_int_equal(answer_take(&rows, &bytes, SPAN_MONTH), 0);
        assert_int_equal(answer_settle(&rows, METRIC_HITS, 0), 0);
        assert_int_equal(rows.count, 0);
        assert_true(rows.first_day > rows.last_day);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_of_all_servers_add_up),
                cmocka_unit_test(the_top_is_that_of_all_together),
                cmocka_unit_test(a_piece_of_an_answer_is_none),
                cmocka_unit_test(visits_are_added_to_other_figures),
                cmocka_unit_test(first_and_last_pages_are_visits),
                cmocka_unit_test(the_rows_of_one_can_be_dropped),
                cmocka_unit_test(a_time_that_no_server_has_is_none),
                cmocka_unit_test(days_that_end_before_they_begin_are_none),
                cmocka_unit_test(what_one_server_says_takes_nothing_from_another),
                cmocka_unit_test(nothing_is_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
