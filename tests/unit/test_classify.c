/* test_classify.c - classify.h, agents.h and bots.h: what paths, referrers, queries and agents mean. */
#include "tests.h"

#include "analyze/agents.h"
#include "analyze/bots.h"
#include "analyze/classify.h"

static struct span span(const char *text)
{
        return (struct span){ text, (uint32_t)strlen(text) };
}

static void assets_by_their_ending(void **state)
{
        (void)state;
        for (const char *const *asset = (const char *const[]){ "/a.css", "/A.JPG", "/x/y.z.woff2", "/.png", NULL };
             *asset; asset++)
                assert_true(path_is_asset(*asset, strlen(*asset)));
        for (const char *const *page = (const char *const[]){ "/", "/a.html", "/css", "/a.css/", "/a.pdf", "/x.jpgx",
                                                              "", "/robots.txt", NULL };
             *page; page++)
                assert_false(path_is_asset(*page, strlen(*page)));
}

static void assert_host(const char *text, const char *host)
{
        struct referrer referrer;

        assert_true(referrer_split(span(text), &referrer));
        assert_string_equal(referrer.host, host);
        assert_int_equal(referrer.host_length, strlen(host));
}

static void hosts_of_referrers(void **state)
{
        struct referrer referrer;

        (void)state;
        assert_host("http://Example.ORG/a?b", "example.org");
        assert_host("https://www.example.org:8443", "example.org");
        assert_host("https://user:word@example.org/", "example.org");
        assert_host("http://[2001:db8::1]:80/x", "[2001:db8::1]");
        assert_host("HTTP://a.example.?q", "a.example");
        for (const char *const *bad =
                     (const char *const[]){ "", "-", "http://", "http:///x", "ftp://a/", "example.org/",
                                            "android-app://com.example/", "javascript:1", NULL };
             *bad; bad++)
                assert_false(referrer_split(span(*bad), &referrer));
        assert_int_equal(referrer_page_length(span("http://a/b?c#d")), 10);
        assert_int_equal(referrer_page_length(span("http://a/b#d?c")), 10);
}

static void assert_engine(const char *host, const char *name)
{
        const char *found = search_engine(host, strlen(host));

        if (!name)
                assert_null(found);
        else
                assert_string_equal(found, name);
}

static void search_engines(void **state)
{
        (void)state;
        assert_engine("google.com", "Google");
        assert_engine("images.google.co.jp", "Google");
        assert_engine("search.yahoo.com", "Yahoo");
        assert_engine("search.yahoo.co.jp", "Yahoo");
        assert_engine("duckduckgo.com", "DuckDuckGo");
        assert_engine("yandex.ru", "Yandex");
        assert_engine("google", NULL);
        assert_engine("mail.google.com", NULL);
        assert_engine("google.example.org", NULL);
        assert_engine("notgoogle.com", NULL);
        assert_engine("bing.com.example.org", NULL);
}

static void assert_campaign(const char *query, const char *expected)
{
        char text[CAMPAIGN_MAXIMUM];
        size_t length = campaign_of(span(query), text);

        assert_int_equal(length, strlen(expected));
        assert_memory_equal(text, expected, length);
}

static void campaigns(void **state)
{
        char long_query[2000] = "utm_campaign=";

        (void)state;
        assert_campaign("utm_source=s&utm_medium=m&utm_campaign=c", "c / s / m");
        assert_campaign("a=1&utm_source=news+letter%201&utm_source=second", "- / news letter 1 / -");
        assert_campaign("utm_campaign=%zz%4", "%zz%4 / - / -");
        assert_campaign("xutm_source=s&utm_source=", "");
        assert_campaign("", "");
        memset(long_query + 13, 'x', sizeof(long_query) - 14);
        assert_true(campaign_of(span(long_query), (char[CAMPAIGN_MAXIMUM]){ 0 }) < CAMPAIGN_MAXIMUM);
}

static void assert_agent(const char *agent, const char *browser, const char *platform, const char *device)
{
        uint16_t index = agent_system(agent, strlen(agent));

        assert_string_equal(agent_browser_name(agent_browser(agent, strlen(agent))), browser);
        assert_string_equal(agent_system_name(index), platform);
        assert_string_equal(agent_device_name(agent_device(agent, strlen(agent), index)), device);
}

static void browsers(void **state)
{
        (void)state;
        assert_agent(
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
                "Safari/537.36 Edg/120.0.0.0",
                "Edge", "Windows", "desktop");
        assert_agent("Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                     "Version/17.1 Mobile/15E148 Safari/604.1",
                     "Safari", "iOS", "mobile");
        assert_agent("Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 "
                     "Safari/537.36",
                     "Chrome", "Android", "tablet");
        assert_agent("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0", "Firefox", "Linux",
                     "desktop");
        assert_agent("", "other", "other", "other");
}

static const char *bot_of(const struct bots *bots, const char *agent)
{
        uint16_t number = bots_find(bots, agent, strlen(agent));

        return number ? bots_name(bots, number) : NULL;
}

static void bots_say_so(void **state)
{
        struct error error = ERROR_NONE;
        struct bots *bots;

        (void)state;
        assert_int_equal(bots_load(NULL, &bots, &error), 0);
        assert_string_equal(bot_of(bots, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
                            "Googlebot");
        assert_string_equal(bot_of(bots, "curl/7.88.1"), "curl");
        assert_null(bot_of(bots, "libcurl is no start"));
        assert_string_equal(bot_of(bots, "Mozilla/5.0 (compatible; MyOwnbot/1.0)"), "other");
        assert_null(bot_of(bots, "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"));
        assert_null(bot_of(bots, ""));
        assert_null(bot_of(bots, "cu"));
        bots_free(bots);
}

static void a_list_of_ones_own(void **state)
{
        char folder[TESTS_FOLDER_SIZE], path[TESTS_FOLDER_SIZE + 8];
        static const char list[] = "# mine\n^begin\nend$\nfirst*last\n~vague\nmiddle\nmiddle part\n";
        struct error error = ERROR_NONE;
        struct bots *bots;
        int fd = tests_folder(folder);

        (void)state;
        snprintf(path, sizeof(path), "%s/list", folder);
        assert_int_equal(file_create(fd, "list", list, sizeof(list) - 1, 0644, &error), 0);
        assert_int_equal(bots_load(path, &bots, &error), 0);
        assert_non_null(bot_of(bots, "begin of it"));
        assert_null(bot_of(bots, "the begin"));
        assert_non_null(bot_of(bots, "at the end"));
        assert_null(bot_of(bots, "the end is near"));
        assert_non_null(bot_of(bots, "a first and the last of all"));
        assert_null(bot_of(bots, "last first"));
        assert_string_equal(bot_of(bots, "vague"), "other");
        assert_string_equal(bot_of(bots, "vague middle part"), "middle part");
        bots_free(bots);
        assert_int_equal(file_replace(fd, "list", "ab\n", 3, 0644, &error), 0);
        assert_int_equal(bots_load(path, &bots, &error), -EINVAL);
        assert_int_equal(error.status, EXIT_USAGE);
        assert_non_null(strstr(error.text, "ab"));
        fd_close(&fd);
        tests_folder_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(assets_by_their_ending),
                cmocka_unit_test(hosts_of_referrers),
                cmocka_unit_test(search_engines),
                cmocka_unit_test(campaigns),
                cmocka_unit_test(browsers),
                cmocka_unit_test(bots_say_so),
                cmocka_unit_test(a_list_of_ones_own),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
