/* test_fetch_plan.c - where objects are taken from, and in how many requests. */
#include "tests.h"

#include <string.h>

#include "base/memory.h"
#include "store/fetch.h"
#include "store/fetch_plan.h"

static struct digest numbered(unsigned int number)
{
        struct digest digest = { 0 };

        digest.bytes[0] = (uint8_t)(number >> 8);
        digest.bytes[1] = (uint8_t)number;
        return digest;
}

static struct plan_object object(unsigned int number)
{
        return (struct plan_object){
                .object = numbered(number), .size = 1000, .base_size = PLAN_NO_BASE, .pack = PLAN_NOWHERE
        };
}

static struct pack_entry entry(unsigned int number, uint64_t offset, uint64_t stored)
{
        return (struct pack_entry){ .object = numbered(number), .offset = offset, .stored = stored, .size = 1000 };
}

static void newest_pack_wins_and_the_rest_is_missing(void **state)
{
        struct plan_object objects[] = { object(5), object(1), object(3) };
        struct pack_entry newest[] = { entry(1, 0, 100), entry(2, 100, 50) };
        struct pack_entry older[] = { entry(1, 700, 10), entry(5, 0, 600) };
        struct pack_index first = { .entries = newest, .count = 2 }, second = { .entries = older, .count = 2 };
        size_t missing;

        (void)state;
        plan_sort_objects(objects, 3);
        assert_int_equal(plan_locate(objects, 3, &first, 0, true, &missing, NULL), 0);
        assert_int_equal(missing, 2);
        assert_int_equal(plan_locate(objects, 3, &second, 1, true, &missing, NULL), 0);
        assert_int_equal(missing, 1);
        assert_int_equal(objects[0].pack, 0);
        assert_int_equal(objects[1].pack, PLAN_NOWHERE);
        assert_int_equal(objects[2].pack, 1);
        assert_int_equal(objects[2].stored, 600);
}

/* A difference is for those who have its base, and only when it is smaller. */
static void differences_need_their_base(void **state)
{
        struct plan_object with = object(1), other = object(1), without = object(1), larger = object(1);
        struct pack_entry delta = entry(1, 0, 100), whole = entry(1, 0, 400), small = entry(1, 0, 60);
        struct pack_index deltas = { .entries = &delta, .count = 1, .delta = true };
        struct pack_index wholes = { .entries = &whole, .count = 1 }, smalls = { .entries = &small, .count = 1 };
        size_t missing;

        (void)state;
        delta.base = numbered(77);
        with.base_size = other.base_size = larger.base_size = 900;
        with.base = larger.base = numbered(77);
        other.base = numbered(78);
        plan_locate(&with, 1, &wholes, 1, true, &missing, NULL);
        plan_locate(&with, 1, &deltas, 0, true, &missing, NULL);
        assert_true(with.delta && with.pack == 0 && with.stored == 100);
        plan_locate(&larger, 1, &deltas, 0, true, &missing, NULL);
        plan_locate(&larger, 1, &smalls, 1, true, &missing, NULL);
        assert_true(!larger.delta && larger.pack == 1);
        plan_locate(&other, 1, &deltas, 0, true, &missing, NULL);
        assert_int_equal(missing, 1);
        plan_locate(&without, 1, &deltas, 0, true, &missing, NULL);
        assert_int_equal(missing, 1);
        with = object(1);
        with.base_size = 900;
        with.base = numbered(77);
        plan_locate(&with, 1, &deltas, 0, false, &missing, NULL); /* the second round */
        assert_int_equal(missing, 1);
}

static void lying_size_is_refused(void **state)
{
        struct plan_object wanted = object(1);
        struct pack_entry lie = entry(1, 0, 100);
        struct pack_index index = { .entries = &lie, .count = 1 };
        struct error error = ERROR_NONE;
        size_t missing;

        (void)state;
        lie.size = 1001;
        assert_int_equal(plan_locate(&wanted, 1, &index, 0, true, &missing, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "1001"));
}

/* Objects `distance` bytes apart from each other. */
static struct plan_object *spread(size_t count, uint64_t distance, uint32_t **ret_order)
{
        struct plan_object *objects = memory_new(count, sizeof(*objects));
        size_t found;

        assert_non_null(objects);
        for (size_t i = 0; i < count; i++) {
                objects[i] = object((unsigned int)i);
                objects[i].pack = 2;
                objects[i].offset = (count - 1 - i) * distance; /* not in the order of the digests */
                objects[i].stored = 100;
        }
        objects[0].done = true;
        assert_int_equal(plan_order(objects, count, 3, ret_order, &found, NULL), 0);
        assert_int_equal(found, 0);
        free(*ret_order);
        assert_int_equal(plan_order(objects, count, 2, ret_order, &found, NULL), 0);
        assert_int_equal(found, count - 1);
        return objects;
}

static size_t requests(const struct plan_object *objects, const uint32_t *order, size_t count, uint64_t gap)
{
        size_t ranges = 0;

        for (size_t next = 0; next < count; ranges++) {
                uint64_t from = objects[order[next]].offset;

                assert_true(plan_range(objects, order, count, next, gap, &next) > from);
        }
        return ranges;
}

static void near_objects_are_one_request(void **state)
{
        uint32_t *order;
        struct plan_object *objects = spread(500, FETCH_GAP, &order); /* 100 bytes less lie between them */
        uint64_t gap = plan_gap(objects, order, 499, FETCH_RANGES_MAXIMUM);

        (void)state;
        assert_true(gap == FETCH_GAP);
        assert_int_equal(requests(objects, order, 499, gap), 1);
        free(objects);
        free(order);
        objects = spread(500, FETCH_GAP + 100, &order);
        assert_int_equal(requests(objects, order, 499, FETCH_GAP), 499);
        free(objects);
        free(order);
}

static void too_many_requests_are_drawn_together(void **state)
{
        uint32_t *order;
        struct plan_object *objects = spread(3000, 5 * FETCH_GAP, &order);
        uint64_t gap = plan_gap(objects, order, 2999, FETCH_RANGES_MAXIMUM);

        (void)state;
        assert_true(gap == 8 * FETCH_GAP);
        assert_true(requests(objects, order, 2999, gap) <= FETCH_RANGES_MAXIMUM);
        free(objects);
        free(order);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(newest_pack_wins_and_the_rest_is_missing),
                cmocka_unit_test(differences_need_their_base),
                cmocka_unit_test(lying_size_is_refused),
                cmocka_unit_test(near_objects_are_one_request),
                cmocka_unit_test(too_many_requests_are_drawn_together),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
