/* test_format.c - format.h: recognising formats, JSON of three servers, W3C, quoted exports, lines that fit none. */
#include "tests.h"

#include "accesslog/format.h"

static char scratch[LOG_LINE_MAXIMUM];
static struct log_line line;

static enum log_parsed parse(struct log_format *format, const char *text)
{
        return log_parse(format, text, strlen(text), scratch, &line);
}

static void assert_span(struct span span, const char *text)
{
        assert_int_equal(span.length, strlen(text));
        if (span.length)
                assert_memory_equal(span.text, text, span.length);
}

static void the_projects_own_json(void **state)
{
        struct log_format format = { 0 };

        (void)state;
        assert_int_equal(
                parse(&format,
                      "{\"v\":1,\"ts\":\"1431857103.123\",\"rt\":0.004,\"id\":\"ab\",\"ip\":\"2001:db8::1\",\"m\":"
                      "\"GET\","
                      "\"uri\":\"/a?b=\\u0041\",\"st\":200,\"bb\":7,\"bs\":300,\"cl\":\"7\",\"etag\":\"\\\"x\\\"\","
                      "\"ok\":\"OK\",\"up\":\"\",\"tag\":\"t1\",\"ref\":\"http://r/\",\"ua\":\"A \\\"q\\\" \\\\\"}"),
                LOG_OK);
        assert_int_equal(line.format, LOG_UNDERSTUDY_JSON);
        assert_true(line.time_us == INT64_C(1431857103123000));
        assert_true(line.duration_us == 4000);
        assert_span(line.path, "/a");
        assert_span(line.query, "b=A");
        assert_span(line.etag, "\"x\"");
        assert_span(line.agent, "A \"q\" \\");
        assert_span(line.tag, "t1");
        assert_true(line.complete);
        assert_int_equal(line.total_bytes, 300);
        assert_int_equal(line.present & LOG_HAS_COMPLETE, LOG_HAS_COMPLETE);
}

static void caddy_and_traefik(void **state)
{
        struct log_format format = { 0 };

        (void)state;
        assert_int_equal(
                parse(&format,
                      "{\"level\":\"info\",\"ts\":1431857103.5,\"logger\":\"http.log.access\",\"request\":{"
                      "\"remote_ip\":\"10.0.0.1\",\"client_ip\":\"192.0.2.9\",\"proto\":\"HTTP/2.0\","
                      "\"method\":\"GET\",\"host\":\"a.example\",\"uri\":\"/x\",\"headers\":{\"User-Agent\":"
                      "[\"curl\"],\"Referer\":[\"http://r/\"]}},\"duration\":0.25,\"size\":10,\"status\":404}"),
                LOG_OK);
        assert_int_equal(line.format, LOG_CADDY_JSON);
        assert_span(line.address_text, "192.0.2.9");
        assert_span(line.agent, "curl");
        assert_span(line.host, "a.example");
        assert_int_equal(line.status, 404);
        assert_true(line.duration_us == 250000);
        assert_int_equal(parse(&format,
                               "{\"ClientHost\":\"192.0.2.8\",\"DownstreamContentSize\":5,\"DownstreamStatus\":200,"
                               "\"Duration\":1500000,\"RequestHost\":\"t\",\"RequestMethod\":\"POST\","
                               "\"RequestPath\":\"/y?z\",\"RequestProtocol\":\"HTTP/1.1\","
                               "\"StartUTC\":\"2015-05-17T10:05:03.000000001Z\",\"request_User-Agent\":\"ua\","
                               "\"time\":\"2015-05-17T12:05:04+02:00\"}"),
                         LOG_OK);
        assert_int_equal(line.format, LOG_TRAEFIK_JSON);
        assert_true(line.duration_us == 1500);
        assert_true(line.time_us == INT64_C(1431857103000000));
        assert_span(line.path, "/y");
}

static void damaged_json_is_invalid(void **state)
{
        static const char *const bad[] = {
                "{",
                "{}",
                "{\"st\":200}",
                "{\"ts\":\"1.0\",\"ip\":\"1.2.3.4\",\"st\":200,\"uri\":\"/\"",
                "{\"ts\":\"1.0\",\"ip\":\"1.2.3.4\",\"st\":200,\"uri\":\"/\"} x",
                "{\"ts\":\"x\",\"ip\":\"1.2.3.4\",\"st\":200}",
                "{\"ts\":\"1.0\",\"ip\":\"1.2.3.4\",\"st\":2000}",
                "{\"ts\":\"1.0\",\"ip\":\"1.2.3.4\",\"st\":200,\"ua\":\"a\nb\"}",
                "{\"ts\":\"1.0\",\"ip\":\"1.2.3.4\",\"st\":200,\"ua\":\"\\q\"}",
                "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}",
        };
        struct log_format format = { 0 };

        (void)state;
        for (size_t i = 0; i < LENGTH(bad); i++)
                assert_int_equal(parse(&format, bad[i]), LOG_INVALID);
}

