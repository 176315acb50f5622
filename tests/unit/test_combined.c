/* test_combined.c - combined.h and scan.h: common, combined and vhost_combined, also where clients lie. */
#include "tests.h"

#include "accesslog/combined.h"
#include "accesslog/scan.h"
#include "base/attributes.h"

#define TIME "[17/May/2015:10:05:03 +0000]"

static struct log_line line;

static enum log_format_kind parse(const char *text)
{
        return combined_parse(text, strlen(text), &line);
}

static void assert_span(struct span span, const char *text)
{
        assert_int_equal(span.length, strlen(text));
        if (span.length)
                assert_memory_equal(span.text, text, span.length);
}

static void fields_are_found(void **state)
{
        (void)state;
        assert_int_equal(
                parse("192.0.2.7 - joe " TIME " \"GET /a/b?x=1&y#f HTTP/1.1\" 200 123 \"http://r/\" \"Mozilla\""),
                LOG_COMBINED);
        assert_span(line.address_text, "192.0.2.7");
        assert_true(line.address.numeric);
        assert_memory_equal(line.address.bytes + 10, "\xff\xff\xc0\x00\x02\x07", 6);
        assert_span(line.user, "joe");
        assert_true(line.time_us == INT64_C(1431857103000000));
        assert_span(line.request, "GET /a/b?x=1&y#f HTTP/1.1");
        assert_span(line.method, "GET");
        assert_span(line.path, "/a/b");
        assert_span(line.query, "x=1&y");
        assert_span(line.protocol, "HTTP/1.1");
        assert_int_equal(line.status, 200);
        assert_int_equal(line.bytes, 123);
        assert_int_equal(line.present, LOG_HAS_STATUS | LOG_HAS_BYTES);
        assert_span(line.referrer, "http://r/");
        assert_span(line.agent, "Mozilla");
        assert_null(line.host.text);
}

static void dashes_are_there_and_empty(void **state)
{
        (void)state;
        assert_int_equal(parse("::1 - - " TIME " \"-\" 408 - \"-\" \"-\""), LOG_COMBINED);
        assert_non_null(line.agent.text);
        assert_int_equal(line.agent.length, 0);
        assert_int_equal(line.bytes, 0);
        assert_int_equal(line.method.length, 0);
        assert_int_equal(parse("::1 - - " TIME " \"GET / HTTP/1.0\" 200 5"), LOG_COMMON);
        assert_null(line.agent.text); /* this format has none */
}

static void quotes_do_not_move_fields(void **state)
{
        (void)state;
        /* Escaped as Apache does. */
        assert_int_equal(
                parse("1.2.3.4 - - " TIME " \"GET /\\\" 200 1 \\\" HTTP/1.1\" 404 9 \"a\\\"b\" \"say \\\"hi\\\"\""),
                LOG_COMBINED);
        assert_int_equal(line.status, 404);
        assert_span(line.referrer, "a\\\"b");
        assert_span(line.agent, "say \\\"hi\\\"");
        /* Bare, as others do. */
        assert_int_equal(parse("1.2.3.4 - - " TIME " \"GET /\"x\" HTTP/1.1\" 200 9 \"r\" \"the \"best\" browser\""),
                         LOG_COMBINED);
        assert_span(line.path, "/\"x\"");
        assert_int_equal(line.bytes, 9);
        assert_span(line.agent, "the \"best\" browser");
        /* A backslash at the end of a field that was escaped itself. */
        assert_int_equal(parse("1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 200 9 \"r\\\\\" \"a\""), LOG_COMBINED);
        assert_span(line.referrer, "r\\\\");
        assert_span(line.agent, "a");
}

static void an_unterminated_agent_counts(void **state)
{
        (void)state;
        assert_int_equal(parse("1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 200 9 \"r\" \"Mozilla/4.0 (compatible; "),
                         LOG_COMBINED);
        assert_span(line.agent, "Mozilla/4.0 (compatible; ");
        assert_int_equal(parse("1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 200 9 \"unfinished"), LOG_COMBINED);
        assert_span(line.referrer, "unfinished");
        assert_int_equal(line.agent.length, 0);
}

static void further_fields_are_let_pass(void **state)
{
        (void)state;
        assert_int_equal(parse("1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 200 9 \"r\" \"agent\" \"10.0.0.1\" 0.003 -"),
                         LOG_COMBINED);
        assert_span(line.agent, "agent");
}

