/* test_draft.c - draft.h: nothing is seen before it is put, what is not put leaves nothing, and what could not be written is not put. */
#include "tests.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/draft.h"

static char folder[TESTS_FOLDER_SIZE];
static int top = -1;

static atomic_int folder_syncs, failing = -1; /* the folder's fsync that fails, counted from 0; -1: none */

/* In the place of the C library's, for the library under test as well. */
int fsync(int fd)
{
        struct stat status;

        if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) && folder_syncs++ == failing) {
                errno = EIO;
                return -1;
        }
        return (int)syscall(SYS_fsync, fd);
}

static int make_folder(void **state)
{
        (void)state;
        top = tests_folder(folder);
        return file_replace(top, "file", "old", 3, 0640, NULL);
}

static int remove_folder(void **state)
{
        (void)state;
        (void)draft_settle(NULL);
        fd_close(&top);
        tests_folder_remove(folder);
        return 0;
}

static struct draft *begin(const char *text, const struct stat *like)
{
        struct error error = ERROR_NONE;
        struct draft *draft = NULL;

        if (draft_begin(top, "file", text, strlen(text), 0600, like, &draft, &error) < 0)
                fail_msg("%s", error.text);
        return draft;
}

static void file_is(const char *text)
{
        struct buffer buffer = BUFFER_INIT(100);
        struct error error = ERROR_NONE;

        if (file_read(top, "file", &buffer, &error) < 0)
                fail_msg("%s", error.text);
        assert_string_equal(buffer_text(&buffer), text);
        buffer_done(&buffer);
}

static size_t names(void)
{
        DIR *all = fdopendir(openat(top, ".", O_RDONLY | O_DIRECTORY));
        struct dirent *entry;
        size_t count = 0;

        assert_non_null(all);
        while ((entry = readdir(all)))
                count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        closedir(all);
        return count;
}

static void what_is_put_is_seen(void **state)
{
        struct draft *draft = begin("new", NULL);
        struct stat status;

        (void)state;
        file_is("old");
        assert_int_equal(draft_put(draft, NULL), 0);
        file_is("new");
        draft_free(draft);
        assert_int_equal(draft_settle(NULL), 0);
        assert_int_equal(names(), 1);
        assert_int_equal(fstatat(top, "file", &status, 0), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
}

static void it_is_like_the_other(void **state)
{
        struct stat status, after;
        struct draft *draft;

        (void)state;
        assert_int_equal(fchmodat(top, "file", 0640, 0), 0);
        assert_int_equal(fstatat(top, "file", &status, 0), 0);
        draft = begin("new", &status);
        assert_int_equal(draft_put(draft, NULL), 0);
        draft_free(draft);
        assert_int_equal(fstatat(top, "file", &after, 0), 0);
        assert_int_equal(after.st_mode, status.st_mode);
}

static void what_is_not_put_leaves_nothing(void **state)
{
        struct draft *draft = begin("new", NULL);

        (void)state;
        draft_free(draft);
        file_is("old");
        assert_int_equal(names(), 1);
}

static void what_was_not_written_is_not_put(void **state)
{
        struct error error = ERROR_NONE;
        struct rlimit before, none;
        struct draft *draft;

        (void)state;
        getrlimit(RLIMIT_FSIZE, &before);
        none = before;
        none.rlim_cur = 1;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &none);
        draft = begin("new", NULL);
        assert_int_equal(draft_put(draft, &error), -EFBIG);
        setrlimit(RLIMIT_FSIZE, &before);
        assert_true(*error.text);
        draft_free(draft);
        assert_int_equal(names(), 1);
        file_is("old");
}

/* One behind the other, as the fence and the database's rules have theirs. */
static void two_at_once(void **state)
{
        struct draft *one = begin("one", NULL), *two = begin("two", NULL);

        (void)state;
        assert_int_equal(draft_put(one, NULL), 0);
        file_is("one");
        assert_int_equal(draft_put(two, NULL), 0);
        file_is("two");
        draft_free(one);
        draft_free(two);
        assert_int_equal(draft_settle(NULL), 0);
        assert_int_equal(names(), 1);
}

/* Whichever of the two it was: what is said to survive does. */
static void a_name_that_did_not_reach_the_disk_is_told_once(void **state)
{
        (void)state;
        for (int first = 0; first < 2; first++) {
                struct draft *one = begin("one", NULL), *two = begin("two", NULL);
                struct error error = ERROR_NONE;

                folder_syncs = 0;
                failing = first;
                assert_int_equal(draft_put(one, NULL), 0);
                assert_int_equal(draft_put(two, NULL), 0);
                file_is("two");
                assert_int_equal(draft_settle(&error), -EIO);
                assert_true(*error.text);
                failing = -1;
                assert_int_equal(folder_syncs, 2);
                assert_int_equal(draft_settle(NULL), 0);
                draft_free(one);
                draft_free(two);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_is_put_is_seen, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(it_is_like_the_other, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(what_is_not_put_leaves_nothing, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(what_was_not_written_is_not_put, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(two_at_once, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(a_name_that_did_not_reach_the_disk_is_told_once, make_folder, remove_folder),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
