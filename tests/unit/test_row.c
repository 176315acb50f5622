/* test_row.c - spread/row.h: the bytes that ClickHouse takes, and what it answers with. */
#include "tests.h"

#include "base/buffer.h"
#include "spread/row.h"

static struct span span(const char *text)
{
        return (struct span){ text, (uint32_t)strlen(text) };
}

static void a_row_is_what_the_format_says(void **state _unused_)
{
        static const char expected[] = "\x01\x02\x00\x00" "\x08\x07\x06\x05\x04\x03\x02\x01" "\x02" "\x01h" "\x03GET"
                                       "\x02/a" "\x01" "\x94\x01" "\x0a\x00\x00\x00\x00\x00\x00\x00" "\x01r" "\x02rp"
                                       "\x01" "c" "AGENT" "\x02JP" "\x02" "\x03gm1" "\x02" "em"
                                       "\x07\x00\x01\x00";
        _cleanup_(buffer_done) struct buffer buffer = BUFFER_INIT(1000);
        _cleanup_(buffer_done) struct buffer marks = BUFFER_INIT(1000);
        struct spread_row row = {
                .ms = 513,
                .visitor = UINT64_C(0x0102030405060708),
                .source = 2,
                .asset = true,
                .status = 404,
                .bytes = 10,
                .host = span("h"),
                .method = span("GET"),
                .path = span("/a"),
                .referrer = span("r"),
                .referrer_page = span("rp"),
                .campaign = span("c"),
                .agent = span("AGENT"),
                .country = span("JP"),
        };

        assert_int_equal(row_put_mark(&marks, MARK_GOAL, "m1", 2), 0);
        assert_int_equal(row_put_mark(&marks, MARK_EVENT, "m", 1), 0);
        row.marks = (struct span){ marks.data, (uint32_t)marks.length };
        row.mark_count = 2;
        row.place = 65543;
        assert_int_equal(row_put(&buffer, &row), 0);
        assert_int_equal(buffer.length, sizeof(expected) - 1);
        assert_memory_equal(buffer.data, expected, buffer.length);
}

static void texts_of_every_length_come_back(void **state _unused_)
{
        static const size_t lengths[] = { 0, 1, 127, 128, 129, 16383, 16384, 65536 };
        _cleanup_(buffer_done) struct buffer buffer = BUFFER_INIT(1U << 20);
        char *text = memset(test_malloc(65536), 'x', 65536);
        const char *at, *end;

        for (size_t i = 0; i < LENGTH(lengths); i++)
                assert_int_equal(row_put_text(&buffer, text, lengths[i]), 0);
        at = buffer.data;
        end = at + buffer.length;
        for (size_t i = 0; i < LENGTH(lengths); i++) {
                const char *found;
                size_t length;

                assert_true(row_take_text(&at, end, &found, &length));
                assert_int_equal(length, lengths[i]);
                assert_memory_equal(found, text, length);
        }
        assert_ptr_equal(at, end);
        test_free(text);
}

static void nothing_is_taken_past_the_end(void **state _unused_)
{
        static const char bytes[] = "\x05" "abc\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
        const char *at = bytes, *text;
        uint64_t number;
        uint16_t small;
        size_t length;

        assert_false(row_take_text(&at, bytes + 4, &text, &length));
        assert_false(row_take_text(&at, bytes, &text, &length));
        assert_false(row_take_u64(&at, bytes + 7, &number));
        assert_false(row_take_u16(&at, bytes + 1, &small));
        assert_ptr_equal(at, bytes);
        at = bytes + 4; /* a length without an end */
        assert_false(row_take_text(&at, bytes + sizeof(bytes) - 1, &text, &length));
        assert_ptr_equal(at, bytes + 4);
}

static void what_does_not_fit_leaves_the_buffer_alone(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer buffer = BUFFER_INIT(100);
        char path[200];
        struct spread_row row = { .path = { path, sizeof(path) } };

        memset(path, 'x', sizeof(path));
        assert_true(row_put(&buffer, &row) < 0);
        assert_int_equal(buffer.length, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_row_is_what_the_format_says),
                cmocka_unit_test(texts_of_every_length_come_back),
                cmocka_unit_test(nothing_is_taken_past_the_end),
                cmocka_unit_test(what_does_not_fit_leaves_the_buffer_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
