/* test_webpage.c - webpage.h: a page of any summary, of an empty one, too; one that would be too large is an error. */
#include "tests.h"

#include "analyze/webpage.h"

static const char *const files[] = { "a.log", "<b>.log" };
static const struct webpage page = {
        .files = files, .file_count = 2, .command = "understudy analyze a.log '<b>.log'", .made = 1780000000
};

static const char *write_page(const struct summary *summary, struct html *html)
{
        struct error error = ERROR_NONE;

        if (webpage_write(&page, summary, html, &error) < 0)
                fail_msg("%s", error.text);
        return buffer_text(&html->text);
}

static void nothing_is_a_page(void **state)
{
        struct html html = HTML_INIT(WEBPAGE_MAXIMUM);
        struct summary summary = { 0 };
        const char *text = write_page(&summary, &html);

        (void)state;
        assert_ptr_equal(strstr(text, "<!doctype html>"), text);
        assert_non_null(strstr(text, "No request was found"));
        assert_non_null(strstr(text, "&lt;b&gt;.log"));
        assert_null(strstr(text, "<b>.log"));
        assert_string_equal(text + html.text.length - strlen("</html>\n"), "</html>\n");
        html_done(&html);
}

/* The policy names the style sheet's hash and allows no script. */
static void the_policy_is_strict(void **state)
{
        struct html html = HTML_INIT(WEBPAGE_MAXIMUM);
        struct summary summary = { 0 };
        const char *text = write_page(&summary, &html);

        (void)state;
        assert_non_null(strstr(text, "content=\"default-src 'none'; style-src 'sha256-"));
        assert_null(strstr(text, "unsafe-"));
        assert_null(strstr(text, "script-src"));
        html_done(&html);
}

static void what_is_not_exact_is_marked(void **state)
{
        struct approximate approximate[] = {
                {"visitors", 0.0081, "few <b>"}
        };
        struct summary summary = { .approximate = approximate, .approximate_count = 1, .human_visitors = 5 };
        struct html html = HTML_INIT(WEBPAGE_MAXIMUM);
        const char *text = write_page(&summary, &html);

        (void)state;
        assert_non_null(strstr(text, "<abbr title=\"within 0.81 %\">\xe2\x89\x88</abbr>&nbsp;"
                                     "<data id=\"human_visitors\" value=\"5\">5</data>"));
        assert_non_null(strstr(text, "Memory was short"));
        assert_non_null(strstr(text, "few &lt;b&gt;"));
        html_done(&html);
}

static void a_list_has_an_end(void **state)
{
        struct interval hour = { .start = 1780000000 / 3600 * 3600, .figures.hits = 4000 };
        struct interval day = { .start = 1780000000 / 86400 * 86400, .figures.hits = 4000 };
        struct summary summary = { .totals.hits = 4000, .hours = &hour, .hour_count = 1, .days = &day, .day_count = 1 };
        struct dimension *dimension = &summary.dimensions[DIMENSION_PAGES];
        struct html html = HTML_INIT(WEBPAGE_MAXIMUM), small = HTML_INIT(100000);
        struct error error = ERROR_NONE;
        const char *text;
        size_t rows = 0;

        (void)state;
        dimension->rows = calloc(4000, sizeof(*dimension->rows));
        assert_non_null(dimension->rows);
        for (size_t i = 0; i < 4000; i++)
                dimension->rows[i] = (struct row){
                        "/<x>", 4, {.hits = 1, .bot_hits = i % 2}
                };
        dimension->count = dimension->total = 4000;
        text = write_page(&summary, &html);
        for (const char *at = text; (at = strstr(at, "<bdi>/&lt;x&gt;</bdi>")); at++)
                rows++;
        assert_int_equal(rows, WEBPAGE_ROWS);
        assert_non_null(strstr(text, "The first 1,000 of 4,000; --json and --csv have all."));
        assert_int_equal(webpage_write(&page, &summary, &small, &error), -E2BIG);
        html_done(&html);
        html_done(&small);
        free(dimension->rows);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_is_a_page),
                cmocka_unit_test(the_policy_is_strict),
                cmocka_unit_test(what_is_not_exact_is_marked),
                cmocka_unit_test(a_list_has_an_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