static void w3c_fields_come_in_any_order(void **state)
{
        struct log_format format = { 0 };

        (void)state;
        assert_int_equal(parse(&format, "2015-05-17 10:05:03 192.0.2.1 GET / 200"), LOG_INVALID); /* not said yet */
        assert_int_equal(parse(&format, "#Software: Microsoft Internet Information Services 10.0"), LOG_DIRECTIVE);
        assert_int_equal(parse(&format,
                               "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) "
                               "sc-status time-taken"),
                         LOG_DIRECTIVE);
        assert_int_equal(parse(&format, "2015-05-17 10:05:03 10.0.0.1 GET /a q=1 192.0.2.1 Mozilla/5.0+(X11) 200 15\r"),
                         LOG_OK);
        assert_int_equal(line.format, LOG_W3C);
        assert_span(line.path, "/a");
        assert_span(line.query, "q=1");
        assert_span(line.address_text, "192.0.2.1");
        assert_span(line.agent, "Mozilla/5.0 (X11)");
        assert_true(line.duration_us == 15000);
        assert_true(line.time_us == INT64_C(1431857103000000));
        assert_int_equal(parse(&format, "#Fields: time date c-ip sc-status cs-uri-stem"), LOG_DIRECTIVE);
        assert_int_equal(parse(&format, "10:05:03 2015-05-17 192.0.2.2 404 /b"), LOG_OK);
        assert_int_equal(line.status, 404);
        assert_span(line.path, "/b");
        assert_int_equal(parse(&format, "10:05:03 2015-05-17 192.0.2.2 404"), LOG_INVALID); /* a field is missing */
        assert_int_equal(parse(&format, "10:05:03 2015-05-17 192.0.2.2 404 /b more"), LOG_INVALID);
}

static void quoted_lines(void **state)
{
        struct log_format format = { 0 };

        (void)state;
        assert_int_equal(parse(&format,
                               "\"1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"\"GET / HTTP/1.1\"\" 200 9 \"\"-\"\" "
                               "\"\"say \\\"\"x\\\"\"\"\"\""),
                         LOG_OK);
        assert_int_equal(line.format, LOG_QUOTED);
        assert_span(line.agent, "say \\\"x\\\"");
}

static void blank_lines_and_long_ones(void **state)
{
        struct log_format format = { 0 };
        char *text = malloc(LOG_LINE_MAXIMUM + 2);

        (void)state;
        assert_non_null(text);
        assert_int_equal(parse(&format, ""), LOG_EMPTY);
        assert_int_equal(parse(&format, " \t\r"), LOG_EMPTY);
        assert_int_equal(parse(&format, "nothing"), LOG_INVALID);
        assert_int_equal(format.kind, LOG_UNKNOWN);
        memset(text, 'a', LOG_LINE_MAXIMUM + 2);
        memcpy(text, "1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET /", 47);
        memcpy(text + LOG_LINE_MAXIMUM - 16, " HTTP/1.1\" 200 9", 16);
        assert_int_equal(log_parse(&format, text, LOG_LINE_MAXIMUM, scratch, &line), LOG_OK);
        assert_int_equal(line.bytes, 9);
        text[LOG_LINE_MAXIMUM] = '9';
        assert_int_equal(log_parse(&format, text, LOG_LINE_MAXIMUM + 1, scratch, &line), LOG_INVALID);
        free(text);
}

static void the_format_that_fits_most_lines_wins(void **state)
{
        static const char sample[] = "rubbish\n"
                                     "1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 9\n"
                                     "1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 9 \"-\" \"-\"\n"
                                     "1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 9 \"-\" \"-\"\n";
        struct log_format format;

        (void)state;
        log_format_detect(sample, sizeof(sample) - 1, &format);
        assert_int_equal(format.kind, LOG_COMBINED);
        assert_string_equal(log_format_name(format.kind), "combined");
        log_format_detect("rubbish\n", 8, &format);
        assert_int_equal(format.kind, LOG_UNKNOWN);
        log_format_detect("", 0, &format);
        assert_int_equal(format.kind, LOG_UNKNOWN);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_projects_own_json),
                cmocka_unit_test(caddy_and_traefik),
                cmocka_unit_test(damaged_json_is_invalid),
                cmocka_unit_test(w3c_fields_come_in_any_order),
                cmocka_unit_test(quoted_lines),
                cmocka_unit_test(blank_lines_and_long_ones),
                cmocka_unit_test(the_format_that_fits_most_lines_wins),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
