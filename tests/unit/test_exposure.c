/* test_exposure.c - the pure parts of exposure: names of a path, login records, silences, spans, conditions, defanging,
 * pages. */
#include "tests.h"

#include "incident/coverage.h"
#include "incident/exposure.h"
#include "incident/logins.h"
#include "incident/pages.h"
#include "incident/disclosure.h"
#include "incident/susceptible.h"
#include "incident/target.h"

#define SECOND INT64_C(1000000)

/* ---- target.h ---- */

static void test_targets(void **state)
{
        static const struct {
                const char *request;
                uint16_t value;
        } requests[] = {
                {"/login.html",             1          },
                { "/%6Cogin.html",          1          },
                { "//login.html",           1          },
                { "/a/../login.html",       1          },
                { "/./login.html",          1          },
                { "/a/b/../../%2e%2e/login.html", 1    },
                { "/login.htm",             TARGET_NONE},
                { "/login.html/",           TARGET_NONE},
                { "/LOGIN.html",            TARGET_NONE},
                { "/docs/",                 2          },
                { "/docs/index.html",       2          },
                { "/docs",                  TARGET_NONE},
                { "/up/",                   3          },
                { "/up/x.js",               3          },
                { "/up/deep/x.js",          4          },
                { "/up",                    TARGET_NONE},
                { "",                       TARGET_NONE},
                { "\x16\x03\x01",           TARGET_NONE},
        };
        struct targets targets = { 0 };
        struct error error = ERROR_NONE;

        (void)state;
        assert_int_equal(targets_add(&targets, "/login.html", 1, &error), 0);
        assert_int_equal(targets_add(&targets, "/docs/index.html", 2, &error), 0);
        assert_int_equal(targets_add(&targets, "/up/*", 3, &error), 0);
        assert_int_equal(targets_add(&targets, "/up/deep/*", 4, &error), 0);
        assert_int_equal(targets_add(&targets, "no path", 5, &error), -EINVAL);
        for (size_t i = 0; i < LENGTH(requests); i++)
                assert_int_equal(targets_find(&targets, requests[i].request, strlen(requests[i].request)),
                                 requests[i].value);
        targets_done(&targets);
}

static void test_many_targets(void **state)
{
        struct targets targets = { 0 };
        struct error error = ERROR_NONE;
        char path[64];

        (void)state;
        for (unsigned int i = 0; i < 3000; i++) {
                snprintf(path, sizeof(path), "/page%u.html", i);
                assert_int_equal(targets_add(&targets, path, (uint16_t)i, &error), 0);
        }
        for (unsigned int i = 0; i < 6000; i++) {
                snprintf(path, sizeof(path), "/page%u.html", i);
                assert_int_equal(targets_find(&targets, path, strlen(path)), i < 3000 ? i : TARGET_NONE);
        }
        targets_done(&targets);
}

/* ---- logins.h ---- */

struct rows {
        char text[1024];
};

static int on_row(void *context, const struct login_row *row, struct error *err)
{
        struct rows *rows = context;
        size_t used = strlen(rows->text);

        (void)err;
        snprintf(rows->text + used, sizeof(rows->text) - used, "%lld|%.*s|%.*s|%.*s|%.*s;", (long long)row->time_us,
                 (int)row->account.length, row->account.text ? row->account.text : "", (int)row->address.length,
                 row->address.text ? row->address.text : "", (int)row->agent.length,
                 row->agent.text ? row->agent.text : "", (int)row->tag.length, row->tag.text ? row->tag.text : "");
        return 0;
}

static void test_logins(void **state)
{
        static const char text[] = "Account,extra,TIME,agent,tag,address\r\n"
                                   "taro,1,1970-01-01T00:00:01Z,\"a \"\"b\"\", c\",t1,192.0.2.1\r\n"
                                   "\"jiro\n2\",,2,,,\n"
                                   "\n"
                                   ",1,3,,,\n"
                                   "no time,1,,,,\n"
                                   "bro\"ken,1,4,,,\n"
                                   "open,1,5,\"no end,,\n";
        struct rows rows = { "" };
        struct error error = ERROR_NONE;
        uint64_t good = 0, bad = 0;

        (void)state;
        assert_int_equal(logins_parse(text, sizeof(text) - 1, "f", on_row, &rows, &good, &bad, &error), 0);
        assert_string_equal(rows.text, "1000000|taro|192.0.2.1|a \"b\", c|t1;2000000|jiro\n2|||;");
        assert_int_equal(good, 2);
        assert_int_equal(bad, 4);
        assert_int_equal(logins_parse("a,b\n1,2\n", 8, "f", on_row, &rows, &good, &bad, &error), -EBADMSG);
        assert_int_equal(logins_parse("", 0, "f", on_row, &rows, &good, &bad, &error), -EBADMSG);
}

