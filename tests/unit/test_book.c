/* A book of visitors: pages read one by one, all again, or written anew give the same figures; what is no page is
 * refused. */
#include <string.h>

#include "analyze/book.h"
#include "tests.h"

static uint32_t no_search(void *context, uint32_t referrer)
{
        (void)context;
        (void)referrer;
        return 0;
}

static uint64_t draw(uint64_t below)
{
        static uint64_t state = 88172645463325252;

        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state % below;
}

/* Some visitors, each with names seen and a piece of a visit; few different ones, so that pages meet. */
static void make_page(struct buffer *page)
{
        const uint64_t addresses[] = { draw(50) << 8 | 1, draw(50) << 8 | 1 };

        assert_int_equal(book_page_begin(page, addresses, 2), 0);
        for (unsigned int i = 0; i < 20; i++) {
                uint32_t start = (uint32_t)draw(86399999), hour = start / 3600000;
                struct book_visitor who = { .hours = 1U << hour, .browser = 1, .platform = 2, .device = 3 };
                struct visit visit = { .start = start & 0x7ffffff, .end = start & 0x7ffffff, .pages = 1 };

                memset(who.key, (int)draw(12), sizeof(who.key));
                visit.entry_time = visit.exit_time = visit.start;
                visit.entry = visit.exit = (uint32_t)draw(5) + 1;
                assert_int_equal(book_page_visitor(page, &who), 0);
                assert_int_equal(book_page_number(page, 1), 0);
                assert_int_equal(book_page_number(page, book_token(0, visit.entry)), 0);
                assert_int_equal(book_page_number(page, 1U << hour | 1U << BUCKET_DAY), 0);
                assert_int_equal(book_page_number(page, 1), 0);
                assert_int_equal(book_page_visit(page, &visit), 0);
        }
}

static int compare_slots(const void *a, const void *b)
{
        const struct delta_slot *first = a, *second = b;

        return (first->key > second->key) - (first->key < second->key);
}

/* The figures that are not nothing, by key. */
static size_t sorted(struct deltas *deltas, struct delta_slot **ret_slots)
{
        const struct delta nothing = { 0 };
        size_t count = 0;

        for (size_t i = 0; i <= deltas->mask; i++)
                if (deltas->slots[i].key && memcmp(&deltas->slots[i].delta, &nothing, sizeof(nothing)) != 0)
                        deltas->slots[count++] = deltas->slots[i];
        qsort(deltas->slots, count, sizeof(*deltas->slots), compare_slots);
        *ret_slots = deltas->slots;
        return count;
}

static void assert_same(struct deltas *a, struct deltas *b)
{
        struct delta_slot *first, *second;
        size_t count = sorted(a, &first);

        assert_int_equal(count, sorted(b, &second));
        assert_true(count > 10);
        for (size_t i = 0; i < count; i++) {
                assert_true(first[i].key == second[i].key);
                assert_memory_equal(&first[i].delta, &second[i].delta, sizeof(struct delta));
        }
}

static int read_again(void *context, const void *page, size_t length, struct error *err)
{
        void **both = context;

        (void)err;
        return book_add(both[0], page, length, both[1], NULL, NULL);
}

/* What pages add one after the other is in sum what the whole book adds at once. */
static void test_sum_of_pages(void **state)
{
        struct deltas steps = { .search_of = no_search }, once = { .search_of = no_search };
        struct book *book = book_new(0), *again = book_new(0);
        void *both[] = { again, &once };

        (void)state;
        for (unsigned int i = 0; i < 30; i++) {
                _cleanup_(buffer_done) struct buffer page = BUFFER_INIT(1U << 20);

                make_page(&page);
                assert_int_equal(book_add(book, page.data, page.length, &steps, NULL, NULL), 0);
        }
        assert_int_equal(book_write(book, 500, read_again, both, NULL), 0);
        assert_same(&steps, &once);
        deltas_done(&steps);
        deltas_done(&once);
        book_free(book);
        book_free(again);
}

static void test_what_is_no_page(void **state)
{
        _cleanup_(buffer_done) struct buffer page = BUFFER_INIT(1U << 20);

        (void)state;
        make_page(&page);
        for (size_t length = 0; length < page.length; length++) {
                struct deltas deltas = { .search_of = no_search };
                struct book *book = book_new(0);
                int r = book_add(book, page.data, length, &deltas, NULL, NULL);

                assert_true(r == 0 || r == -EBADMSG); /* 0: cut between two visitors */
                book_free(book);
                deltas_done(&deltas);
        }
        page.data[0] = 3;
        assert_int_equal(book_add(NULL, page.data, page.length, NULL, NULL, NULL), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sum_of_pages),
                cmocka_unit_test(test_what_is_no_page),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
