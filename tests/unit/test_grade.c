/* test_grade.c - grade.h: all combinations of what can be known of an answer. */
#include "tests.h"

#include "incident/grade.h"

#define CACHE INT64_C(1000)

/* good until 100, bad from 200 to 300, good from 400. */
static const struct interval_times usual = { .last_good = 100, .first_bad = 200, .last_bad = 300, .first_good = 400,
                                             .watched = true, .bad_bytes = 5000, .good_bytes = 4000 };

static const struct grade_facts whole = { .from_us = 220, .to_us = 230, .bytes = 5000, .status = 200,
                                          .sent = SENT_WHOLE, .has_bytes = true, .has_columns = true };

static void expect(const struct interval_times *times, const struct grade_facts *facts, enum grade grade,
                   enum grade_reason reason)
{
        struct verdict verdict = grade_response(times, CACHE, facts);

        assert_string_equal(grade_name(verdict.grade), grade_name(grade));
        assert_string_equal(grade_reason_name(verdict.reason), grade_reason_name(reason));
}

static void test_places(void **state)
{
        static const struct {
                int64_t from, to;
                enum grade grade;
                enum grade_reason reason;
        } spans[] = {
                {0,    100,  GRADE_NOT,       REASON_OUTSIDE   },
                { 0,   101,  GRADE_PROBABLE,  REASON_EDGE_BYTES},
                { 150, 160,  GRADE_PROBABLE,  REASON_EDGE_BYTES},
                { 199, 201,  GRADE_PROBABLE,  REASON_EDGE_BYTES},
                { 200, 300,  GRADE_CONFIRMED, REASON_INSIDE    },
                { 200, 301,  GRADE_PROBABLE,  REASON_EDGE_BYTES},
                { 399, 500,  GRADE_PROBABLE,  REASON_EDGE_BYTES},
                { 400, 500,  GRADE_NOT,       REASON_OUTSIDE   },
                { 0,   1000, GRADE_PROBABLE,  REASON_EDGE_BYTES},
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(spans); i++) {
                struct grade_facts facts = whole;

                facts.from_us = spans[i].from;
                facts.to_us = spans[i].to;
                expect(&usual, &facts, spans[i].grade, spans[i].reason);
                facts.bytes = 4000; /* of the genuine one: an edge proves nothing either way */
                if (spans[i].reason == REASON_EDGE_BYTES)
                        expect(&usual, &facts, GRADE_POSSIBLE, REASON_EDGE);
        }
}

static void test_caps(void **state)
{
        struct interval_times times = usual;
        struct grade_facts facts = whole;

        (void)state;
        facts.packed = true;
        facts.bytes = 1700;
        expect(&times, &facts, GRADE_PROBABLE, REASON_PACKED);
        facts = whole;
        facts.status = 206;
        expect(&times, &facts, GRADE_PROBABLE, REASON_RANGE);
        facts = whole;
        facts.sent = SENT_PART;
        facts.bytes = 100;
        expect(&times, &facts, GRADE_PROBABLE, REASON_ABORTED);
        facts.bytes = 0;
        expect(&times, &facts, GRADE_NOT, REASON_NO_BODY);
        facts = whole;
        facts.has_columns = false;
        expect(&times, &facts, GRADE_PROBABLE, REASON_NO_COLUMNS);
        facts = whole;
        facts.cached = true;
        expect(&times, &facts, GRADE_POSSIBLE, REASON_CACHE);
        facts = whole;
        facts.bytes = 4000;
        expect(&times, &facts, GRADE_POSSIBLE, REASON_BYTES_GENUINE);
        facts.bytes = 4321;
        expect(&times, &facts, GRADE_PROBABLE, REASON_BYTES_OTHER);
        facts = whole;
        times.bad_bytes = 0;
        expect(&times, &facts, GRADE_PROBABLE, REASON_BYTES_UNKNOWN);
        times = usual;
        times.watched = false;
        expect(&times, &facts, GRADE_PROBABLE, REASON_UNWATCHED);
        times = usual;
        times.refused = true;
        expect(&times, &facts, GRADE_PROBABLE, REASON_REFUSED_BYTES);
        facts.bytes = 4321;
        expect(&times, &facts, GRADE_POSSIBLE, REASON_REFUSED);
}

static void test_no_file_sent(void **state)
{
        static const unsigned int statuses[] = { 0, 100, 204, 301, 302, 400, 403, 404, 416, 500, 502, 503, 999 };
        struct grade_facts facts = whole;

        (void)state;
        for (size_t i = 0; i < LENGTH(statuses); i++) {
                facts.status = statuses[i];
                expect(&usual, &facts, GRADE_NOT, REASON_STATUS);
        }
        facts = whole;
        facts.head = true;
        expect(&usual, &facts, GRADE_NOT, REASON_NO_BODY);
}

static void test_held_copies(void **state)
{
        struct grade_facts facts = whole;

        (void)state;
        facts.status = 304;
        facts.bytes = 0;
        expect(&usual, &facts, GRADE_PROBABLE, REASON_NOT_MODIFIED);
        facts.from_us = 150;
        facts.to_us = 160;
        expect(&usual, &facts, GRADE_POSSIBLE, REASON_NOT_MODIFIED);
        facts.held = true;
        expect(&usual, &facts, GRADE_PROBABLE, REASON_HELD);
        facts.from_us = 900; /* long after: the browser shows what it has */
        facts.to_us = 910;
        expect(&usual, &facts, GRADE_PROBABLE, REASON_HELD);
        facts.held = false;
        expect(&usual, &facts, GRADE_NOT, REASON_OUTSIDE);
        facts = whole;
        facts.cached = true;
        facts.from_us = 1399;
        facts.to_us = 1400;
        expect(&usual, &facts, GRADE_POSSIBLE, REASON_CACHE);
        facts.from_us = 1400;
        expect(&usual, &facts, GRADE_NOT, REASON_OUTSIDE);
}

