/* choose.c - the one decision about which release to go to: pure, enumerated by tests/unit/test_choose.c. */
#include "tree/source.h"

/* Going to `number` because a person or a valid note said so. */
static struct choice go_to(const struct choice_facts *facts, uint64_t number)
{
        struct choice choice = { .rule = CHOICE_GO, .number = number, .expired = facts->expired };

        if (number < facts->accepted)
                choice.rule = CHOICE_RELEASE_OLDER;
        return choice;
}

/* The note has expired: which release is the newest cannot be known, so stay where we are (and say so). */
static struct choice stay(const struct choice_facts *facts)
{
        struct choice choice = { .rule = CHOICE_GO, .number = facts->in_place, .expired = true };

        if (facts->in_place == 0)
                choice.rule = CHOICE_EXPIRED_NEVER_PULLED;
        else if (facts->newest != facts->in_place)
                choice.rule = CHOICE_HEAL_THEN_REFUSE;
        return choice;
}

struct choice choose_release(const struct choice_facts *facts)
{
        if (facts->root_mode && facts->keys_version < facts->keys_seen)
                return (struct choice){ .rule = CHOICE_KEYS_OLDER };
        if (facts->root_mode && !facts->has_current)
                return (struct choice){ .rule = CHOICE_NO_CURRENT };
        if (facts->wanted)
                return go_to(facts, facts->wanted);
        if (facts->root_mode && facts->expired)
                return stay(facts);
        return go_to(facts, facts->newest);
}
