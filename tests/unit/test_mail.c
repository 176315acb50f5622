/* mail.c - headers that nobody adds to, words of any language, and the same mail at every try. */
#include "notify_samples.h"

#include "notify/mail.h"

static char *render(struct message *message, const char *to)
{
        struct buffer out = BUFFER_INIT(1U << 20);
        struct notify_target target = sample_target(to);

        assert_int_equal(mail_render(message, &target, &out), 0);
        message_done(message);
        return buffer_steal(&out);
}

static void count_headers(const char *mail, const char *name, int expected)
{
        const char *end = strstr(mail, "\r\n\r\n");
        int count = strncmp(mail, name, strlen(name)) == 0;
        char pattern[64];

        snprintf(pattern, sizeof(pattern), "\r\n%s", name);
        for (const char *at = strstr(mail, pattern); at && at < end; at = strstr(at + 2, pattern))
                count++;
        assert_int_equal(count, expected);
}

/* ASCII, CRLF, no line over 998 (none over 78 here but a plain subject). */
static void check_lines(const char *mail)
{
        size_t column = 0;

        for (const char *p = mail; *p; p++) {
                assert_true((*p >= ' ' && *p <= '~') || *p == '\r' || *p == '\n');
                assert_true((*p == '\r') == (p[1] == '\n'));
                column = *p == '\n' ? 0 : column + 1;
                assert_true(column < 400);
        }
}

static void a_plain_one(void **state _unused_)
{
        struct message message =
                sample((struct alert){ .what = "login.html is not genuine.", .dest = "/var/www/html" });
        char *mail = render(&message, "mailto:ops@example.org?from=us@web1.example.org");

        check_lines(mail);
        assert_non_null(strstr(mail, "From: Understudy <us@web1.example.org>\r\nTo: <ops@example.org>\r\n"));
        assert_non_null(strstr(mail, "\r\nSubject: [critical] web1.example.org: login.html is not genuine.\r\n"));
        assert_non_null(strstr(mail, "\r\nDate: Mon, 06 Jul 2009 09:00:00 +0000\r\n"));
        assert_non_null(strstr(mail, "\r\nMessage-ID: <" SAMPLE_ID "@web1.example.org>\r\n"));
        assert_non_null(strstr(mail, "\r\nAuto-Submitted: auto-generated\r\n"));
        assert_non_null(strstr(mail, "\r\n\r\nweb1.example.org reports:\r\n"));
        free(mail);
}

static void nobody_adds_a_header(void **state _unused_)
{
        static const char evil[] = "x\r\nBcc: victim@example.net\r\n\r\n<script>\r\n.\r\nRCPT TO:<y@z>";
        json_t *details = json_pack("{s:s}", "path\r\nBcc: a@b", evil);
        struct message message = sample((struct alert){
                .what = evil, .server = evil, .site = evil, .dest = evil, .group = evil, .details = details });
        char *mail = render(&message, "mailto:ops@example.org");

        check_lines(mail);
        count_headers(mail, "Bcc:", 0);
        count_headers(mail, "To:", 1);
        count_headers(mail, "From:", 1);
        count_headers(mail, "Subject:", 1);
        count_headers(mail, "Message-ID:", 1);
        assert_null(strstr(mail, "\r\n.\r\n"));
        assert_null(strstr(mail, "\nBcc"));
        free(mail);
        json_decref(details);
}

static void words_of_any_language(void **state _unused_)
{
        struct message message =
                sample((struct alert){ .what = "改ざんされたログインページが見つかりました: /var/www/html/login.html "
                                               "改ざんされたログインページが見つかりました" });
        char *mail = render(&message, "mailto:ops@example.org");
        const char *subject = strstr(mail, "\r\nSubject: "), *line;

        check_lines(mail);
        assert_non_null(subject);
        assert_memory_equal(subject + 11, "=?UTF-8?B?", 10);
        for (line = subject + 2; line[0] == ' ' || line == subject + 2; line = strstr(line, "\r\n") + 2) {
                assert_true(strcspn(line, "\r") <= 9 + 75);
                assert_memory_equal(strstr(line, "\r\n") - 2, "?=", 2);
        }
        assert_non_null(strstr(mail, "=E6=94=B9=E3=81=96"));
        free(mail);
        message = sample((struct alert){ .what = "a =?UTF-8?B?QmNj?= of somebody else" }); /* is not taken for one */
        mail = render(&message, "mailto:ops@example.org");
        assert_null(strstr(mail, "Subject: [critical] web1.example.org: a =?UTF-8?B?QmNj?="));
        free(mail);
}

static void a_group(void **state _unused_)
{
        struct message message = sample_group(10000);
        char *mail = render(&message, "mailto:ops@example.org");

        check_lines(mail);
        assert_non_null(strstr(mail, "Subject: [high] web1.example.org: 10000 more alerts, such as: number 1\r\n"));
        assert_non_null(strstr(mail, "(9980 are left out here)"));
        assert_non_null(strstr(mail, "number 10\r\n"));
        assert_null(strstr(mail, "number 11\r\n"));
        assert_non_null(strstr(mail, "number 10000\r\n"));
        free(mail);
}

static void the_same_at_every_try(void **state _unused_)
{
        struct message first = sample((struct alert){ .what = "w" }), second = sample((struct alert){ .what = "w" });
        char *a = render(&first, "mailto:a@b"), *b = render(&second, "mailto:a@b");

        assert_string_equal(a, b);
        free(a);
        free(b);
}

static void odd_names_of_a_server_make_a_domain(void **state _unused_)
{
        struct message message = sample((struct alert){ .what = "w", .server = "..ウェブ .1." });
        struct notify_target target = sample_target("mailto:a@b");
        char from[TARGET_ADDRESS_SIZE];

        mail_sender(&message, &target, from);
        assert_true(target_address_is_good(from));
        message_done(&message);
        message = sample((struct alert){ .what = "w", .server = "-" });
        mail_sender(&message, &target, from);
        assert_string_equal(from, "understudy@localhost");
        message_done(&message);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_plain_one),           cmocka_unit_test(nobody_adds_a_header),
                cmocka_unit_test(words_of_any_language), cmocka_unit_test(a_group),
                cmocka_unit_test(the_same_at_every_try), cmocka_unit_test(odd_names_of_a_server_make_a_domain),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
