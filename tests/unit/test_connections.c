/* connections.c - which lines of the kernel's table are visitors. */
#include <string.h>

#include "tests.h"

#include "base/attributes.h"
#include "traffic/connections.h"

static bool counts(const char *line, int family, const char *address)
{
        struct peer_address addresses[1];
        const uint16_t ports[] = { 80 };
        const struct connections_which which = { addresses, 1, ports, 1 };

        assert_int_equal(peer_address_parse(address, &addresses[0], NULL), 0);
        return connections_line(line, strlen(line), family, &which);
}

/* As Linux prints them: digits above 9 are capitals. */
#define ESTABLISHED "   2: 500200C0:0050 C80200C0:E8A4 01 00000000:00000000 00:00000000 00000000     0        0 26842807 3 000000001001face 20 4 1 28 -1"
#define TIME_WAIT   "   3: 500200C0:0050 C80200C0:EBB6 06 00000000:00000000 03:00001740 00000000     0        0 0 3 0000000045445169"
#define LISTENING   "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 26835852 1 00000000fd4aa439 100 0 0 10 0"
#define OTHER_PORT  "   2: 500200C0:0051 C80200C0:E8A4 01 00000000:00000000 00:00000000 00000000     0        0 1 3 0 20 4 1 28 -1"
#define MAPPED      "   2: 0000000000000000FFFF0000500200C0:0050 0000000000000000FFFF0000C80200C0:E8A4 01 00000000:00000000 00:00000000 00000000     0        0 1 3 0 20 4 1 28 -1"
#define SIX         "   2: B80D0120000000000000000080000000:0050 B80D01200000000000000000C8000000:E8A4 01 00000000:00000000 00:00000000 00000000     0        0 1 3 0 20 4 1 28 -1"

static void a_visitor(void **state _unused_)
{
        assert_true(counts(ESTABLISHED, AF_INET, "192.0.2.80"));
        assert_false(counts(ESTABLISHED, AF_INET, "192.0.2.81"));
        assert_true(counts(MAPPED, AF_INET6, "192.0.2.80"));
        assert_true(counts(SIX, AF_INET6, "2001:db8::80"));
}

static void no_visitor(void **state _unused_)
{
        assert_false(counts(TIME_WAIT, AF_INET, "192.0.2.80"));
        assert_false(counts(LISTENING, AF_INET, "192.0.2.80"));
        assert_false(counts(OTHER_PORT, AF_INET, "192.0.2.80"));
        assert_false(counts("  sl  local_address rem_address   st tx_queue", AF_INET, "192.0.2.80"));
        assert_false(counts("", AF_INET, "192.0.2.80"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_visitor),
                cmocka_unit_test(no_visitor),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
