/* test_store.c - store.h: what is asked of rollups, how long they are kept, and when a server was left out. */
#include "tests.h"

#include "accesslog/follow.h"
#include "analyze/live.h"
#include "analyze/store_private.h"
#include "base/text.h"

static char folder[TESTS_FOLDER_SIZE], store_path[TESTS_FOLDER_SIZE + 16], salts_path[TESTS_FOLDER_SIZE + 16],
        log_path[TESTS_FOLDER_SIZE + 16];
static int directory;
static struct error error;
static struct store *store;

#define DAY_US INT64_C(86400000000)

/* 40 days from 2026-05-01 on, in each hour from 9 to 11 one request of each of three pages by one visitor, and one that
 * nobody got. */
static void write_log(void)
{
        FILE *log = fopen(log_path, "w");

        assert_non_null(log);
        for (int day = 0; day < 40; day++)
                for (int hour = 9; hour < 12; hour++)
                        for (int page = 0; page < 4; page++)
                                fprintf(log,
                                        "192.0.2.%d - - [%02d/%s/2026:%02d:00:%02d +0000] \"GET %s HTTP/1.1\" %d 10 "
                                        "\"-\" "
                                        "\"Firefox\"\n",
                                        hour, day < 31 ? day + 1 : day - 30, day < 31 ? "May" : "Jun", hour, page,
                                        page < 3 ? (page == 0   ? "/a"
                                                    : page == 1 ? "/b"
                                                                : "/c")
                                                 : "/none",
                                        page < 3 ? 200 : 404);
        fclose(log);
}

static void count(const struct live_options *options)
{
        const char *const paths[] = { log_path };
        struct follow *follow;
        struct follow_block block;
        struct salts *salts;
        struct live *live;

        assert_int_equal(salts_open(salts_path, &salts, &error), 0);
        assert_int_equal(live_new(store, salts, options, &live, &error), 0);
        assert_int_equal(follow_new(paths, 1, &follow, &error), 0);
        while (follow_next(follow, &block, &error) > 0)
                assert_int_equal(live_block(live, &block, &error), 0);
        assert_int_equal(live_commit(live, follow, &error), 0);
        follow_free(follow);
        live_free(live);
        salts_free(salts);
}

static int setup(void **state)
{
        const struct live_options options = { 0 };

        (void)state;
        error = ERROR_NONE;
        directory = tests_folder(folder);
        snprintf(store_path, sizeof(store_path), "%s/store", folder);
        snprintf(salts_path, sizeof(salts_path), "%s/salts", folder);
        snprintf(log_path, sizeof(log_path), "%s/log", folder);
        write_log();
        if (directory < 0 || store_open(store_path, true, &store, &error) < 0)
                return -1;
        count(&options);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        store_close(store);
        close(directory);
        tests_folder_remove(folder);
        return 0;
}

/* Days since 2026-05-01 in microseconds. */
static int64_t day(int number)
{
        return INT64_C(1777593600) * 1000000 + number * DAY_US;
}

static uint64_t hits(const struct store_query *query, size_t row)
{
        struct store_answer answer;
        uint64_t found;

        assert_int_equal(store_query(store, query, &answer, &error), 0);
        assert_true(row < answer.count);
        found = answer.rows[row].figures.hits;
        store_answer_done(&answer);
        return found;
}

static void questions(void **state)
{
        struct store_query query = { .dimension = QUERY_ALL, .span = QUERY_ONCE };
        struct store_answer answer;

        (void)state;
        assert_int_equal(hits(&query, 0), 40 * 12);
        query.from_us = day(2);
        query.until_us = day(4);
        assert_int_equal(hits(&query, 0), 2 * 12);
        query.from_us = day(2) + 10 * 3600 * INT64_C(1000000);
        assert_int_equal(hits(&query, 0), 2 * 12 - 4);
        query = (struct store_query){ .dimension = DIMENSION_PAGES, .span = SPAN_MONTH };
        assert_int_equal(store_query(store, &query, &answer, &error), 0);
        assert_int_equal(answer.names, 4);
        assert_int_equal(answer.count, 8); /* each of them in two months */
        assert_int_equal(answer.rows[0].figures.hits + answer.rows[1].figures.hits, 120);
        assert_int_equal(answer.visitors, VISITORS_SUM_OF_DAYS);
        store_answer_done(&answer);
        query = (struct store_query){ .dimension = DIMENSION_PAGES, .span = QUERY_ONCE, .name = "/b" };
        assert_int_equal(hits(&query, 0), 120);
        query.name = "/n*";
        query.order = METRIC_ERRORS;
        assert_int_equal(hits(&query, 0), 120);
        query = (struct store_query){ .site = "www.nowhere.example", .dimension = QUERY_ALL, .span = QUERY_ONCE };
        assert_int_equal(store_query(store, &query, &answer, &error), -ENOENT);
}

