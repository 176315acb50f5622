/* group.c - the first at once, no count lost, and a bound on how many groups there are. */
#include "tests.h"

#include "base/attributes.h"
#include "notify/group.h"

static void collect(struct group *group)
{
        struct alert alert = {
                .time_us = 1, .severity = ALERT_LOW, .server = "s", .kind = "k", .what = "w", .group = "g"
        };
        const char *slot;
        uint64_t offset;

        assert_non_null(group);
        assert_int_equal(group_collect(group, &alert, &slot, &offset, NULL), 0);
        assert_ptr_equal(slot, group->slots + offset);
}

static void windows(void **state _unused_)
{
        struct groups groups;
        struct group *group;

        groups_init(&groups, 1000);
        assert_int_equal(groups_wait(&groups, 0), -1);
        assert_null(groups_find(&groups, "a", 0, false)); /* goes at once */
        assert_int_equal(groups_wait(&groups, 400), 600);
        group = groups_find(&groups, "a", 500, false);
        collect(group);
        collect(groups_find(&groups, "a", 999, false));
        assert_null(groups_find(&groups, "b", 900, false)); /* another group */
        assert_null(groups_due(&groups, 999));
        assert_ptr_equal(groups_due(&groups, 1000), group);
        assert_int_equal(group->count, 2);
        assert_int_equal(group_length(group), 2 * MESSAGE_SLOT);
        group_next(&groups, group, 1000); /* it had some: the window runs again */
        assert_ptr_equal(groups_find(&groups, "a", 1001, false), group);
        assert_int_equal(group->count, 0);
        assert_ptr_equal(groups_due(&groups, 2000) == group ? group : NULL, group);
        group_next(&groups, group, 2000); /* none: it is forgotten */
        assert_null(groups_find(&groups, "a", 2001, false));
        groups_done(&groups);
}

static void ten_thousand_names_are_few_groups(void **state _unused_)
{
        struct groups groups;
        uint64_t at_once = 0, collected = 0;

        groups_init(&groups, 1000);
        for (int i = 0; i < 10000; i++) {
                char key[32];
                struct group *group;

                snprintf(key, sizeof(key), "name %d", i);
                group = groups_find(&groups, key, 0, false);
                at_once += !group;
                if (group)
                        collect(group);
        }
        for (struct group *group; (group = groups_due(&groups, 1000)) != NULL;) {
                collected += group->count;
                group_next(&groups, group, 1000);
        }
        assert_int_equal(at_once, GROUPS_MAXIMUM);
        assert_int_equal(collected, 10000 - GROUPS_MAXIMUM);
        groups_done(&groups);
}

static void a_full_queue_collects_all(void **state _unused_)
{
        struct groups groups;

        groups_init(&groups, 1000);
        collect(groups_find(&groups, "a", 0, true));
        collect(groups_find(&groups, "b", 0, true));
        assert_int_equal(groups_due(&groups, 1000)->count, 2);
        groups_done(&groups);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(windows),
                cmocka_unit_test(ten_thousand_names_are_few_groups),
                cmocka_unit_test(a_full_queue_collects_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
