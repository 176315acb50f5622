/* What becomes of a log: every combination of what can be seen, and every way to learn a file's first bytes. */
#include <string.h>

#include "accesslog/mark.h"
#include "tests.h"

/* The table of mark.h, said once more the other way round: for each verdict what must have been seen. */
static enum follow_verdict expected(bool exists, bool same, int size, bool head, bool tail, bool known)
{
        if (!exists)
                return FOLLOW_GONE;
        if (same && size < 0)
                return FOLLOW_TRUNCATED;
        if (same && head && tail)
                return size == 0 ? FOLLOW_IDLE : FOLLOW_GROWN;
        if (same)
                return FOLLOW_TRUNCATED;
        return known && size >= 0 && head && tail ? FOLLOW_MOVED : FOLLOW_REPLACED;
}

static void test_every_sight(void **state)
{
        unsigned int met[FOLLOW_GONE + 1] = { 0 };

        (void)state;
        for (unsigned int bits = 0; bits < 32; bits++) {
                for (int size = -1; size <= 1; size++) {
                        bool exists = bits & 1, same = bits & 2, head = bits & 4, tail = bits & 8, known = bits & 16;
                        const struct log_mark mark = { .offset = 1000, .head_length = known ? 100 : 0 };
                        const struct follow_sight sight = { .exists = exists,
                                                            .same_inode = same,
                                                            .size = (uint64_t)(1000 + size * 10),
                                                            .head = head,
                                                            .tail = tail };
                        enum follow_verdict verdict = follow_decide(&mark, &sight);

                        assert_int_equal(verdict, expected(exists, same, size, head, tail, known));
                        met[verdict]++;
                }
        }
        for (size_t i = 0; i < LENGTH(met); i++)
                assert_true(met[i] > 0);
}

static void test_unread_file(void **state)
{
        const struct log_mark mark = { 0 };
        struct follow_sight sight = { .exists = true, .same_inode = true, .head = true, .tail = true };

        (void)state;
        assert_int_equal(follow_decide(&mark, &sight), FOLLOW_IDLE);
        sight.size = 1;
        assert_int_equal(follow_decide(&mark, &sight), FOLLOW_GROWN);
        sight.same_inode = false; /* an empty file is like no other one */
        assert_int_equal(follow_decide(&mark, &sight), FOLLOW_REPLACED);
}

static void fill(char *bytes, size_t length)
{
        uint64_t state = 7;

        for (size_t i = 0; i < length; i++) {
                state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
                bytes[i] = (char)(state >> 56);
        }
}

/* However the bytes came, in steps or at once, seen before they were read or not: the same head, the last step's tail.
 */
static void test_same_head_in_any_steps(void **state)
{
        static const size_t steps[] = { 1, 7, 100, 255, 256, 257, 1000, 1023, 1024, 1025, 4000 };
        char bytes[4000];

        (void)state;
        fill(bytes, sizeof(bytes));
        for (size_t i = 0; i < LENGTH(steps); i++) {
                for (size_t peeked = 0; peeked <= 1024; peeked += 128) {
                        struct log_mark mark = { 0 };

                        mark_peek(&mark, bytes, peeked);
                        for (size_t at = 0; at < sizeof(bytes);) {
                                size_t length = sizeof(bytes) - at < steps[i] ? sizeof(bytes) - at : steps[i];
                                size_t tail = length < MARK_TAIL_MAXIMUM ? length : MARK_TAIL_MAXIMUM;

                                mark_advance(&mark, bytes + at, length);
                                at += length;
                                assert_int_equal(mark.offset, at);
                                assert_int_equal(mark.head_length, at > peeked ? (at < 1024 ? at : 1024) : peeked);
                                assert_true(mark.head_hash == mark_hash(MARK_HASH_START, bytes, mark.head_length));
                                assert_int_equal(mark.tail_length, tail);
                                assert_true(mark.tail_hash == mark_hash(MARK_HASH_START, bytes + at - tail, tail));
                        }
                }
        }
}

static void test_nothing_read(void **state)
{
        struct log_mark mark = { 0 }, same = { 0 };

        (void)state;
        mark_advance(&mark, "", 0);
        mark_peek(&mark, "", 0);
        assert_memory_equal(&mark, &same, sizeof(mark));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_sight),
                cmocka_unit_test(test_unread_file),
                cmocka_unit_test(test_same_head_in_any_steps),
                cmocka_unit_test(test_nothing_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
