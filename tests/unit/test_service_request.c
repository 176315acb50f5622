/* service.h - a line of somebody who asks: one verb and one account, percent-encoded, and nothing else. */
#include "tests.h"

#include <string.h>

#include "incident/service.h"

static char account[SERVICE_LINE_MAXIMUM];

static void asks(const char *line, enum service_verb verb, const char *wanted, size_t wanted_length)
{
        size_t length = 0;

        if (service_parse(line, strlen(line), account, &length) != verb)
                fail_msg("%s is read as another question", line);
        assert_int_equal(length, wanted_length);
        assert_memory_equal(account, wanted, wanted_length);
}

static void a_question_has_an_account(void **state)
{
        (void)state;
        asks("notice alice", SERVICE_NOTICE, "alice", 5);
        asks("acknowledge alice", SERVICE_ACKNOWLEDGE, "alice", 5);
        asks("notice Al%20ice%25", SERVICE_NOTICE, "Al ice%", 7);
        asks("notice %e3%81%82", SERVICE_NOTICE, "\xe3\x81\x82", 3);
        asks("notice a%00b", SERVICE_NOTICE, "a\0b", 3);
}

static void anything_else_is_none(void **state)
{
        static const char *const lines[] = { "",         "notice",       "notice ",        "notice  alice", "notice alice ",
                                             "Notice a", "notice a b",   "notice %",       "notice a%2",    "notice %g0",
                                             "noticea",  "notice a\x7f", "notice a\tb",    "acknowledge",   "forget alice",
                                             " notice a" };
        size_t length = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
                if (service_parse(lines[i], strlen(lines[i]), account, &length) != SERVICE_NONE)
                        fail_msg("'%s' was taken for a question", lines[i]);
}

static void a_long_line_is_none(void **state)
{
        static char line[SERVICE_LINE_MAXIMUM + 1];
        size_t length = 0;

        (void)state;
        memset(line, 'a', sizeof(line));
        memcpy(line, "notice ", 7);
        assert_int_equal(service_parse(line, SERVICE_LINE_MAXIMUM, account, &length), SERVICE_NOTICE);
        assert_int_equal(length, SERVICE_LINE_MAXIMUM - 7);
        assert_int_equal(service_parse(line, sizeof(line), account, &length), SERVICE_NONE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_question_has_an_account),
                cmocka_unit_test(anything_else_is_none),
                cmocka_unit_test(a_long_line_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
