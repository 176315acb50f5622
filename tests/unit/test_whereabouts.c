/* whereabouts.c - who is on stage, in the words of a program. */
#include <arpa/inet.h>
#include <string.h>

#include "tests.h"

#include "base/attributes.h"
#include "traffic/whereabouts.h"

static char names[3][16] = { "web1", "web2", "db1" };
static struct config config = { .server_count = 3 };

static int set_up(void **state _unused_)
{
        static const char *const addresses[] = { "192.0.2.11", "192.0.2.12", "192.0.2.20" };

        for (size_t i = 0; i < 3; i++) {
                config.servers[i].name = names[i];
                config.servers[i].addresses.count = 1;
                config.servers[i].addresses.items[0].family = AF_INET;
                inet_pton(AF_INET, addresses[i], config.servers[i].addresses.items[0].bytes);
        }
        return 0;
}

/* web1 was on stage, web2 is to be. */
static enum event read_text(const char *text, const char *words)
{
        struct error error = ERROR_NONE;
        enum event event = whereabouts_read(text, strlen(text), &config, &config.servers[0], &config.servers[1], &error);

        if (words && !strstr(error.text, words))
                fail_msg("'%s': %s", text, error.text);
        return event;
}

static void one_of_the_two(void **state _unused_)
{
        assert_int_equal(read_text("web2\n", NULL), EVENT_SEEN_WANTED);
        assert_int_equal(read_text(" \t192.0.2.12\r\n\n", NULL), EVENT_SEEN_WANTED);
        assert_int_equal(read_text("web2\n192.0.2.12", NULL), EVENT_SEEN_WANTED);
        assert_int_equal(read_text("web1", NULL), EVENT_SEEN_BEFORE);
        assert_int_equal(read_text("\n\n192.0.2.11\n", NULL), EVENT_SEEN_BEFORE);
}

static void something_between(void **state _unused_)
{
        assert_int_equal(read_text("", "neither web1 nor web2"), EVENT_SEEN_PART);
        assert_int_equal(read_text("\n \n", "neither web1 nor web2"), EVENT_SEEN_PART);
        assert_int_equal(read_text("web1\nweb2\n", "together"), EVENT_SEEN_PART);
        assert_int_equal(read_text("192.0.2.11\n192.0.2.12\n", "together"), EVENT_SEEN_PART);
        assert_int_equal(read_text("db1\n", "another server"), EVENT_SEEN_PART);
        assert_int_equal(read_text("web2\n192.0.2.20\n", "another server"), EVENT_SEEN_PART);
}

static void what_is_not_understood_was_not_seen(void **state _unused_)
{
        assert_int_equal(read_text("web3\n", "'web3'"), EVENT_SEEN_NOTHING);
        assert_int_equal(read_text("web2\nerror: timed out\n", "'error: timed out'"), EVENT_SEEN_NOTHING);
        assert_int_equal(read_text("192.0.2.99", "'192.0.2.99'"), EVENT_SEEN_NOTHING);
        assert_int_equal(read_text("web2 web1\n", "'web2 web1'"), EVENT_SEEN_NOTHING);
        assert_int_equal(read_text("\033[2J\n", "\\033"), EVENT_SEEN_NOTHING);
        assert_int_equal(whereabouts_read("web2\0", 5, &config, &config.servers[0], &config.servers[1], NULL), EVENT_SEEN_NOTHING);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_of_the_two),
                cmocka_unit_test(something_between),
                cmocka_unit_test(what_is_not_understood_was_not_seen),
        };

        return cmocka_run_group_tests_name("whereabouts", tests, set_up, NULL);
}
