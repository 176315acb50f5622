/* Companions: text and back, what is refused, and look-ups. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/memory.h"
#include "manifest/companion.h"

#define EMPTY                                                                                                          \
        "{\n \"areas\": {},\n \"attributes\": {},\n \"format\": \"understudy-companion-1\",\n \"ignored\": {},\n "     \
        "\"links\": []\n}\n"

static int parse(const char *text, struct companion *companion, struct error *err)
{
        return companion_parse(text, strlen(text), companion, err);
}

static void the_empty_one_is_the_documented_text(void **state)
{
        _cleanup_(companion_done) struct companion companion = COMPANION_EMPTY;
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(COMPANION_MAXIMUM);

        (void)state;
        assert_int_equal(companion_format(&companion, &text, NULL), 0);
        assert_string_equal(text.data, EMPTY);
        assert_int_equal(parse(EMPTY, &companion, NULL), 0);
}

static void add_attributes(struct companion *companion, const char *path, const char *name, uint32_t flags)
{
        struct attributes attributes = { .path = memory_string(path), .flags = flags };

        if (name) {
                attributes.xattrs = memory_new(1, sizeof(struct xattr));
                attributes.xattrs[0].name = memory_string(name);
                attributes.xattrs[0].value = (uint8_t *)memory_copy("\0\xff", 2);
                attributes.xattrs[0].length = 2;
                attributes.xattr_count = 1;
        }
        assert_int_equal(companion_add_attributes(companion, &attributes, NULL), 0);
        assert_null(attributes.path);
}

static void fill(struct companion *companion)
{
        assert_int_equal(
                companion_add_area(companion, "wp/uploads", "../../mutable/\xff up", ALLOW_HTML | ALLOW_CODE, NULL), 0);
        assert_int_equal(companion_add_area(companion, "files", "/srv/files", 0, NULL), 0);
        assert_int_equal(companion_add_ignored(companion, "tmp", 0, NULL), 0);
        assert_int_equal(companion_add_ignored(companion, "cache/a", ALLOW_LINKS | ALLOW_EXECUTE | ALLOW_CONTROL, NULL),
                         0);
        assert_int_equal(companion_add_ignored(companion, "cache-b", 0, NULL), 0);
        assert_int_equal(companion_add_link(companion, "current\n", NULL), 0);
        assert_int_equal(companion_add_link(companion, "a/old", NULL), 0);
        add_attributes(companion, "tool", "security.capability", 0);
        add_attributes(companion, "", NULL, 0x10);
        add_attributes(companion, "a\\b", "user.\xfe", 0x30);
}

static void what_was_declared_comes_back(void **state)
{
        _cleanup_(companion_done) struct companion companion = COMPANION_EMPTY, back = COMPANION_EMPTY;
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(COMPANION_MAXIMUM),
                                             again = BUFFER_INIT(COMPANION_MAXIMUM);
        struct error error = ERROR_NONE;

        (void)state;
        fill(&companion);
        assert_int_equal(companion_format(&companion, &text, NULL), 0);
        if (companion_parse(text.data, text.length, &back, &error) < 0)
                fail_msg("%s\n%s", error.text, text.data);
        assert_int_equal(companion_format(&back, &again, NULL), 0);
        assert_string_equal(text.data, again.data);

        assert_int_equal(back.area_count, 2);
        assert_string_equal(companion_area(&back, "wp/uploads")->target, "../../mutable/\xff up");
        assert_int_equal(companion_area(&back, "wp/uploads")->allow, ALLOW_HTML | ALLOW_CODE);
        assert_null(companion_area(&back, "wp"));
        assert_null(companion_area(&back, "wp/uploads/x"));
        assert_string_equal(companion_attributes(&back, "a\\b")->xattrs[0].name, "user.\xfe");
        assert_int_equal(companion_attributes(&back, "")->flags, 0x10);
        assert_memory_equal(companion_attributes(&back, "tool")->xattrs[0].value, "\0\xff", 2);
        assert_int_equal(companion_attributes(&back, "tool")->xattrs[0].length, 2);
        assert_null(companion_attributes(&back, "a"));
        assert_true(companion_link(&back, "current\n"));
        assert_false(companion_link(&back, "current"));
}

static void an_ignored_path_covers_what_lies_below(void **state)
{
        static const struct {
                const char *path, *covered_by;
        } cases[] = {
                {"cache",        NULL     },
                { "cache/a",     "cache/a"},
                { "cache/a/x",   "cache/a"},
                { "cache/a/x/y", "cache/a"},
                { "cache/a-b",   NULL     },
                { "cache/ab",    NULL     },
                { "cache/b",     NULL     },
                { "cache-b",     "cache-b"},
                { "cache-b/x",   "cache-b"},
                { "tmp",         "tmp"    },
                { "tmp/sess_1",  "tmp"    },
                { "tmp2",        NULL     },
                { "",            NULL     },
                { "a",           NULL     },
                { "zzz",         NULL     },
        };
        _cleanup_(companion_done) struct companion companion = COMPANION_EMPTY;

        (void)state;
        fill(&companion);
        for (size_t i = 0; i < LENGTH(cases); i++) {
                const struct area *area = companion_ignored(&companion, cases[i].path);

                if (cases[i].covered_by)
                        assert_string_equal(area->path, cases[i].covered_by);
                else
                        assert_null(area);
        }
}

static void what_makes_no_sense_is_wrong_use(void **state)
{
        _cleanup_(companion_done) struct companion companion = COMPANION_EMPTY;
        struct error error = ERROR_NONE;

        (void)state;
        fill(&companion);
        assert_int_equal(companion_add_area(&companion, "files", "/x", 0, &error), -EINVAL);
        assert_int_equal(error.status, EXIT_USAGE);
        assert_non_null(strstr(error.text, "files"));
        assert_int_equal(companion_add_ignored(&companion, "files", 0, NULL), -EINVAL);
        assert_int_equal(companion_add_ignored(&companion, "tmp", 0, NULL), -EINVAL);
        assert_int_equal(companion_add_ignored(&companion, "tmp/x", 0, NULL), -EINVAL);
        assert_int_equal(companion_add_ignored(&companion, "cache", 0, NULL), -EINVAL);
        assert_int_equal(companion_add_area(&companion, "wp", "/x", 0, NULL), -EINVAL);
        assert_int_equal(companion_add_link(&companion, "wp/uploads", NULL), -EINVAL);
        assert_int_equal(companion_add_link(&companion, "a/old/x", NULL), -EINVAL);
        assert_int_equal(companion_add_area(&companion, "", "/x", 0, NULL), -EINVAL);
        assert_int_equal(companion_add_ignored(&companion, "../x", 0, NULL), -EINVAL);
        assert_int_equal(companion_add_ignored(&companion, "/x", 0, NULL), -EINVAL);
        assert_int_equal(companion_add_ignored(&companion, "x/", 0, NULL), -EINVAL);
        assert_int_equal(companion_add_area(&companion, "inside", "other", 0, NULL), -EINVAL);
        assert_int_equal(companion_add_area(&companion, "a/inside", "../other", 0, NULL), -EINVAL);
        assert_int_equal(companion_add_area(&companion, "nowhere", "", 0, NULL), -EINVAL);
        assert_int_equal(companion_add_area(&companion, "outside", "../other", 0, NULL), 0);
}

static void broken_texts_are_refused(void **state)
{
#define WITH(areas, attributes, ignored, links)                                                                        \
        "{\n \"areas\": " areas ",\n \"attributes\": " attributes                                                      \
        ",\n \"format\": \"understudy-companion-1\",\n \"ignored\": " ignored ",\n \"links\": " links "\n}\n"
#define IGNORED(path, allow) "{\n  \"" path "\": {\n   \"allow\": " allow "\n  }\n }"
#define AREA(path, target)   "{\n  \"" path "\": {\n   \"allow\": [],\n   \"target\": \"" target "\"\n  }\n }"
#define ATTRIBUTES(path, flags, xattrs)                                                                                \
        "{\n  \"" path "\": {\n   \"flags\": " flags ",\n   \"xattrs\": " xattrs "\n  }\n }"
        static const char *const good[] = {
                WITH("{}", "{}", IGNORED("a", "[]"), "[]"),
                WITH(AREA("a", "/b"), ATTRIBUTES("c", "16", "{}"), "{}", "[\n  \"d\",\n  \"e\"\n ]"),
                WITH("{}", ATTRIBUTES("", "0", "{\n    \"user.x\": \"eA==\"\n   }"), "{}", "[]"),
        };
        static const char *const bad[] = {
                "",
                "{}",
                "[]",
                "null",
                WITH("{}", "{}", "{}", "[]") " ",
                WITH("{}", "{}", "{}", "[]") "\n",
                WITH("[]", "{}", "{}", "[]"),
                WITH("{}", "[]", "{}", "[]"),
                WITH("{}", "{}", "[]", "[]"),
                WITH("{}", "{}", "{}", "{}"),
                WITH("{}", "{}", "{}", "[],\n \"more\": 1"),
                WITH("{}", "{}", "{}", "[\n  \"e\",\n  \"d\"\n ]"),
                WITH("{}", "{}", "{}", "[\n  \"d\",\n  \"d\"\n ]"),
                WITH("{}", "{}", "{}", "[\n  1\n ]"),
                WITH("{}", "{}", IGNORED("", "[]"), "[]"),
                WITH("{}", "{}", IGNORED("..", "[]"), "[]"),
                WITH("{}", "{}", IGNORED("/a", "[]"), "[]"),
                WITH("{}", "{}", IGNORED("a\\\\000", "[]"), "[]"),
                WITH("{}", "{}", IGNORED("a\\\\141", "[]"), "[]"),
                WITH("{}", "{}", IGNORED("a\\\\9", "[]"), "[]"),
                WITH("{}", "{}", IGNORED("a", "[\n    \"all\"\n   ]"), "[]"),
                WITH("{}", "{}", IGNORED("a", "[\n    \"html\",\n    \"code\"\n   ]"), "[]"),
                WITH("{}", "{}", IGNORED("a", "[\n    \"code\",\n    \"code\"\n   ]"), "[]"),
                WITH("{}", "{}", IGNORED("a", "[]"), "[\n  \"a\"\n ]"),
                WITH(AREA("a", "/b"), "{}", IGNORED("a/x", "[]"), "[]"),
                WITH(AREA("a", "b"), "{}", "{}", "[]"),
                WITH(AREA("a", ""), "{}", "{}", "[]"),
                WITH(IGNORED("a", "[]"), "{}", "{}", "[]"),
                WITH("{}", "{}", AREA("a", "/b"), "[]"),
                WITH("{}", ATTRIBUTES("c", "0", "{}"), "{}", "[]"),
                WITH("{}", ATTRIBUTES("c", "1", "{}"), "{}", "[]"),
                WITH("{}", ATTRIBUTES("c", "-16", "{}"), "{}", "[]"),
                WITH("{}", ATTRIBUTES("c", "16.0", "{}"), "{}", "[]"),
                WITH("{}", ATTRIBUTES("c", "16", "[]"), "{}", "[]"),
                WITH("{}", ATTRIBUTES("../c", "16", "{}"), "{}", "[]"),
                WITH("{}", ATTRIBUTES("c", "16", "{\n    \"user.x\": \"eA\"\n   }"), "{}", "[]"),
                WITH("{}", ATTRIBUTES("c", "16", "{\n    \"\": \"eA==\"\n   }"), "{}", "[]"),
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(good); i++) {
                _cleanup_(companion_done) struct companion companion = COMPANION_EMPTY;
                struct error error = ERROR_NONE;

                if (parse(good[i], &companion, &error) < 0)
                        fail_msg("%s: %s", error.text, good[i]);
        }
        for (size_t i = 0; i < LENGTH(bad); i++) {
                struct companion companion = COMPANION_EMPTY;
                struct error error = ERROR_NONE;

                if (parse(bad[i], &companion, &error) != -EBADMSG)
                        fail_msg("accepted: %s", bad[i]);
                assert_true(error.text[0] != '\0');
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_empty_one_is_the_documented_text),
                cmocka_unit_test(what_was_declared_comes_back),
                cmocka_unit_test(an_ignored_path_covers_what_lies_below),
                cmocka_unit_test(what_makes_no_sense_is_wrong_use),
                cmocka_unit_test(broken_texts_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
