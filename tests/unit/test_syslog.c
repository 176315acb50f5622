/* syslog.c - one line, the fields of RFC 5424, and nothing that closes what it should not. */
#include "notify_samples.h"

#include "base/text.h"
#include "notify/syslog.h"

static char *render(struct message *message, const char *to)
{
        struct buffer out = BUFFER_INIT(1U << 20);
        struct notify_target target = sample_target(to);

        assert_int_equal(syslog_render(message, &target, 77, &out), 0);
        assert_null(memchr(out.data, '\n', out.length));
        message_done(message);
        return buffer_steal(&out);
}

static void rfc5424(void **state _unused_)
{
        struct message message = sample((struct alert){ .what = "login.html", .site = "example", .dest = "/v" });
        char *line = render(&message, "syslog://host?facility=local0");

        assert_string_equal(line, "<130>1 2009-07-06T09:00:00.000042Z web1.example.org understudy 77 finding "
                                  "[understudy@32473 id=\"" SAMPLE_ID
                                  "\" count=\"1\" severity=\"critical\" kind=\"finding\" site=\"example\" dest=\"/v\"] "
                                  "login.html");
        free(line);
}

static void structured_data_is_escaped(void **state _unused_)
{
        struct message message =
                sample((struct alert){ .what = "a\n<0>1 - forged", .dest = "x\"] [evil \\ \r\n", .server = "a b\n" });
        char *line = render(&message, "syslog+tcp://host");

        /* (a backslash beside a control character has become \134 on its way in) */
        assert_non_null(strstr(line, "dest=\"x\\\"\\] [evil \\\\134 \\\\015\\\\012\"] "));
        assert_non_null(strstr(line, "Z a_b\\012 understudy 77 "));
        free(line);
}

static void utf8_has_its_mark(void **state _unused_)
{
        struct message message = sample((struct alert){ .what = "日本" });
        char *line = render(&message, "syslog://host");

        assert_non_null(strstr(line, "] \xef\xbb\xbf日本"));
        free(line);
        message = sample((struct alert){ .what = "日本" });
        line = render(&message, "syslog:"); /* journald shows what it gets */
        assert_null(strstr(line, "\xef\xbb\xbf"));
        assert_non_null(strstr(line, " understudy[77]: [understudy@32473 "));
        assert_memory_equal(line, "<26>Jul ", 8);
        free(line);
}

static void a_datagram_has_its_limit(void **state _unused_)
{
        static char large[4000];
        struct message message;
        char *line;

        for (size_t i = 0; i + 3 < sizeof(large); i += 3)
                memcpy(large + i, "\xe6\x97\xa5", 3);
        message =
                sample((struct alert){ .what = large, .site = large, .dest = large, .server = large, .group = large });
        line = render(&message, "syslog://host");
        assert_true(strlen(line) <= SYSLOG_UDP_MAXIMUM);
        for (size_t i = 0, n = 0; i < strlen(line); i += n) {
                n = text_utf8_length(line + i, strlen(line) - i);
                assert_true(n > 0);
        }
        free(line);
}

static void json_instead_of_the_sentence(void **state _unused_)
{
        struct message message = sample((struct alert){ .what = "w" });
        char *line = render(&message, "syslog://host?format=json"), *start = strstr(line, "] {");
        json_t *json = start ? json_loads(start + 2, 0, NULL) : NULL;

        assert_non_null(json);
        json_decref(json);
        free(line);
        message = sample_group(100); /* does not fit: never a half */
        line = render(&message, "syslog://host?format=json");
        assert_non_null(strstr(line, "] 100 more alerts, such as: number 1"));
        free(line);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rfc5424),
                cmocka_unit_test(structured_data_is_escaped),
                cmocka_unit_test(utf8_has_its_mark),
                cmocka_unit_test(a_datagram_has_its_limit),
                cmocka_unit_test(json_instead_of_the_sentence),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
