/* agent_request.c - what is a request, and that nothing else is. */
#include "tests.h"

#include <jansson.h>

#include "base/attributes.h"
#include "traffic/agent.h"

static int nothing(struct agent_call *call, struct error *err)
{
        (void)call;
        (void)err;
        return 0;
}

static const char *const words[] = { "start", "stop", NULL };
static const struct agent_argument arguments[] = {
        {"action",  AGENT_WORD,   true,  0,  words},
        { "reason", AGENT_TEXT,   false, 10, NULL },
        { "number", AGENT_NUMBER, false, 99, NULL },
        { "really", AGENT_FLAG,   false, 0,  NULL },
        { NULL,     AGENT_FLAG,   false, 0,  NULL },
};
static const struct agent_verb verbs[] = {
        {"hello", NULL,      AGENT_AT_ONCE, 1000, nothing},
        { "web",  arguments, AGENT_WEB,     1000, nothing},
};

static int parse(const char *body, const char **ret_code, struct error *err)
{
        const struct agent_verb *verb = NULL;
        const json_t *values = NULL;
        json_t *request = NULL;
        int64_t deadline = 0;
        int r = agent_request_parse(verbs, LENGTH(verbs), body, strlen(body), &request, &verb, &values, &deadline,
                                    ret_code, err);

        json_decref(request);
        return r;
}

static void what_is_one_is_taken(void **state _unused_)
{
        static const char body[] = "{\"verb\":\"web\",\"deadline_ms\":250,\"arguments\":"
                                   "{\"action\":\"stop\",\"reason\":\"0123456789\",\"number\":99,\"really\":true}}";
        struct agent_call call = { .channel = -1 };
        const struct agent_verb *verb = NULL;
        const char *code = NULL;
        json_t *request = NULL;
        int64_t deadline = 0;

        assert_int_equal(agent_request_parse(verbs, LENGTH(verbs), body, strlen(body), &request, &verb, &call.arguments,
                                             &deadline, &code, NULL),
                         0);
        assert_ptr_equal(verb, &verbs[1]);
        assert_int_equal(deadline, 250);
        assert_string_equal(agent_text(&call, "action", ""), "stop");
        assert_string_equal(agent_text(&call, "other", "-"), "-");
        assert_int_equal(agent_number(&call, "number", 1), 99);
        assert_int_equal(agent_number(&call, "other", 1), 1);
        assert_true(agent_flag(&call, "really"));
        assert_false(agent_flag(&call, "other"));
        json_decref(request);
        assert_int_equal(parse("{\"verb\":\"hello\"}", &code, NULL), 0);
        assert_int_equal(parse("{\"verb\":\"hello\",\"arguments\":{}}", &code, NULL), 0);
}

static void nothing_else_is(void **state _unused_)
{
        static const struct {
                const char *body, *code;
        } wrong[] = {
                { "", "request" },
                { "hello", "request" },
                { "[]", "request" },
                { "{}", "request" },
                { "{\"verb\":1}", "request" },
                { "{\"verb\":\"hello\"} x", "request" },
                { "{\"verb\":\"hello\",\"verb\":\"web\"}", "request" },
                { "{\"verb\":\"hello\",\"shell\":\"id\"}", "request" },
                { "{\"verb\":\"hello\",\"deadline_ms\":0}", "request" },
                { "{\"verb\":\"hello\",\"deadline_ms\":\"1\"}", "request" },
                { "{\"verb\":\"hello\",\"arguments\":[]}", "request" },
                { "{\"verb\":\"hell\"}", "unknown" },
                { "{\"verb\":\"hello\\u0000x\"}", "request" },
                { "{\"verb\":\"\"}", "unknown" },
                { "{\"verb\":\"hello\",\"arguments\":{\"x\":1}}", "arguments" },
                { "{\"verb\":\"web\"}", "arguments" },
                { "{\"verb\":\"web\",\"arguments\":{\"action\":\"restart\"}}", "arguments" },
                { "{\"verb\":\"web\",\"arguments\":{\"action\":1}}", "arguments" },
                { "{\"verb\":\"web\",\"arguments\":{\"action\":\"stop\",\"reason\":\"0123456789a\"}}", "arguments" },
                { "{\"verb\":\"web\",\"arguments\":{\"action\":\"stop\",\"reason\":\"a\\nb\"}}", "arguments" },
                { "{\"verb\":\"web\",\"arguments\":{\"action\":\"stop\",\"number\":100}}", "arguments" },
                { "{\"verb\":\"web\",\"arguments\":{\"action\":\"stop\",\"number\":-1}}", "arguments" },
                { "{\"verb\":\"web\",\"arguments\":{\"action\":\"stop\",\"number\":1.0}}", "arguments" },
                { "{\"verb\":\"web\",\"arguments\":{\"action\":\"stop\",\"really\":1}}", "arguments" },
        };

        for (size_t i = 0; i < LENGTH(wrong); i++) {
                struct error error = ERROR_NONE;
                const char *code = NULL;

                if (parse(wrong[i].body, &code, &error) != -EINVAL)
                        fail_msg("taken: %s", wrong[i].body);
                assert_string_equal(code, wrong[i].code);
                assert_true(*error.text != '\0');
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_one_is_taken),
                cmocka_unit_test(nothing_else_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
