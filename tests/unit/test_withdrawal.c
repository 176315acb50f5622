/* filter_text.c, withdrawal.c - ports, the table as nft is handed it, what counts as that table, and the file. */
#include "tests.h"

#include <sys/stat.h>

#include "base/attributes.h"
#include "traffic/withdrawal.h"

static void ports_have_one_spelling(void **state)
{
        static const char *const wrong[] = { "",      "0",       "65536", "-1",   "+80",   " 80",     "080",   "80/",
                                             "80/sctp", "80/tcp ", "http",  "8o",   "80,443", "80/TCP", "80-90", "80/udp/tcp" };
        struct filter_ports ports = { .count = 0 };
        char text[FILTER_PORT_SIZE];

        (void)state;
        assert_int_equal(filter_port_add(&ports, "8080", NULL), 0);
        assert_int_equal(filter_port_add(&ports, "8080/tcp", NULL), 0); /* the same */
        assert_int_equal(filter_port_add(&ports, "65535/udp", NULL), 0);
        assert_int_equal(ports.count, 2);
        filter_port_text(&ports.list[0], text);
        assert_string_equal(text, "8080/tcp");
        filter_port_text(&ports.list[1], text);
        assert_string_equal(text, "65535/udp");
        for (size_t i = 0; i < LENGTH(wrong); i++)
                assert_int_equal(filter_port_add(&ports, wrong[i], NULL), -EINVAL);
        for (int i = 2; i < FILTER_PORTS; i++) {
                snprintf(text, sizeof(text), "%d", i);
                assert_int_equal(filter_port_add(&ports, text, NULL), 0);
        }
        assert_int_equal(filter_port_add(&ports, "9999", NULL), -EINVAL);
        assert_int_equal(filter_port_add(&ports, "8080", NULL), 0); /* is there */
}

static void the_table_names_every_port(void **state)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(8192);
        struct filter_ports ports = { .count = 0 };

        (void)state;
        assert_int_equal(filter_write(&filter_web_ports, &text), 0);
        assert_non_null(strstr(text.data, "elements = { 80, 443 }"));
        assert_non_null(strstr(text.data, "elements = { 443 }"));
        buffer_clear(&text);
        assert_int_equal(filter_port_add(&ports, "8080", NULL), 0);
        assert_int_equal(filter_write(&ports, &text), 0);
        assert_non_null(strstr(text.data, "set udp_ports { type inet_service; }"));
}

/* As nft 1.0.6 lists it, shortened by what nobody looks at. */
#define CHAIN(hook, prio)                                                                                              \
        "{\"chain\":{\"family\":\"inet\",\"table\":\"understudy_withdraw\",\"name\":\"" hook                             \
        "\",\"handle\":3,\"type\":\"filter\",\"hook\":\"" hook "\",\"prio\":" prio ",\"policy\":\"accept\"}},"
#define SET(name, elements)                                                                                            \
        "{\"set\":{\"family\":\"inet\",\"name\":\"" name "\",\"type\":\"inet_service\"" elements "}},"
#define RULE(chain, comment, verdict)                                                                                  \
        "{\"rule\":{\"chain\":\"" chain "\",\"comment\":\"" comment                                                     \
        "\",\"expr\":[{\"match\":{}},{\"counter\":{}}," verdict "]}},"
#define RESET "{\"reject\":{\"type\":\"tcp reset\"}}"
#define HEAD  "{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\"}},"
#define TAIL  "{\"table\":{\"family\":\"inet\",\"name\":\"understudy_withdraw\"}}]}"
#define CHAINS CHAIN("prerouting", "-300") CHAIN("output", "-300")
#define SETS   SET("tcp_ports", ",\"elem\":[443,80]") SET("udp_ports", ",\"elem\":[443]")
#define RULES_BUT_ONE                                                                                                  \
        RULE("prerouting", "visitors by UDP", "{\"reject\":{}}") RULE("output", "answers by TCP", RESET)                \
        RULE("output", "answers by UDP", "{\"drop\":null}")

static enum filter_sight judge(const char *json)
{
        return filter_judge(&filter_web_ports, json, strlen(json));
}

