/* relay_table.c - the table that keeps established connections, as nft(8) reads it. */
#include <string.h>

#include "tests.h"

#include "base/attributes.h"
#include "traffic/relay.h"

static void begin(struct relay *relay)
{
        *relay = (struct relay){ .ports = { 80, 443 }, .port_count = 2, .remember_s = 3900, .count = 1 };
        assert_int_equal(address_parse("192.0.2.80/32", "eth0", &relay->services[0], NULL), 0);
}

static const char *written(const struct relay *relay, struct buffer *out)
{
        struct peer_address to4 = { 0 }, to6 = { 0 };

        assert_int_equal(peer_address_parse("192.0.2.77", &to4, NULL), 0);
        assert_int_equal(peer_address_parse("2001:db8::77", &to6, NULL), 0);
        assert_int_equal(relay_write(relay, &to4, &to6, out), 0);
        return buffer_text(out);
}

static void one_address(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(8192);
        struct relay relay;
        const char *text;

        begin(&relay);
        text = written(&relay, &out);
        assert_non_null(strstr(text, "elements = { 80, 443 }"));
        assert_non_null(strstr(text, "hook ingress device \"eth0\""));
        assert_non_null(strstr(text, "ip daddr 192.0.2.80 tcp dport @ports tcp flags & (syn | ack) == syn update @begun4"));
        assert_non_null(strstr(text, "!= @begun4 fwd ip to 192.0.2.77 device \"eth0\""));
        assert_non_null(strstr(text, "timeout 3900s"));
        assert_null(strstr(text, "ip6"));
        assert_ptr_equal(strstr(text, "add table netdev understudy_relay\ndelete table netdev understudy_relay\n"), text);
}

/* Of each family, its own set and its own way; what begins is noted before what is not known is handed on. */
static void both_families(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(8192);
        struct relay relay;
        const char *text;

        begin(&relay);
        assert_int_equal(address_parse("2001:db8::80/128", "eth0", &relay.services[relay.count++], NULL), 0);
        text = written(&relay, &out);
        assert_non_null(strstr(text, "fwd ip to 192.0.2.77"));
        assert_non_null(strstr(text, "ip6 daddr 2001:db8::80"));
        assert_non_null(strstr(text, "fwd ip6 to 2001:db8::77"));
        assert_true(strstr(text, "update @begun6") < strstr(text, "!= @begun6"));
}

/* No larger than it is allowed to be: said, and not cut off. */
static void no_room(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(300);
        struct peer_address to = { .family = AF_INET };
        struct relay relay;

        begin(&relay);
        assert_true(relay_write(&relay, &to, &to, &out) < 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_address),
                cmocka_unit_test(both_families),
                cmocka_unit_test(no_room),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
