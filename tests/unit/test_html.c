/* test_html.c - html.h: nothing that is written as text can be markup, hide itself, or grow without end. */
#include "tests.h"

#include <errno.h>

#include "base/html.h"
#include "base/text.h"

#define PAGE_MAXIMUM 65536

static const struct {
        const char *text;
        size_t length; /* 0: to the NUL */
        const char *expected;
} texts[] = {
        {"",                           0,  ""                                           },
        { "/index.html?a=b&c=d",       0,  "/index.html?a=b&amp;c=d"                    },
        { "<script>alert(1)</script>", 0,  "&lt;script&gt;alert(1)&lt;/script&gt;"      },
        { "\" onmouseover='x' ",       0,  "&quot; onmouseover=&#39;x&#39; "            },
        { "a\0b\n\x7f\x1b[31m",        10, "a\\000b\\012\\177\\033[31m"                 },
        { "back\\slash",               0,  "back\\134slash"                             },
        { "\xff\xc0\xaf<",             0,  "\\377\\300\\257&lt;"                        },
        { "\xe6\x97\xa5\xe6\x9c\xac",  0,  "\xe6\x97\xa5\xe6\x9c\xac"                   },
        { "\xc2\x85",                  0,  "\\302\\205"                                 }, /* C1 */
        { "gpj\xe2\x80\xae"
          "exe",              0,  "gpj\\342\\200\\256exe"                      }, /* RTL override */
        { "\xe2\x81\xa6x\xe2\x81\xa9", 0,  "\\342\\201\\246x\\342\\201\\251"            }, /* isolates */
        { "a\xe2\x80\x8b"
          "b\xef\xbb\xbf"
          "c\xc2\xad",        0,  "a\\342\\200\\213b\\357\\273\\277c\\302\\255"},
        { "\xf3\xa0\x81\x81",          0,  "\\363\\240\\201\\201"                       }, /* tags */
        { "\xe2\x80",                  0,  "\\342\\200"                                 }, /* cut off */
};

static void text_is_escaped(void **state)
{
        (void)state;
        for (size_t i = 0; i < LENGTH(texts); i++) {
                struct html html = HTML_INIT(PAGE_MAXIMUM);
                size_t length = texts[i].length ? texts[i].length : strlen(texts[i].text);

                html_text(&html, texts[i].text, length);
                assert_int_equal(html_end(&html, NULL), 0);
                assert_string_equal(buffer_text(&html.text), texts[i].expected);
                html_done(&html);
        }
}

static void words_are_escaped_with_what_is_put_into_them(void **state)
{
        struct html html = HTML_INIT(PAGE_MAXIMUM);

        (void)state;
        html_markup(&html, "<p>%d ", 7);
        html_words(&html, "of <%s> & %s", "b", "\"x\"");
        assert_string_equal(buffer_text(&html.text), "<p>7 of &lt;b&gt; &amp; &quot;x&quot;");
        html_done(&html);
}

static void long_names_are_cut(void **state)
{
        struct html html = HTML_INIT(PAGE_MAXIMUM);
        char name[5000];
        const char *title;

        (void)state;
        memset(name, '"', sizeof(name));
        name[0] = '<';
        name[sizeof(name) - 1] = '>';
        html_name(&html, name, 96);
        assert_null(strstr(buffer_text(&html.text), "title"));
        html_done(&html);

        html = (struct html)HTML_INIT(PAGE_MAXIMUM);
        html_name(&html, name, sizeof(name));
        assert_int_equal(html_end(&html, NULL), 0);
        title = strstr(buffer_text(&html.text), "<bdi title=\"&lt;&quot;");
        assert_ptr_equal(title, buffer_text(&html.text));
        assert_non_null(strstr(title, "&quot;... (5000 bytes)\">&lt;&quot;"));
        assert_non_null(strstr(title, "&gt;</bdi>"));
        assert_true(html.text.length < 2000 * 6 + 96 * 6 + 200);
        html_done(&html);
}

/* A name of Japanese letters is cut between letters, in the title and in the text. */
static void cuts_are_between_characters(void **state)
{
        struct html html = HTML_INIT(PAGE_MAXIMUM);
        char name[4000 * 3];
        const char *text;

        (void)state;
        for (size_t i = 0; i < sizeof(name); i += 3)
                memcpy(name + i, "\xe3\x81\x82", 3);
        html_name(&html, name, sizeof(name));
        text = buffer_text(&html.text);
        for (size_t at = 0; at < html.text.length;) {
                size_t n = text_utf8_length(text + at, html.text.length - at);

                assert_int_not_equal(n, 0);
                at += n;
        }
        html_done(&html);
}

static void a_page_has_a_maximum(void **state)
{
        struct html html = HTML_INIT(1U << 20);
        struct error error = ERROR_NONE;

        (void)state;
        for (size_t i = 0; i < 300000; i++)
                html_text(&html, "<<<<", 4);
        assert_int_equal(html_end(&html, &error), -E2BIG);
        assert_non_null(strstr(error.text, "larger than 1 MB"));
        html_markup(&html, "<p>"); /* stays as it is */
        assert_true(html.text.length <= 1U << 20);
        html_done(&html);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(text_is_escaped),      cmocka_unit_test(words_are_escaped_with_what_is_put_into_them),
                cmocka_unit_test(long_names_are_cut),   cmocka_unit_test(cuts_are_between_characters),
                cmocka_unit_test(a_page_has_a_maximum),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
