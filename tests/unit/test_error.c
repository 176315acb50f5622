/* test_error.c - error.h: statuses, sentences, and nothing that could move a terminal's cursor. */
#include "tests.h"

#include <errno.h>

#include "base/error.h"

static void each_kind_has_its_status(void **state)
{
        struct error error = ERROR_NONE;

        (void)state;
        assert_int_equal(error_set(&error, -EBADMSG, "cannot read %s", "a"), -EBADMSG);
        assert_int_equal(error.status, EXIT_FAILED);
        assert_string_equal(error.text, "cannot read a");
        assert_int_equal(error_usage(&error, "no"), -EINVAL);
        assert_int_equal(error.status, EXIT_USAGE);
        assert_int_equal(error_refuse(&error, "no"), -EPERM);
        assert_int_equal(error.status, EXIT_REFUSED);
        assert_int_equal(error_errno(&error, ENOSPC, "cannot write %s", "b"), -ENOSPC);
        assert_string_equal(error.text, "cannot write b: No space left on device");
        assert_int_equal(error_set(NULL, -EIO, "nobody reads this"), -EIO);
}

static void a_prefix_keeps_code_and_status(void **state)
{
        struct error error = ERROR_NONE;

        (void)state;
        error_refuse(&error, "it is older");
        assert_int_equal(error_prefix(&error, "release %d", 12), -EPERM);
        assert_int_equal(error.status, EXIT_REFUSED);
        assert_string_equal(error.text, "release 12: it is older");
}

static void control_characters_are_shown_not_sent(void **state)
{
        struct error error = ERROR_NONE;

        (void)state;
        error_set(&error, -EIO, "bad name %s", "x\033[2J\ny\x7f");
        assert_string_equal(error.text, "bad name x\\033[2J\\012y\\177");
        error_set(&error, -EIO, "%s",
                  "a\xc2\x9b"
                  "2J\xc2\xa9 \xc2");
        assert_string_equal(error.text, "a\\302\\2332J\xc2\xa9 \\302");
        error_set(&error, -EIO, "%s is left out", "an1\xe2\x80\xae\xf3\xa0\x80\x81"); /* U+202E turns what is behind it */
        assert_string_equal(error.text, "an1\\342\\200\\256\\363\\240\\200\\201 is left out");
}

/* A letter of four bytes becomes sixteen: the sentence stays within its room. */
static void what_is_shown_as_digits_fits(void **state)
{
        struct error error = ERROR_NONE;
        char name[4 * ERROR_TEXT_SIZE + 1];

        (void)state;
        for (size_t i = 0; i < sizeof(name) - 1; i++)
                name[i] = "\xf3\xa0\x80\x81"[i % 4];
        name[sizeof(name) - 1] = '\0';
        for (size_t at = 0; at < 16; at++) {
                error_set(&error, -EIO, "%.*s%s", (int)at, "0123456789abcdef", name);
                assert_true(strlen(error.text) < ERROR_TEXT_SIZE);
                assert_true(strlen(error.text) > ERROR_TEXT_SIZE / 2);
        }
}

/* Without a catalogue both are the same; with one, i18n.h remembers what was translated. */
static void the_journal_has_it_in_english(void **state)
{
        struct error error = ERROR_NONE;

        (void)state;
        error_errno(&error, ENOSPC, "cannot write %s", "b\033");
        assert_string_equal(error.english, "cannot write b\\033: No space left on device");
        error_prefix(&error, "release %d", 12);
        assert_string_equal(error.english, "release 12: cannot write b\\033: No space left on device");
        error_set(&error, -EIO, "%s", "a whole sentence, 100 %s");
        assert_string_equal(error.english, "a whole sentence, 100 %s");
}

static void a_long_sentence_is_cut(void **state)
{
        struct error error = ERROR_NONE;
        char name[4000];

        (void)state;
        memset(name, '\001', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        error_set(&error, -EIO, "%s", name);
        assert_true(strlen(error.text) < sizeof(error.text));
        error_prefix(&error, "%s", name);
        assert_true(strlen(error.text) < sizeof(error.text));
}

static void a_letter_is_cut_as_a_whole(void **state)
{
        char name[3 * ERROR_TEXT_SIZE + 4];

        (void)state;
        for (size_t shift = 0; shift < 3; shift++) {
                struct error error = ERROR_NONE;

                memset(name, 'a', shift);
                for (size_t i = shift; i + 3 < sizeof(name); i += 3)
                        memcpy(name + i, "\xe3\x81\x82", 4);
                error_set(&error, -EIO, "%s", name);
                assert_int_equal((strlen(error.text) - shift) % 3, 0);
                error_prefix(&error, "%s", name);
                assert_int_equal((strlen(error.text) - shift) % 3, 0);
        }
}

static void bytes_that_are_no_text_are_shown(void **state)
{
        struct error error = ERROR_NONE;

        (void)state;
        error_set(&error, -EIO, "cannot read %s",
                  "a\x9b"
                  "31m\xe3\x81");
        assert_string_equal(error.text, "cannot read a\\23331m\\343\\201");
        error_set(&error, -EIO, "%s", "\xe8\xa8\xbc\xe6\x8b\xa0");
        assert_string_equal(error.text, "\xe8\xa8\xbc\xe6\x8b\xa0");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_kind_has_its_status),
                cmocka_unit_test(a_prefix_keeps_code_and_status),
                cmocka_unit_test(control_characters_are_shown_not_sent),
                cmocka_unit_test(what_is_shown_as_digits_fits),
                cmocka_unit_test(the_journal_has_it_in_english),
                cmocka_unit_test(a_long_sentence_is_cut),
                cmocka_unit_test(a_letter_is_cut_as_a_whole),
                cmocka_unit_test(bytes_that_are_no_text_are_shown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
