/* finding.c - OCSF's required members are there and of the right type; the rest is not lost. */
#include "notify_samples.h"

#include "notify/finding.h"

static json_t *render(struct message *message)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(1U << 20);
        json_t *json;

        assert_int_equal(finding_render(message, &out), 0);
        assert_null(memchr(out.data, '\n', out.length));
        for (size_t i = 0; i < out.length; i++)
                assert_true(out.data[i] >= ' ' && out.data[i] <= '~');
        json = json_loadb(out.data, out.length, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        message_done(message);
        return json;
}

/* "a.b" or "a.0.b" */
static const json_t *at(const json_t *json, const char *path)
{
        char part[64];

        while (*path) {
                size_t length = strcspn(path, ".");

                snprintf(part, sizeof(part), "%.*s", (int)length, path);
                json = json_is_array(json) ? json_array_get(json, strtoul(part, NULL, 10))
                                           : json_object_get(json, part);
                path += length + (path[length] == '.');
        }
        return json;
}

static const char *text_at(const json_t *json, const char *path)
{
        return json_string_value(at(json, path));
}

static json_int_t number_at(const json_t *json, const char *path)
{
        return json_integer_value(at(json, path));
}

static void a_finding(void **state _unused_)
{
        json_t *details = json_pack("{s:s, s:s, s:{s:i, s:s, s:i}, s:s, s:s}", "path", "a/login.html", "evidence",
                                    "ab00000000000000000000000000000000000000000000000000000000000000", "process",
                                    "pid", 12, "exe", "/bin/sh", "uid", 33, "address", "192.0.2.7", "other", "kept");
        struct message message = sample((struct alert){ .what = "日本", .dest = "/var/www/html", .details = details });
        json_t *json = render(&message);

        assert_int_equal(number_at(json, "class_uid"), 2004);
        assert_int_equal(number_at(json, "category_uid"), 2);
        assert_int_equal(number_at(json, "type_uid"), 200401);
        assert_int_equal(number_at(json, "activity_id"), 1);
        assert_int_equal(number_at(json, "severity_id"), 5);
        assert_int_equal(number_at(json, "time"), INT64_C(1246870800000));
        assert_string_equal(text_at(json, "message"), "日本");
        assert_string_equal(text_at(json, "metadata.uid"), SAMPLE_ID);
        assert_string_equal(text_at(json, "metadata.product.name"), "Understudy");
        assert_string_equal(text_at(json, "finding_info.uid"), SAMPLE_ID);
        assert_string_equal(text_at(json, "device.hostname"), "web1.example.org");
        assert_string_equal(text_at(json, "resources.0.name"), "/var/www/html");
        assert_string_equal(text_at(json, "evidences.0.file.name"), "login.html");
        assert_int_equal(number_at(json, "evidences.0.file.hashes.0.algorithm_id"), 3);
        assert_int_equal(number_at(json, "evidences.0.process.pid"), 12);
        assert_string_equal(text_at(json, "evidences.0.process.user.uid"), "33");
        assert_string_equal(text_at(json, "evidences.0.src_endpoint.ip"), "192.0.2.7");
        assert_string_equal(text_at(json, "unmapped.details.other"), "kept");
        json_decref(json);
        json_decref(details);
}

static void details_of_the_wrong_type_do_no_harm(void **state _unused_)
{
        json_t *details = json_pack("{s:i, s:s, s:[i], s:{s:s, s:s}}", "path", 1, "address", "x", "evidence", 1,
                                    "process", "pid", "x", "exe", "");
        struct message message = sample((struct alert){ .what = "w", .details = details });
        json_t *json = render(&message);

        assert_null(at(json, "evidences.0.file"));
        assert_null(at(json, "evidences.0.process.pid"));
        json_decref(json);
        json_decref(details);
}

static void a_group(void **state _unused_)
{
        struct message message = sample_group(10000);
        json_t *json = render(&message);

        assert_int_equal(number_at(json, "count"), 10000);
        assert_int_equal(number_at(json, "severity_id"), 4);
        assert_int_equal(number_at(json, "start_time"), INT64_C(1246870801000));
        assert_int_equal(number_at(json, "end_time"), INT64_C(1246880800000));
        assert_int_equal(json_array_size(at(json, "unmapped.lines")), 20);
        assert_int_equal(number_at(json, "unmapped.lines.19.number"), 10000);
        json_decref(json);
}

static void a_heartbeat(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(1U << 16);
        json_t *status = json_pack("{s:b}", "genuine", 1), *json;

        assert_int_equal(finding_heartbeat(SAMPLE_ID, "web1", INT64_C(1246870800000042), 60, status, &out), 0);
        json = json_loadb(out.data, out.length, JSON_REJECT_DUPLICATES, NULL);
        assert_string_equal(text_at(json, "activity_name"), "heartbeat");
        assert_int_equal(number_at(json, "unmapped.interval_seconds"), 60);
        assert_true(json_is_true(at(json, "unmapped.status.genuine")));
        json_decref(json);
        json_decref(status);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_finding),
                cmocka_unit_test(details_of_the_wrong_type_do_no_harm),
                cmocka_unit_test(a_group),
                cmocka_unit_test(a_heartbeat),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
