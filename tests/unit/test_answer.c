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
        assert_int_equal(answer_take(&rows, &one), 0);
        assert_int_equal(answer_take(&rows, &other), 0);
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
        assert_int_equal(answer_take(&rows, &one), 0);
        assert_int_equal(answer_take(&rows, &other), 0);
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
        assert_int_equal(answer_take(&rows, &good), 0);
        put(&bad, "/b", 0, 1, 1, 7);
        put(&bad, "/c", 0, 1, 1, 7);
        bad.length--;
        assert_int_equal(answer_take(&rows, &bad), -EBADMSG);
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
        assert_int_equal(answer_take(&rows, &figures), 0);
        assert_int_equal(answer_take_visits(&rows, &visits, false), 0);
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
        assert_int_equal(answer_take_visits(&rows, &visits, true), 0);
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
        assert_int_equal(answer_take(&rows, &one), 0);
        assert_int_equal(answer_take(&rows, &other), 0);
        answer_drop(&rows, &none);
        assert_int_equal(rows.count, 3);
        answer_drop(&rows, &one);
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.rows[0].figures.hits, 2);
}

static void a_time_that_no_server_has_is_none(void **state _unused_)
{
        static const int64_t starts[] = { -1, INT64_MAX, INT64_MIN, INT64_C(65536) * 24 };

        for (size_t i = 0; i < LENGTH(starts); i++) {
                _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
                _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(1000);

                put(&bytes, "/a", starts[i], 1, 1, 7);
                assert_int_equal(answer_take(&rows, &bytes), -EBADMSG);
                assert_int_equal(rows.count, 0);
        }
}

static void nothing_is_nothing(void **state _unused_)
{
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(1000);

        put(&bytes, "", 0, 0, 0, 0);
        assert_int_equal(answer_take(&rows, &bytes), 0);
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
                cmocka_unit_test(nothing_is_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
