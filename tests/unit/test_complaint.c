/* complaint.c - the verdict over what was compared, in all combinations; names of a path; reports that lie. */
#include "tests.h"

#include <string.h>

#include "base/attributes.h"
#include "incident/complaint.h"

static json_t *new_one(const char *path)
{
        return complaint_new(1246856400 * INT64_C(1000000), &path, 1);
}

/* A tree's report with this verdict; NULL for unknown. */
static void add_tree(json_t *comparison, enum complaint_verdict verdict)
{
        json_t *report = verdict == COMPLAINT_GENUINE ? json_pack("{s:b, s:I, s:[]}", "genuine", 1, "release",
                                                                  (json_int_t)3, "differences")
                         : verdict == COMPLAINT_DIFFERS
                                 ? json_pack("{s:b, s:[{s:s, s:s}]}", "genuine", 0, "differences", "path", "x", "kind",
                                             "content")
                                 : NULL;

        assert_int_equal(complaint_add_tree(comparison, "web1", "/srv", report, report ? NULL : "it is silent"), 0);
        json_decref(report);
}

static void what_is_unknown_is_never_genuine(void **state _unused_)
{
        for (int first = -1; first <= COMPLAINT_DIFFERS; first++)
                for (int second = -1; second <= COMPLAINT_DIFFERS; second++) {
                        json_t *comparison = new_one("/login.html");
                        const bool differs = first == COMPLAINT_DIFFERS || second == COMPLAINT_DIFFERS;
                        const bool unknown = first == COMPLAINT_UNKNOWN || second == COMPLAINT_UNKNOWN;
                        const bool nothing = first < 0 && second < 0;

                        if (first >= 0)
                                add_tree(comparison, (enum complaint_verdict)first);
                        if (second >= 0)
                                add_tree(comparison, (enum complaint_verdict)second);
                        assert_int_equal(complaint_verdict(comparison),
                                         differs              ? COMPLAINT_DIFFERS
                                         : unknown || nothing ? COMPLAINT_UNKNOWN
                                                              : COMPLAINT_GENUINE);
                        assert_string_equal(json_string_value(json_object_get(comparison, "verdict")),
                                            complaint_verdict_name(complaint_verdict(comparison)));
                        json_decref(comparison);
                }
        assert_int_equal(complaint_verdict(NULL), COMPLAINT_UNKNOWN);
}

static void only_a_whole_answer_with_the_right_bytes_is_genuine(void **state _unused_)
{
        static const struct {
                struct complaint_served served;
                enum complaint_verdict verdict;
        } cases[] = {
                {{ .status = 200, .sha256 = "aa", .expected = "aa" },                          COMPLAINT_GENUINE},
                { { .status = 200, .sha256 = "aa", .expected = "aa", .program = true },        COMPLAINT_GENUINE},
                { { .status = 200, .sha256 = "bb", .expected = "aa" },                         COMPLAINT_DIFFERS},
                { { .status = 200, .sha256 = "bb", .expected = "aa", .program = true },        COMPLAINT_UNKNOWN},
                { { .status = 200, .sha256 = "aa" },                                           COMPLAINT_UNKNOWN},
                { { .status = 404, .sha256 = "aa", .expected = "aa" },                         COMPLAINT_UNKNOWN},
                { { .status = 302, .sha256 = "bb", .expected = "aa" },                         COMPLAINT_UNKNOWN},
                { { .status = 200, .sha256 = "aa", .expected = "aa", .why = "it did not come" }, COMPLAINT_UNKNOWN},
        };

        for (size_t i = 0; i < LENGTH(cases); i++) {
                struct complaint_served served = cases[i].served;
                json_t *comparison = new_one("/login.html");

                served.url = "http://www.example.org/";
                served.address = "";
                served.as = "browser";
                assert_int_equal(complaint_add_served(comparison, &served), 0);
                assert_int_equal(complaint_verdict(comparison), cases[i].verdict);
                json_decref(comparison);
        }
}

