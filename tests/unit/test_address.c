/* address.c - which texts are addresses that a server can take. The rest needs a network: tests/t/71-address.t. */
#include "tests.h"

#include <sys/socket.h>

#include "base/attributes.h"
#include "traffic/address.h"

static void addresses_are_read(void **state _unused_)
{
        struct error error = ERROR_NONE;
        struct address address;
        char text[ADDRESS_TEXT_SIZE];

        assert_int_equal(address_parse("192.0.2.80", "eth0", &address, &error), 0);
        assert_int_equal(address.prefix, 32);
        assert_string_equal(address.interface, "eth0");
        assert_int_equal(address_parse("192.0.2.80/24", "eth0", &address, &error), 0);
        assert_int_equal(address.prefix, 24);
        assert_int_equal(address_parse("2001:DB8::80", "eth0", &address, &error), 0);
        assert_int_equal(address.family, AF_INET6);
        assert_int_equal(address.prefix, 128);
        address_text(&address, text);
        assert_string_equal(text, "2001:db8::80");
}

static void what_no_server_can_have_is_refused(void **state _unused_)
{
        static const char *const wrong[] = {
                "",          "192.0.2", "192.0.2.80/",       "192.0.2.80/33",  "192.0.2.80/0", "127.0.0.1",
                "224.0.0.1", "0.0.0.0", "255.255.255.255",   "192.0.2.80/024", "192.0.2.80 ",  "::",
                "::1",       "ff02::1", "::ffff:192.0.2.80", "2001:db8::/129", "web1.example"
        };
        struct error error;
        struct address address;

        for (size_t i = 0; i < LENGTH(wrong); i++) {
                error = ERROR_NONE;
                assert_int_equal(address_parse(wrong[i], "eth0", &address, &error), -EINVAL);
                assert_int_equal(error.status, EXIT_USAGE);
        }
        assert_int_equal(address_parse("192.0.2.80", "", &address, &error), -EINVAL);
        assert_int_equal(address_parse("192.0.2.80", "a-name-that-is-too-long", &address, &error), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(addresses_are_read),
                cmocka_unit_test(what_no_server_can_have_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
