/* failover.c - every combination of what can be seen: the site moves only when all that must hold does, and never on a
 * sight that is old. */
#include "tests.h"

#include "base/attributes.h"
#include "traffic/failover.h"

static const struct failover_policy policy = { .failures = 3, .fresh_ms = 1000, .standby_ms = 10000, .verified_ms = 7200000,
                                               .hold_down_ms = 60000, .flips = 2 };

/* A dead production server, and a stand-by that is ready. */
static const struct failover_sight dead = { .here = VIEW_BAD, .here_age_ms = 10, .failures = 3, .there = VIEW_BAD,
                                            .there_age_ms = 10, .database = VIEW_GOOD, .database_age_ms = 10,
                                            .arbiter_age_ms = 100, .home = true, .since_flip_ms = -1,
                                            .standby = STANDING_ELIGIBLE, .standby_age_ms = 1000, .verified_age_ms = 60000 };

static void expect(const struct failover_sight *sight, enum failover_verdict verdict, enum failover_why why)
{
        const struct failover_decision decision = failover_decide(sight, &policy);

        assert_int_equal(decision.verdict, verdict);
        assert_string_equal(failover_why_name(decision.why), failover_why_name(why));
}

/* Each member that is not as it must be, alone. */
static void each_thing_in_the_way_has_its_reason(void **state _unused_)
{
        struct failover_sight sight = dead;

        expect(&sight, FAILOVER_MOVE, WHY_DEAD);
#define WITH(member, value, verdict, why) (sight = dead, sight.member = (value), expect(&sight, verdict, why))
        WITH(moving, true, FAILOVER_STAY, WHY_MOVING);
        WITH(here, VIEW_NONE, FAILOVER_STAY, WHY_BLIND);
        WITH(here_age_ms, 1001, FAILOVER_STAY, WHY_BLIND);
        WITH(here_age_ms, -1, FAILOVER_STAY, WHY_BLIND);
        WITH(here, VIEW_GOOD, FAILOVER_STAY, WHY_WELL);
        WITH(failures, 2, FAILOVER_ASK, WHY_SUSPECTED);
        WITH(arbiter_age_ms, 10001, FAILOVER_STAY, WHY_ARBITER);
        WITH(arbiter_age_ms, -1, FAILOVER_STAY, WHY_ARBITER);
        WITH(home, false, FAILOVER_CALL, WHY_NOT_HOME);
        WITH(there, VIEW_GOOD, FAILOVER_STAY, WHY_ONE_SIDED);
        WITH(there, VIEW_NONE, FAILOVER_ASK, WHY_UNCONFIRMED);
        WITH(there_age_ms, 1001, FAILOVER_ASK, WHY_UNCONFIRMED);
        WITH(there_age_ms, -1, FAILOVER_ASK, WHY_UNCONFIRMED);
        WITH(database, VIEW_NONE, FAILOVER_ASK, WHY_UNCONFIRMED);
        WITH(database_age_ms, 1001, FAILOVER_ASK, WHY_UNCONFIRMED);
        WITH(database, VIEW_BAD, FAILOVER_CALL, WHY_DATABASE);
        WITH(standby, STANDING_UNKNOWN, FAILOVER_CALL, WHY_STANDBY_UNKNOWN);
        WITH(standby_age_ms, 10001, FAILOVER_CALL, WHY_STANDBY_UNKNOWN);
        WITH(standby, STANDING_DIFFERS, FAILOVER_CALL, WHY_DIFFERS);
        WITH(standby, STANDING_NOT, FAILOVER_CALL, WHY_NOT_ELIGIBLE);
        WITH(verified_age_ms, 7200001, FAILOVER_CALL, WHY_NOT_VERIFIED);
        WITH(verified_age_ms, -1, FAILOVER_CALL, WHY_NOT_VERIFIED); /* in the future: a clock is wrong */
        WITH(since_flip_ms, 59999, FAILOVER_CALL, WHY_HOLD_DOWN);
        WITH(since_flip_ms, 60000, FAILOVER_MOVE, WHY_DEAD);
        WITH(flips, 2, FAILOVER_CALL, WHY_FLIPS);
        WITH(flips, 1, FAILOVER_MOVE, WHY_DEAD);
#undef WITH
}

