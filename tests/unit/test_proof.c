/* test_proof.c - spread/proof.h, outside.h: what a server may take part with, and everything that it may not. */
#include "tests.h"

#include "analyze/tag.h"
#include "spread/outside.h"
#include "spread/proof.h"
#include "spread/row.h"
#include "spread/schema.h"

static const struct spread_shard shard = { .name = "an1" };
static const struct spread_shards strict = { .count = 1 }, lax = { .count = 1, .unproven = true };
static struct error error;

/* As the server answers: version, age, obstacle. */
static int judge(const struct spread_shards *shards, uint64_t version, uint64_t age, const char *obstacle, size_t cut)
{
        _cleanup_(buffer_done) struct buffer answer = BUFFER_INIT(1U << 16);
        uint64_t found = 0;
        int r;

        error = ERROR_NONE;
        assert_int_equal(buffer_append(&answer, &version, 8), 0);
        if (obstacle) {
                assert_int_equal(buffer_append(&answer, &age, 8), 0);
                assert_int_equal(row_put_text(&answer, obstacle, strlen(obstacle)), 0);
        }
        answer.length -= cut;
        r = proof_judge(shards, &shard, &answer, &found, &error);
        if (r == 0)
                assert_int_equal(found, version);
        return r;
}

static void only_who_is_vouched_for_now(void **state _unused_)
{
        assert_int_equal(judge(&strict, SCHEMA_LATEST, 0, "", 0), 0);
        assert_int_equal(judge(&strict, SCHEMA_LATEST, PROOF_FRESH_SECONDS, "", 0), 0);
        assert_int_equal(judge(&strict, SCHEMA_LATEST, PROOF_FRESH_SECONDS + 1, "", 0), -EPERM);
        assert_int_equal(error.status, EXIT_REFUSED);
        assert_int_equal(judge(&strict, SCHEMA_LATEST, UINT64_MAX, "", 0), -EPERM); /* its clock went back */
        assert_int_equal(judge(&strict, SCHEMA_LATEST, 0, "it differed\033[2J", 0), -EPERM);
        assert_non_null(strstr(error.text, "an1 is left out: it differed\\033[2J"));
        assert_int_equal(judge(&strict, SCHEMA_LATEST + 1, 0, "", 0), -ENOTSUP);
}

static void what_is_no_answer(void **state _unused_)
{
        assert_int_equal(judge(&strict, SCHEMA_LATEST, 0, NULL, 0), -EBADMSG);
        assert_int_equal(judge(&strict, SCHEMA_LATEST, 0, "x", 1), -EBADMSG);
        assert_int_equal(judge(&strict, SCHEMA_LATEST, 0, "", 5), -EBADMSG);
        assert_int_equal(judge(&lax, SCHEMA_LATEST, 0, "", 0), -EBADMSG);
        assert_int_equal(judge(&lax, 1, 0, NULL, 0), 0);
        assert_int_equal(judge(&lax, 1, 0, NULL, 1), -EBADMSG);
}

static void the_script_and_no_other(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer script = BUFFER_INIT(1U << 16);

        assert_int_equal(buffer_append_text(&script, tag_script), 0);
        assert_int_equal(outside_compare("an1", "http://a/", 200, script.data, script.length, &error), 0);
        assert_int_equal(outside_compare("an1", "http://a/", 404, script.data, script.length, &error), -EPERM);
        assert_int_equal(outside_compare("an1", "http://a/", 200, script.data, script.length - 1, &error), -EPERM);
        assert_int_equal(outside_compare("an1", "http://a/", 200, "", 0, &error), -EPERM);
        script.data[3] ^= 1;
        assert_int_equal(outside_compare("an1", "http://a/", 200, script.data, script.length, &error), -EPERM);
        assert_non_null(strstr(error.text, "is not the tag's script"));
}

static void queries_have_one_name(void **state _unused_)
{
        char id[SCHEMA_ID_SIZE];
        uint64_t node = 0;
        uint32_t sequence = 0;

        schema_id(UINT64_MAX, UINT32_MAX, id);
        assert_true(schema_id_parse(id, strlen(id), &node, &sequence));
        assert_true(node == UINT64_MAX && sequence == UINT32_MAX);
        assert_false(schema_id_parse("understudy-12-3", 15, &node, &sequence));
        assert_false(schema_id_parse(id, strlen(id) - 1, &node, &sequence) && sequence == UINT32_MAX);
        assert_false(schema_id_parse("", 0, &node, &sequence));
}

/* Today's servers say of such a value that it may be NULL, and put a byte for that before it. */
static void no_value_of_a_subquery_can_be_null(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer count = BUFFER_INIT(1U << 16), proof = BUFFER_INIT(1U << 16);
        const struct buffer *statements[] = { &count, &proof };

        assert_int_equal(schema_count(&count, 1, 2, 20000), 0);
        assert_int_equal(proof_question(&proof, &strict, &shard), 0);
        for (size_t i = 0; i < LENGTH(statements); i++) {
                const char *sql = buffer_text(statements[i]), *at = strstr(sql, "(SELECT");

                assert_non_null(at);
                for (; at; at = strstr(at + 1, "(SELECT"))
                        assert_true(at - sql > 14 && strncmp(at - 14, "assumeNotNull(", 14) == 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(only_who_is_vouched_for_now),
                cmocka_unit_test(what_is_no_answer),
                cmocka_unit_test(the_script_and_no_other),
                cmocka_unit_test(queries_have_one_name),
                cmocka_unit_test(no_value_of_a_subquery_can_be_null),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