static void retention(void **state)
{
        struct store_query query = { .dimension = QUERY_ALL, .span = QUERY_ONCE };
        struct store_answer answer;

        (void)state;
        assert_int_equal(store_retain(store, 5, 20, &error), 0);
        query.from_us = day(38) + 10 * 3600 * INT64_C(1000000); /* hours of the last days are there */
        assert_int_equal(hits(&query, 0), 2 * 12 - 4);
        query.from_us = day(25) + 10 * 3600 * INT64_C(1000000); /* those of earlier ones are not */
        assert_true(store_query(store, &query, &answer, &error) < 0);
        assert_int_equal(error.status, EXIT_USAGE);
        query.from_us = day(25);
        assert_int_equal(hits(&query, 0), 15 * 12);
        query.from_us = 0; /* the first day that is kept is 20 before the last */
        query.span = SPAN_DAY;
        assert_int_equal(store_query(store, &query, &answer, &error), 0);
        assert_int_equal(answer.count, 21);
        assert_int_equal(answer.rows[0].start, day(19) / DAY_US);
        store_answer_done(&answer);
        assert_int_equal(store_retain(store, 0, 0, &error), 0); /* names of what is gone go as well */
        query = (struct store_query){ .dimension = DIMENSION_PAGES, .span = QUERY_ONCE };
        assert_int_equal(hits(&query, 0), 3);
}

static void left_out(void **state)
{
        char *reason;

        (void)state;
        assert_int_equal(store_left_out(store, &reason, &error), 0);
        assert_null(reason);
        assert_int_equal(store_leave_out(store, "it differs", 100, &error), 0);
        assert_int_equal(store_leave_out(store, "it differs", 110, &error), 0);
        assert_int_equal(store_leave_out(store, "still", 120, &error), 0);
        assert_int_equal(store_left_out(store, &reason, &error), 0);
        assert_string_equal(reason, "still");
        free(reason);
        assert_int_equal(store_leave_out(store, NULL, 130, &error), 0);
        assert_int_equal(store_left_out(store, &reason, &error), 0);
        assert_null(reason);
        assert_int_equal(store_leave_out(store, "again, in the same second", 130, &error), 0);
        assert_int_equal(store_left_out(store, &reason, &error), 0);
        assert_string_equal(reason, "again, in the same second");
        free(reason);
}

static size_t replaced(struct replaced_salt *ret_first)
{
        const struct store_query query = { .dimension = QUERY_ALL, .span = QUERY_ONCE };
        struct store_answer answer;
        size_t found;

        assert_int_equal(store_query(store, &query, &answer, &error), 0);
        found = answer.replaced_salts.count;
        if (found)
                *ret_first = answer.replaced_salts.items[0];
        store_answer_done(&answer);
        return found;
}

/* Two lines more of 2026-06-09, by somebody who was there. */
static void append(void)
{
        FILE *log = fopen(log_path, "a");

        assert_non_null(log);
        for (int i = 0; i < 2; i++)
                fputs("192.0.2.9 - - [09/Jun/2026:12:00:00 +0000] \"GET /a HTTP/1.1\" 200 10 \"-\" \"Firefox\"\n", log);
        fclose(log);
}

/* The file of salts is replaced by one that has another salt for the days. */
static void replace_salts(char digit)
{
        char line[160];
        FILE *salts = fopen(salts_path, "w");

        assert_non_null(salts);
        snprintf(line, sizeof(line), "%d %lld %064d\n", (int)(day(39) / DAY_US), (long long)time(NULL), digit);
        fputs(line, salts);
        fclose(salts);
}

static void a_salt_that_was_replaced(void **state)
{
        const struct live_options options = { 0 };
        struct replaced_salt first = { 0 };
        int64_t before = time(NULL);

        (void)state;
        assert_int_equal(replaced(&first), 0);
        append();
        count(&options);
        assert_int_equal(replaced(&first), 0); /* the same salt */
        replace_salts(1);
        append();
        count(&options);
        assert_int_equal(replaced(&first), 1);
        assert_int_equal(first.day, day(39) / DAY_US);
        assert_true(first.time >= before && first.time <= time(NULL));
        before = first.time;
        replace_salts(2);
        append();
        count(&options);
        assert_int_equal(replaced(&first), 1);
        assert_int_equal(first.time, before); /* from when on the day is not to be trusted */
}