/* All of them together: three views of each pair of eyes, fresh and old; every standing; every history. */
static void the_site_moves_only_when_all_holds(void **state _unused_)
{
        unsigned int moves = 0, cases = 0;

        for (unsigned int i = 0; i < 3 * 3 * 3 * 4 * 512; i++) {
                const unsigned int bits = i / (3 * 3 * 3 * 4);
                struct failover_sight sight = dead;
                struct failover_decision decision;
                bool all;

                sight.here = (enum failover_view)(i % 3);
                sight.there = (enum failover_view)(i / 3 % 3);
                sight.database = (enum failover_view)(i / 9 % 3);
                sight.standby = (enum failover_standing)(i / 27 % 4);
                sight.here_age_ms = bits & 1 ? 5000 : 10;
                sight.there_age_ms = bits & 2 ? 5000 : 10;
                sight.database_age_ms = bits & 4 ? 5000 : 10;
                sight.failures = bits & 8 ? 1 : 3;
                sight.moving = bits & 16;
                sight.home = !(bits & 32);
                sight.verified_age_ms = bits & 64 ? 99999999 : 0;
                sight.since_flip_ms = bits & 128 ? 5 : -1;
                sight.arbiter_age_ms = bits & 256 ? -1 : 5;
                all = bits == 0 && sight.here == VIEW_BAD && sight.there == VIEW_BAD && sight.database == VIEW_GOOD &&
                      sight.standby == STANDING_ELIGIBLE;
                decision = failover_decide(&sight, &policy);
                assert_int_equal(decision.verdict == FAILOVER_MOVE, all);
                assert_true(strlen(failover_why_text(decision.why)) > 10);
                moves += decision.verdict == FAILOVER_MOVE;
                cases++;
        }
        assert_int_equal(moves, 1);
        assert_int_equal(cases, 55296);
}

static void by_policy_a_stand_by_that_differs_is_healed(void **state _unused_)
{
        struct failover_policy heals = policy;
        struct failover_sight sight = dead;

        heals.heal = true;
        sight.standby = STANDING_DIFFERS;
        assert_int_equal(failover_decide(&sight, &heals).verdict, FAILOVER_HEAL);
        sight.here = VIEW_GOOD; /* also before anything has happened */
        sight.failures = 0;
        assert_int_equal(failover_decide(&sight, &heals).verdict, FAILOVER_HEAL);
        assert_int_equal(failover_decide(&sight, &policy).verdict, FAILOVER_STAY);
        sight.standby = STANDING_NOT; /* withdrawn, say: that was a person */
        assert_int_equal(failover_decide(&sight, &heals).verdict, FAILOVER_STAY);
}

static void readiness_says_what_would_be_in_the_way(void **state _unused_)
{
        struct failover_sight sight = dead;

        sight.here = sight.there = VIEW_GOOD;
        sight.failures = 0;
        sight.database = VIEW_NONE;
        assert_int_equal(failover_readiness(&sight, &policy).verdict, FAILOVER_MOVE);
        sight.standby = STANDING_DIFFERS;
        assert_int_equal(failover_readiness(&sight, &policy).why, WHY_DIFFERS);
        sight.home = false;
        assert_int_equal(failover_readiness(&sight, &policy).why, WHY_NOT_HOME);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_thing_in_the_way_has_its_reason),
                cmocka_unit_test(the_site_moves_only_when_all_holds),
                cmocka_unit_test(by_policy_a_stand_by_that_differs_is_healed),
                cmocka_unit_test(readiness_says_what_would_be_in_the_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
