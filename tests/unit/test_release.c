/* release.c (and canonical.c under it): one release has one text, and every other text is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/text.h"
#include "manifest/release.h"

#define D0 "0000000000000000000000000000000000000000000000000000000000000000"
#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "2222222222222222222222222222222222222222222222222222222222222222"

/* As docs/internals/formats.md says. */
static const char sample[] = "{\n"
                             " \"created\": \"2009-07-06T09:00:00Z\",\n"
                             " \"format\": \"understudy-release-1\",\n"
                             " \"number\": 12,\n"
                             " \"packs\": [\n"
                             "  {\n"
                             "   \"base\": 11,\n"
                             "   \"id\": \"" D1 "\",\n"
                             "   \"index\": \"" D2 "\",\n"
                             "   \"index_size\": 1234,\n"
                             "   \"size\": 56789\n"
                             "  }\n"
                             " ],\n"
                             " \"previous\": \"" D2 "\",\n"
                             " \"roots\": {\n"
                             "  \"docroot\": {\n"
                             "   \"bytes\": 96980000,\n"
                             "   \"companion\": \"" D1 "\",\n"
                             "   \"companion_size\": 81,\n"
                             "   \"files\": 3077,\n"
                             "   \"manifest\": \"" D2 "\",\n"
                             "   \"manifest_size\": 400000\n"
                             "  },\n"
                             "  \"nginx\": {\n"
                             "   \"bytes\": 0,\n"
                             "   \"companion\": \"" D1 "\",\n"
                             "   \"companion_size\": 81,\n"
                             "   \"files\": 0,\n"
                             "   \"manifest\": \"" D2 "\",\n"
                             "   \"manifest_size\": 50\n"
                             "  }\n"
                             " },\n"
                             " \"site\": \"example\"\n"
                             "}\n";

static int parse(const char *text)
{
        _cleanup_(release_done) struct release release = { 0 };
        struct error error = ERROR_NONE;
        int r = release_parse(text, strlen(text), &release, &error);

        if (r < 0) {
                assert_int_equal(error.status, EXIT_FAILED);
                assert_null(release.packs);
        }
        return r;
}

/* The sample with one thing replaced by another. */
static int parse_with(const char *what, const char *by)
{
        char text[4096];
        const char *at = strstr(sample, what);

        assert_non_null(at);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - sample), sample, by, at + strlen(what));
        return parse(text);
}

static void the_documented_text_is_read_and_written(void **state _unused_)
{
        _cleanup_(release_done) struct release release = { 0 };
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(RELEASE_MAXIMUM);

        assert_int_equal(release_parse(sample, strlen(sample), &release, NULL), 0);
        assert_int_equal(release.number, 12);
        assert_int_equal(release.created, 1246870800);
        assert_string_equal(release.site, "example");
        assert_int_equal(release.root_count, 2);
        assert_non_null(release_root(&release, "docroot"));
        assert_int_equal(release_root(&release, "docroot")->bytes, 96980000);
        assert_null(release_root(&release, "php"));
        assert_int_equal(release.pack_count, 1);
        assert_int_equal(release.packs[0].delta_base, 11);
        assert_int_equal(release.packs[0].size, 56789);
        assert_int_equal(release_format(&release, &again, NULL), 0);
        assert_string_equal(again.data, sample);
}

static void another_spelling_of_the_same_is_refused(void **state _unused_)
{
        assert_int_equal(parse(""), -EBADMSG);
        assert_int_equal(parse("{}\n"), -EBADMSG);
        assert_int_equal(parse_with("12,", "12 ,"), -EBADMSG);
        assert_int_equal(parse_with("\"site\": \"example\"", "\"site\": \"\\u0065xample\""), -EBADMSG);
        assert_int_equal(parse_with("12,", "12.0,"), -EBADMSG);
        assert_int_equal(parse_with("}\n", "}"), -EBADMSG);
        assert_int_equal(parse_with("\"number\": 12,\n", "\"number\": 12,\n \"number\": 12,\n"), -EBADMSG);
        assert_int_equal(parse_with(" \"site\": \"example\"\n}\n", " \"site\": \"example\"\n}\n\n"), -EBADMSG);
        assert_int_equal(parse_with("{\n \"created\"", "{\n\t\"created\""), -EBADMSG);
}

static void members_are_neither_more_nor_fewer(void **state _unused_)
{
        assert_int_equal(parse_with(" \"site\": \"example\"", " \"site\": \"example\",\n \"zzz\": 1"), -EBADMSG);
        assert_int_equal(parse_with(" \"number\": 12,\n", ""), -EBADMSG);
        assert_int_equal(parse_with("   \"files\": 3077,\n", ""), -EBADMSG);
        assert_int_equal(parse_with("   \"base\": 11,\n", ""), -EBADMSG);
        assert_int_equal(parse_with("\"docroot\"", "\"aocroot\""), -EBADMSG); /* a release has a docroot */
}