static void only_the_whole_table_is_closed(void **state)
{
        static const char *const broken[] = {
                "",
                "[]",
                "{\"nftables\":[]}",
                HEAD CHAINS SETS RULES_BUT_ONE TAIL,
                HEAD CHAIN("output", "-300") SETS RULES_BUT_ONE RULE("prerouting", "visitors by TCP", RESET) TAIL,
                HEAD CHAIN("prerouting", "0") CHAIN("output", "-300") SETS RULES_BUT_ONE
                        RULE("prerouting", "visitors by TCP", RESET) TAIL,
                HEAD CHAINS SET("udp_ports", ",\"elem\":[443]") RULES_BUT_ONE
                        RULE("prerouting", "visitors by TCP", RESET) TAIL,
                HEAD CHAINS SET("tcp_ports", ",\"elem\":[80]") SET("udp_ports", ",\"elem\":[443]") RULES_BUT_ONE
                        RULE("prerouting", "visitors by TCP", RESET) TAIL,
                HEAD CHAINS SET("tcp_ports", ",\"elem\":[80,443,22]") SET("udp_ports", ",\"elem\":[443]") RULES_BUT_ONE
                        RULE("prerouting", "visitors by TCP", RESET) TAIL,
                HEAD CHAINS SET("tcp_ports", ",\"elem\":[80,80]") SET("udp_ports", "") RULES_BUT_ONE
                        RULE("prerouting", "visitors by TCP", RESET) TAIL,
                HEAD CHAINS SETS RULES_BUT_ONE RULE("prerouting", "visitors by TCP", "{\"accept\":null}") TAIL,
                HEAD CHAINS SETS RULES_BUT_ONE RULE("output", "visitors by TCP", RESET) TAIL,
        };

        (void)state;
        assert_int_equal(judge(HEAD CHAINS SETS RULES_BUT_ONE RULE("prerouting", "visitors by TCP", RESET) TAIL),
                         FILTER_CLOSED);
        for (size_t i = 0; i < LENGTH(broken); i++)
                if (judge(broken[i]) != FILTER_BROKEN)
                        fail_msg("%zu is taken for closed", i);
}

static const struct withdrawal some = { .present = true,
                                        .since = 1246870800,
                                        .reason = "the login page \\033[31m \"sends\"",
                                        .actor = "uid 0, logged in as uid 1001",
                                        .ports = { { { 80, false }, { 443, true } }, 2 } };

static void the_file_comes_back_as_it_was(void **state)
{
        char folder[TESTS_FOLDER_SIZE], below[TESTS_FOLDER_SIZE + 32];
        int fd = tests_folder(folder);
        struct withdrawal read;
        struct stat st;

        (void)state;
        snprintf(below, sizeof(below), "%s/new/state", folder);
        assert_int_equal(withdrawal_read(below, &read, NULL), 0); /* no state is no withdrawal */
        assert_false(read.present);
        assert_int_equal(withdrawal_write(below, &some, NULL), 0);
        assert_int_equal(withdrawal_read(below, &read, NULL), 0);
        assert_true(read.present);
        assert_int_equal(read.since, some.since);
        assert_string_equal(read.reason, some.reason);
        assert_string_equal(read.actor, some.actor);
        assert_int_equal(read.ports.count, 2);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(read.ports.list[i].number, some.ports.list[i].number);
                assert_int_equal(read.ports.list[i].udp, some.ports.list[i].udp);
        }
        snprintf(below, sizeof(below), "%s/new/state/withdrawn.json", folder);
        assert_int_equal(stat(below, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        snprintf(below, sizeof(below), "%s/new/state", folder);
        assert_int_equal(withdrawal_remove(below, NULL), 0);
        assert_int_equal(withdrawal_remove(below, NULL), 0);
        assert_int_equal(withdrawal_read(below, &read, NULL), 0);
        assert_false(read.present);
        close(fd);
        tests_folder_remove(folder);
}

static void what_cannot_be_understood_is_a_withdrawal(void **state)
{
        static const char *const damaged[] = {
                "",
                "{",
                "null",
                "{}",
                "{\"actor\":\"x\",\"ports\":[],\"reason\":\"\",\"since\":\"2009-07-06T09:00:00Z\"}",
                "{\"actor\":\"x\",\"ports\":[\"80\"],\"reason\":\"\",\"since\":\"yesterday\"}",
                "{\"actor\":\"x\",\"ports\":[\"80\"],\"reason\":\"\\u001b[31m\",\"since\":\"2009-07-06T09:00:00Z\"}",
                "{\"actor\":\"x\",\"ports\":[80],\"reason\":\"\",\"since\":\"2009-07-06T09:00:00Z\"}",
                "{\"actor\":\"x\",\"ports\":[\"80\"],\"reason\":\"\",\"since\":\"2009-07-06T09:00:00Z\"",
        };
        struct withdrawal read;

        (void)state;
        for (size_t i = 0; i < LENGTH(damaged); i++) {
                assert_int_equal(withdrawal_parse(damaged[i], strlen(damaged[i]), &read, NULL), -EBADMSG);
                assert_true(read.present);
                assert_int_equal(read.ports.count, filter_web_ports.count);
                assert_string_equal(read.reason, "");
        }
}

static void one_at_a_time(void **state)
{
        char folder[TESTS_FOLDER_SIZE];
        int fd = tests_folder(folder), first = withdrawal_lock(folder, NULL), second;

        (void)state;
        assert_true(first >= 0);
        close(first);
        second = withdrawal_lock(folder, NULL);
        assert_true(second >= 0);
        close(second);
        close(fd);
        tests_folder_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ports_have_one_spelling),
                cmocka_unit_test(the_table_names_every_port),
                cmocka_unit_test(only_the_whole_table_is_closed),
                cmocka_unit_test(the_file_comes_back_as_it_was),
                cmocka_unit_test(what_cannot_be_understood_is_a_withdrawal),
                cmocka_unit_test(one_at_a_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
