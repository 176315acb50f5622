/* etcd.c, coordinator.c - what etcd answers, and the move that is written down there. The rest is tried at a real cluster
 * (78-etcd.t). */
#include "tests.h"

#include "traffic/coordinator.h"
#include "traffic/etcd.h"

static struct etcd_answer parsed(const char *text)
{
        struct etcd_answer answer;
        struct error error = ERROR_NONE;

        if (etcd_answer_parse(text, strlen(text), 200, &answer, &error) < 0)
                fail_msg("%s: %s", text, error.text);
        return answer;
}

static void answers_as_etcd_gives_them(void **state _unused_)
{
        struct etcd_answer answer = parsed("{\"header\":{\"cluster_id\":\"1\",\"revision\":\"7\"},\"ID\":\"7587\",\"TTL\":\"5\"}");

        assert_int_equal(answer.lease, 7587);
        assert_int_equal(answer.ttl_s, 5);
        answer = parsed("{\"result\":{\"header\":{\"revision\":\"8\"},\"ID\":\"7587\"}}\n");
        assert_int_equal(answer.ttl_s, 0); /* a lease that is over */
        answer = parsed("{\"header\":{\"revision\":\"9\"},\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":"
                        "{\"revision\":\"9\"}}}]}");
        assert_true(answer.succeeded);
        assert_int_equal(answer.revision, 9);
        answer = parsed("{\"header\":{\"revision\":\"9\"},\"responses\":[{\"response_range\":{\"header\":{\"revision\":\"9\"},"
                        "\"kvs\":[{\"key\":\"Zm9v\",\"create_revision\":\"3\",\"mod_revision\":\"4\",\"version\":\"2\","
                        "\"value\":\"d2ViMQ==\",\"lease\":\"12\"}],\"count\":\"1\"}}]}");
        assert_false(answer.succeeded);
        assert_true(answer.found);
        assert_string_equal(answer.value, "web1");
        assert_int_equal(answer.created, 3);
        assert_int_equal(answer.key_lease, 12);
        answer = parsed("{\"header\":{\"revision\":\"9\"}}"); /* a key that is not there */
        assert_false(answer.found);
        /* a member of itself; its cluster's number is larger than the others may be */
        answer = parsed("{\"header\":{\"cluster_id\":\"17237436991929493444\",\"member_id\":\"9372538179322589801\",\"revision\":"
                        "\"9\",\"raft_term\":\"2\"},\"version\":\"3.4.23\",\"dbSize\":\"20480\",\"leader\":\"9372538179322589801\"}");
        assert_string_equal(answer.version, "3.4.23");
        assert_string_equal(answer.cluster, "17237436991929493444");
        assert_true(answer.led);
        answer = parsed("{\"header\":{\"revision\":\"9\"},\"version\":\"3.4.23\\n\",\"leader\":\"0\"}");
        assert_string_equal(answer.version, "");
        assert_false(answer.led);
}

static void what_is_no_answer(void **state _unused_)
{
        static const char *const wrong[] = { "", "{", "[]", "{}", "{\"header\":{\"revision\":\"x\"}}", "<html></html>",
                                             "{\"header\":{\"revision\":\"1\"},\"kvs\":[{\"value\":\"%\"}]}",
                                             "{\"header\":{\"revision\":\"1\"},\"kvs\":[{\"value\":\"Bw==\"}]}" };
        static const char gone[] = "{\"error\":\"etcdserver: requested lease not found\",\"code\":5}";
        static const char away[] = "{\"error\":\"etcdserver: request timed out\",\"code\":14}";
        struct etcd_answer answer;

        for (size_t i = 0; i < LENGTH(wrong); i++)
                assert_int_equal(etcd_answer_parse(wrong[i], strlen(wrong[i]), 200, &answer, NULL), -EBADMSG);
        assert_int_equal(etcd_answer_parse(gone, strlen(gone), 404, &answer, NULL), -ENOENT);
        assert_int_equal(etcd_answer_parse(away, strlen(away), 503, &answer, NULL), -EAGAIN);
        assert_int_equal(etcd_answer_parse("", 0, 503, &answer, NULL), -EAGAIN);
}

static void a_move_as_it_is_written_down(void **state _unused_)
{
        const struct move move = { .id = "0123456789abcdef0123456789abcdef", .kind = MOVE_FAILOVER, .by = MOVE_BY_ADDRESS,
                                   .from = "web1", .to = "web2" };
        char text[COORDINATOR_MOVE_SIZE];
        struct move read;
        bool waits = false;

        coordinator_move_write(&move, true, text);
        assert_string_equal(text, "0123456789abcdef0123456789abcdef failover web1 web2 1 waiting");
        assert_true(coordinator_move_read(text, &read, &waits));
        assert_true(waits);
        assert_string_equal(read.id, move.id);
        assert_string_equal(read.from, "web1");
        assert_string_equal(read.to, "web2");
        assert_int_equal(read.kind, MOVE_FAILOVER);
        assert_int_equal(read.by, MOVE_BY_ADDRESS);
        for (size_t cut = 0; cut < strlen(text); cut++) {
                char *part = strndup(text, cut);

                assert_false(coordinator_move_read(part, &read, NULL));
                free(part);
        }
        assert_false(coordinator_move_read("id failover web1 web2 1 running more", &read, NULL));
        assert_false(coordinator_move_read("id other web1 web2 1 running", &read, NULL));
        assert_false(coordinator_move_read("id planned web1 web2 9 running", &read, NULL));
        assert_false(coordinator_move_read("id  web1 web2 1 running", &read, NULL));
        assert_false(coordinator_move_read("0123456789abcdef0123456789abcdefX planned web1 web2 1 running", &read, NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(answers_as_etcd_gives_them),
                cmocka_unit_test(what_is_no_answer),
                cmocka_unit_test(a_move_as_it_is_written_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
