/* test_proven.c - an inode is known by its number and its ctime, and by nothing less. */
#include "tests.h"

#include "tree/proven.h"

static struct statx inode(uint64_t number, int64_t seconds, uint32_t nanoseconds)
{
        return (struct statx){
                .stx_ino = number, .stx_ctime = {.tv_sec = seconds, .tv_nsec = nanoseconds}
        };
}

static void test_look(void **context)
{
        struct proven proven;
        struct statx stx;

        (void)context;
        proven_init(&proven);
        stx = inode(1, 2, 3);
        assert_int_equal(proven_look(&proven, &stx), PROVEN_UNKNOWN);
        for (uint64_t i = 5000; i-- > 0;) { /* in the order of a thread pool: any */
                stx = inode(i * 7919 % 5000, (int64_t)i, 5);
                assert_int_equal(proven_add(&proven, &stx), 0);
        }
        proven_sort(&proven);
        for (uint64_t i = 0; i < 5000; i++) {
                stx = inode(i * 7919 % 5000, (int64_t)i, 5);
                assert_int_equal(proven_look(&proven, &stx), PROVEN_SAME);
                stx.stx_ctime.tv_nsec = 6;
                assert_int_equal(proven_look(&proven, &stx), PROVEN_CHANGED);
                stx.stx_ctime.tv_nsec = 5;
                stx.stx_ctime.tv_sec++;
                assert_int_equal(proven_look(&proven, &stx), PROVEN_CHANGED);
        }
        stx = inode(5000, 1, 5);
        assert_int_equal(proven_look(&proven, &stx), PROVEN_UNKNOWN);
        proven_done(&proven);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_look) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
