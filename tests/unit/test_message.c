/* alert.c, message.c - nothing from outside gets through as it is, what is torn is passed over, no count is lost. */
#include "tests.h"

#include "base/attributes.h"
#include "base/text.h"
#include "notify/message.h"

#define ID "0006612aaf4829bb-f368631a1fc7f016"

static struct alert an_alert(const char *what)
{
        return (struct alert){ .time_us = INT64_C(1246870800000042),
                               .severity = ALERT_HIGH,
                               .server = "web1",
                               .kind = "finding",
                               .what = what,
                               .group = "g" };
}

static void one_goes_both_ways(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(MESSAGE_MAXIMUM);
        struct alert alert = an_alert("a\nb\x1b[31m\xff \xe6\x97\xa5");
        json_t *details = json_pack("{s:s}", "path", "x");
        struct message message;

        alert.details = details;
        alert.dest = "/var/www/html";
        assert_int_equal(message_format(&alert, &text, NULL), 0);
        assert_int_equal(text.data[text.length - 1], '\n');
        assert_int_equal(message_parse(text.data, text.length, ID, &message, NULL), 0);
        assert_int_equal(message.count, 1);
        assert_int_equal(message.worst, ALERT_HIGH);
        assert_string_equal(message.entries[0].alert.what, "a\\012b\\033[31m\\377 \xe6\x97\xa5");
        assert_string_equal(message.entries[0].alert.dest, "/var/www/html");
        assert_null(message.entries[0].alert.site);
        assert_int_equal(message.entries[0].alert.time_us, INT64_C(1246870800000042));
        assert_string_equal(json_string_value(json_object_get(message.entries[0].alert.details, "path")), "x");
        message_done(&message);
        json_decref(details);
}

static void what_is_long_is_cut(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(MESSAGE_MAXIMUM);
        static char large[40000];
        struct alert alert;
        struct message message;
        json_t *details;

        for (size_t i = 0; i + 3 < sizeof(large); i += 3)
                memcpy(large + i, "\xe6\x97\xa5", 3);
        alert = an_alert(large);
        alert.server = alert.site = alert.dest = alert.group = large;
        details = json_pack("{s:s}", "path", large);
        alert.details = details;
        assert_int_equal(message_format(&alert, &text, NULL), 0);
        assert_int_equal(message_parse(text.data, text.length, ID, &message, NULL), 0);
        assert_true(strlen(message.entries[0].alert.what) <= ALERT_WHAT_MAXIMUM);
        assert_true(text_ends(message.entries[0].alert.what, "\xe6\x97\xa5..."));
        assert_null(message.entries[0].alert.details);
        message_done(&message);
        json_decref(details);
}

static void slots_hold_the_worst_case(void **state _unused_)
{
        char quotes[5000], slot[MESSAGE_SLOT];
        struct alert alert;
        uint64_t offset;

        memset(quotes, '"', sizeof(quotes) - 1); /* each becomes two bytes of JSON */
        quotes[sizeof(quotes) - 1] = '\0';
        alert = an_alert(quotes);
        alert.server = alert.site = alert.dest = alert.group = quotes;
        assert_int_equal(message_format_slot(&alert, UINT32_MAX, ALERT_CRITICAL, slot, &offset, NULL), 0);
        assert_int_equal(slot[MESSAGE_SLOT - 1], '\n');
}

/* A group of `count` as a file; the newest line's slot is given back. */
static char *a_group(uint64_t count, size_t *ret_length, uint64_t *ret_last)
{
        char *bytes = calloc(MESSAGE_FIRST + MESSAGE_LAST, MESSAGE_SLOT);

        *ret_length = 0;
        for (uint64_t i = 1; i <= count; i++) {
                char what[32], slot[MESSAGE_SLOT];
                struct alert alert;

                snprintf(what, sizeof(what), "number %d", (int)i);
                alert = an_alert(what);
                assert_int_equal(message_format_slot(&alert, i, ALERT_CRITICAL, slot, ret_last, NULL), 0);
                memcpy(bytes + *ret_last, slot, MESSAGE_SLOT);
                if (*ret_last + MESSAGE_SLOT > *ret_length)
                        *ret_length = *ret_last + MESSAGE_SLOT;
        }
        return bytes;
}