static void a_virtual_host_is_no_client(void **state)
{
        (void)state;
        assert_int_equal(parse("www.a.example:443 192.0.2.1 - - " TIME " \"GET / HTTP/1.1\" 200 1 \"-\" \"x\""),
                         LOG_VHOST_COMBINED);
        assert_span(line.host, "www.a.example");
        assert_span(line.address_text, "192.0.2.1");
        assert_int_equal(parse("192.0.2.1:4711 - joe smith " TIME " \"GET / HTTP/1.1\" 200 1 \"-\" \"x\""),
                         LOG_COMBINED);
        assert_span(line.address_text, "192.0.2.1");
        assert_span(line.user, "joe smith");
        assert_int_equal(parse("2001:db8::1 - - " TIME " \"GET / HTTP/1.1\" 200 1 \"-\" \"x\""), LOG_COMBINED);
        assert_null(line.host.text);
        assert_true(line.address.numeric);
        assert_int_equal(parse("client.example - - " TIME " \"GET / HTTP/1.1\" 200 1 \"-\" \"x\""), LOG_COMBINED);
        assert_false(line.address.numeric);
        assert_span(line.address_text, "client.example");
}

static void a_user_may_hold_brackets(void **state)
{
        (void)state;
        assert_int_equal(parse("1.2.3.4 - [x] [y " TIME " \"GET / HTTP/1.1\" 200 1"), LOG_COMMON);
        assert_span(line.user, "[x] [y");
        assert_true(line.time_us == INT64_C(1431857103000000));
}

static void attacks_are_lines_like_others(void **state)
{
        static const char hello[] = "1.2.3.4 - - " TIME " \"\x16\x03\x01\x00\x9a\" 400 0 \"-\" \"-\"";

        (void)state;
        assert_int_equal(combined_parse(hello, sizeof(hello) - 1, &line), LOG_COMBINED);
        assert_int_equal(line.method.length, 0);
        assert_int_equal(line.path.length, 5); /* NUL and all */
        assert_int_equal(parse("1.2.3.4 - - " TIME " \"GET /a b c HTTP/1.1\" 200 1 \"-\" \"${jndi:ldap://x}\""),
                         LOG_COMBINED);
        assert_span(line.path, "/a b c");
        assert_int_equal(parse("1.2.3.4 - - " TIME " \"\" 400 0 \"-\" \"-\""), LOG_COMBINED);
        assert_int_equal(parse("1.2.3.4 - - " TIME " \"GET /\xff\xfe HTTP/1.1\" 200 1 \"-\" \"\xc3\x28\""),
                         LOG_COMBINED);
        assert_int_equal(line.path.length, 3);
}

static void what_is_no_line_is_none(void **state)
{
        static const char *const bad[] = {
                "",
                " ",
                "1.2.3.4",
                "1.2.3.4 - - ",
                "1.2.3.4 - - " TIME,
                "1.2.3.4 - - " TIME " ",
                "1.2.3.4 - - " TIME " \"GET / HTTP/1.1\"",
                "1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 20 1",
                "1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 200",
                "1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 200 x",
                "1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 200 1 rest",
                "1.2.3.4 - - [31/Feb/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 1",
                "1.2.3.4 - - [17/May/2015:24:05:03 +0000] \"GET / HTTP/1.1\" 200 1",
                "1.2.3.4 - - [17/Mai/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 1",
                "1.2.3.4 - - " TIME " GET / HTTP/1.1 200 1",
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(bad); i++)
                assert_int_equal(parse(bad[i]), LOG_UNKNOWN);
}

static void times_of_any_zone(void **state)
{
        static const struct {
                const char *text;
                int64_t seconds;
        } times[] = {
                {"17/May/2015:10:05:03 +0000",  1431857103},
                { "17/May/2015:19:05:03 +0900", 1431857103},
                { "17/May/2015:03:35:03 -0630", 1431857103},
                { "17/may/2015:10:05:03 +0000", 1431857103},
                { "29/Feb/2024:23:59:60 +0000", 1709251200},
                { "2015-05-17T10:05:03Z",       1431857103},
                { "2015-05-17T12:05:03+02:00",  1431857103},
                { "2015-05-17 10:05:03",        1431857103},
                { "01/Jan/1970:00:00:00 +0000", 0         },
                { "1969-12-31T23:59:59Z",       -1        },
        };
        int64_t us;

        (void)state;
        for (size_t i = 0; i < LENGTH(times); i++) {
                assert_true(scan_time(times[i].text, strlen(times[i].text), &us));
                assert_true(us == times[i].seconds * 1000000);
        }
        assert_true(scan_time("2015-05-17T10:05:03.123456789Z", 30, &us));
        assert_true(us == INT64_C(1431857103123456));
        for (const char *const *bad = (const char *const[]){ "17/May/2015:10:05:03", "17/May/2015:10:05:03 0000", "x",
                                                             "2015-05-17T10:05:03.Z", "2015-05-17T10:05:03+2",
                                                             "2015-02-29T00:00:00Z", "", NULL };
             *bad; bad++)
                assert_false(scan_time(*bad, strlen(*bad), &us));
}

