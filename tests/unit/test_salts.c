/* test_salts.c - salts.h: one for each day, for its owner alone, and gone after 48 hours. */
#include "tests.h"

#include <sys/stat.h>

#include "analyze/salts.h"
#include "base/buffer.h"

static char folder[TESTS_FOLDER_SIZE], path[TESTS_FOLDER_SIZE + 16];
static int directory;
static struct error error;

static int setup(void **state)
{
        (void)state;
        directory = tests_folder(folder);
        snprintf(path, sizeof(path), "%s/salts", folder);
        error = ERROR_NONE;
        return directory < 0;
}

static int teardown(void **state)
{
        (void)state;
        close(directory);
        tests_folder_remove(folder);
        return 0;
}

static size_t file_size(void)
{
        struct stat status;

        return stat(path, &status) == 0 ? (size_t)status.st_size : 0;
}

static void write_file(const char *text, mode_t mode)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        assert_int_equal(fchmod(fd, mode), 0);
        close(fd);
}

static void made_and_found_again(void **state)
{
        uint8_t first[SALT_SIZE], second[SALT_SIZE];
        struct salts *salts;
        struct stat status;

        (void)state;
        assert_int_equal(salts_open(path, &salts, &error), 0);
        assert_null(salts_find(salts, 20000));
        assert_int_equal(salts_make(salts, 20000, 1728000000, &error), 0);
        assert_int_equal(salts_make(salts, -3, 1728000000, &error), 0);
        memcpy(first, salts_find(salts, 20000), SALT_SIZE);
        memcpy(second, salts_find(salts, -3), SALT_SIZE);
        assert_memory_not_equal(first, second, SALT_SIZE);
        salts_free(salts);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        assert_int_equal(salts_open(path, &salts, &error), 0);
        assert_memory_equal(salts_find(salts, 20000), first, SALT_SIZE);
        assert_memory_equal(salts_find(salts, -3), second, SALT_SIZE);
        assert_null(salts_find(salts, 20001));
        salts_free(salts);
}

static void gone_after_two_days(void **state)
{
        struct salts *salts;
        bool any;

        (void)state;
        assert_int_equal(salts_open(path, &salts, &error), 0);
        assert_int_equal(salts_make(salts, 1, 1000000, &error), 0);
        assert_int_equal(salts_make(salts, 2, 1000000 + 3600, &error), 0);
        assert_int_equal(salts_expire(salts, 1000000 + SALT_SECONDS - 1, &any, &error), 0);
        assert_false(any);
        assert_int_equal(salts_expire(salts, 1000000 + SALT_SECONDS, &any, &error), 0);
        assert_true(any);
        assert_null(salts_find(salts, 1));
        assert_non_null(salts_find(salts, 2));
        salts_free(salts);
        assert_int_equal(salts_open(path, &salts, &error), 0); /* in the file, too */
        assert_null(salts_find(salts, 1));
        assert_non_null(salts_find(salts, 2));
        /* One from the future, made before the clock was put right. */
        assert_int_equal(salts_expire(salts, 1000000 + 3600 - SALT_SECONDS, &any, &error), 0);
        assert_true(any);
        assert_int_equal(file_size(), 0);
        salts_free(salts);
}

static void files_that_are_refused(void **state)
{
        static const char *const damaged[] = { "x", "1 2\n", "1 2 00\n", "1 2 zz\n", "\n", "1  2 00\n" };
        static const char *const ages[] = { "-9223372036854775807", "9223372036854775807" };
        char text[2 * SALT_SIZE + 64], elsewhere[TESTS_FOLDER_SIZE + 16];
        struct salts *salts;

        (void)state;
        for (size_t i = 0; i < LENGTH(damaged); i++) {
                write_file(damaged[i], 0600);
                assert_int_equal(salts_open(path, &salts, &error), -EBADMSG);
        }
        for (size_t i = 0; i < LENGTH(ages); i++) { /* its age could not be calculated */
                snprintf(text, sizeof(text), "1 %s %0*d", ages[i], 2 * SALT_SIZE, 0);
                write_file(text, 0600);
                assert_int_equal(salts_open(path, &salts, &error), -EBADMSG);
        }
        memset(text, 0, sizeof(text));
        snprintf(text, sizeof(text), "1 2 ");
        memset(text + 4, 'a', 2 * SALT_SIZE);
        write_file(text, 0644);
        assert_true(salts_open(path, &salts, &error) < 0);
        write_file(text, 0600);
        assert_int_equal(salts_open(path, &salts, &error), 0);
        assert_non_null(salts_find(salts, 1));
        salts_free(salts);
        snprintf(elsewhere, sizeof(elsewhere), "%s/other", folder);
        assert_int_equal(rename(path, elsewhere), 0);
        assert_int_equal(symlink(elsewhere, path), 0);
        assert_true(salts_open(path, &salts, &error) < 0);
}

/* What is kept of a salt is the same for the same one, another for another, and none of its bytes; the day of one that was
 * replaced is told once. */
static void known_again(void **state)
{
        static const uint8_t salt[SALT_SIZE] = { 1, 2, 3 };
        /* openssl mac -digest SHA256 -macopt hexkey:0102030000... HMAC */
        static const uint8_t expected[SALT_CHECK_SIZE] = { 0xdd, 0x60, 0x66, 0xb5, 0x29, 0xca, 0x61, 0x54 };
        uint8_t check[SALT_CHECK_SIZE], other[SALT_CHECK_SIZE];
        struct salts *salts;
        int32_t day = 0;

        (void)state;
        assert_int_equal(salt_check(salt, check, &error), 0);
        assert_memory_equal(check, expected, sizeof(check));
        assert_int_equal(salts_open(path, &salts, &error), 0);
        assert_int_equal(salts_make(salts, 7, 1000, &error), 0);
        assert_int_equal(salts_make(salts, 8, 1000, &error), 0);
        assert_int_equal(salt_check(salts_find(salts, 7), check, &error), 0);
        assert_int_equal(salt_check(salts_find(salts, 8), other, &error), 0);
        assert_memory_not_equal(check, other, sizeof(check));
        assert_false(salts_next_replaced(salts, &day));
        salts_note_replaced(salts, 8);
        salts_note_replaced(salts, 9); /* there is none */
        assert_true(salts_next_replaced(salts, &day));
        assert_int_equal(day, 8);
        salts_note_replaced(salts, 8);
        assert_false(salts_next_replaced(salts, &day));
        salts_free(salts);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(made_and_found_again, setup, teardown),
                cmocka_unit_test_setup_teardown(gone_after_two_days, setup, teardown),
                cmocka_unit_test_setup_teardown(files_that_are_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(known_again, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
