/* relay_state.h - relay.json is read as it was written, and nothing else is. */
#include "tests.h"

#include <errno.h>
#include <string.h>

#include "base/attributes.h"
#include "traffic/relay_state.h"

#define BOOT "2b9f2f0e-1c7c-4a0e-9a55-0d1f0e6f3a11"

static const char good[] = "{\"boot\":\"" BOOT "\",\"interface\":\"eth0.100\",\"put\":[\"192.0.2.80\",\"2001:db8::80\"],"
                           "\"arp_ignore\":0,\"arp_announce\":2}";

static void what_is_written_is_read(void **state)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELAY_STATE_MAXIMUM);
        struct relay_state kept;

        (void)state;
        assert_int_equal(relay_state_read(good, strlen(good), &kept), 0);
        assert_string_equal(kept.boot, BOOT);
        assert_string_equal(kept.interface, "eth0.100");
        assert_int_equal(kept.before[RELAY_ARP_IGNORE], 0);
        assert_int_equal(kept.before[RELAY_ARP_ANNOUNCE], 2);
        assert_int_equal(kept.count, 2);
        assert_string_equal(kept.put[1].interface, "lo");
        assert_int_equal(kept.put[1].prefix, 128);
        assert_int_equal(relay_state_write(&kept, &text), 0);
        assert_string_equal(buffer_text(&text), good);
}

/* The good one with another text in the place of one of it. */
static int read_with(const char *from, const char *to, struct relay_state *kept)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(2 * RELAY_STATE_MAXIMUM);
        const char *at = strstr(good, from);

        assert_non_null(at);
        assert_int_equal(buffer_append(&text, good, (size_t)(at - good)), 0);
        assert_int_equal(buffer_append_text(&text, to), 0);
        assert_int_equal(buffer_append_text(&text, at + strlen(from)), 0);
        return relay_state_read(buffer_text(&text), text.length, kept);
}

static void what_is_damaged_is_no_state(void **state)
{
        static const char *const bad[][2] = {
                { "eth0.100", "" },
                { "eth0.100", ".." },
                { "eth0.100", "../../kernel" },
                { "eth0.100", "an-interface-name-that-is-too-long" },
                { "\"boot\"", "\"book\"" },
                { BOOT, BOOT BOOT },
                { "\"arp_ignore\":0", "\"arp_ignore\":-1" },
                { "\"arp_ignore\":0", "\"arp_ignore\":2147483648" },
                { "\"arp_ignore\":0", "\"arp_ignore\":0.5" },
                { "\"arp_ignore\":0", "\"arp_announce\":0" },
                { "192.0.2.80", "192.0.2.80/8" },
                { "192.0.2.80", "127.0.0.1" },
                { "192.0.2.80", "web1" },
                { "[\"192.0.2.80\",\"2001:db8::80\"]", "{}" },
                { ",\"put\":[\"192.0.2.80\",\"2001:db8::80\"]", "" },
                { "]", ",\"192.0.2.1\",\"192.0.2.2\",\"192.0.2.3\",\"192.0.2.4\",\"192.0.2.5\",\"192.0.2.6\",\"192.0.2.7\"]" },
                { "}", "" },
        };
        struct relay_state kept = { .count = 7 };

        (void)state;
        for (size_t i = 0; i < LENGTH(bad); i++)
                if (read_with(bad[i][0], bad[i][1], &kept) != -EBADMSG)
                        fail_msg("%s in the place of %s was taken", bad[i][1], bad[i][0]);
        assert_int_equal(kept.count, 7); /* untouched */
        assert_int_equal(read_with("192.0.2.80", "192.0.2.81", &kept), 0);
}

static void what_is_too_long_is_not_read(void **state)
{
        static char spaces[RELAY_STATE_MAXIMUM + 1];
        struct relay_state kept;

        (void)state;
        memset(spaces, ' ', sizeof(spaces));
        memcpy(spaces, good, strlen(good));
        assert_int_equal(relay_state_read(spaces, sizeof(spaces) - 1, &kept), 0);
        assert_int_equal(relay_state_read(spaces, sizeof(spaces), &kept), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_written_is_read),
                cmocka_unit_test(what_is_damaged_is_no_state),
                cmocka_unit_test(what_is_too_long_is_not_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