static void a_group_keeps_both_ends(void **state _unused_)
{
        struct message message;
        uint64_t last;
        size_t length;
        char *bytes;

        for (uint64_t count = 1; count < 64; count++) {
                bytes = a_group(count, &length, &last);
                assert_int_equal(message_parse(bytes, length, ID, &message, NULL), 0);
                assert_int_equal(message.count, count);
                assert_int_equal(message.entry_count, count < 20 ? count : 20);
                for (size_t i = 0; i < message.entry_count; i++)
                        assert_int_equal(message.entries[i].number,
                                         i < 10 ? i + 1 : count - message.entry_count + i + 1);
                message_done(&message);
                free(bytes);
        }
}

static void torn_lines_are_passed_over(void **state _unused_)
{
        struct message message;
        uint64_t last;
        size_t length;
        char *bytes = a_group(57, &length, &last);

        memset(bytes, 0, 3 * MESSAGE_SLOT);    /* never written */
        bytes[4 * MESSAGE_SLOT + 20] = '\xff'; /* torn */
        memset(bytes + 5 * MESSAGE_SLOT, 'x', MESSAGE_SLOT);
        assert_int_equal(message_parse(bytes, length, ID, &message, NULL), 0);
        assert_int_equal(message.count, 57);
        assert_int_equal(message.entries[0].number, 4);
        message_done(&message);
        assert_int_equal(message_parse(bytes, 3 * MESSAGE_SLOT, ID, &message, NULL), -EBADMSG);
        assert_int_equal(message_parse("", 0, ID, &message, NULL), -EBADMSG);
        free(bytes);
}

static void foreign_bytes_are_refused(void **state _unused_)
{
#define GOOD "\"time_us\":1,\"severity\":1,\"server\":\"s\",\"kind\":\"k\",\"what\":\"w\",\"group\":\"g\""
        static const char *const lines[] = {
                "{\"n\":1,\"worst\":1,\"alert\":{" GOOD "}",
                "{\"n\":0,\"worst\":1,\"alert\":{" GOOD "}}",
                "{\"n\":1,\"worst\":6,\"alert\":{" GOOD "}}",
                "{\"n\":1,\"worst\":1,\"alert\":{" GOOD ",\"site\":\"\\n\"}}",
                "{\"n\":1,\"worst\":1,\"alert\":{" GOOD ",\"site\":\"\\u0000\"}}",
                "{\"n\":1,\"worst\":1,\"alert\":{" GOOD ",\"site\":7}}",
                "{\"n\":1,\"worst\":1,\"alert\":{" GOOD ",\"details\":7}}",
                "{\"n\":1,\"worst\":1,\"alert\":{\"severity\":9," GOOD "}}",
                "{\"n\":1,\"worst\":1,\"alert\":{}}",
                "[]",
        };
        static const char good[] = "{\"n\":1,\"worst\":1,\"alert\":{" GOOD "}}";
        struct message message;

        assert_int_equal(message_parse(good, strlen(good), ID, &message, NULL), 0);
        message_done(&message);
        for (size_t i = 0; i < LENGTH(lines); i++)
                assert_int_equal(message_parse(lines[i], strlen(lines[i]), ID, &message, NULL), -EBADMSG);
}

static void programmers_mistakes_are_told(void **state _unused_)
{
        json_t *list = json_array();
        struct alert alerts[] = { an_alert("w"), an_alert("w"), an_alert(""), an_alert("w"), an_alert("w") };

        alerts[0].kind = NULL;
        alerts[1].kind = "No Kind";
        alerts[3].details = list;
        alerts[4].severity = (enum alert_severity)6;
        for (size_t i = 0; i < LENGTH(alerts); i++) {
                struct error error = ERROR_NONE;

                assert_int_equal(alert_check(&alerts[i], &error), -EINVAL);
                assert_true(*error.text);
        }
        json_decref(list);
}

static void ids(void **state _unused_)
{
        char a[MESSAGE_ID_SIZE], b[MESSAGE_ID_SIZE];

        assert_int_equal(message_id_make(a, NULL), 0);
        assert_int_equal(message_id_make(b, NULL), 0);
        assert_true(message_id_is_good(a));
        assert_string_not_equal(a, b);
        assert_false(message_id_is_good("../../etc/passwd"));
        assert_false(message_id_is_good("0006612aaf4829bb-f368631a1fc7f01G"));
        assert_false(message_id_is_good(""));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_goes_both_ways),
                cmocka_unit_test(what_is_long_is_cut),
                cmocka_unit_test(slots_hold_the_worst_case),
                cmocka_unit_test(a_group_keeps_both_ends),
                cmocka_unit_test(torn_lines_are_passed_over),
                cmocka_unit_test(foreign_bytes_are_refused),
                cmocka_unit_test(programmers_mistakes_are_told),
                cmocka_unit_test(ids),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
