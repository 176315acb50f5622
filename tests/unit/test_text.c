/* test_text.c - text.h: strict numbers, hex, base64 (RFC 4648 section 10), names with any byte. */
#include "tests.h"

#include <errno.h>

#include "base/text.h"

static void numbers_have_one_spelling(void **state)
{
        uint64_t value = 7;

        (void)state;
        assert_int_equal(text_parse_u64("0", 1, 10, &value), 0);
        assert_int_equal(value, 0);
        assert_int_equal(text_parse_u64("18446744073709551615", 20, UINT64_MAX, &value), 0);
        assert_true(value == UINT64_MAX);
        assert_int_equal(text_parse_u64("18446744073709551616", 20, UINT64_MAX, &value), -ERANGE);
        assert_int_equal(text_parse_u64("11", 2, 10, &value), -ERANGE);
        for (const char *const *bad = (const char *const[]){ "", "01", "+1", "-1", " 1", "1 ", "0x1", "1.", NULL };
             *bad; bad++)
                assert_int_equal(text_parse_u64(*bad, strlen(*bad), 100, &value), -EINVAL);
        assert_true(value == UINT64_MAX); /* untouched by failures */
        assert_int_equal(text_parse_octal("04755", 5, 07777, &value), 0);
        assert_int_equal(value, 04755);
        assert_int_equal(text_parse_octal("8", 1, 07777, &value), -EINVAL);
        assert_int_equal(text_parse_octal("10000", 5, 07777, &value), -ERANGE);
}

static void hex_goes_both_ways(void **state)
{
        static const char digits[] = "0123456789abcdefABCDEF";
        const uint8_t bytes[] = { 0x00, 0x7f, 0x80, 0xff };
        uint8_t back[4] = { 0 };
        char hex[9];

        (void)state;
        text_hex(bytes, 4, hex);
        assert_string_equal(hex, "007f80ff");
        assert_int_equal(text_unhex(hex, 8, back, 4), 0);
        assert_memory_equal(back, bytes, 4);
        assert_int_equal(text_unhex("007F80FF", 8, back, 4), -EINVAL); /* lower case only */
        assert_int_equal(text_unhex("007f80f", 7, back, 4), -EINVAL);
        for (int i = 0; i < 256; i++) {
                const char *at = i ? strchr(digits, i) : NULL;
                int digit = at ? (int)(at - digits) : -1;

                assert_int_equal(text_hex_digit((char)i), digit < 16 ? digit : digit - 6);
        }
}

static void base64_is_strict(void **state)
{
        static const char *const vectors[][2] = {
                {"",        ""        },
                { "f",      "Zg=="    },
                { "fo",     "Zm8="    },
                { "foo",    "Zm9v"    },
                { "foob",   "Zm9vYg=="},
                { "fooba",  "Zm9vYmE="},
                { "foobar", "Zm9vYmFy"}
        };
        static const char *const bad[] = { "Zg=",  "Zg",       "Zh==",  "Zm9=",   "Z===",
                                           "====", "Zg==Zg==", "Zm 9v", "Zm9v\n", "Zm9-" };
        char out[16];
        size_t length;

        (void)state;
        for (size_t i = 0; i < LENGTH(vectors); i++) {
                _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(64);

                assert_int_equal(text_base64(&text, vectors[i][0], strlen(vectors[i][0])), 0);
                assert_string_equal(buffer_text(&text), vectors[i][1]);
                assert_int_equal(text_unbase64(vectors[i][1], strlen(vectors[i][1]), out, sizeof(out), &length), 0);
                assert_int_equal(length, strlen(vectors[i][0]));
                assert_memory_equal(out, vectors[i][0], length);
        }
        for (size_t i = 0; i < LENGTH(bad); i++)
                assert_int_equal(text_unbase64(bad[i], strlen(bad[i]), out, sizeof(out), &length), -EINVAL);
        assert_int_equal(text_unbase64("Zm9vYmFy", 8, out, 5, &length), -E2BIG);
}

