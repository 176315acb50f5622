/* test_visitors.c - visitors.h: visits are clusters of times, in whatever order requests come and tables are joined. */
#include "tests.h"

#include "analyze/visitors.h"

#define MINUTE 60000U

static const struct visit nobody;
static const uint8_t address[16] = { 1, 2, 3 };

struct fixture {
        struct visitors visitors;
        struct visitor *visitor;
};

static void begin(struct fixture *f)
{
        struct error error = ERROR_NONE;

        assert_int_equal(visitors_init(&f->visitors, &error), 0);
        f->visitor = visitors_get(&f->visitors, address, false, 7, 19000, 0x12345678);
        assert_non_null(f->visitor);
}

static void ask(struct fixture *f, uint32_t minute, uint32_t path, uint64_t position)
{
        const struct visit_request request = {
                .time = minute * MINUTE, .page = path != 0, .path = path, .position = position
        };

        assert_true(visitor_request(&f->visitors, f->visitor, &request));
}

static size_t count(const struct fixture *f)
{
        size_t visits = 0;

        for (const struct visit *visit = visitor_first(f->visitor); visit;
             visit = visitors_next_visit(&f->visitors, visit))
                visits++;
        return visits;
}

static const struct visit *visit_at(const struct fixture *f, uint32_t minute)
{
        for (const struct visit *visit = visitor_first(f->visitor); visit;
             visit = visitors_next_visit(&f->visitors, visit))
                if (visit->start <= minute * MINUTE && minute * MINUTE <= visit->end)
                        return visit;
        fail_msg("there is no visit at minute %u", minute);
        return &nobody;
}

static void thirty_minutes_are_one_visit(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        ask(&f, 0, 100, 1);
        ask(&f, 30, 101, 2);
        assert_int_equal(count(&f), 1);
        ask(&f, 61, 102, 3);
        assert_int_equal(count(&f), 2);
        assert_int_equal(visit_at(&f, 0)->pages, 2);
        assert_int_equal(visit_at(&f, 0)->entry, 100);
        assert_int_equal(visit_at(&f, 0)->exit, 101);
        assert_int_equal(visit_at(&f, 61)->entry, 102);
        visitors_done(&f.visitors);
}

static void a_late_line_closes_the_gap(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        ask(&f, 100, 103, 1);
        ask(&f, 0, 100, 2);
        ask(&f, 50, 102, 3);
        ask(&f, 200, 105, 4);
        assert_int_equal(count(&f), 4);
        ask(&f, 75, 0, 5); /* joins 50 and 100; no page view */
        assert_int_equal(count(&f), 3);
        ask(&f, 25, 101, 6); /* and 0 */
        assert_int_equal(count(&f), 2);
        assert_int_equal(visit_at(&f, 50)->start, 0);
        assert_int_equal(visit_at(&f, 50)->end, 100 * MINUTE);
        assert_int_equal(visit_at(&f, 50)->pages, 4);
        assert_int_equal(visit_at(&f, 50)->entry, 100);
        assert_int_equal(visit_at(&f, 50)->exit, 103);
        visitors_done(&f.visitors);
}

static void the_first_of_a_second_is_the_one_further_ahead(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        ask(&f, 5, 102, 20);
        ask(&f, 5, 101, 10);
        ask(&f, 5, 103, 30);
        assert_int_equal(visit_at(&f, 5)->entry, 101);
        assert_int_equal(visit_at(&f, 5)->exit, 103);
        visitors_done(&f.visitors);
}

/* All orders of some requests give the same visits; so does dealing them out to two tables and joining those. */
static void order_does_not_matter(void **state)
{
        static const uint32_t minutes[] = { 0, 29, 31, 70, 99, 140, 300 };
        uint32_t seed = 1;

        (void)state;
        for (int round = 0; round < 2000; round++) {
                struct fixture f, g;
                uint32_t order[LENGTH(minutes)];

                begin(&f);
                begin(&g);
                for (uint32_t i = 0; i < LENGTH(order); i++)
                        order[i] = i;
                for (uint32_t i = LENGTH(order) - 1; i > 0; i--) {
                        uint32_t k, kept = order[i];

                        seed = seed * 1664525 + 1013904223;
                        k = (seed >> 16) % (i + 1);
                        order[i] = order[k];
                        order[k] = kept;
                }
                for (uint32_t i = 0; i < LENGTH(order); i++)
                        ask(round & 1 && i % 2 ? &g : &f, minutes[order[i]], 100 + order[i], order[i]);
                for (const struct visit *visit = visitor_first(g.visitor); visit;
                     visit = visitors_next_visit(&g.visitors, visit))
                        assert_true(visitor_visit(&f.visitors, f.visitor, visit));
                assert_int_equal(count(&f), 4); /* 0-31, 70-99, 140, 300 */
                assert_int_equal(visit_at(&f, 29)->pages, 3);
                assert_int_equal(visit_at(&f, 29)->entry, 100);
                assert_int_equal(visit_at(&f, 29)->exit, 102);
                assert_int_equal(visit_at(&f, 70)->pages, 2);
                assert_int_equal(visit_at(&f, 140)->entry, 105);
                visitors_done(&f.visitors);
                visitors_done(&g.visitors);
        }
}