static void values_are_what_they_must_be(void **state _unused_)
{
        assert_int_equal(parse_with("release-1", "release-2"), -EBADMSG);
        assert_int_equal(parse_with(": 12,", ": 0,"), -EBADMSG);
        assert_int_equal(parse_with(": 12,", ": -12,"), -EBADMSG);
        assert_int_equal(parse_with(": 12,", ": \"12\","), -EBADMSG);
        assert_int_equal(parse_with(": 12,", ": 1000000000,"), -EBADMSG);
        assert_int_equal(parse_with(": 12,", ": 99999999999999999999,"), -EBADMSG);
        assert_int_equal(parse_with("09:00:00Z", "25:00:00Z"), -EBADMSG);
        assert_int_equal(parse_with("2009-07-06T09:00:00Z", "2009-07-06"), -EBADMSG);
        assert_int_equal(parse_with("\"example\"", "\"../example\""), -EBADMSG);
        assert_int_equal(parse_with("\"example\"", "\"\""), -EBADMSG);
        assert_int_equal(parse_with("\"nginx\"", "\"php/fpm\""), -EBADMSG);
        assert_int_equal(parse_with("\"nginx\"", "\"manifest\""), -EBADMSG); /* its files would be the docroot's */
        assert_int_equal(parse_with("\"companion_size\": ", "\"companion_size\": 9999999"), -EBADMSG);
        assert_int_equal(parse_with(D1, "A" D1), -EBADMSG);
        assert_int_equal(parse_with("\"base\": 11", "\"base\": 12"), -EBADMSG); /* a difference from itself */
        assert_int_equal(parse_with("\"bytes\": 0", "\"bytes\": -1"), -EBADMSG);
        assert_int_equal(parse_with("\"previous\": \"" D2, "\"previous\": \"" D0), -EBADMSG);
}

static void only_the_first_release_follows_none(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM);
        _cleanup_(release_done) struct release release = { .site = "s", .number = 1, .root_count = 1 };
        struct release back = { 0 };

        snprintf(release.roots[0].name, sizeof(release.roots[0].name), "%s", RELEASE_DOCROOT);
        release.roots[0].manifest_size = release.roots[0].companion_size = 1;
        assert_int_equal(release_format(&release, &text, NULL), 0);
        assert_int_equal(release_parse(text.data, text.length, &back, NULL), 0);
        assert_int_equal(back.pack_count, 0);
        release_done(&back);
        release.previous.bytes[0] = 1;
        buffer_clear(&text);
        assert_int_equal(release_format(&release, &text, NULL), 0);
        assert_int_equal(release_parse(text.data, text.length, &back, NULL), -EBADMSG);
}

static void depth_and_size_are_bounded(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer deep = BUFFER_INIT(RELEASE_MAXIMUM + 1);
        struct release release;

        for (unsigned int i = 0; i < 100000; i++)
                assert_int_equal(buffer_append_byte(&deep, '['), 0);
        assert_int_equal(release_parse(deep.data, deep.length, &release, NULL), -EBADMSG);
        while (deep.length <= RELEASE_MAXIMUM)
                assert_int_equal(buffer_append_byte(&deep, ' '), 0);
        assert_int_equal(release_parse(deep.data, deep.length, &release, NULL), -EBADMSG);
}

static void names_of_sites_and_roots(void **state _unused_)
{
        char longest[RELEASE_NAME_SIZE + 1];
        struct error error = ERROR_NONE;

        assert_int_equal(release_name_check("example", NULL), 0);
        assert_int_equal(release_name_check("www.example-1_x.jp", NULL), 0);
        assert_int_equal(release_name_check("Example", &error), -EINVAL);
        assert_int_equal(error.status, EXIT_USAGE);
        assert_int_equal(release_name_check(".x", NULL), -EINVAL);
        assert_int_equal(release_name_check("-x", NULL), -EINVAL);
        assert_int_equal(release_name_check("a/b", NULL), -EINVAL);
        assert_int_equal(release_name_check("a b", NULL), -EINVAL);
        memset(longest, 'a', sizeof(longest));
        longest[RELEASE_NAME_SIZE] = '\0';
        assert_int_equal(release_name_check(longest, NULL), -EINVAL);
        longest[RELEASE_NAME_SIZE - 1] = '\0';
        assert_int_equal(release_name_check(longest, NULL), 0);
}

static void names_of_files_and_comments(void **state _unused_)
{
        char file[RELEASE_FILE_SIZE], comment[RELEASE_COMMENT_SIZE];

        release_manifest_file("docroot", file);
        assert_string_equal(file, "manifest.mtree");
        release_manifest_file("nginx", file);
        assert_string_equal(file, "nginx.mtree");
        release_companion_file("docroot", file);
        assert_string_equal(file, "manifest.companion.json");
        release_companion_file("php", file);
        assert_string_equal(file, "php.companion.json");
        release_comment("example", 12, "release.json", comment);
        assert_string_equal(comment, "understudy site=example release=12 file=release.json");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_documented_text_is_read_and_written),
                cmocka_unit_test(another_spelling_of_the_same_is_refused),
                cmocka_unit_test(members_are_neither_more_nor_fewer),
                cmocka_unit_test(values_are_what_they_must_be),
                cmocka_unit_test(only_the_first_release_follows_none),
                cmocka_unit_test(depth_and_size_are_bounded),
                cmocka_unit_test(names_of_sites_and_roots),
                cmocka_unit_test(names_of_files_and_comments),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