static void names_are_always_valid_utf8(void **state)
{
        static const struct {
                const char *name, *shown;
        } cases[] = {
                {"plain.html",                "plain.html"              },
                { "two\nlines",               "two\\012lines"           },
                { "back\\slash",              "back\\134slash"          },
                { "\xe3\x83\xad\xe3\x82\xb0", "\xe3\x83\xad\xe3\x82\xb0"},
                { "\xff\xfe",                 "\\377\\376"              },
                { "\xc0\xaf",                 "\\300\\257"              }, /* overlong slash */
                { "\xed\xa0\x80",             "\\355\\240\\200"         }, /* surrogate */
                { "\xf4\x90\x80\x80",         "\\364\\220\\200\\200"    }, /* above U+10FFFF */
                { "\xc2\x9b",                 "\\302\\233"              }, /* C1: the CSI of a terminal */
                { "\x7f\x1b[2J",              "\\177\\033[2J"           },
                { "cut\xe3\x83",              "cut\\343\\203"           },
                { "a\xe2\x80\xae" "b",         "a\\342\\200\\256b"       }, /* RIGHT-TO-LEFT OVERRIDE */
                { "a\xe2\x80\x8d" "b",         "a\\342\\200\\215b"       }, /* ZERO WIDTH JOINER */
                { "\xe2\x80\xa8",             "\\342\\200\\250"         }, /* LINE SEPARATOR */
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(cases); i++) {
                _cleanup_(buffer_done) struct buffer shown = BUFFER_INIT(256), back = BUFFER_INIT(256);

                assert_int_equal(text_escape(&shown, cases[i].name, strlen(cases[i].name)), 0);
                assert_string_equal(buffer_text(&shown), cases[i].shown);
                assert_true(text_is_printable(shown.data, shown.length));
                assert_int_equal(text_unescape(&back, shown.data, shown.length), 0);
                assert_string_equal(buffer_text(&back), cases[i].name);
        }
        assert_false(text_is_printable("a\xe2\x80\xae", 4));
        assert_true(text_is_printable("a\xe2\x80\x8d", 4)); /* letters and emoji are joined by it */
        for (const char *const *bad = (const char *const[]){ "\\", "\\1", "\\01", "\\400", "\\08x", NULL }; *bad;
             bad++) {
                _cleanup_(buffer_done) struct buffer back = BUFFER_INIT(256);

                assert_int_equal(text_unescape(&back, *bad, strlen(*bad)), -EINVAL);
        }
}

static void control_characters_are_not_printable(void **state)
{
        (void)state;
        assert_true(text_is_printable("", 0));
        assert_true(text_is_printable("plain \\ \xe6\x97\xa5\xc2\xa0", 13));
        assert_false(text_is_printable("a\0b", 3));
        assert_false(text_is_printable("a\n", 2));
        assert_false(text_is_printable("\x7f", 1));
        assert_false(text_is_printable("\xc2\x9b", 2)); /* the CSI of a terminal */
        assert_false(text_is_printable("\xe6\x97\xa5", 2));
}

static void lines_are_cut(void **state)
{
        const char text[] = "one\n\nthree";
        const char *cursor = text, *line;
        size_t length;

        (void)state;
        assert_true(text_next_line(&cursor, text + 10, &line, &length));
        assert_int_equal(length, 3);
        assert_true(text_next_line(&cursor, text + 10, &line, &length));
        assert_int_equal(length, 0);
        assert_true(text_next_line(&cursor, text + 10, &line, &length));
        assert_memory_equal(line, "three", length);
        assert_false(text_next_line(&cursor, text + 10, &line, &length));
}

static void a_path_lies_inside_another(void **state)
{
        (void)state;
        assert_true(text_path_inside("/a/b", "/a/b"));
        assert_true(text_path_inside("/a/b/c", "/a/b"));
        assert_true(text_path_inside("/a", "/"));
        assert_false(text_path_inside("/a/bc", "/a/b"));
        assert_false(text_path_inside("/a", "/a/b"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_path_lies_inside_another),
                cmocka_unit_test(numbers_have_one_spelling),
                cmocka_unit_test(hex_goes_both_ways),
                cmocka_unit_test(base64_is_strict),
                cmocka_unit_test(names_are_always_valid_utf8),
                cmocka_unit_test(control_characters_are_not_printable),
                cmocka_unit_test(lines_are_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