/* ---- coverage.h ---- */

static void test_coverage(void **state)
{
        struct coverage coverage = { 0 }, other = { 0 };
        struct span_of_time gaps[8];

        (void)state;
        assert_int_equal(coverage_gaps(&coverage, 5 * SECOND, 10 * SECOND, gaps, 8), 1);
        assert_true(gaps[0].from_us == 5 * SECOND && gaps[0].to_us == 10 * SECOND);
        for (int64_t s = 86400; s < 2 * 86400; s++) /* a line each second, but for ten minutes */
                if (s < 100000 || s >= 100600)
                        assert_int_equal(coverage_mark(s % 2 ? &coverage : &other, s * SECOND), 0);
        assert_int_equal(coverage_merge(&coverage, &other), 0);
        assert_int_equal(coverage_gaps(&coverage, 90000 * SECOND, 99000 * SECOND, gaps, 8), 0);
        assert_int_equal(coverage_gaps(&coverage, 99000 * SECOND, 110000 * SECOND, gaps, 8), 1);
        assert_true(gaps[0].from_us == 100000 * SECOND && gaps[0].to_us == 100600 * SECOND);
        assert_int_equal(coverage_gaps(&coverage, 100100 * SECOND, 100200 * SECOND, gaps, 8), 1);
        assert_true(gaps[0].from_us == 100100 * SECOND && gaps[0].to_us == 100200 * SECOND);
        assert_int_equal(coverage_gaps(&coverage, TIME_NEVER, 90000 * SECOND, gaps, 8), 1);
        assert_int_equal(coverage_gaps(&coverage, 80000 * SECOND, 90000 * SECOND, gaps, 8), 1);
        assert_true(gaps[0].from_us == 80000 * SECOND && gaps[0].to_us == 86400 * SECOND);
        assert_int_equal(coverage_gaps(&coverage, 80000 * SECOND, 200000 * SECOND, gaps, 2), 2);
        assert_true(gaps[1].to_us == 200000 * SECOND);
        coverage_done(&coverage);
        coverage_done(&other);
}

/* ---- spans ---- */

static void test_span(void **state)
{
        const struct clock_offset ahead = { 10 * SECOND, SECOND, true }, unknown = { 0 };
        struct response response = { .time_us = 1000 * SECOND + 500000, .duration_ms = 2000,
                                     .flags = RESPONSE_HAS_DURATION | RESPONSE_FRACTION | RESPONSE_END_TIME };
        int64_t from, to;

        (void)state;
        exposure_span(&response, &ahead, 60 * SECOND, 300 * SECOND, &from, &to);
        assert_true(from == (1000 - 10 - 1) * SECOND + 500000 - 2001000);
        assert_true(to == (1000 - 10 + 1) * SECOND + 500000 + 1000);
        exposure_span(&response, &unknown, 60 * SECOND, 300 * SECOND, &from, &to);
        assert_true(from < 700 * SECOND && to > 1300 * SECOND);
        response.flags = 0;
        response.time_us = 1000 * SECOND;
        exposure_span(&response, &ahead, 60 * SECOND, 300 * SECOND, &from, &to);
        assert_true(from == (1000 - 60 - 10 - 1) * SECOND);
        assert_true(to == (1000 + 1 + 60 - 10 + 1) * SECOND);
}

/* ---- susceptible.h ---- */