static int64_t number(const char *sql)
{
        sqlite3_stmt *statement = NULL;
        int64_t value;

        assert_int_equal(sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        value = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        return value;
}

/* One as version 3 made it: nothing is known of its salts, no figure is lost, and days that are open are watched from then. */
static void an_older_store(void **state)
{
        const struct store_query query = { .dimension = QUERY_ALL, .span = QUERY_ONCE };
        const struct live_options options = { 0 };
        struct replaced_salt first;

        (void)state;
        assert_int_equal(sqlite3_exec(store->database,
                                      "ALTER TABLE day DROP COLUMN salt_check; ALTER TABLE day DROP COLUMN salt_replaced;"
                                      "UPDATE day SET closed = 1 WHERE day % 2; PRAGMA user_version = 3",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        store_close(store);
        store = NULL;
        assert_true(store_open(store_path, false, &store, &error) < 0); /* who only reads does not change it */
        assert_int_equal(store_open(store_path, true, &store, &error), 0);
        assert_int_equal(number("PRAGMA user_version"), 4);
        assert_int_equal(number("SELECT count(*) FROM day WHERE closed"), 20);
        assert_int_equal(number("SELECT count(*) FROM day WHERE salt_check IS NOT NULL"), 0);
        assert_int_equal(hits(&query, 0), 40 * 12);
        append();
        count(&options);
        assert_int_equal(hits(&query, 0), 2 * 40 * 12 + 2); /* its marks were not read by count() */
        assert_int_equal(replaced(&first), 0);
        assert_int_equal(number("SELECT count(*) FROM day WHERE salt_check IS NOT NULL"), 20);
}

/* The log again with five pages that nobody asked for yet. */
static void append_pages(const char *prefix)
{
        FILE *log = fopen(log_path, "a");

        assert_non_null(log);
        for (int i = 0; i < 5; i++)
                fprintf(log,
                        "192.0.2.9 - - [09/Jun/2026:12:00:00 +0000] \"GET /%s%d HTTP/1.1\" 200 10 \"-\" \"Firefox\"\n",
                        prefix, i);
        fclose(log);
}

/* Names have 67 million ids, and whoever makes some up every hour has used them all in a few weeks: those of names that
 * went are given again, and when there is none, new names are "(other)". The analysis goes on. */
static void all_ids_of_names_are_used(void **state)
{
        const struct live_options options = { 0 };
        const struct store_query query = { .dimension = QUERY_ALL, .span = QUERY_ONCE };
        struct store_query others = { .dimension = DIMENSION_PAGES, .span = QUERY_ONCE, .name = "(other)" };
        int64_t gaps;

        (void)state;
        assert_int_equal(sqlite3_exec(store->database,
                                      "INSERT INTO name VALUES(67043327, 0, x'2f7a'); DELETE FROM name WHERE id IN (SELECT id"
                                      " FROM name WHERE dimension = 0 AND text = x'2f6e6f6e65')",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        gaps = number("SELECT count(*) FROM name");
        store_forget_names(store);
        append_pages("first");
        count(&options);
        assert_int_equal(hits(&query, 0), 2 * 40 * 12 + 5);
        assert_int_equal(number("SELECT max(id) FROM name"), 67043327);
        assert_true(number("SELECT count(*) FROM name") > gaps);
        assert_int_equal(number("SELECT count(*) FROM name WHERE text = x'2f666972737430'"), 1);
        store->name_gap = NAME_ID_MAXIMUM; /* as if none were free */
        append_pages("second");
        count(&options);
        assert_int_equal(hits(&query, 0), 3 * 40 * 12 + 2 * 5 + 5); /* the log from its beginning */
        assert_int_equal(number("SELECT count(*) FROM name WHERE text = x'2f7365636f6e6430'"), 0);
        assert_int_equal(hits(&others, 0), 5);
        assert_int_equal(number("SELECT max(id) FROM name"), 67043328); /* "(other)" itself, of those that are reserved */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(questions, setup, teardown),
                cmocka_unit_test_setup_teardown(retention, setup, teardown),
                cmocka_unit_test_setup_teardown(left_out, setup, teardown),
                cmocka_unit_test_setup_teardown(a_salt_that_was_replaced, setup, teardown),
                cmocka_unit_test_setup_teardown(an_older_store, setup, teardown),
                cmocka_unit_test_setup_teardown(all_ids_of_names_are_used, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
