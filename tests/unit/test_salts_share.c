/* test_salts_share.c - salts_share.h: one for each day whoever asks, and never a second one. */
#include "tests.h"

#include <sys/stat.h>

#include "analyze/salts_share.h"

#define DAY  20000
#define NOON ((int64_t)DAY * 86400 + 43200)

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

static void write_last(const char *text)
{
        char name[TESTS_FOLDER_SIZE + 32];
        FILE *file;

        snprintf(name, sizeof(name), "%s.last", path);
        file = fopen(name, "we");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
}

static void one_for_all(void **state)
{
        struct shared_salt first, again, other;
        struct stat status;

        (void)state;
        assert_int_equal(salts_share(path, DAY, NOON, &first, &error), 0);
        assert_int_equal(first.age_seconds, 0);
        assert_int_equal(salts_share(path, DAY, NOON + 100, &again, &error), 0);
        assert_int_equal(again.age_seconds, 100);
        assert_memory_equal(first.bytes, again.bytes, SALT_SIZE);
        /* A clock that was put back meanwhile. */
        assert_int_equal(salts_share(path, DAY, NOON - 100, &again, &error), 0);
        assert_int_equal(again.age_seconds, 0);
        assert_memory_equal(first.bytes, again.bytes, SALT_SIZE);
        assert_int_equal(salts_share(path, DAY + 1, NOON + 43200, &other, &error), 0);
        assert_memory_not_equal(first.bytes, other.bytes, SALT_SIZE);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
}

static void never_a_second_one(void **state)
{
        struct shared_salt salt;

        (void)state;
        assert_int_equal(salts_share(path, DAY, NOON, &salt, &error), 0);
        assert_int_equal(salts_share(path, DAY, NOON + SALT_SECONDS, &salt, &error), -ESTALE);
        /* The clock steps back into the day, and before it. */
        assert_int_equal(salts_share(path, DAY, NOON, &salt, &error), -ESTALE);
        assert_int_equal(salts_share(path, DAY - 1, NOON, &salt, &error), -ESTALE);
        assert_int_equal(salts_share(path, DAY + 1, NOON + 86400, &salt, &error), 0);
}

static void a_crash_after_it_was_made(void **state)
{
        struct shared_salt salt;

        (void)state;
        assert_int_equal(salts_share(path, DAY, NOON, &salt, &error), 0);
        write_last("19990\n");
        assert_int_equal(salts_share(path, DAY, NOON + SALT_SECONDS, &salt, &error), -ESTALE);
        assert_int_equal(salts_share(path, DAY, NOON, &salt, &error), -ESTALE);
}

static void days_of_which_one_could_be_gone(void **state)
{
        const int64_t begin = (int64_t)DAY * 86400;
        struct shared_salt salt;

        (void)state;
        assert_int_equal(salts_share(path, DAY, begin - SALTS_AHEAD_SECONDS - 1, &salt, &error), -ESTALE);
        assert_int_equal(salts_share(path, DAY, begin + SALT_SECONDS - SALTS_AHEAD_SECONDS, &salt, &error), -ESTALE);
        assert_int_equal(salts_share(path, UINT16_MAX, begin, &salt, &error), -ESTALE);
        assert_int_equal(salts_share(path, DAY, begin - SALTS_AHEAD_SECONDS, &salt, &error), 0);
}

static void damaged(void **state)
{
        static const char *const texts[] = { "", "x\n", "20000", "-1\n", "99999999999\n", "1\n2\n" };
        struct shared_salt salt;

        (void)state;
        for (size_t i = 0; i < LENGTH(texts); i++) {
                write_last(texts[i]);
                assert_true(salts_share(path, DAY, NOON, &salt, &error) < 0);
                assert_int_not_equal(access(path, F_OK), 0);
        }
        write_last("12\n");
        assert_int_equal(salts_share(path, DAY, NOON, &salt, &error), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(one_for_all, setup, teardown),
                cmocka_unit_test_setup_teardown(never_a_second_one, setup, teardown),
                cmocka_unit_test_setup_teardown(a_crash_after_it_was_made, setup, teardown),
                cmocka_unit_test_setup_teardown(days_of_which_one_could_be_gone, setup, teardown),
                cmocka_unit_test_setup_teardown(damaged, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
