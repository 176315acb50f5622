/* tenure.c - when a server may take the service's address, and when it must let go; and a walk through random worlds with
 * two servers, an arbiter and lost messages, in which both never hold it. */
#include "tests.h"

#include "base/attributes.h"
#include "traffic/tenure.h"

#define SELF 200
#define TAKE 300

static struct tenure begin(void)
{
        struct tenure tenure;

        tenure_init(&tenure, SELF, TAKE);
        return tenure;
}

static void a_lease_is_counted_from_when_it_was_asked_for(void **state _unused_)
{
        struct tenure tenure = begin();

        tenure_see(&tenure, true, false, 1000);
        tenure_hear(&tenure, true, 7, 1100);
        assert_int_equal(tenure_next(&tenure, 1299), TENURE_NOTHING);
        assert_int_equal(tenure_next(&tenure, 1300), TENURE_DROP); /* however late the answer came */
        tenure_hear(&tenure, true, 7, 1200);
        assert_int_equal(tenure_next(&tenure, 1399), TENURE_NOTHING);
        assert_int_equal(tenure_wait_ms(&tenure, 1399), 1);
}

static void a_refusal_ends_it_at_once(void **state _unused_)
{
        struct tenure tenure = begin();

        tenure_see(&tenure, true, false, 1000);
        tenure_hear(&tenure, true, 7, 1100);
        tenure_hear(&tenure, false, 8, 1110);
        assert_int_equal(tenure_next(&tenure, 1120), TENURE_DROP);
        tenure_hear(&tenure, true, 7, 1105); /* older: came over the other line */
        assert_int_equal(tenure_next(&tenure, 1120), TENURE_DROP);
}

static void what_somebody_else_had_is_taken_after_his_lease(void **state _unused_)
{
        struct tenure tenure = begin();

        tenure_hear(&tenure, true, 7, 1000);
        assert_int_equal(tenure_next(&tenure, 1010), TENURE_NOTHING);
        for (int64_t now = 1050; now < 1300; now += 50)
                tenure_hear(&tenure, true, 7, now);
        assert_int_equal(tenure_next(&tenure, 1299), TENURE_NOTHING);
        tenure_hear(&tenure, true, 7, 1300);
        assert_int_equal(tenure_next(&tenure, 1301), TENURE_TAKE);
}

static void a_break_begins_the_wait_anew(void **state _unused_)
{
        struct tenure tenure = begin();

        tenure_hear(&tenure, true, 7, 1000);
        tenure_hear(&tenure, true, 7, 1250); /* the lease was over by then */
        assert_int_equal(tenure_next(&tenure, 1310), TENURE_NOTHING);
        tenure_hear(&tenure, true, 7, 1400);
        assert_int_equal(tenure_next(&tenure, 1549), TENURE_NOTHING);
        tenure_hear(&tenure, true, 8, 1560); /* in between somebody else may have had it */
        assert_int_equal(tenure_next(&tenure, 1561), TENURE_NOTHING);
}

static void its_own_is_taken_back_at_once(void **state _unused_)
{
        struct tenure tenure = begin();

        tenure_see(&tenure, true, false, 1000);
        tenure_hear(&tenure, true, 7, 1010);
        assert_int_equal(tenure_next(&tenure, 1020), TENURE_NOTHING);
        assert_int_equal(tenure_next(&tenure, 1210), TENURE_DROP);
        tenure_see(&tenure, false, true, 1210);
        assert_int_equal(tenure_next(&tenure, 1220), TENURE_NOTHING);
        tenure_hear(&tenure, true, 7, 5000); /* the database's host is back, and nobody had the stage since */
        assert_int_equal(tenure_next(&tenure, 5001), TENURE_TAKE);
}

