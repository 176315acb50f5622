/* fence_state.c - who may move the stage, who may act, who may be let in: each rule, and the file that remembers it. */
#include "tests.h"

#include "base/text.h"
#include "traffic/fence_state.h"

#define NOW 1246870800 /* 2009-07-06 09:00 */

static const struct fence_limits limits = { .hold_down_s = 60, .flips = 3, .window_s = 3600 };

static struct fence_state sample(void)
{
        struct fence_state state = { .epoch = 7, .holder = "production" };

        fence_place_set(&state, "production", FENCE_IN);
        fence_place_set(&state, "standby", FENCE_OUT);
        return state;
}

static int claim(struct fence_state *state, uint64_t seen, uint64_t epoch, const char *holder, bool planned,
                 int64_t now)
{
        struct fence_claim wanted = { seen, epoch, holder, planned };
        struct error error = ERROR_NONE;
        int r = fence_rule_claim(state, &wanted, &limits, now, &error);

        if (r == 0 && epoch != state->epoch)
                fence_state_claim(state, &wanted, now);
        if (r < 0) {
                assert_int_equal(r, -EPERM);
                assert_int_equal(error.status, EXIT_REFUSED);
                assert_true(strlen(error.text) > 20);
        }
        return r;
}

static void only_who_saw_the_newest_epoch_may_claim(void **unused _unused_)
{
        struct fence_state state = sample();

        assert_int_equal(claim(&state, 6, 8, "standby", true, NOW), -EPERM);
        assert_int_equal(claim(&state, 8, 9, "standby", true, NOW), -EPERM);
        assert_int_equal(claim(&state, 7, 7, "standby", true, NOW), -EPERM);
        assert_int_equal(claim(&state, 7, 6, "standby", true, NOW), -EPERM);
        assert_int_equal(state.epoch, 7);
        assert_int_equal(claim(&state, 7, 1000, "standby", true, NOW), 0); /* etcd's revisions leave gaps */
        assert_string_equal(state.holder, "standby");
        assert_int_equal(claim(&state, 7, 1000, "standby", true, NOW), 0); /* the answer was lost: asked again */
        assert_int_equal(claim(&state, 7, 1000, "production", true, NOW), -EPERM);
}

static void an_old_epoch_may_not_act(void **unused _unused_)
{
        struct fence_state state = sample();
        struct error error = ERROR_NONE;

        assert_int_equal(fence_rule_act(&state, 7, &error), 0);
        assert_int_equal(fence_rule_act(&state, 6, &error), -EPERM);
        assert_int_equal(error.status, EXIT_REFUSED);
        assert_int_equal(fence_rule_act(&state, 8, &error), -EPERM);
}

static void failovers_are_held_down(void **unused _unused_)
{
        struct fence_state state = sample();

        assert_int_equal(claim(&state, 7, 8, "standby", false, NOW), 0);
        assert_int_equal(claim(&state, 8, 9, "production", false, NOW + 59), -EPERM);
        assert_int_equal(claim(&state, 8, 9, "production", false, NOW - 5000), -EPERM); /* the clock was set back */
        assert_int_equal(claim(&state, 8, 9, "standby", false, NOW + 1), 0); /* no move: a controller that restarted */
        assert_int_equal(claim(&state, 9, 10, "production", true, NOW + 2), 0); /* a person wants it */
        assert_int_equal(state.flip_count, 1);
        assert_int_equal(claim(&state, 10, 11, "standby", false, NOW + 60), 0);
}

static void failovers_are_capped(void **unused _unused_)
{
        static const char *const names[] = { "production", "standby" };
        struct fence_state state = sample();

        for (uint64_t i = 0; i < 3; i++)
                assert_int_equal(claim(&state, 7 + i, 8 + i, names[(i + 1) % 2], false, NOW + (int64_t)i * 100), 0);
        assert_int_equal(claim(&state, 10, 11, "production", false, NOW + 3599), -EPERM);
        assert_int_equal(claim(&state, 10, 11, "production", false, NOW + 3600),
                         0); /* the first one is out of the window */
}

static void old_flips_are_forgotten(void **unused _unused_)
{
        static const char *const names[] = { "production", "standby" };
        struct fence_state state = sample();

        for (uint64_t i = 0; i < FENCE_FLIPS + 5; i++)
                assert_int_equal(claim(&state, 7 + i, 8 + i, names[(i + 1) % 2], false, NOW + (int64_t)i * 4000), 0);
        assert_int_equal(state.flip_count, FENCE_FLIPS);
        assert_int_equal(state.flips[FENCE_FLIPS - 1], NOW + (FENCE_FLIPS + 4) * 4000);
}

