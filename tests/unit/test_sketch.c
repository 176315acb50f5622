/* test_sketch.c - sketch.h and histogram.h: estimates within what is said of them. */
#include "tests.h"

#include <math.h>

#include "analyze/histogram.h"
#include "analyze/sketch.h"

/* Good bits from a counter (splitmix64). */
static uint64_t scramble(uint64_t x)
{
        x += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        return x ^ x >> 31;
}

static void estimates_are_close(void **state)
{
        static const uint64_t numbers[] = { 0, 1, 2, 10, 100, 1000, 20000, 50000, 200000, 1000000, 3000000 };

        (void)state;
        for (size_t i = 0; i < LENGTH(numbers); i++) {
                struct sketch *sketch = calloc(1, sizeof(*sketch));
                double estimate;

                assert_non_null(sketch);
                for (uint64_t k = 0; k < numbers[i]; k++) {
                        sketch_add(sketch, scramble(k));
                        if (k % 7 == 0)
                                sketch_add(sketch, scramble(k / 2)); /* again */
                }
                estimate = (double)sketch_estimate(sketch);
                assert_true(fabs(estimate - (double)numbers[i]) <= 4 * SKETCH_ERROR * (double)numbers[i]);
                free(sketch);
        }
}

static void joined_is_as_counted_together(void **state)
{
        struct sketch *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b)), *both = calloc(1, sizeof(*both));

        (void)state;
        assert_true(a && b && both);
        for (uint64_t k = 0; k < 30000; k++) {
                sketch_add(k % 3 ? a : b, scramble(k));
                sketch_add(both, scramble(k));
        }
        sketch_join(a, b);
        assert_memory_equal(a, both, sizeof(*a));
        free(a);
        free(b);
        free(both);
}

static void quantiles_are_close(void **state)
{
        struct histogram *histogram = calloc(1, sizeof(*histogram));

        (void)state;
        assert_non_null(histogram);
        assert_int_equal(histogram_quantile(histogram, 0.5), 0);
        histogram_add(histogram, 77);
        assert_int_equal(histogram_quantile(histogram, 0.5), 77); /* small values are exact */
        assert_int_equal(histogram_quantile(histogram, 0.99), 77);
        memset(histogram, 0, sizeof(*histogram));
        for (uint64_t i = 1; i <= 1000000; i++)
                histogram_add(histogram, i);
        for (double share = 0.01; share < 1; share += 0.01)
                assert_true(fabs((double)histogram_quantile(histogram, share) - share * 1e6) <=
                            HISTOGRAM_ERROR * share * 1e6 + 1);
        histogram_add(histogram, UINT64_MAX); /* whatever a log claims */
        free(histogram);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(estimates_are_close),
                cmocka_unit_test(joined_is_as_counted_together),
                cmocka_unit_test(quantiles_are_close),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
