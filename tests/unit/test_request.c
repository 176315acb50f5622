/* request.c - requests to a witness go out and come back; what is none is refused. */
#include "tests.h"

#include "base/attributes.h"
#include "witness/request.h"

#define NOTE "o\n1\nx\n\n\xe2\x80\x94 a AAAAAAEB\n"
#define HASH "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw="

static int parse(const char *text, struct witness_request *request)
{
        struct error error = ERROR_NONE;
        int r = witness_request_parse(text, strlen(text), request, &error);

        if (r < 0)
                assert_true(r == -EBADMSG && *error.text);
        return r;
}

static void a_request_goes_out_and_comes_back(void **state _unused_)
{
        static const char text[] = "old 20852014\n" HASH "\n" HASH "\n\n" NOTE;
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(4096);
        struct witness_request request;

        assert_int_equal(parse(text, &request), 0);
        assert_int_equal(request.old, 20852014);
        assert_int_equal(request.proof.count, 2);
        assert_int_equal(request.note_length, strlen(NOTE));
        assert_memory_equal(request.note, NOTE, strlen(NOTE));
        assert_int_equal(witness_request_format(&request, &again), 0);
        assert_string_equal(again.data, text);
        assert_int_equal(parse("old 0\n\n" NOTE, &request), 0);
        assert_int_equal(request.proof.count, 0);
}

static void what_is_no_request_is_refused(void **state _unused_)
{
        static const char *const texts[] = {
                "",
                "\n",
                "old 1",
                "old 1\n",
                "old 1\n\n",
                "old \n\n" NOTE,
                "old 01\n\n" NOTE,
                "old -1\n\n" NOTE,
                "old 1 \n\n" NOTE,
                "old 9223372036854775808\n\n" NOTE,
                "OLD 1\n\n" NOTE,
                "old 1\r\n\r\n" NOTE,
                "old 1\n" HASH "\n" NOTE,
                "old 1\nPlRN\n\n" NOTE,
                "old 1\n" HASH HASH "\n\n" NOTE,
                "old 1\n " HASH "\n\n" NOTE,
        };
        struct witness_request request;

        for (size_t i = 0; i < LENGTH(texts); i++)
                assert_int_equal(parse(texts[i], &request), -EBADMSG);
}

static void proofs_and_requests_have_a_limit(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(2 * REQUEST_MAXIMUM);
        struct witness_request request;

        assert_int_equal(buffer_append_text(&text, "old 1\n"), 0);
        for (int i = 0; i < REQUEST_HASHES; i++)
                assert_int_equal(buffer_append_text(&text, HASH "\n"), 0);
        assert_int_equal(buffer_append_text(&text, "\n" NOTE), 0);
        assert_int_equal(parse(text.data, &request), 0);
        assert_int_equal(request.proof.count, REQUEST_HASHES);
        buffer_clear(&text);
        assert_int_equal(buffer_append_text(&text, "old 1\n"), 0);
        for (int i = 0; i < REQUEST_HASHES + 1; i++)
                assert_int_equal(buffer_append_text(&text, HASH "\n"), 0);
        assert_int_equal(buffer_append_text(&text, "\n" NOTE), 0);
        assert_int_equal(parse(text.data, &request), -EBADMSG);
        buffer_clear(&text);
        assert_int_equal(buffer_append_text(&text, "old 1\n\n"), 0);
        while (text.length <= REQUEST_MAXIMUM)
                assert_int_equal(buffer_append_byte(&text, 'x'), 0);
        assert_int_equal(parse(text.data, &request), -EBADMSG);
}

static void the_size_in_an_answer_has_one_spelling(void **state _unused_)
{
        uint64_t size = 0;

        assert_int_equal(witness_answer_size("17\n", 3, &size), 0);
        assert_int_equal(size, 17);
        assert_int_equal(witness_answer_size("", 0, &size), -EBADMSG);
        assert_int_equal(witness_answer_size("\n", 1, &size), -EBADMSG);
        assert_int_equal(witness_answer_size("17", 2, &size), -EBADMSG);
        assert_int_equal(witness_answer_size("017\n", 4, &size), -EBADMSG);
        assert_int_equal(witness_answer_size("17\n\n", 4, &size), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_request_goes_out_and_comes_back),
                cmocka_unit_test(what_is_no_request_is_refused),
                cmocka_unit_test(proofs_and_requests_have_a_limit),
                cmocka_unit_test(the_size_in_an_answer_has_one_spelling),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
