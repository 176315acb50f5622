/* test_choose.c - every combination of what a repository may say and what a server remembers. */
#include "tests.h"

#include "tree/source.h"

/* The facts of a DEST at release 5 that has accepted 5, keys version 2, and a repository whose newest is 6. */
static struct choice_facts usual(bool root_mode)
{
        return (struct choice_facts){ .root_mode = root_mode,
                                      .keys_version = root_mode ? 2 : 0,
                                      .keys_seen = root_mode ? 2 : 0,
                                      .has_current = root_mode,
                                      .newest = 6,
                                      .accepted = 5,
                                      .in_place = 5 };
}

static void expect(const struct choice_facts *facts, enum choice_rule rule, uint64_t number)
{
        struct choice choice = choose_release(facts);

        assert_int_equal(choice.rule, rule);
        if (number)
                assert_int_equal(choice.number, number);
}

static void test_newest(void **context)
{
        (void)context;
        for (int root_mode = 0; root_mode < 2; root_mode++) {
                struct choice_facts facts = usual(root_mode);

                expect(&facts, CHOICE_GO, 6);
                assert_false(choose_release(&facts).expired);
                facts.newest = 5;
                expect(&facts, CHOICE_GO, 5);
                facts.newest = 4;
                expect(&facts, CHOICE_RELEASE_OLDER, 4);
                facts = usual(root_mode);
                facts.in_place = 0; /* another DEST of this server has accepted 5 */
                expect(&facts, CHOICE_GO, 6);
                facts.newest = 4;
                expect(&facts, CHOICE_RELEASE_OLDER, 4);
        }
}

static void test_wanted(void **context)
{
        (void)context;
        for (int root_mode = 0; root_mode < 2; root_mode++)
                for (int expired = 0; expired <= root_mode; expired++) {
                        struct choice_facts facts = usual(root_mode);

                        facts.expired = expired;
                        facts.wanted = 5;
                        expect(&facts, CHOICE_GO, 5);
                        assert_int_equal(choose_release(&facts).expired, expired);
                        facts.wanted = 7; /* newer than the note knows: signed all the same */
                        expect(&facts, CHOICE_GO, 7);
                        facts.wanted = 4;
                        expect(&facts, CHOICE_RELEASE_OLDER, 4);
                        facts.wanted = 6;
                        facts.in_place = 0;
                        expect(&facts, CHOICE_GO, 6);
                }
}

static void test_expired(void **context)
{
        struct choice_facts facts = usual(true);

        (void)context;
        facts.expired = true;
        expect(&facts, CHOICE_HEAL_THEN_REFUSE, 5);
        assert_true(choose_release(&facts).expired);
        facts.newest = 5;
        expect(&facts, CHOICE_GO, 5);
        assert_true(choose_release(&facts).expired);
        facts.newest = 4; /* an old note, replayed: stay, and refuse */
        expect(&facts, CHOICE_HEAL_THEN_REFUSE, 5);
        facts.accepted = 7; /* by another DEST: staying is not going back */
        expect(&facts, CHOICE_HEAL_THEN_REFUSE, 5);
        facts.in_place = 0;
        expect(&facts, CHOICE_EXPIRED_NEVER_PULLED, 0);
}

static void test_keys(void **context)
{
        struct choice_facts facts = usual(true);

        (void)context;
        facts.keys_version = 1;
        expect(&facts, CHOICE_KEYS_OLDER, 0);
        facts.wanted = 6; /* asking for a number does not make old keys good */
        expect(&facts, CHOICE_KEYS_OLDER, 0);
        facts = usual(true);
        facts.keys_version = 3;
        expect(&facts, CHOICE_GO, 6);
        facts.has_current = false;
        expect(&facts, CHOICE_NO_CURRENT, 0);
        facts.wanted = 6;
        expect(&facts, CHOICE_NO_CURRENT, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_newest),
                cmocka_unit_test(test_wanted),
                cmocka_unit_test(test_expired),
                cmocka_unit_test(test_keys),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
