/* test_beacon.c - accesslog/beacon.h: what a page sends as a view or an event, and what is refused. */
#include "tests.h"

#include "accesslog/beacon.h"
#include "accesslog/format.h"
#include "accesslog/scan.h"
#include "analyze/tag.h"

static char scratch[LOG_LINE_MAXIMUM];
static struct log_line line;

/* A line as nginx writes it, with this method, origin, referrer and body. */
static enum log_parsed parse(const char *method, const char *origin, const char *referrer, const char *body)
{
        static char text[LOG_LINE_MAXIMUM + 100];
        struct log_format format = { 0 };
        int length = snprintf(text, sizeof(text),
                              "{\"b\":1,\"ts\":\"1780000000.123\",\"ip\":\"192.0.2.7\",\"m\":\"%s\",\"origin\":\"%s\","
                              "\"ref\":\"%s\",\"ua\":\"Firefox\",\"body\":\"%s\"}",
                              method, origin, referrer, body);

        return log_parse(&format, text, (size_t)length, scratch, &line);
}

static void assert_span(struct span span, const char *text)
{
        assert_int_equal(span.length, strlen(text));
        if (span.length)
                assert_memory_equal(span.text, text, span.length);
}

static void a_view(void **state)
{
        (void)state;
        assert_int_equal(
                parse("POST", "https://shop.example", "https://shop.example/",
                      "e=v&u=https%3A%2F%2Fshop.example%2Fa%2520b%3Futm_source%3Dx%26y%3D1%23f&r=https%3A%2F%2F"
                      "www.google.com%2F"),
                LOG_OK);
        assert_int_equal(line.format, LOG_BEACON);
        assert_int_equal(line.beacon, BEACON_VIEW);
        assert_span(line.host, "shop.example");
        assert_span(line.path, "/a%20b");
        assert_span(line.query, "utm_source=x&y=1");
        assert_span(line.referrer, "https://www.google.com/");
        assert_span(line.method, "GET");
        assert_span(line.agent, "Firefox");
        assert_span(line.address_text, "192.0.2.7");
        assert_true(line.time_us == INT64_C(1780000000123000));
        assert_int_equal(line.present & LOG_HAS_STATUS, 0);
}

static void other_kinds(void **state)
{
        struct span rest, name, value;
        uint64_t number;

        (void)state;
        assert_int_equal(parse("POST", "http://a.example:8080", "", "e=n&u=http%3A%2F%2FA.example%3A8080&r="), LOG_OK);
        assert_int_equal(line.beacon, BEACON_NAVIGATION);
        assert_span(line.host, "A.example");
        assert_span(line.path, "/");
        assert_int_equal(parse("GET", "", "http://a.example/p?q", ""), LOG_OK);
        assert_int_equal(line.beacon, BEACON_PIXEL);
        assert_span(line.path, "/p");
        assert_span(line.referrer, "");
        assert_int_equal(parse("POST", "http://a.example", "", "e=e&u=http%3A%2F%2Fa.example%2F&plan=gold+1&n=sign+up"),
                         LOG_OK);
        assert_int_equal(line.beacon, BEACON_EVENT);
        assert_span(line.event, "sign up");
        assert_span(line.method, "");
        rest = line.details;
        assert_true(beacon_next(&rest, &name, &value) && beacon_next(&rest, &name, &value));
        assert_true(beacon_next(&rest, &name, &value));
        assert_span(name, "plan");
        assert_span(value, "gold+1");
        assert_int_equal(parse("POST", "http://a.example", "", "e=w&u=http%3A%2F%2Fa.example%2F&l=1234&c=-1000&i=0"),
                         LOG_OK);
        assert_int_equal(line.beacon, BEACON_VITALS);
        assert_true(beacon_vital(&line, VITAL_LCP, &number));
        assert_int_equal(number, 1234);
        assert_false(beacon_vital(&line, VITAL_CLS, &number)); /* this browser does not measure it */
        assert_false(beacon_vital(&line, VITAL_INP, &number)); /* nobody touched anything */
}