/* Every third of so many ids, from 1 on; `first` is added to those that are not kept as bits. */
static void check_set(uint32_t count, uint32_t first)
{
        struct fixture f;
        static bool seen[5000];
        uint32_t id, total = 0;

        begin(&f);
        memset(seen, 0, sizeof(seen));
        for (int twice = 0; twice < 2; twice++)
                for (uint32_t i = 0; i < count; i++)
                        assert_true(visitor_saw(&f.visitors, f.visitor, i * 3 + 1 + (i < 21 ? 0 : first)));
        for (uint32_t at = 0; (id = visitor_seen(&f.visitors, f.visitor, &at)); total++) {
                if (id >= NAME_LOW)
                        id -= first;
                assert_int_equal(id % 3, 1);
                assert_true(id < 5000 && !seen[id]);
                seen[id] = true;
        }
        assert_int_equal(total, count);
        visitors_done(&f.visitors);
}

static void what_was_seen_is_a_set(void **state)
{
        (void)state;
        for (uint32_t count = 0; count < 200; count++) {
                check_set(count, 0);
                check_set(count, 0x8000 - 150); /* some are two units, some one */
                check_set(count, NAME_MAXIMUM - 6000);
        }
        check_set(1600, 0);
        check_set(1600, 0x8000);
}

static void equal_keys_are_not_equal_visitors(void **state)
{
        static const uint8_t other[16] = { 9 };
        struct fixture f;

        (void)state;
        begin(&f);
        assert_ptr_not_equal(visitors_get(&f.visitors, other, false, 7, 19000, 0x12345678), f.visitor);
        assert_ptr_not_equal(visitors_get(&f.visitors, address, true, 7, 19000, 0x12345678), f.visitor);
        assert_ptr_not_equal(visitors_get(&f.visitors, address, false, 8, 19000, 0x12345678), f.visitor);
        assert_ptr_not_equal(visitors_get(&f.visitors, address, false, 7, 19001, 0x12345678), f.visitor);
        assert_int_equal(visitors_count(&f.visitors), 5);
        assert_ptr_equal(visitors_get(&f.visitors, address, false, 7, 19000, 0x12345678), f.visitor);
        visitors_done(&f.visitors);
}

static struct visitor *get(struct fixture *f, uint32_t i)
{
        static const uint8_t ipv4[16] = { [10] = 0xff, [11] = 0xff, [12] = 192 };
        uint8_t bytes[16] = { 0x20, 1, 0x0d, 0xb8 };
        bool named = i % 3 == 2;
        int32_t day = (int32_t)(i % 5 * 10000) - 20000;

        if (i % 3 == 0)
                memcpy(bytes, ipv4, sizeof(bytes));
        if (named)
                memset(bytes, 0, sizeof(bytes));
        memcpy(bytes + (named ? 0 : 12), &(uint32_t){ i / 15 }, 4);
        return visitors_get(&f->visitors, bytes, named, 5, day, visitors_hash(bytes, named, 5, day));
}

static void a_table_that_grew_has_them_all(void **state)
{
        struct fixture f;
        uint8_t bytes[16];

        (void)state;
        begin(&f);
        for (uint32_t i = 0; i < 30000; i++)
                assert_non_null(get(&f, i));
        assert_int_equal(visitors_count(&f.visitors), 30001);
        for (uint32_t i = 0; i < 30000; i++)
                assert_ptr_equal(get(&f, i), visitors_at(&f.visitors, i + 1));
        assert_int_equal(visitor_day(visitors_at(&f.visitors, 1)), -20000);
        visitor_address(&f.visitors, visitors_at(&f.visitors, 2), bytes);
        assert_memory_equal(bytes, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        visitors_done(&f.visitors);
}

static void hours_are_those_of_visits(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        assert_int_equal(visitor_hours(&f.visitors, f.visitor), 0);
        ask(&f, 59, 0, 1);
        ask(&f, 61, 0, 2);
        ask(&f, 23 * 60, 0, 3);
        assert_int_equal(visitor_hours(&f.visitors, f.visitor), 1 << 0 | 1 << 1 | 1 << 23);
        visitors_done(&f.visitors);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(thirty_minutes_are_one_visit),
                cmocka_unit_test(a_late_line_closes_the_gap),
                cmocka_unit_test(the_first_of_a_second_is_the_one_further_ahead),
                cmocka_unit_test(order_does_not_matter),
                cmocka_unit_test(what_was_seen_is_a_set),
                cmocka_unit_test(equal_keys_are_not_equal_visitors),
                cmocka_unit_test(a_table_that_grew_has_them_all),
                cmocka_unit_test(hours_are_those_of_visits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
