/* test_copy.c - a copy is exactly what was promised, or it is no copy. */
#include "tests.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tree/copy.h"

static char folder[TESTS_FOLDER_SIZE];
static int directory = -1;

static int set_up(void **context)
{
        (void)context;
        directory = tests_folder(folder);
        return 0;
}

static int tear_down(void **context)
{
        (void)context;
        close(directory);
        tests_folder_remove(folder);
        return 0;
}

static int make(const char *name, const void *bytes, size_t length)
{
        int fd = openat(directory, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write_full(fd, bytes, length), 0);
        return fd;
}

static int copy(int from, const char *promised, size_t promised_length, bool clone, char found[static 64])
{
        struct error error = ERROR_NONE;
        struct copier *copier = NULL;
        struct digest digest;
        int to = make("to", "", 0);
        ssize_t length;
        int r;

        assert_int_equal(copier_new(&copier, &error), 0);
        assert_int_equal(digest_of_bytes(promised, promised_length, &digest, &error), 0);
        r = copier_copy(copier, from, to, &digest, promised_length, &clone);
        length = pread(to, found, 63, 0);
        found[length < 0 ? 0 : length] = '\0';
        copier_free(copier);
        close(to);
        return r;
}

static void test_exact(void **context)
{
        int from = make("from", "content", 7);
        char found[64];

        (void)context;
        for (int clone = 0; clone < 2; clone++) {
                assert_int_equal(copy(from, "content", 7, clone, found), 0);
                assert_string_equal(found, "content");
        }
        close(from);
}

static void test_other_content(void **context)
{
        int from = make("from", "c0ntent", 7);
        char found[64];

        (void)context;
        for (int clone = 0; clone < 2; clone++)
                assert_int_equal(copy(from, "content", 7, clone, found), -ESTALE);
        close(from);
}

static void test_other_size(void **context)
{
        int shorter = make("shorter", "conten", 6), longer = make("longer", "content, and more", 17);
        char found[64];

        (void)context;
        for (int clone = 0; clone < 2; clone++) {
                assert_int_equal(copy(shorter, "content", 7, clone, found), -ESTALE);
                assert_int_equal(copy(longer, "content", 7, clone, found), -ESTALE);
        }
        close(shorter);
        close(longer);
}

static void test_unreadable(void **context)
{
        int from = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char found[64];

        (void)context;
        assert_int_equal(copy(from, "content", 7, false, found), -ESTALE);
        close(from);
}

static void test_in_pieces(void **context)
{
        struct error error = ERROR_NONE;
        struct copier *copier = NULL;
        struct digest digest;
        int to = make("to", "", 0);

        (void)context;
        assert_int_equal(copier_new(&copier, &error), 0);
        assert_int_equal(digest_of_bytes("content", 7, &digest, &error), 0);
        assert_int_equal(copier_begin(copier, to), 0);
        assert_int_equal(copier_add(copier, "con", 3), 0);
        assert_int_equal(copier_end(copier, &digest, 7), -ESTALE); /* it stopped short */
        assert_int_equal(ftruncate(to, 0), 0);
        assert_int_equal(lseek(to, 0, SEEK_SET), 0);
        assert_int_equal(copier_begin(copier, to), 0); /* begun again, what came before does not count */
        assert_int_equal(copier_add(copier, "con", 3), 0);
        assert_int_equal(copier_add(copier, "tent", 4), 0);
        assert_int_equal(copier_end(copier, &digest, 7), 0);
        copier_free(copier);
        close(to);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_exact, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_other_content, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_other_size, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_unreadable, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_in_pieces, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