static void equal_addresses_are_equal_however_written(void **state)
{
        static const char *const same[] = { "2001:db8::1", "2001:DB8:0:0::1", "[2001:db8::1]", "[2001:db8::1]:443" };
        struct log_line first = { 0 }, other;

        (void)state;
        scan_address(same[0], strlen(same[0]), &first);
        assert_true(first.address.numeric);
        for (size_t i = 1; i < LENGTH(same); i++) {
                scan_address(same[i], strlen(same[i]), &other);
                assert_true(other.address.numeric);
                assert_memory_equal(other.address.bytes, first.address.bytes, 16);
        }
        for (const char *const *bad = (const char *const[]){ "256.1.1.1", "1.2.3", "1.2.3.4.5", "host", "1.2.3.4x", ":",
                                                             "0001.2.3.4", NULL };
             *bad; bad++) {
                scan_address(*bad, strlen(*bad), &other);
                assert_false(other.address.numeric);
                assert_span(other.address_text, *bad);
        }
}

static void assert_same_span(struct span a, struct span b)
{
        assert_int_equal(a.length, b.length);
        assert_true(!a.text == !b.text);
        if (a.length)
                assert_ptr_equal(a.text, b.text);
}

static void assert_same_either_way(const char *text, size_t length)
{
        struct log_line usual = { 0 }, any = { 0 };

        assert_int_equal(combined_parse(text, length, &usual), combined_parse_any(text, length, &any));
        assert_int_equal(usual.status, any.status);
        assert_true(usual.bytes == any.bytes && usual.time_us == any.time_us);
        assert_int_equal(usual.present, any.present);
        assert_memory_equal(usual.address.bytes, any.address.bytes, sizeof(any.address.bytes));
        assert_same_span(usual.address_text, any.address_text);
        assert_same_span(usual.user, any.user);
        assert_same_span(usual.request, any.request);
        assert_same_span(usual.method, any.method);
        assert_same_span(usual.path, any.path);
        assert_same_span(usual.query, any.query);
        assert_same_span(usual.protocol, any.protocol);
        assert_same_span(usual.referrer, any.referrer);
        assert_same_span(usual.agent, any.agent);
        assert_same_span(usual.host, any.host);
}

/* Each byte of good lines becomes each of those that mean something, or falls out: the shortcut never decides otherwise
 * than the long way. */
static void the_shortcut_changes_nothing(void **state)
{
        static const char *const good[] = {
                "192.0.2.7 - - " TIME " \"GET /a/b?x=1&y HTTP/1.1\" 200 123 \"https://r/\" \"Mozilla/5.0 (X11) Gecko\"",
                "::1 - - " TIME " \"POST / HTTP/2.0\" 304 - \"-\" \"-\"",
                "10.0.0.1 - - " TIME " \"-\" 408 0 \"-\" \"a\"",
                "10.0.0.1 - - " TIME " \"GET / HTTP/1.1\" 200 5",
        };
        static const char bytes[] = "\"\\ []-/x0?#:.\xff\r";
        char text[400];

        (void)state;
        for (size_t i = 0; i < LENGTH(good); i++) {
                size_t length = strlen(good[i]);

                assert_same_either_way(good[i], length);
                for (size_t at = 0; at < length; at++) {
                        for (size_t k = 0; k < sizeof(bytes); k++) { /* the NUL, too */
                                memcpy(text, good[i], length);
                                text[at] = bytes[k];
                                assert_same_either_way(text, length);
                        }
                        memcpy(text, good[i], at);
                        memcpy(text + at, good[i] + at + 1, length - at - 1);
                        assert_same_either_way(text, length - 1);
                        assert_same_either_way(good[i], at);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fields_are_found),
                cmocka_unit_test(dashes_are_there_and_empty),
                cmocka_unit_test(quotes_do_not_move_fields),
                cmocka_unit_test(an_unterminated_agent_counts),
                cmocka_unit_test(further_fields_are_let_pass),
                cmocka_unit_test(a_virtual_host_is_no_client),
                cmocka_unit_test(a_user_may_hold_brackets),
                cmocka_unit_test(attacks_are_lines_like_others),
                cmocka_unit_test(what_is_no_line_is_none),
                cmocka_unit_test(the_shortcut_changes_nothing),
                cmocka_unit_test(times_of_any_zone),
                cmocka_unit_test(equal_addresses_are_equal_however_written),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