static void test_pages(void **state)
{
        struct grade_facts facts = whole;

        (void)state;
        facts.page = true;
        expect(&usual, &facts, GRADE_POSSIBLE, REASON_PAGE);
        facts.held = true;
        expect(&usual, &facts, GRADE_PROBABLE, REASON_HELD);
        facts.from_us = 50;
        facts.to_us = 60;
        expect(&usual, &facts, GRADE_NOT, REASON_OUTSIDE);
}

static void test_unknown_history(void **state)
{
        struct interval_times times = usual;
        struct grade_facts facts = whole;

        (void)state;
        times.last_good = TIME_NEVER;
        times.first_good = TIME_OPEN;
        facts.from_us = -1000000;
        facts.to_us = -999999;
        facts.packed = true;
        expect(&times, &facts, GRADE_POSSIBLE, REASON_HISTORY);
        facts.from_us = 1000000;
        facts.to_us = 1000001;
        expect(&times, &facts, GRADE_POSSIBLE, REASON_EDGE);
}

/* ---- knowing less never makes it narrower ---- */

static const unsigned int statuses[] = { 200, 206, 304, 404, 499 };
static const uint64_t sizes[] = { 0, 4000, 4321, 5000 };

#define FACTS (1U << 14)

/* Every combination by number; false when the number is none. */
static bool build(unsigned int n, struct interval_times *times, struct grade_facts *facts)
{
        static const int64_t spans[][2] = { { 10, 20 }, { 150, 160 }, { 220, 230 }, { 350, 360 }, { 500, 510 } };
        unsigned int span, status, size;

        *times = usual;
        *facts = (struct grade_facts){ .has_bytes = true, .has_columns = true, .sent = SENT_WHOLE };
        facts->packed = n & 1;
        facts->range = n & 2;
        facts->cached = n & 4;
        facts->page = n & 8;
        facts->sent = n & 16 ? SENT_PART : SENT_WHOLE;
        times->refused = n & 32;
        facts->held = n & 64;
        n >>= 7;
        span = n % LENGTH(spans);
        n /= LENGTH(spans);
        status = n % LENGTH(statuses);
        n /= LENGTH(statuses);
        size = n % LENGTH(sizes);
        facts->from_us = spans[span][0];
        facts->to_us = spans[span][1];
        facts->status = statuses[status];
        facts->bytes = sizes[size];
        return n < LENGTH(sizes);
}

/* Each way in which something is not known any more. */
static bool forget(unsigned int which, struct interval_times *times, struct grade_facts *facts)
{
        switch (which) {
        case 0: facts->has_bytes = false; return true;
        case 1: facts->has_columns = false; return true;
        case 2: facts->sent = SENT_UNKNOWN; return true;
        case 3: times->bad_bytes = 0; return true;
        case 4: times->good_bytes = 0; return true;
        case 5: times->watched = false; return true;
        case 6: times->last_good = TIME_NEVER; return true;
        case 7: times->first_good = TIME_OPEN; return true;
        case 8: facts->from_us -= 200; return true;
        case 9: facts->to_us += 200; return true;
        default: return false;
        }
}

static void test_less_is_wider(void **state)
{
        unsigned int tried = 0;

        (void)state;
        for (unsigned int n = 0; n < FACTS; n++) {
                struct interval_times times, less_times;
                struct grade_facts facts, less;
                enum grade before;

                if (!build(n, &times, &facts))
                        continue;
                before = grade_response(&times, CACHE, &facts).grade;
                for (unsigned int which = 0; before != GRADE_NOT; which++) {
                        less_times = times;
                        less = facts;
                        if (!forget(which, &less_times, &less))
                                break;
                        if (grade_response(&less_times, CACHE, &less).grade == GRADE_NOT)
                                fail_msg("combination %u is not exposed when %u is not known", n, which);
                        tried++;
                }
        }
        assert_true(tried > 10000);
}

/* Confirmed is one combination only. */
static void test_confirmed_is_rare(void **state)
{
        unsigned int confirmed = 0;

        (void)state;
        for (unsigned int n = 0; n < FACTS; n++) {
                struct interval_times times;
                struct grade_facts facts;

                if (!build(n, &times, &facts) || grade_response(&times, CACHE, &facts).grade != GRADE_CONFIRMED)
                        continue;
                confirmed++;
                assert_int_equal(facts.status, 200);
                assert_int_equal(facts.bytes, 5000);
                assert_int_equal(facts.from_us, 220);
                assert_false(facts.packed || facts.range || facts.cached || facts.page || times.refused);
                assert_int_equal(facts.sent, SENT_WHOLE);
        }
        assert_int_equal(confirmed, 2); /* whether he held a copy before does not matter */
}

static void test_reasons_have_words(void **state)
{
        (void)state;
        for (unsigned int i = 0; i < REASONS; i++) {
                assert_non_null(grade_reason_name((enum grade_reason)i));
                assert_true(strlen(grade_reason_words((enum grade_reason)i)) > 10);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_places),          cmocka_unit_test(test_caps),
                cmocka_unit_test(test_no_file_sent),    cmocka_unit_test(test_held_copies),
                cmocka_unit_test(test_pages),           cmocka_unit_test(test_unknown_history),
                cmocka_unit_test(test_less_is_wider),   cmocka_unit_test(test_confirmed_is_rare),
                cmocka_unit_test(test_reasons_have_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
