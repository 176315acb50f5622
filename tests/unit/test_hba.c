/* hba.c - our block in pg_hba.conf: first, once, and nothing else touched. And what a server answers by it. */
#include "tests.h"

#include "base/text.h"
#include "traffic/hba.h"
#include "traffic/postgres.h"

static struct peer production = { .name = "production" };
static const struct peer *const out[] = { &production };

static struct hba_block block(uint64_t epoch)
{
        struct hba_block one = {
                .epoch = epoch, .out = out, .out_count = 1, .canary = {127, 81, 3, 7}
        };

        one.canary_method = "reject";
        if (production.address_count == 0) {
                assert_int_equal(peer_add(&production, "192.0.2.77", NULL), 0);
                assert_int_equal(peer_add(&production, "2001:db8::77", NULL), 0);
        }
        return one;
}

static char *compose(const char *text, const struct hba_block *wanted)
{
        struct buffer composed = BUFFER_INIT(HBA_MAXIMUM);
        struct error error = ERROR_NONE;

        if (hba_compose(text, strlen(text), wanted, &composed, &error) < 0)
                fail_msg("%s", error.text);
        return buffer_steal(&composed);
}

#define OWN "# theirs\nlocal all all peer\nhost app app 192.0.2.0/24 scram-sha-256"
#define OURS(epoch)                                                                                                    \
        "# BEGIN understudy (epoch " epoch "): kept by Understudy; what is changed between these marks is lost\n"      \
        "host all,replication all 192.0.2.77/32 reject\nhost all,replication all 2001:db8::77/128 reject\n"            \
        "host understudy_canary understudy_canary 127.81.3.7/32 reject\n# END understudy\n"

static void the_block_stands_first(void **state _unused_)
{
        struct hba_block one = block(7);
        char *text = compose(OWN, &one);

        assert_string_equal(text, OURS("7") OWN);
        free(text);
}

static void it_is_replaced_wherever_it_is(void **state _unused_)
{
        struct hba_block one = block(8);
        char *text = compose("# first\n" OURS("7") OWN, &one);

        assert_string_equal(text, OURS("8") "# first\n" OWN);
        free(text);
        text = compose(OURS("8") OWN, NULL);
        assert_string_equal(text, OWN);
        free(text);
}

static void marks_that_do_not_fit_are_an_error(void **state _unused_)
{
        static const char *const broken[] = {
                "# BEGIN understudy\nlocal all all peer\n",
                "local all all peer\n# END understudy\n",
                "# BEGIN understudy\n# BEGIN understudy\n# END understudy\n",
                "# BEGIN understudy\n# END understudy\n# END understudy",
        };
        struct hba_block one = block(7);

        for (size_t i = 0; i < LENGTH(broken); i++) {
                struct buffer text = BUFFER_INIT(HBA_MAXIMUM);

                assert_int_equal(hba_compose(broken[i], strlen(broken[i]), &one, &text, NULL), -EINVAL);
                buffer_done(&text);
        }
}

static void answers_are_told_apart(void **state _unused_)
{
        static const char rejected[] = "E\0\0\0\x26SFATAL\0VFATAL\0C28000\0Mno\0Fauth.c\0\0";
        static const char full[] = "E\0\0\0\x1eSFATAL\0VFATAL\0C53300\0Mno\0\0";
        static const char asked[] = "R\0\0\0\x08\0\0\0\x03";

        assert_int_equal(postgres_answer_read(rejected, sizeof(rejected) - 1), POSTGRES_REJECTED);
        assert_int_equal(postgres_answer_read(full, sizeof(full) - 1), POSTGRES_UNCLEAR);
        assert_int_equal(postgres_answer_read(asked, sizeof(asked) - 1), POSTGRES_ASKED);
        for (size_t cut = 0; cut < sizeof(rejected) - 1; cut++)
                assert_int_equal(postgres_answer_read(rejected, cut), POSTGRES_UNCLEAR);
        for (size_t cut = 0; cut < sizeof(asked) - 1; cut++)
                assert_int_equal(postgres_answer_read(asked, cut), POSTGRES_UNCLEAR);
}

static void the_first_packet_is_the_protocols(void **state _unused_)
{
        static const char wanted[] = "\0\0\0\x1b\0\x03\0\0user\0u\0database\0d\0";
        uint8_t packet[256];
        size_t length = postgres_startup("u", "d", packet);

        assert_int_equal(length, sizeof(wanted));
        assert_memory_equal(packet, wanted, length);
}

static void addresses_of_servers(void **state _unused_)
{
        static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 77 };
        struct peer peer = { .name = "production" };
        struct error error = ERROR_NONE;

        assert_int_equal(peer_add(&peer, "::ffff:192.0.2.77", &error), 0);
        assert_int_equal(peer.addresses[0].family, AF_INET);
        assert_true(peer_has(&peer, AF_INET6, mapped)); /* a socket that listens for both */
        assert_true(peer_has(&peer, AF_INET, mapped + 12));
        assert_false(peer_has(&peer, AF_INET6, (const uint8_t[16]){ [15] = 77 }));
        assert_int_equal(peer_add(&peer, "production.example", &error), -EINVAL);
        for (int i = 1; i < PEER_ADDRESSES; i++)
                assert_int_equal(peer_add(&peer, "2001:db8::1", &error), 0);
        assert_int_equal(peer_add(&peer, "2001:db8::2", &error), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_block_stands_first),
                cmocka_unit_test(it_is_replaced_wherever_it_is),
                cmocka_unit_test(marks_that_do_not_fit_are_an_error),
                cmocka_unit_test(answers_are_told_apart),
                cmocka_unit_test(the_first_packet_is_the_protocols),
                cmocka_unit_test(addresses_of_servers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
