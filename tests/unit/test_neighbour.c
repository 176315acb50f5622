/* neighbour.c - what is said about an address, and who is believed to say it. */
#include "tests.h"

#include <sys/socket.h>

#include "traffic/claim.h"
#include "traffic/neighbour.h"

static const struct neighbour_mac us = { { 2, 0, 0, 0, 0, 1 } }, them = { { 2, 0, 0, 0, 0, 2 } };
static const uint8_t four[4] = { 192, 0, 2, 80 }, other4[4] = { 192, 0, 2, 81 };
static const uint8_t six[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x80 };

static enum neighbour_claim arp(enum neighbour_packet kind, const struct neighbour_mac *mac, const uint8_t *about)
{
        uint8_t packet[NEIGHBOUR_PACKET_SIZE];
        struct neighbour_mac found = { { 0 } };
        size_t length = neighbour_make_arp(kind, mac, about, packet);
        enum neighbour_claim claim = neighbour_read_arp(packet, length, four, &us, &found);

        assert_int_equal(length, NEIGHBOUR_ARP_SIZE);
        if (claim != NEIGHBOUR_NOTHING)
                assert_memory_equal(&found, mac, sizeof(found));
        return claim;
}

static void arp_tells_holders_from_askers(void **state _unused_)
{
        assert_int_equal(arp(NEIGHBOUR_ANNOUNCE, &them, four), NEIGHBOUR_HOLDS);
        assert_int_equal(arp(NEIGHBOUR_REPLY, &them, four), NEIGHBOUR_HOLDS);
        assert_int_equal(arp(NEIGHBOUR_PROBE, &them, four), NEIGHBOUR_WANTS);
        assert_int_equal(arp(NEIGHBOUR_ANNOUNCE, &them, other4), NEIGHBOUR_NOTHING);
        assert_int_equal(arp(NEIGHBOUR_PROBE, &them, other4), NEIGHBOUR_NOTHING);
        assert_int_equal(arp(NEIGHBOUR_ANNOUNCE, &us, four), NEIGHBOUR_NOTHING);
}

/* A client that looks for the address has an address of its own: no claim. */
static void a_question_is_no_claim(void **state _unused_)
{
        uint8_t packet[NEIGHBOUR_PACKET_SIZE];
        struct neighbour_mac found;
        size_t length = neighbour_make_arp(NEIGHBOUR_PROBE, &them, four, packet);

        memcpy(packet + 14, other4, 4);
        assert_int_equal(neighbour_read_arp(packet, length, four, &us, &found), NEIGHBOUR_NOTHING);
}

/* RFC 5227 1.1 and 3: a probe's sender is 0.0.0.0, an announcement is a request with both addresses the same. */
static void arp_packets_are_those_of_the_rfc(void **state _unused_)
{
        static const uint8_t probe[] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0,   0, 0, 1,
                                         0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 80 };
        static const uint8_t announce[] = { 0,   1, 8, 0,  6, 4, 0, 1, 2, 0, 0,   0, 0, 1,
                                            192, 0, 2, 80, 0, 0, 0, 0, 0, 0, 192, 0, 2, 80 };
        uint8_t packet[NEIGHBOUR_PACKET_SIZE];

        neighbour_make_arp(NEIGHBOUR_PROBE, &us, four, packet);
        assert_memory_equal(packet, probe, sizeof(probe));
        neighbour_make_arp(NEIGHBOUR_ANNOUNCE, &us, four, packet);
        assert_memory_equal(packet, announce, sizeof(announce));
}

static void short_packets_say_nothing(void **state _unused_)
{
        uint8_t packet[NEIGHBOUR_PACKET_SIZE];
        struct neighbour_mac found;
        size_t length = neighbour_make_arp(NEIGHBOUR_ANNOUNCE, &them, four, packet);

        for (size_t cut = 0; cut < length; cut++)
                assert_int_equal(neighbour_read_arp(packet, cut, four, &us, &found), NEIGHBOUR_NOTHING);
        length = neighbour_make_ndp(NEIGHBOUR_ANNOUNCE, &them, six, packet);
        for (size_t cut = 0; cut < length; cut++)
                assert_int_equal(neighbour_read_ndp(packet, cut, six, &us, &them, &found), NEIGHBOUR_NOTHING);
}