static void test_susceptible(void **state)
{
        static const char msie[] = "Mozilla/4.0 (compatible; MSIE 8.0)";
        struct susceptible condition;
        struct error error = ERROR_NONE;

        (void)state;
        assert_int_equal(susceptible_parse("agent=MSIE,agent=Trident,fresh,logged-out", &condition, &error), 0);
        assert_true(susceptible_holds(&condition, msie, strlen(msie), 200, true));
        assert_false(susceptible_holds(&condition, msie, strlen(msie), 304, true));
        assert_false(susceptible_holds(&condition, msie, strlen(msie), 200, false));
        assert_true(susceptible_holds(&condition, "xTrident", 8, 200, true));
        assert_false(susceptible_holds(&condition, "Firefox", 7, 200, true));
        assert_int_equal(susceptible_parse("agent=", &condition, &error), -EINVAL);
        assert_int_equal(susceptible_parse("fresh,,", &condition, &error), -EINVAL);
        assert_int_equal(susceptible_parse("", &condition, &error), -EINVAL);
}

/* ---- disclosure.h ---- */

static void test_defang(void **state)
{
        static const char *const texts[][2] = {
                {"see http://bad.example/x.y?a=b.c now", "see hxxp://bad[.]example/x.y?a=b.c now"},
                { "HTTPS://A.B:8080/ ftp://c.d",         "hxxps://A[.]B:8080/ fxp://c[.]d"       },
                { "from 192.0.2.7.",                     "from 192[.]0[.]2[.]7."                 },
                { "192.0.2.7:80, 10.0.0.1",              "192[.]0[.]2[.]7:80, 10[.]0[.]0[.]1"    },
                { "version 1.2.3 and 1.2.3.4567",        "version 1.2.3 and 1.2.3.4567"          },
                { "",                                    ""                                      },
                { "end http://",                         "end hxxp://"                           },
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(texts); i++) {
                _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(1000);

                assert_int_equal(disclosure_defang(&out, texts[i][0]), 0);
                assert_string_equal(buffer_text(&out), texts[i][1]);
        }
}

static void test_hostile_texts(void **state)
{
        static const char hostile[] = "<script>alert(1)</script> \033[31m\r\n# *x* [a](javascript:b) \xff";
        struct disclosure report = { .title = strdup("t & u"), .with_rows = true };
        struct error error = ERROR_NONE;

        (void)state;
        disclosure_section(&report, "a", "A <b>");
        disclosure_say(&report, "fact 1", "%s", hostile);
        assert_int_equal(report.code, 0);
        for (unsigned int format = DISCLOSURE_MARKDOWN; format <= DISCLOSURE_JSON; format++) {
                _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(DISCLOSURE_MAXIMUM);

                assert_int_equal(disclosure_render(&report, (enum disclosure_format)format, "en", 1, 0, &out, &error), 0);
                assert_null(strchr(buffer_text(&out), '\033'));
                assert_null(strchr(buffer_text(&out), '\r'));
                assert_null(strchr(buffer_text(&out), '\xff'));
                if (format != DISCLOSURE_JSON)
                        assert_null(strstr(buffer_text(&out), "<script"));
                if (format == DISCLOSURE_MARKDOWN)
                        assert_null(strstr(buffer_text(&out), "[a](javascript"));
                assert_non_null(strstr(buffer_text(&out), "fact 1"));
        }
        disclosure_done(&report);
}

/* ---- pages.h ---- */

static void test_pages(void **state)
{
        static const struct {
                const char *html;
                bool includes;
        } pages[] = {
                {"<script src=\"/js/app.js\"></script>",              true },
                { "<script src='../js/app.js?v=1'></script>",         true },
                { "<link rel=x HREF = /js/app.js>",                   true },
                { "<script src=\"https://www.example.org/js/app.js\"", true },
                { "<script src=\"//cdn.example.org/js/app.js#x\">",   true },
                { "<script src=\"/js/%61pp.js\">",                    true },
                { "<script src=\"js/app.js\">",                       false},
                { "<script src=\"/js/app.jsx\">",                     false},
                { "<a title=\"/js/app.js\">",                         false},
                { "src=",                                             false},
                { "src=\"",                                           false},
                { "",                                                 false},
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(pages); i++)
                assert_int_equal(pages_include(pages[i].html, strlen(pages[i].html), "/docs/a.html", "/js/app.js"),
                                 pages[i].includes);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_targets),     cmocka_unit_test(test_many_targets), cmocka_unit_test(test_logins),
                cmocka_unit_test(test_coverage),    cmocka_unit_test(test_span),         cmocka_unit_test(test_susceptible),
                cmocka_unit_test(test_defang),      cmocka_unit_test(test_hostile_texts), cmocka_unit_test(test_pages),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
