/* test_salted.c - spread/salted.h: what servers say of days whose salt was replaced, put together. */
#include "tests.h"

#include <errno.h>

#include "spread/salted.h"

static struct replaced_salt items[REPLACED_SALTS_MAXIMUM];

static void put(struct buffer *answer, uint64_t day, uint64_t time)
{
        for (unsigned int i = 0; i < 16; i++) {
                char byte = (char)((i < 8 ? day : time) >> 8 * (i % 8) & 0xff);

                assert_int_equal(buffer_append(answer, &byte, 1), 0);
        }
}

static void put_together(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer one = BUFFER_INIT(1U << 20), two = BUFFER_INIT(1U << 20),
                                             bad = BUFFER_INIT(1U << 20);
        struct replaced_salts salts = { .items = items };

        put(&one, 20700, 5000);
        put(&one, 20600, 4000);
        put(&two, 20650, 1000);
        put(&two, 20700, 3000);
        assert_int_equal(salted_take(&salts, &one), 0);
        assert_int_equal(salted_take(&salts, &two), 0);
        assert_int_equal(salts.count, 3);
        assert_int_equal(items[0].day, 20600);
        assert_int_equal(items[1].day, 20650);
        assert_int_equal(items[2].day, 20700);
        assert_int_equal(items[2].time, 3000); /* the earlier one */
        put(&bad, 20800, 1);
        bad.length--;
        assert_int_equal(salted_take(&salts, &bad), -EBADMSG);
        buffer_clear(&bad);
        put(&bad, 20800, 1);
        put(&bad, UINT16_MAX + 1, 1);
        assert_int_equal(salted_take(&salts, &bad), -EBADMSG);
        assert_int_equal(salts.count, 3);
}

static void the_newest_stay(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer answer = BUFFER_INIT(1U << 20);
        struct replaced_salts salts = { .items = items };

        for (uint64_t i = 0; i < 2 * REPLACED_SALTS_MAXIMUM; i++)
                put(&answer, 1000 + i * 37 % (2 * REPLACED_SALTS_MAXIMUM), 1);
        assert_int_equal(salted_take(&salts, &answer), 0);
        assert_int_equal(salts.count, REPLACED_SALTS_MAXIMUM);
        for (size_t i = 0; i < REPLACED_SALTS_MAXIMUM; i++)
                assert_int_equal(items[i].day, 1000 + REPLACED_SALTS_MAXIMUM + i);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(put_together),
                cmocka_unit_test(the_newest_stay),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