static void discovery_tells_holders_from_askers(void **state _unused_)
{
        static const struct neighbour_mac link = {
                {2, 0, 0, 0, 0, 9}
        };
        uint8_t packet[NEIGHBOUR_PACKET_SIZE];
        struct neighbour_mac found;
        size_t length = neighbour_make_ndp(NEIGHBOUR_ANNOUNCE, &them, six, packet);

        assert_int_equal(neighbour_read_ndp(packet, length, six, &us, &link, &found), NEIGHBOUR_HOLDS);
        assert_memory_equal(&found, &them, sizeof(found)); /* as the packet names it, not the link */
        assert_int_equal(neighbour_read_ndp(packet, length, six, &them, &link, &found), NEIGHBOUR_NOTHING);
        length = neighbour_make_ndp(NEIGHBOUR_PROBE, &them, six, packet);
        assert_int_equal(neighbour_read_ndp(packet, length, six, &us, &link, &found), NEIGHBOUR_WANTS);
        assert_memory_equal(&found, &link, sizeof(found));
}

/* Whoever is not on the segment cannot make it (RFC 4861 7.1): hop limit; and broken ones count for nothing. */
static void discovery_from_outside_is_not_heard(void **state _unused_)
{
        uint8_t packet[NEIGHBOUR_PACKET_SIZE];
        struct neighbour_mac found;
        size_t length = neighbour_make_ndp(NEIGHBOUR_ANNOUNCE, &them, six, packet);

        packet[7] = 254;
        assert_int_equal(neighbour_read_ndp(packet, length, six, &us, &them, &found), NEIGHBOUR_NOTHING);
        packet[7] = 255;
        packet[42] ^= 1; /* the checksum */
        assert_int_equal(neighbour_read_ndp(packet, length, six, &us, &them, &found), NEIGHBOUR_NOTHING);
}

static void multicast_goes_where_the_rfc_says(void **state _unused_)
{
        static const uint8_t solicited[] = { 0x33, 0x33, 0xff, 0x12, 0x34, 0x80 }, all[] = { 0x33, 0x33, 0, 0, 0, 1 };
        struct neighbour_mac mac;

        neighbour_destination(NEIGHBOUR_PROBE, AF_INET6, six, &mac);
        assert_memory_equal(mac.bytes, solicited, 6);
        neighbour_destination(NEIGHBOUR_ANNOUNCE, AF_INET6, six, &mac);
        assert_memory_equal(mac.bytes, all, 6);
}

/* Often at first, a minute long, and never going backwards; then a probe every ten seconds. */
static void announcements_last_a_minute(void **state _unused_)
{
        int64_t last = -1, end = 0;
        unsigned int early = 0;

        for (unsigned int i = 0; i < 200; i++) {
                struct claim_due due = claim_schedule(i, 60000);

                assert_true(due.after_ms > last);
                assert_true(due.after_ms - last <= 10000);
                early += due.announces && due.after_ms <= 1000;
                if (due.announces) {
                        assert_true(i == 0 || due.after_ms - last <= 1000);
                        end = due.after_ms;
                }
                last = due.after_ms;
        }
        assert_int_equal(claim_schedule(0, 60000).after_ms, 0);
        assert_true(early >= 6);
        assert_true(end >= 60000 && end < 62000);
}

/* As long as the configuration says; then a probe every ten seconds, as ever. */
static void announcements_last_as_long_as_is_said(void **state _unused_)
{
        static const int64_t lengths[] = { 1000, 5000, 600000 };

        for (size_t k = 0; k < LENGTH(lengths); k++) {
                int64_t end = 0, last = -1;

                for (unsigned int i = 0; i < 1000; i++) {
                        struct claim_due due = claim_schedule(i, lengths[k]);

                        assert_true(due.after_ms > last && due.after_ms - last <= 10000);
                        last = due.after_ms;
                        if (due.announces)
                                end = due.after_ms;
                }
                assert_true(end >= lengths[k] && end < lengths[k] + 1300);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(arp_tells_holders_from_askers),
                cmocka_unit_test(a_question_is_no_claim),
                cmocka_unit_test(arp_packets_are_those_of_the_rfc),
                cmocka_unit_test(short_packets_say_nothing),
                cmocka_unit_test(discovery_tells_holders_from_askers),
                cmocka_unit_test(discovery_from_outside_is_not_heard),
                cmocka_unit_test(multicast_goes_where_the_rfc_says),
                cmocka_unit_test(announcements_last_a_minute),
                cmocka_unit_test(announcements_last_as_long_as_is_said),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
