/* test_salts_answer.c - analyze/salts_answer.h: what another machine answers is a salt only in its whole form. */
#include "tests.h"

#include "analyze/salts_answer.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static int take(const char *text, struct shared_salt *salt)
{
        struct error error = ERROR_NONE;
        json_t *answer = json_loads(text, JSON_DECODE_ANY, NULL);
        int r = salts_answer_take(answer, "an1", salt, &error);

        assert_non_null(answer);
        json_decref(answer);
        if (r < 0)
                assert_true(*error.text);
        return r;
}

static void a_whole_answer_is_a_salt(void **state _unused_)
{
        struct shared_salt salt = { 0 };

        assert_int_equal(take("{\"salt\":\"" HEX "\",\"age_s\":172799}", &salt), 0);
        assert_int_equal(salt.age_seconds, 172799);
        assert_int_equal(salt.bytes[1], 0x11);
        assert_int_equal(salt.bytes[31], 0xff);
}

static void all_others_are_none(void **state _unused_)
{
        static const char *const bad[] = {
                "{\"salt\":\"" HEX "\"}",
                "{\"salt\":\"" HEX "\",\"age_s\":172800}", /* it should have been destroyed */
                "{\"salt\":\"" HEX "\",\"age_s\":-1}",
                "{\"salt\":\"" HEX "\",\"age_s\":\"1\"}",
                "{\"salt\":\"" HEX "0\",\"age_s\":1}",
                "{\"salt\":\"0g112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\",\"age_s\":1}",
                "{\"age_s\":1}",
                "{\"gone\":false}",
                "[]",
                "1",
        };
        struct shared_salt salt, before;

        memset(&salt, 0xa5, sizeof(salt));
        before = salt;
        for (size_t i = 0; i < LENGTH(bad); i++)
                assert_int_equal(take(bad[i], &salt), -EBADMSG);
        assert_int_equal(take("{\"gone\":true,\"salt\":\"" HEX "\",\"age_s\":1}", &salt), -ESTALE);
        assert_memory_equal(&salt, &before, sizeof(salt));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_whole_answer_is_a_salt),
                cmocka_unit_test(all_others_are_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
