/* test_interval.c - interval.h and sightings.h: what a journal tells becomes four times. */
#include "tests.h"

#include <jansson.h>

#include "incident/interval.h"
#include "incident/sightings.h"

#define GOOD(at)          { "web2", "/www", NULL, at, at, TIME_OPEN, true, false, "", (uint64_t)at }
#define BAD(path, at, since) { "web2", "/www", path, at, at, since, false, false, "", (uint64_t)at }

static struct intervals build(const struct sighting *sightings, size_t count)
{
        struct intervals intervals = { 0 };
        struct error error = ERROR_NONE;

        assert_int_equal(intervals_from_sightings(sightings, count, &intervals, &error), 0);
        return intervals;
}

static void expect(const struct interval *interval, const char *path, int64_t last_good, int64_t first_bad,
                   int64_t last_bad, int64_t first_good, bool watched)
{
        assert_string_equal(interval->path, path);
        assert_true(interval->times.last_good == last_good);
        assert_true(interval->times.first_bad == first_bad);
        assert_true(interval->times.last_bad == last_bad);
        assert_true(interval->times.first_good == first_good);
        assert_int_equal(interval->times.watched, watched);
}

static void test_one(void **state)
{
        const struct sighting sightings[] = { GOOD(10), BAD("/a", 20, 5), BAD("/a", 30, 5), GOOD(40) };
        struct intervals intervals = build(sightings, LENGTH(sightings));

        (void)state;
        assert_int_equal(intervals.count, 1);
        expect(&intervals.list[0], "/a", 10, 20, 30, 40, true);
        assert_string_equal(intervals.list[0].source, "journal of web2, records 20 to 40");
        intervals_done(&intervals);
}

static void test_history_and_end_unknown(void **state)
{
        const struct sighting sightings[] = { BAD("/a", 20, TIME_OPEN) };
        struct intervals intervals = build(sightings, 1);

        (void)state;
        assert_int_equal(intervals.count, 1);
        expect(&intervals.list[0], "/a", TIME_NEVER, 20, 20, TIME_OPEN, true);
        intervals_done(&intervals);
}

static void test_it_comes_and_goes(void **state)
{
        const struct sighting sightings[] = { GOOD(50), BAD("/b", 20, 5), BAD("/a", 60, 5), GOOD(10), GOOD(30),
                                              BAD("/a", 20, 5),           GOOD(70) };
        struct intervals intervals = build(sightings, LENGTH(sightings));

        (void)state;
        assert_int_equal(intervals.count, 3);
        expect(&intervals.list[0], "/a", 10, 20, 20, 30, true);
        expect(&intervals.list[1], "/a", 50, 60, 60, 70, true);
        expect(&intervals.list[2], "/b", 10, 20, 20, 30, true);
        intervals_done(&intervals);
}

/* Between two comparisons anything may have happened; a guard that came later did not see it. */
static void test_unwatched(void **state)
{
        const struct sighting sightings[] = { BAD("/a", 20, TIME_OPEN), BAD("/a", 30, 25), BAD("/b", 20, 5),
                                              BAD("/b", 30, 5) };
        struct intervals intervals = build(sightings, LENGTH(sightings));

        (void)state;
        assert_int_equal(intervals.count, 2);
        expect(&intervals.list[0], "/a", TIME_NEVER, 20, 30, TIME_OPEN, false);
        expect(&intervals.list[1], "/b", TIME_NEVER, 20, 30, TIME_OPEN, true);
        intervals_done(&intervals);
}

static void test_another_server_is_another(void **state)
{
        struct sighting sightings[] = { GOOD(10), BAD("/a", 20, 5), GOOD(30) };
        struct intervals intervals;

        (void)state;
        sightings[0].server = "web1";
        sightings[2].dest = "/other";
        intervals = build(sightings, LENGTH(sightings));
        assert_int_equal(intervals.count, 1);
        expect(&intervals.list[0], "/a", TIME_NEVER, 20, 20, TIME_OPEN, true);
        intervals_done(&intervals);
}

/* A comparison took from 20 to 25: bad for certain from its end on, good until its beginning. */
static void test_spans(void **state)
{
        struct sighting sightings[] = { GOOD(10), BAD("/a", 25, 5), BAD("/a", 45, 5), GOOD(60) };
        struct intervals intervals;

        (void)state;
        sightings[0].from = 5;
        sightings[1].from = 20;
        sightings[2].from = 40;
        sightings[3].from = 55;
        intervals = build(sightings, LENGTH(sightings));
        expect(&intervals.list[0], "/a", 5, 25, 40, 60, true);
        intervals_done(&intervals);
}

