/* schedule.c - pauses grow and never too far, a target that is down does not hold up news, one bad message nobody else.
 */
#include "tests.h"

#include "base/attributes.h"
#include "notify/schedule.h"

static const struct schedule_times times = { 10000, 3600000, INT64_C(7) * 86400000 };

static void pauses_grow(void **state _unused_)
{
        static const int64_t expected[] = { 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600 };

        for (unsigned int i = 0; i < LENGTH(expected); i++) {
                assert_int_equal(schedule_pause(&times, i + 1, 0), expected[i] * 1000);
                for (uint64_t chance = 0; chance < 100; chance++) {
                        int64_t pause = schedule_pause(&times, i + 1, chance * UINT64_C(0x9e3779b97f4a7c15));

                        assert_true(pause <= expected[i] * 1000 && pause >= expected[i] * 750);
                }
        }
        assert_int_equal(schedule_pause(&times, UINT32_MAX, 0), 3600000);
}

static void a_target_that_is_down_pauses(void **state _unused_)
{
        struct schedule_target target = { 0 };
        struct schedule_item item = { 0 }, fresh = { 0 };

        for (int i = 1; i <= 8; i++)
                schedule_ended(&times, SCHEDULE_LATER, 1000, 0, &target, &item);
        assert_int_equal(target.failures, 8);
        assert_int_equal(item.rejections, 0);
        assert_int_equal(schedule_ready(&times, &target, &item), 1000 + 1280000);
        assert_int_equal(schedule_ready(&times, &target, &fresh), 1000 + SCHEDULE_FRESH_MS); /* news waits a minute */
        schedule_ended(&times, SCHEDULE_DELIVERED, 2000, 0, &target, &fresh);
        assert_true(fresh.settled);
        assert_int_equal(schedule_ready(&times, &target, &item), 0); /* all that waited goes now */
}

static void a_message_that_is_rejected_lets_others_pass(void **state _unused_)
{
        struct schedule_target target = { .failures = 4, .failed_ms = 1, .pause_ms = 80000 };
        struct schedule_item bad = { 0 }, good = { 0 };

        schedule_ended(&times, SCHEDULE_REJECTED, 1000, 0, &target, &bad);
        assert_int_equal(target.failures, 0); /* it answers */
        assert_int_equal(schedule_ready(&times, &target, &bad), 11000);
        assert_int_equal(schedule_ready(&times, &target, &good), 0);
        assert_true(schedule_before(&good, &bad, 1));
        assert_false(schedule_before(&bad, &good, -1));
        assert_true(schedule_before(&good, &good, -1)); /* the older */
}

static void what_is_too_old_is_given_up(void **state _unused_)
{
        struct schedule_target down = { .failures = 3 }, up = { 0 };
        struct schedule_item item = { 0 }, bad = { .rejections = 3 };

        assert_false(schedule_given_up(&times, times.give_up_ms, &down, &item));
        assert_true(schedule_given_up(&times, times.give_up_ms + 1, &down, &item));
        assert_true(schedule_given_up(&times, times.give_up_ms + 1, &up, &bad));
        /* The clock was set forward, or the machine was off: it has its tries first. */
        assert_false(schedule_given_up(&times, times.give_up_ms * 10, &up, &item));
        assert_false(schedule_given_up(&times, -times.give_up_ms, &down, &bad));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pauses_grow),
                cmocka_unit_test(a_target_that_is_down_pauses),
                cmocka_unit_test(a_message_that_is_rejected_lets_others_pass),
                cmocka_unit_test(what_is_too_old_is_given_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
