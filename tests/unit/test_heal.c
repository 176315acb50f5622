/* heal.c: when to heal. Every phase meets every event, and a loop is slowed down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "guard/heal.h"

static void quiet_heals_at_once(void **state)
{
        struct heal heal = { 0 };

        (void)state;
        assert_int_equal(heal_wait_ms(&heal, 0), -1);
        assert_int_equal(heal_step(&heal, HEAL_TICK, 5), HEAL_NOTHING);
        assert_int_equal(heal_step(&heal, HEAL_CLEAN, 5), HEAL_NOTHING);
        assert_int_equal(heal_step(&heal, HEAL_FINDING, 10), HEAL_PULL);
        assert_int_equal(heal.phase, HEAL_RUNNING);
        assert_false(heal.looping);
}

static void found_while_it_runs_means_again(void **state)
{
        struct heal heal = { 0 };

        (void)state;
        assert_int_equal(heal_step(&heal, HEAL_FINDING, 10), HEAL_PULL);
        assert_int_equal(heal_step(&heal, HEAL_FINDING, 11), HEAL_NOTHING);
        assert_int_equal(heal_step(&heal, HEAL_TICK, 12), HEAL_NOTHING);
        assert_int_equal(heal_step(&heal, HEAL_CLEAN, 13), HEAL_NOTHING);
        assert_int_equal(heal.phase, HEAL_RUNNING);
        assert_int_equal(heal_step(&heal, HEAL_DONE, 20), HEAL_PULL);
        assert_int_equal(heal_step(&heal, HEAL_DONE, 30), HEAL_NOTHING);
        assert_int_equal(heal.phase, HEAL_QUIET);
}

static void a_loop_is_slowed_down(void **state)
{
        struct heal heal = { 0 };
        int64_t now = 0, waited[8] = { 0 };
        unsigned int pulls = 0;

        (void)state;
        while (pulls < 11) { /* somebody puts it back the moment it is healed */
                if (heal_step(&heal, HEAL_FINDING, now) == HEAL_NOTHING) {
                        int64_t wait = heal_wait_ms(&heal, now);

                        assert_int_equal(heal.phase, HEAL_WAITING);
                        assert_true(heal.looping);
                        assert_int_equal(heal_step(&heal, HEAL_FINDING, now), HEAL_NOTHING);
                        assert_int_equal(heal_step(&heal, HEAL_TICK, now + wait - 1), HEAL_NOTHING);
                        now += wait;
                        assert_int_equal(heal_step(&heal, HEAL_TICK, now), HEAL_PULL);
                        waited[pulls - HEAL_AT_ONCE] = wait;
                }
                pulls++;
                now += 100;
                assert_int_equal(heal_step(&heal, HEAL_DONE, now), HEAL_NOTHING);
        }
        assert_int_equal(waited[0], 1000);
        assert_int_equal(waited[1], 2000);
        assert_int_equal(waited[2], 4000);
        assert_int_equal(waited[7], HEAL_LONGEST_MS);
}

static void a_quiet_minute_forgives(void **state)
{
        struct heal heal = { 0 };
        int64_t now = 0;

        (void)state;
        for (int i = 0; i < HEAL_AT_ONCE; i++) {
                assert_int_equal(heal_step(&heal, HEAL_FINDING, now), HEAL_PULL);
                assert_int_equal(heal_step(&heal, HEAL_DONE, now), HEAL_NOTHING);
        }
        now += 3 * HEAL_WINDOW_MS;
        assert_int_equal(heal_step(&heal, HEAL_FINDING, now), HEAL_PULL);
        assert_false(heal.looping);
        assert_int_equal(heal.streak, 1);
}