/* ---- records ---- */

static const char *const records[] = {
        "{\"kind\":\"pull_started\",\"time\":\"2026-01-01T00:00:01Z\"}",
        "{\"kind\":\"pull_finished\",\"time\":\"2026-01-01T00:00:02Z\"}",
        "{\"kind\":\"guard_started\",\"time\":\"2026-01-01T00:00:03Z\"}",
        "{\"kind\":\"finding\",\"time\":\"2026-01-01T00:00:10Z\",\"path\":\"login.html\",\"root\":\"docroot\","
        "\"difference\":\"content\",\"action\":\"observed\",\"evidence\":"
        "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}",
        "{\"kind\":\"finding\",\"time\":\"2026-01-01T00:00:11Z\",\"path\":\"a.css\",\"root\":\"docroot\","
        "\"difference\":\"mode\",\"action\":\"observed\"}",
        "{\"kind\":\"verify_started\",\"time\":\"2026-01-01T00:00:20Z\"}",
        "{\"kind\":\"difference\",\"time\":\"2026-01-01T00:00:22Z\",\"path\":\"login.html\",\"root\":\"docroot\","
        "\"difference\":\"content\"}",
        "{\"kind\":\"verify_finished\",\"time\":\"2026-01-01T00:00:23Z\",\"genuine\":false}",
        "{\"kind\":\"difference\",\"time\":\"2026-01-01T00:00:24Z\",\"path\":\"up\\\\040date/\",\"root\":\"docroot\","
        "\"difference\":\"extra\"}",
        "{\"kind\":\"pull_started\",\"time\":\"2026-01-01T00:00:30Z\"}",
        "{\"kind\":\"pull_finished\",\"time\":\"2026-01-01T00:00:31Z\"}",
};

#define EPOCH INT64_C(1767225600) /* 2026-01-01 */

static int64_t at(int64_t second)
{
        return (EPOCH + second) * 1000000;
}

static void take(struct sightings *sightings, const char *text, uint64_t sequence)
{
        struct error error = ERROR_NONE;
        json_t *record = json_loads(text, 0, NULL);

        assert_non_null(record);
        json_object_set_new(record, "server", json_string("web2"));
        json_object_set_new(record, "dest", json_string("/www"));
        json_object_set_new(record, "sequence", json_integer((json_int_t)sequence));
        assert_int_equal(sightings_take(sightings, record, &error), 0);
        json_decref(record);
}

static void test_records(void **state)
{
        struct sightings sightings = { 0 };
        struct intervals intervals;

        (void)state;
        for (size_t i = 0; i < LENGTH(records); i++)
                take(&sightings, records[i], i);
        intervals = build(sightings.list, sightings.count);
        assert_int_equal(intervals.count, 2);
        expect(&intervals.list[0], "/login.html", at(1), at(10), at(20), at(31), true);
        assert_true(intervals.list[0].own_clock);
        assert_string_equal(intervals.list[0].digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        expect(&intervals.list[1], "/up date/*", at(1), at(24), at(24), at(31), true);
        intervals_done(&intervals);
        sightings_done(&sightings);
}

static void test_a_gap_of_the_guard(void **state)
{
        struct sightings sightings = { 0 };
        struct intervals intervals;

        (void)state;
        for (size_t i = 0; i < 4; i++)
                take(&sightings, records[i], i);
        take(&sightings, "{\"kind\":\"guard_gap\",\"time\":\"2026-01-01T00:00:15Z\"}", 4);
        take(&sightings, "{\"kind\":\"guard_started\",\"time\":\"2026-01-01T00:00:15Z\"}", 5);
        take(&sightings, records[6], 6);
        intervals = build(sightings.list, sightings.count);
        assert_int_equal(intervals.count, 1);
        expect(&intervals.list[0], "/login.html", at(1), at(10), at(22), TIME_OPEN, false);
        intervals_done(&intervals);
        sightings_done(&sightings);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one),       cmocka_unit_test(test_history_and_end_unknown),
                cmocka_unit_test(test_it_comes_and_goes), cmocka_unit_test(test_unwatched),
                cmocka_unit_test(test_another_server_is_another), cmocka_unit_test(test_spans),
                cmocka_unit_test(test_records),   cmocka_unit_test(test_a_gap_of_the_guard),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