static void what_makes_no_sense(void **state)
{
        static const struct {
                const char *method, *origin, *referrer, *body;
        } bad[] = {
                {"POST",  "http://a.example", "",                  "e=v&u=http%3A%2F%2Fb.example%2F"}, /* of another site */
                { "POST", "http://a.example", "",                  "e=v&u=ftp%3A%2F%2Fa.example%2F" },
                { "POST", "http://a.example", "",                  "e=v"                            },
                { "POST", "http://a.example", "",                  "e=x&u=http%3A%2F%2Fa.example%2F"},
                { "POST", "http://a.example", "",                  "e=&u=http%3A%2F%2Fa.example%2F" },
                { "POST", "http://a.example", "",                  "e=vv&u=http%3A%2F%2Fa.example"  },
                { "POST", "http://a.example", "",                  "e=e&u=http%3A%2F%2Fa.example%2F"}, /* an event without a name */
                { "POST", "http://a.example", "",                  "e=v&u=http%3A%2F%2F%2Fx"        },
                { "POST", "http://a.example", "",                  "&&&=&%"                         },
                { "POST", "null",             "",                  "e=v&u=http%3A%2F%2Fa.example%2F"},
                { "POST", "",                 "http://a.example/", ""                               }, /* a body that was not kept */
                { "GET",  "",                 "",                  ""                               },
                { "GET",  "",                 "about:",            ""                               },
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(bad); i++)
                assert_int_equal(parse(bad[i].method, bad[i].origin, bad[i].referrer, bad[i].body), LOG_INVALID);
}

static void a_long_body(void **state)
{
        static char body[BEACON_LINE_MAXIMUM + 1];

        (void)state;
        memset(body, 'x', BEACON_LINE_MAXIMUM - 300);
        memcpy(body, "e=v&u=http%3A%2F%2Fa.example%2F", 31);
        assert_int_equal(parse("POST", "", "", body), LOG_OK);
        memset(body + 31, 'x', BEACON_LINE_MAXIMUM - 32);
        assert_int_equal(parse("POST", "", "", body), LOG_INVALID);
}

static void decoding(void **state)
{
        char out[8];

        (void)state;
        assert_int_equal(scan_decode((struct span){ "a+%41%4", 7 }, out, sizeof(out)), 5);
        assert_memory_equal(out, "a A%4", 5);
        assert_int_equal(scan_decode((struct span){ "%00%zz%", 7 }, out, sizeof(out)), 5);
        assert_memory_equal(out, "\0%zz%", 5);
        assert_int_equal(scan_decode((struct span){ "abcdef", 6 }, out, 3), 3);
}

static void the_tag(void **state)
{
        static const char *const bad[] = {
                "", "/x", "javascript:alert()/", "/a\"onload=/", "/a b/", "//\n/", "http:/x/"
        };
        struct error error = ERROR_NONE;
        struct tag tag;

        (void)state;
        assert_in_range(strlen(tag_script), 200, TAG_SCRIPT_MAXIMUM);
        assert_null(strstr(tag_script, "//")); /* the build has taken the comments away */
        assert_int_equal(tag_make("https://stats.example/understudy/", &tag, &error), 0);
        assert_non_null(strstr(buffer_text(&tag.text), "src=\"https://stats.example/understudy/visits-1-"));
        assert_non_null(strstr(buffer_text(&tag.text), tag.integrity));
        tag_done(&tag);
        for (size_t i = 0; i < LENGTH(bad); i++)
                assert_true(tag_make(bad[i], &tag, &error) < 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_view),      cmocka_unit_test(other_kinds), cmocka_unit_test(what_makes_no_sense),
                cmocka_unit_test(a_long_body), cmocka_unit_test(decoding),    cmocka_unit_test(the_tag),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
