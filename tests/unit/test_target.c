/* target.c - what is a target, what is none, and that neither a password nor a webhook's path is shown. */
#include "tests.h"

#include "base/attributes.h"
#include "notify/target.h"

static struct notify_target parse(const char *text)
{
        struct notify_target target;
        struct error error = ERROR_NONE;

        if (notify_target_parse(text, &target, &error) < 0)
                fail_msg("%s: %s", text, error.text);
        return target;
}

static void mail(void **state _unused_)
{
        struct notify_target t = parse("mailto:ops@example.org");

        assert_int_equal(t.kind, TARGET_MAIL);
        assert_string_equal(t.to, "ops@example.org");
        assert_string_equal(t.url, "smtp://localhost:25");
        assert_int_equal(t.tls, TARGET_TLS_TRY);
        t = parse(
                "mailto:a%2Bb@example.org?from=us@web1&server=smtps://mx.example.org&user=me&password-file=/etc/p%20w");
        assert_string_equal(t.to, "a+b@example.org");
        assert_string_equal(t.from, "us@web1");
        assert_string_equal(t.url, "smtps://mx.example.org:465");
        assert_string_equal(t.password_file, "/etc/p w");
        assert_int_equal(t.tls, TARGET_TLS_FROM_START);
        t = parse("mailto:a@b?server=smtp://[::1]:2525");
        assert_string_equal(t.host, "::1");
        assert_string_equal(t.url, "smtp://[::1]:2525");
}

/* A password never goes to another machine in the clear. */
static void passwords_need_tls(void **state _unused_)
{
        struct notify_target t;

        assert_int_equal(parse("mailto:a@b?server=smtp://mx&user=u&password-file=/p").tls, TARGET_TLS_REQUIRED);
        assert_int_equal(parse("mailto:a@b?server=smtp://127.0.0.1&user=u&password-file=/p&tls=none").tls,
                         TARGET_TLS_NONE);
        assert_int_equal(notify_target_parse("mailto:a@b?server=smtp://mx&user=u&password-file=/p&tls=none", &t, NULL),
                         -EINVAL);
        assert_int_equal(parse("mailto:a@b?tls=none&server=smtps://mx").tls, TARGET_TLS_FROM_START);
}

static void webhook(void **state _unused_)
{
        struct notify_target t = parse("https://hooks.example.org:8443/T0/B1/secret?x=1#secret-file=/k&heartbeat=5m");

        assert_int_equal(t.kind, TARGET_WEBHOOK);
        assert_string_equal(t.url, "https://hooks.example.org:8443/T0/B1/secret?x=1");
        assert_string_equal(t.secret_file, "/k");
        assert_int_equal(t.heartbeat_s, 300);
        assert_null(strstr(t.shown, "secret"));
        assert_string_equal(parse("http://[2001:db8::1]/").host, "2001:db8::1");
}

static void syslog_targets(void **state _unused_)
{
        struct notify_target t = parse("syslog:");

        assert_int_equal(t.kind, TARGET_SYSLOG_LOCAL);
        assert_string_equal(t.path, "/dev/log");
        assert_int_equal(t.facility, 3);
        assert_string_equal(parse("syslog:/run/log").path, "/run/log");
        t = parse("syslog://logs.example.org?facility=local7&format=json");
        assert_int_equal(t.kind, TARGET_SYSLOG_UDP);
        assert_int_equal(t.port, 514);
        assert_int_equal(t.facility, 23);
        assert_true(t.json);
        t = parse("syslog+tcp://[::1]:6514");
        assert_int_equal(t.kind, TARGET_SYSLOG_TCP);
        assert_int_equal(t.port, 6514);
}

static void what_is_none_is_refused(void **state _unused_)
{
        static const char *const texts[] = {
                "",
                "ops@example.org",
                "ftp://example.org/",
                "mailto:",
                "mailto:ops",
                "mailto:a@b,c@d",
                "mailto:a@b?cc=c@d",
                "mailto:a b@c",
                "mailto:a@b%0d%0aRCPT%20TO:x@y",
                "mailto:a@b%0aBcc:x@y",
                "mailto:\"a b\"@c",
                "mailto:<a@b>",
                "mailto:a..b@c",
                "mailto:.a@c",
                "mailto:a@.c",
                "mailto:a@b?from=x%0d%0a@y",
                "mailto:a@b?from=x&from=y",
                "mailto:a@b?server=http://c",
                "mailto:a@b?server=smtp://",
                "mailto:a@b?server=smtp://u:p@host",
                "mailto:a@b?server=smtp://host/path",
                "mailto:a@b?server=smtp://host:0",
                "mailto:a@b?server=smtp://host:65536",
                "mailto:a@b?user=me",
                "mailto:a@b?password-file=/p",
                "mailto:a@b?password-file=p&user=me",
                "mailto:a@b?tls=perhaps",
                "mailto:a@b?server",
                "mailto:a@b?from=%zz@y",
                "mailto:a@b?from=%4",
                "https://",
                "https:///path",
                "https://user:password@host/",
                "https://host/a b",
                "https://host/<",
                "https://host:port/",
                "https://-host/",
                "https://host/#secret=abc",
                "https://host/#secret-file=relative",
                "https://host/#heartbeat=0s",
                "https://host/#heartbeat=2d",
                "https://ho\x7fst/",
                "https://[::1/",
                "syslog+tcp:",
                "syslog://",
                "syslog:relative",
                "syslog://host/path",
                "syslog://host?facility=kern",
                "syslog://host?format=xml",
                "syslog://host\n",
        };

        for (size_t i = 0; i < LENGTH(texts); i++) {
                struct notify_target target;
                struct error error = ERROR_NONE;

                if (notify_target_parse(texts[i], &target, &error) != -EINVAL)
                        fail_msg("taken: %s", texts[i]);
                assert_int_equal(error.status, EXIT_USAGE);
                assert_non_null(strstr(error.text, "mailto:ADDRESS"));
        }
}

static void addresses(void **state _unused_)
{
        char text[400];

        assert_true(target_address_is_good("a@b"));
        assert_true(target_address_is_good("first.last+tag@mail.example.org"));
        assert_false(target_address_is_good("a@b@c"));
        assert_false(target_address_is_good("a@b c"));
        assert_false(target_address_is_good("a@b\n"));
        assert_false(target_address_is_good("\xc3\xa9@b"));
        assert_false(target_address_is_good("a@-b"));
        assert_false(target_address_is_good("a@b."));
        memset(text, 'a', sizeof(text));
        text[65] = '@';
        text[70] = '\0';
        assert_false(target_address_is_good(text));
        assert_true(target_address_is_good(text + 1));
        text[65] = '@';
        text[70] = 'a';
        text[399] = '\0';
        assert_false(target_address_is_good(text + 1));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mail),
                cmocka_unit_test(passwords_need_tls),
                cmocka_unit_test(webhook),
                cmocka_unit_test(syslog_targets),
                cmocka_unit_test(what_is_none_is_refused),
                cmocka_unit_test(addresses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