/* A failover ends the lease of the one on stage with its claim; a planned move goes on until its address does. */
static void the_stage_is_given_to_who_is_let_in(void **unused _unused_)
{
        struct fence_state state = sample();
        struct error error = ERROR_NONE;

        fence_state_stage(&state, "production");
        assert_int_equal(fence_rule_stage(&state, "standby", &error), -EPERM);
        assert_int_equal(error.status, EXIT_REFUSED);
        assert_int_equal(fence_rule_stage(&state, "production", &error), 0);
        assert_int_equal(claim(&state, 7, 8, "standby", true, NOW), 0);
        assert_string_equal(state.stage, "production");
        assert_int_equal(claim(&state, 8, 9, "production", true, NOW), 0);
        assert_int_equal(claim(&state, 9, 10, "standby", false, NOW), 0);
        assert_string_equal(state.stage, "");
        fence_place_set(&state, "standby", FENCE_IN);
        assert_int_equal(fence_rule_stage(&state, "standby", &error), 0);
}

/* Every pair of places of the other server, in both kinds of move. */
static void nobody_is_let_in_beside_an_unproven_one(void **unused _unused_)
{
        static const struct {
                enum fence_place other;
                bool overlap, allowed;
        } cases[] = {
                {FENCE_OUT,      false, true },
                { FENCE_OUT,     true,  true },
                { FENCE_IN,      false, false},
                { FENCE_IN,      true,  true },
                { FENCE_CLOSING, false, false},
                { FENCE_CLOSING, true,  false},
                { FENCE_OPENING, false, false},
                { FENCE_OPENING, true,  false},
        };

        for (size_t i = 0; i < LENGTH(cases); i++) {
                struct fence_state state = sample();
                struct error error = ERROR_NONE;

                fence_place_set(&state, "production", cases[i].other);
                assert_int_equal(fence_rule_admit(&state, "standby", cases[i].overlap, &error),
                                 cases[i].allowed ? 0 : -EPERM);
        }
}

static void the_file_keeps_everything(void **unused _unused_)
{
        struct fence_state state = sample(), again;
        struct buffer text = BUFFER_INIT(FENCE_STATE_MAXIMUM);
        struct error error = ERROR_NONE;

        claim(&state, 7, 8, "standby", false, NOW);
        fence_place_set(&state, "production", FENCE_CLOSING);
        fence_place_set(&state, "a \"third\"", FENCE_OPENING);
        assert_int_equal(fence_state_write(&state, &text), 0);
        assert_int_equal(fence_state_read(text.data, text.length, &again, &error), 0);
        assert_memory_equal(&state, &again, sizeof(state));
        buffer_done(&text);
}

static void a_damaged_file_is_no_empty_state(void **unused _unused_)
{
        static const char *const broken[] = {
                "",
                "{}",
                "{\"format\":1,\"epoch\":0,\"holder\":\"a\",\"flips\":[],\"servers\":{}}",
                "{\"format\":2,\"epoch\":1,\"holder\":\"a\",\"flips\":[],\"servers\":{}}",
                "{\"format\":1,\"epoch\":1,\"holder\":\"a\",\"flips\":[\"x\"],\"servers\":{}}",
                "{\"format\":1,\"epoch\":1,\"holder\":\"a\",\"flips\":[],\"servers\":{\"a\":\"inside\"}}",
                "{\"format\":1,\"epoch\":1,\"holder\":\"a\",\"flips\":[],\"servers\":{\"a\":1}}",
                "{\"format\":1,\"epoch\":1,\"holder\":\"a\",\"flips\":[],\"servers\":{\"a\":\"in\",\"a\":\"out\"}}",
                "{\"format\":1,\"epoch\":1,\"holder\":\"a\",\"flips\":[],\"servers\":{},\"more\":1}",
        };
        struct fence_state state;

        for (size_t i = 0; i < LENGTH(broken); i++)
                assert_int_equal(fence_state_read(broken[i], strlen(broken[i]), &state, NULL), -EINVAL);
}

static void an_unknown_server_is_out(void **unused _unused_)
{
        struct fence_state state = sample();
        char name[PEER_NAME_SIZE];

        assert_int_equal(fence_place_of(&state, "somebody"), FENCE_OUT);
        for (int i = 0; i < PEER_HOSTS - 2; i++) {
                snprintf(name, sizeof(name), "server%d", i);
                assert_int_equal(fence_place_set(&state, name, FENCE_IN), 0);
        }
        assert_int_equal(fence_place_set(&state, "one-more", FENCE_IN), -E2BIG);
        assert_int_equal(fence_place_set(&state, "standby", FENCE_IN), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(only_who_saw_the_newest_epoch_may_claim),
                cmocka_unit_test(an_old_epoch_may_not_act),
                cmocka_unit_test(failovers_are_held_down),
                cmocka_unit_test(failovers_are_capped),
                cmocka_unit_test(old_flips_are_forgotten),
                cmocka_unit_test(the_stage_is_given_to_who_is_let_in),
                cmocka_unit_test(nobody_is_let_in_beside_an_unproven_one),
                cmocka_unit_test(the_file_keeps_everything),
                cmocka_unit_test(a_damaged_file_is_no_empty_state),
                cmocka_unit_test(an_unknown_server_is_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