static void failures_wait(void **state)
{
        struct heal heal = { 0 };

        (void)state;
        assert_int_equal(heal_step(&heal, HEAL_FINDING, 0), HEAL_PULL);
        assert_int_equal(heal_step(&heal, HEAL_FAILED, 100), HEAL_NOTHING);
        assert_int_equal(heal.phase, HEAL_WAITING);
        assert_int_equal(heal_wait_ms(&heal, 100), 1000);
        assert_int_equal(heal_step(&heal, HEAL_TICK, 1100), HEAL_PULL);
        assert_int_equal(heal_step(&heal, HEAL_FAILED, 1200), HEAL_NOTHING);
        assert_int_equal(heal_wait_ms(&heal, 1200), 2000);
        assert_int_equal(heal_step(&heal, HEAL_CLEAN, 1300), HEAL_NOTHING); /* somebody else has healed it */
        assert_int_equal(heal.phase, HEAL_QUIET);
        assert_int_equal(heal_wait_ms(&heal, 1300), -1);
}

/* Killed right behind its exchange: the tree is found clean, and still nobody has said that it is healed. */
static void what_was_begun_is_brought_to_its_end(void **state)
{
        struct heal heal = { 0 };

        (void)state;
        assert_int_equal(heal_step(&heal, HEAL_FINDING, 0), HEAL_PULL);
        assert_int_equal(heal_step(&heal, HEAL_BEGUN, 50), HEAL_NOTHING);
        assert_int_equal(heal_step(&heal, HEAL_FAILED, 100), HEAL_NOTHING);
        assert_int_equal(heal_step(&heal, HEAL_CLEAN, 200), HEAL_NOTHING);
        assert_int_equal(heal.phase, HEAL_WAITING);
        assert_int_equal(heal_step(&heal, HEAL_TICK, 1100), HEAL_PULL);
        assert_int_equal(heal_step(&heal, HEAL_FAILED, 1200), HEAL_NOTHING); /* the next one did not get so far */
        assert_int_equal(heal_step(&heal, HEAL_CLEAN, 1300), HEAL_NOTHING);
        assert_int_equal(heal_step(&heal, HEAL_TICK, 3200), HEAL_PULL);
        assert_int_equal(heal_step(&heal, HEAL_DONE, 3300), HEAL_NOTHING);
        assert_int_equal(heal.phase, HEAL_QUIET);
        assert_false(heal.unfinished);
}

static void what_was_put_back_is_not_unfinished(void **state)
{
        struct heal heal = { 0 };

        (void)state;
        assert_int_equal(heal_step(&heal, HEAL_FINDING, 0), HEAL_PULL);
        assert_int_equal(heal_step(&heal, HEAL_BEGUN, 50), HEAL_NOTHING);
        assert_int_equal(heal_step(&heal, HEAL_UNDONE, 60), HEAL_NOTHING);
        assert_int_equal(heal_step(&heal, HEAL_FAILED, 100), HEAL_NOTHING);
        assert_int_equal(heal_step(&heal, HEAL_CLEAN, 200), HEAL_NOTHING);
        assert_int_equal(heal.phase, HEAL_QUIET);
}

/* After the death of a guard: its successor begins with what was begun. */
static void what_another_guard_had_begun_is_resumed(void **state)
{
        struct heal heal = { 0 };

        (void)state;
        assert_int_equal(heal_step(&heal, HEAL_BEGUN, 0), HEAL_NOTHING);
        assert_int_equal(heal_step(&heal, HEAL_CLEAN, 1), HEAL_NOTHING);
        assert_int_equal(heal_step(&heal, HEAL_FINDING, 2), HEAL_PULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(quiet_heals_at_once),     cmocka_unit_test(found_while_it_runs_means_again),
                cmocka_unit_test(a_loop_is_slowed_down),   cmocka_unit_test(a_quiet_minute_forgives),
                cmocka_unit_test(failures_wait),
                cmocka_unit_test(what_was_begun_is_brought_to_its_end),
                cmocka_unit_test(what_was_put_back_is_not_unfinished),
                cmocka_unit_test(what_another_guard_had_begun_is_resumed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
