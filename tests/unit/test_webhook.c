/* webhook.c - keys as Standard Webhooks has them, and its signature. */
#include "tests.h"

#include <sys/stat.h>

#include "base/attributes.h"
#include "notify/webhook.h"

/* The example of the specification's reference libraries (standard-webhooks, test of "sign function works"). */
static void the_known_signature(void **state _unused_)
{
        static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", body[] = "{\"test\": 2432232314}";
        _cleanup_(buffer_done) struct buffer head = BUFFER_INIT(4096);
        struct webhook_key key;

        assert_int_equal(webhook_key_parse(secret, strlen(secret), "k", &key, NULL), 0);
        assert_int_equal(key.length, 24);
        assert_int_equal(
                webhook_head("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, &key, body, strlen(body), &head, NULL), 0);
        assert_string_equal(head.data, "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\n"
                                       "webhook-timestamp: 1614265330\r\n"
                                       "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\r\n");
}

static void without_a_key_it_is_not_signed(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer head = BUFFER_INIT(4096);
        struct webhook_key key = { .length = 0 };

        assert_int_equal(webhook_head("i", 1, &key, "b", 1, &head, NULL), 0);
        assert_string_equal(head.data, "webhook-id: i\r\nwebhook-timestamp: 1\r\n");
}

static void keys(void **state _unused_)
{
        static const char *const bad[] = {
                "", "short", "whsec_", "whsec_AAAA", "whsec_not base64 at all, but long enough", "0123456789abcde\n"
        };
        struct webhook_key key;

        for (size_t i = 0; i < LENGTH(bad); i++) {
                struct error error = ERROR_NONE;

                assert_int_equal(webhook_key_parse(bad[i], strlen(bad[i]), "k", &key, &error), -EINVAL);
                assert_true(strlen(bad[i]) == 0 || !strstr(error.text, bad[i]) || strlen(bad[i]) < 8);
        }
        assert_int_equal(webhook_key_parse("0123456789abcdef\n", 17, "k", &key, NULL), 0);
        assert_int_equal(key.length, 16);
}

static void a_key_that_others_may_read_is_refused(void **state _unused_)
{
        char folder[TESTS_FOLDER_SIZE], path[TESTS_FOLDER_SIZE + 8];
        struct error error = ERROR_NONE;
        struct webhook_key key;
        int fd = tests_folder(folder);

        assert_int_equal(file_replace(fd, "key", "0123456789abcdef\n", 17, 0640, NULL), 0);
        snprintf(path, sizeof(path), "%s/key", folder);
        assert_int_equal(webhook_key_read(path, &key, &error), -EINVAL);
        assert_non_null(strstr(error.text, "chmod 600"));
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(webhook_key_read(path, &key, NULL), 0);
        close(fd);
        tests_folder_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_known_signature),
                cmocka_unit_test(without_a_key_it_is_not_signed),
                cmocka_unit_test(keys),
                cmocka_unit_test(a_key_that_others_may_read_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