static void a_move_is_not_worked_against(void **state _unused_)
{
        struct tenure tenure = begin();

        /* It leaves: the agent drops the address while a grant from before still runs. */
        tenure_see(&tenure, true, false, 1000);
        tenure_hear(&tenure, true, 7, 1010);
        assert_int_equal(tenure_next(&tenure, 1015), TENURE_NOTHING);
        tenure_see(&tenure, false, false, 1020);
        assert_int_equal(tenure_next(&tenure, 1021), TENURE_NOTHING);
        tenure_hear(&tenure, false, 8, 1060);
        assert_int_equal(tenure_next(&tenure, 1061), TENURE_NOTHING);
        /* It comes: the agent takes the address while the last answer was a refusal. */
        tenure_see(&tenure, true, false, 2000);
        tenure_hear(&tenure, false, 8, 1990);
        assert_int_equal(tenure_next(&tenure, 2001), TENURE_NOTHING);
        tenure_hear(&tenure, true, 9, 2040);
        assert_int_equal(tenure_next(&tenure, 2100), TENURE_NOTHING);
        /* It comes, and nobody confirms it. */
        tenure_see(&tenure, false, false, 3000);
        tenure_see(&tenure, true, false, 4000);
        assert_int_equal(tenure_next(&tenure, 4199), TENURE_NOTHING);
        assert_int_equal(tenure_next(&tenure, 4200), TENURE_DROP);
}

/* ---- a world of two ---- */

static uint32_t seed;

static uint32_t any(uint32_t below)
{
        seed = seed * 1664525 + 1013904223;
        return (seed >> 8) % below;
}

struct server {
        struct tenure tenure;
        bool holds;
        struct {
                bool granted;
                uint64_t epoch;
                int64_t asked, arrives;
        } answers[64];
        unsigned int count;
};

/* The arbiter gives the stage to the other after it was nobody's until TAKE after the last grant, as fence_stage() does. */
static void both_never_hold_it(void **state _unused_)
{
        for (seed = 1; seed < 200;) {
                const uint32_t run = seed;
                struct server servers[2] = { { .tenure = begin() }, { .tenure = begin() } };
                int stage = 0, next = 0;
                int64_t last[2] = { 0, 0 };
                uint64_t epoch = 1;

                for (int64_t now = 1000; now < 6000; now += 1 + any(5)) {
                        for (int i = 0; i < 2; i++) {
                                struct server *server = &servers[i];
                                enum tenure_act act;

                                if (any(8) == 0 && server->count < 64) { /* asks; the answer takes its time, or is lost */
                                        if (stage == i)
                                                last[i] = now;
                                        server->answers[server->count].granted = stage == i;
                                        server->answers[server->count].epoch = epoch;
                                        server->answers[server->count].asked = now;
                                        server->answers[server->count++].arrives = now + any(4) * any(150);
                                }
                                for (unsigned int j = 0; j < server->count;) {
                                        if (server->answers[j].arrives > now) {
                                                j++;
                                                continue;
                                        }
                                        if (any(5))
                                                tenure_hear(&server->tenure, server->answers[j].granted,
                                                            server->answers[j].epoch, server->answers[j].asked);
                                        server->answers[j] = server->answers[--server->count];
                                }
                                tenure_see(&server->tenure, server->holds, false, now);
                                act = tenure_next(&server->tenure, now);
                                if (act == TENURE_NOTHING)
                                        continue;
                                server->holds = act == TENURE_TAKE;
                                tenure_see(&server->tenure, server->holds, true, now);
                        }
                        if (servers[0].holds && servers[1].holds)
                                fail_msg("run %u: both hold it at %d", run, (int)now);
                        if (stage >= 0 && any(300) == 0) {
                                next = 1 - stage;
                                stage = -1;
                                epoch++;
                        }
                        if (stage < 0 && now >= last[1 - next] + TAKE) {
                                stage = next;
                                last[next] = now;
                                if (any(2)) /* the agent there takes it at once */
                                        servers[next].holds = true;
                        }
                }
                seed = run + 1;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_lease_is_counted_from_when_it_was_asked_for),
                cmocka_unit_test(a_refusal_ends_it_at_once),
                cmocka_unit_test(what_somebody_else_had_is_taken_after_his_lease),
                cmocka_unit_test(a_break_begins_the_wait_anew),
                cmocka_unit_test(its_own_is_taken_back_at_once),
                cmocka_unit_test(a_move_is_not_worked_against),
                cmocka_unit_test(both_never_hold_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