/* An agent on a server that an intruder has says what it likes. */
static void a_report_that_is_none_is_unknown(void **state _unused_)
{
        static const char *const reports[] = {
                "{}", "[]", "1", "{\"genuine\": \"true\"}", "{\"genuine\": false}",
                "{\"genuine\": false, \"differences\": 7}", "{\"genuine\": false, \"changing\": true, \"differences\": []}",
        };

        for (size_t i = 0; i < LENGTH(reports); i++) {
                json_t *comparison = new_one("/login.html"), *report = json_loads(reports[i], JSON_DECODE_ANY, NULL);

                assert_non_null(report);
                assert_int_equal(complaint_add_tree(comparison, "web1", "/srv", report, NULL), 0);
                assert_int_equal(complaint_verdict(comparison), COMPLAINT_UNKNOWN);
                json_decref(report);
                json_decref(comparison);
        }
}

static void hostile_names_are_written_escaped(void **state _unused_)
{
        json_t *comparison = new_one("/a\n<b>\x1b[2J");
        json_t *report = json_pack("{s:b, s:[{s:s, s:s}, {s:i}]}", "genuine", 0, "differences", "path", "x\x1b[2J", "kind",
                                   "con\ntent", "path", 7);
        char *text;

        assert_int_equal(complaint_add_tree(comparison, "we\x1b", "/srv\xff", report, NULL), 0);
        text = json_dumps(comparison, JSON_COMPACT);
        assert_non_null(text);
        assert_null(strstr(text, "\\u001b"));
        assert_null(strstr(text, "\\n"));
        assert_non_null(strstr(text, "\\\\012<b>\\\\033[2J"));
        free(text);
        json_decref(report);
        json_decref(comparison);
}

static void the_page_is_found_among_the_differences(void **state _unused_)
{
        static const struct {
                const char *path, *difference;
                bool here;
        } cases[] = {
                {"/login.html",            "login.html",           true },
                { "/login.html?next=/x#y", "login.html",           true },
                { "//%6cogin.html",        "login.html",           true },
                { "/login.html",           "login.htm",            false},
                { "/login/",               "login/index.html",     true },
                { "/login/",               "login/index.php",      true },
                { "/login/",               "login/other.html",     false},
                { "/login/",               "login/",               true }, /* an extra folder */
                { "/login/a.html",         "login",                true }, /* a missing one */
                { "/login/a.html",         "log",                  false},
                { "/login.html",           ".",                    true }, /* the whole tree */
                { "/",                     "index.html",           true },
                { "/../../etc/passwd",     "etc/passwd",           true },
        };

        for (size_t i = 0; i < LENGTH(cases); i++) {
                json_t *comparison = new_one(cases[i].path);
                json_t *report = json_pack("{s:b, s:[{s:s, s:s}]}", "genuine", 0, "differences", "path",
                                           cases[i].difference, "kind", "content");

                assert_int_equal(complaint_add_tree(comparison, "", "/srv", report, NULL), 0);
                assert_int_equal(json_is_true(json_object_get(
                                         json_array_get(json_object_get(comparison, "trees"), 0), "here")),
                                 cases[i].here);
                json_decref(report);
                json_decref(comparison);
        }
}

static void what_is_no_path_has_no_name(void **state _unused_)
{
        static const char *const paths[] = { "", "login.html", "http://x/login.html", "?x" };
        char names[COMPLAINT_NAMES][COMPLAINT_NAME_SIZE], path[5000];

        for (size_t i = 0; i < LENGTH(paths); i++)
                assert_int_equal(complaint_names(paths[i], names), 0);
        memset(path, 'a', sizeof(path) - 1);
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        assert_int_equal(complaint_names(path, names), 0);
        assert_int_equal(complaint_names("/docs/", names), 3);
        assert_string_equal(names[0], "docs/index.html");
        assert_true(complaint_is_program("login/index.php"));
        assert_false(complaint_is_program("login.html"));
}

static void a_source_has_one_name(void **state _unused_)
{
        enum complaint_source source, found;

        for (source = COMPLAINT_CUSTOMER; source < COMPLAINT_SOURCES; source++) {
                assert_true(complaint_source_parse(complaint_source_name(source), &found));
                assert_int_equal(found, source);
        }
        assert_false(complaint_source_parse("", &found));
        assert_false(complaint_source_parse("customers", &found));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_unknown_is_never_genuine),
                cmocka_unit_test(only_a_whole_answer_with_the_right_bytes_is_genuine),
                cmocka_unit_test(a_report_that_is_none_is_unknown),
                cmocka_unit_test(hostile_names_are_written_escaped),
                cmocka_unit_test(the_page_is_found_among_the_differences),
                cmocka_unit_test(what_is_no_path_has_no_name),
                cmocka_unit_test(a_source_has_one_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
