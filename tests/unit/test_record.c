/* record.c - one spelling only, nothing that could reach a terminal, and nothing that is too large. */
#include "tests.h"

#include "base/attributes.h"
#include "journal/record.h"

static int format(const struct journal_record *record, struct buffer *out)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4 * RECORD_MAXIMUM);
        struct error error = ERROR_NONE;
        size_t split = 0;
        int r = record_format(record, "web1", &text, &split, &error);

        if (r < 0) {
                assert_true(*error.text);
                return r;
        }
        assert_int_equal(buffer_append(out, text.data, split), 0);
        assert_int_equal(buffer_append_text(out, "7"), 0);
        assert_int_equal(buffer_append(out, text.data + split, text.length - split), 0);
        return 0;
}

static void a_record_is_canonical(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RECORD_MAXIMUM);
        json_t *details = json_pack("{s:s, s:{s:i, s:s}, s:b, s:[i, i]}", "path", "a\"b\\134c", "process", "pid", 12,
                                    "exe", "/bin/sh", "genuine", 0, "list", 1, 2);
        struct digest evidence = { { 0xab } };
        json_t *back = NULL;

        assert_int_equal(format(&(struct journal_record){ .time_us = INT64_C(1246870800000042),
                                                          .actor = "uid 0",
                                                          .kind = "finding",
                                                          .what = "\x1b[31mred\xff",
                                                          .evidence = &evidence,
                                                          .details = details },
                                &text),
                         0);
        assert_string_equal(text.data,
                            "{\"actor\":\"uid "
                            "0\",\"evidence\":\"ab00000000000000000000000000000000000000000000000000000000000000\","
                            "\"genuine\":false,\"kind\":\"finding\",\"list\":[1,2],\"path\":\"a\\\"b\\\\134c\","
                            "\"process\":{\"exe\":\"/bin/sh\",\"pid\":12},\"sequence\":7,\"server\":\"web1\","
                            "\"time\":\"2009-07-06T09:00:00.000042Z\",\"what\":\"\\\\033[31mred\\\\377\"}");
        assert_int_equal(record_parse(text.data, text.length, 7, &back, NULL), 0);
        assert_string_equal(json_string_value(json_object_get(back, "server")), "web1");
        assert_int_equal(record_parse(text.data, text.length, 8, NULL, NULL), -EBADMSG);
        json_decref(back);
        json_decref(details);
}

static void other_spellings_are_refused(void **state _unused_)
{
        static const char *const texts[] = {
                "",
                "{}",
                "[]",
                "{\"actor\":\"a\",\"evidence\":null,\"kind\":\"k\",\"sequence\":0,\"server\":\"s\",\"time\":\"t\"}",
                "{\"actor\":\"a\", "
                "\"evidence\":null,\"kind\":\"k\",\"sequence\":0,\"server\":\"s\",\"time\":\"t\",\"what\":"
                "\"w\"}",
                "{\"evidence\":null,\"actor\":\"a\",\"kind\":\"k\",\"sequence\":0,\"server\":\"s\",\"time\":\"t\","
                "\"what\":"
                "\"w\"}",
                "{\"actor\":\"\\u0061\",\"evidence\":null,\"kind\":\"k\",\"sequence\":0,\"server\":\"s\",\"time\":"
                "\"t\","
                "\"what\":\"w\"}",
                "{\"actor\":\"\\u001b\",\"evidence\":null,\"kind\":\"k\",\"sequence\":0,\"server\":\"s\",\"time\":"
                "\"t\","
                "\"what\":\"w\"}",
                "{\"actor\":\"a\",\"evidence\":null,\"kind\":\"k\",\"sequence\":0,\"server\":\"s\",\"time\":\"t\","
                "\"what\":"
                "\"w\"}\n",
                "{\"actor\":\"a\",\"evidence\":null,\"kind\":\"k\",\"number\":1.5,\"sequence\":0,\"server\":\"s\","
                "\"time\":"
                "\"t\",\"what\":\"w\"}",
        };
        static const char good[] = "{\"actor\":\"a\",\"evidence\":null,\"kind\":\"k\",\"sequence\":0,\"server\":\"s\","
                                   "\"time\":\"t\",\"what\":\"w\"}";

        assert_int_equal(record_parse(good, strlen(good), 0, NULL, NULL), 0);
        for (size_t i = 0; i < LENGTH(texts); i++)
                assert_int_equal(record_parse(texts[i], strlen(texts[i]), 0, NULL, NULL), -EBADMSG);
}

static void what_no_record_may_have_is_refused(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4 * RECORD_MAXIMUM);
        static char large[RECORD_MAXIMUM + 1];
        json_t *clash = json_pack("{s:s}", "what", "other"), *real = json_pack("{s:f}", "number", 1.5),
               *key = json_pack("{s:s}", "No Key", "x");

        memset(large, 'x', sizeof(large) - 1);
        assert_int_equal(format(&(struct journal_record){ .actor = "a", .kind = "k", .what = large }, &text), -E2BIG);
        assert_int_equal(format(&(struct journal_record){ .actor = "a", .kind = "K k", .what = "w" }, &text), -EINVAL);
        assert_int_equal(format(&(struct journal_record){ .actor = "a", .kind = "k" }, &text), -EINVAL);
        assert_int_equal(
                format(&(struct journal_record){ .actor = "a", .kind = "k", .what = "w", .details = clash }, &text),
                -EINVAL);
        assert_int_equal(
                format(&(struct journal_record){ .actor = "a", .kind = "k", .what = "w", .details = real }, &text),
                -EINVAL);
        assert_int_equal(
                format(&(struct journal_record){ .actor = "a", .kind = "k", .what = "w", .details = key }, &text),
                -EINVAL);
        assert_int_equal(text.length, 0);
        json_decref(clash);
        json_decref(real);
        json_decref(key);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_record_is_canonical),
                cmocka_unit_test(other_spellings_are_refused),
                cmocka_unit_test(what_no_record_may_have_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
