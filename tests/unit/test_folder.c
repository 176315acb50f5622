/* folder.c: a signed pair is whole for whoever has the lock, whatever was interrupted before. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/io.h"
#include "store/folder.h"

static char path[] = "/tmp/understudy-test-folder.XXXXXX";

static int make(void **state _unused_)
{
        memcpy(path + strlen(path) - 6, "XXXXXX", 6);
        return mkdtemp(path) ? 0 : -1;
}

/* Not tree_remove(): valgrind does not know openat2(2). */
static int remove_one(const char *name, const struct stat *st _unused_, int type _unused_, struct FTW *where _unused_)
{
        return remove(name);
}

static int take_down(void **state _unused_)
{
        return nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const char *text)
{
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_int_equal(file_replace(fd, name, text, strlen(text), 0644, NULL), 0);
}

static void assert_pair(const char *text, const char *signature)
{
        _cleanup_(folder_done) struct folder folder = FOLDER_NONE;
        _cleanup_(buffer_done) struct buffer first = BUFFER_INIT(100), second = BUFFER_INIT(100);
        struct stat st;

        assert_int_equal(folder_open(path, false, &folder, NULL), 0);
        assert_int_equal(folder_read(&folder, "keys.json", &first, &second, NULL), 0);
        assert_string_equal(first.data, text);
        assert_string_equal(second.data, signature);
        assert_int_equal(fstatat(folder.fd, ".new-keys.json", &st, 0), -1);
        assert_int_equal(fstatat(folder.fd, ".new-keys.json.minisig", &st, 0), -1);
}

static void replace(const char *text, const char *signature)
{
        _cleanup_(folder_done) struct folder folder = FOLDER_NONE;
        _cleanup_(buffer_done) struct buffer first = BUFFER_INIT(100), second = BUFFER_INIT(100);

        assert_int_equal(folder_open(path, false, &folder, NULL), 0);
        assert_int_equal(buffer_append_text(&first, text) | buffer_append_text(&second, signature), 0);
        assert_int_equal(folder_replace(&folder, "keys.json", &first, &second, NULL), 0);
}

static void both_files_are_replaced(void **state _unused_)
{
        replace("one", "signature one");
        assert_pair("one", "signature one");
        replace("two", "signature two");
        assert_pair("two", "signature two");
}

/* Every state that folder_replace() can leave when it is killed. */
static void an_interrupted_replacement_is_ended_or_undone(void **state _unused_)
{
        replace("one", "signature one");
        put(".new-keys.json.minisig", "signature two");
        assert_pair("one", "signature one");

        put(".new-keys.json.minisig", "signature two");
        put(".new-keys.json", "two");
        assert_pair("one", "signature one");

        put("keys.json.minisig", "signature two");
        put(".new-keys.json", "two");
        assert_pair("two", "signature two");
}

static void one_command_at_a_time(void **state _unused_)
{
        _cleanup_(folder_done) struct folder folder = FOLDER_NONE;
        _cleanup_(fd_closep) int other = -1;
        char lock[64];

        assert_int_equal(folder_open(path, false, &folder, NULL), 0);
        snprintf(lock, sizeof(lock), "%s/.lock", path);
        other = open(lock, O_RDWR | O_CLOEXEC);
        assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
        folder_done(&folder);
        assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
}

static void a_repository_is_a_folder(void **state _unused_)
{
        _cleanup_(folder_done) struct folder folder = FOLDER_NONE;
        struct error error = ERROR_NONE;
        char url[96];

        snprintf(url, sizeof(url), "file://%s/new/repo", path);
        assert_int_equal(folder_open(url, false, &folder, &error), -ENOENT);
        assert_int_equal(error.status, EXIT_FAILED);
        assert_int_equal(folder_open(url, true, &folder, NULL), 0);
        folder_done(&folder);
        assert_int_equal(folder_open("https://example.org/repo", true, &folder, &error), -EINVAL);
        assert_int_equal(error.status, EXIT_USAGE);
}

static uint64_t newest(int expected)
{
        _cleanup_(folder_done) struct folder folder = FOLDER_NONE;
        uint64_t number = 99;

        assert_int_equal(folder_open(path, false, &folder, NULL), 0);
        assert_int_equal(folder_newest(&folder, &number, NULL), expected);
        return number;
}

static void put_release(const char *number)
{
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char folder[32], file[64];

        snprintf(folder, sizeof(folder), "releases/%s", number);
        snprintf(file, sizeof(file), "%s/release.json", folder);
        assert_int_equal(directory_make(fd, folder, 0755, NULL), 0);
        assert_int_equal(file_replace(fd, file, "{}\n", 3, 0644, NULL), 0);
}

static void the_newest_release_may_be_beyond_latest(void **state _unused_)
{
        assert_int_equal(newest(0), 0);
        put_release("1");
        assert_int_equal(newest(0), 1); /* published, and killed before `latest` */
        put_release("2");
        put("latest", "1\n");
        assert_int_equal(newest(0), 2);
        put("latest", "2\n");
        assert_int_equal(newest(0), 2);
        put("latest", "3\n");
        newest(-EBADMSG);
        put("latest", "2");
        newest(-EBADMSG);
        put("latest", "../2\n");
        newest(-EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(both_files_are_replaced, make, take_down),
                cmocka_unit_test_setup_teardown(an_interrupted_replacement_is_ended_or_undone, make, take_down),
                cmocka_unit_test_setup_teardown(one_command_at_a_time, make, take_down),
                cmocka_unit_test_setup_teardown(a_repository_is_a_folder, make, take_down),
                cmocka_unit_test_setup_teardown(the_newest_release_may_be_beyond_latest, make, take_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
