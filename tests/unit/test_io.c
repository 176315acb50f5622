/* test_io.c - io.h: lookups that stay below their folder, files that are replaced whole, trees that are removed without
 * crossing anything. */
#include "tests.h"

#include <errno.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/clock.h"

static char folder[TESTS_FOLDER_SIZE];
static int top = -1;

static int make_folder(void **state)
{
        (void)state;
        top = tests_folder(folder);
        return 0;
}

static int remove_folder(void **state)
{
        (void)state;
        fd_close(&top);
        tests_folder_remove(folder);
        return 0;
}

static void put(const char *path, const char *text)
{
        struct error error = ERROR_NONE;

        if (file_replace(top, path, text, strlen(text), 0644, &error) < 0)
                fail_msg("%s", error.text);
}

static bool is_there(int directory, const char *path)
{
        struct stat st;

        return fstatat(directory, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void lookups_stay_below(void **state)
{
        struct error error = ERROR_NONE;
        int fd;

        (void)state;
        assert_int_equal(directory_make(top, "a/b/c", 0755, &error), 0);
        put("a/b/file", "x");
        assert_int_equal(symlinkat("b", top, "a/link"), 0);
        assert_int_equal(symlinkat("/etc", top, "out"), 0);
        fd = open_beneath(top, "a/b/file", O_RDONLY, 0, BENEATH_STRICT);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(open_beneath(top, "a/link/file", O_RDONLY, 0, BENEATH_STRICT), -ELOOP);
        assert_int_equal(open_beneath(top, "out/passwd", O_RDONLY, 0, BENEATH_STRICT), -ELOOP);
        assert_int_equal(open_beneath(top, "../../etc/passwd", O_RDONLY, 0, BENEATH_STRICT), -EXDEV);
        assert_int_equal(open_beneath(top, "/etc/passwd", O_RDONLY, 0, BENEATH_STRICT), -EXDEV);
        assert_int_equal(open_beneath(top, "a/none", O_RDONLY, 0, BENEATH_STRICT), -ENOENT);
}

static void files_are_replaced_and_created(void **state)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(100), small = BUFFER_INIT(3);
        struct error error = ERROR_NONE;
        struct stat st;

        (void)state;
        put("f", "old");
        assert_int_equal(file_replace(top, "f", "newer", 5, 0600, &error), 0);
        assert_int_equal(file_read(top, "f", &text, &error), 0);
        assert_string_equal(buffer_text(&text), "newer");
        assert_int_equal(fstatat(top, "f", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(file_create(top, "f", "x", 1, 0600, &error), -EEXIST);
        assert_int_equal(file_read(top, "f", &small, &error), -E2BIG);
        assert_int_equal(file_read(top, "none", &text, &error), -ENOENT);
        assert_int_equal(symlinkat("f", top, "l"), 0);
        assert_int_equal(file_read(top, "l", &text, &error), -ELOOP);
        assert_int_equal(mkfifoat(top, "fifo", 0600), 0);
        assert_int_equal(file_read(top, "fifo", &text, &error), -EINVAL); /* and does not wait for a writer */
}

static void a_deep_tree_is_removed(void **state)
{
        struct error error = ERROR_NONE;
        int fd, next;

        (void)state;
        assert_int_equal(mkdirat(top, "deep", 0755), 0);
        fd = openat(top, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (int i = 0; i < 300;
             i++) { /* deeper than the stack of open folders; names make the path longer than PATH_MAX */
                assert_int_equal(mkdirat(fd, "a-name-of-twenty-bytes", 0755), 0);
                next = openat(fd, "a-name-of-twenty-bytes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                close(fd);
                fd = next;
                close(openat(fd, "leaf", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        }
        close(fd);
        if (tree_remove(top, "deep", &error) < 0)
                fail_msg("%s", error.text);
        assert_false(is_there(top, "deep"));
        assert_int_equal(tree_remove(top, "deep", &error), 0);
}

/* From some thousand names on two threads remove; a mount that one of them meets is said, and left. */
static void a_large_tree_is_removed_by_two(void **state)
{
        char path[64], behind[TESTS_FOLDER_SIZE + 16], mounted[TESTS_FOLDER_SIZE + 32];
        struct error error = ERROR_NONE;
        bool is_mounted;

        (void)state;
        for (int sub = 0; sub < 60; sub++) {
                snprintf(path, sizeof(path), "large/%d/inner/deeper", sub);
                assert_int_equal(directory_make(top, path, 0755, &error), 0);
                for (int i = 0; i < 100; i++) {
                        snprintf(path, sizeof(path), "large/%d/%s%d", sub, i % 2 ? "inner/" : "", i);
                        close(openat(top, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
                }
        }
        assert_int_equal(directory_make(top, "large/59/mnt", 0755, &error), 0);
        assert_int_equal(directory_make(top, "behind", 0755, &error), 0);
        put("behind/precious", "x");
        snprintf(behind, sizeof(behind), "%s/behind", folder);
        snprintf(mounted, sizeof(mounted), "%s/large/59/mnt", folder);
        is_mounted = geteuid() == 0 && mount(behind, mounted, "none", MS_BIND, NULL) == 0;
        if (is_mounted) {
                assert_int_equal(tree_remove(top, "large", &error), -EXDEV);
                assert_true(is_there(top, "large/59/mnt/precious"));
                assert_false(is_there(top, "large/58"));
                assert_int_equal(umount2(mounted, MNT_DETACH), 0);
        }
        if (tree_remove(top, "large", &error) < 0)
                fail_msg("%s", error.text);
        assert_false(is_there(top, "large"));
        assert_true(is_there(top, "behind/precious"));
}

static void links_are_removed_not_followed(void **state)
{
        struct error error = ERROR_NONE;

        (void)state;
        assert_int_equal(directory_make(top, "kept", 0755, &error), 0);
        put("kept/file", "x");
        assert_int_equal(directory_make(top, "gone/sub", 0755, &error), 0);
        assert_int_equal(symlinkat("../kept", top, "gone/link"), 0);
        assert_int_equal(symlinkat("../../kept", top, "gone/sub/link"), 0);
        assert_int_equal(mkfifoat(top, "gone/fifo", 0600), 0);
        assert_int_equal(tree_remove(top, "gone", &error), 0);
        assert_false(is_there(top, "gone"));
        assert_true(is_there(top, "kept/file"));
        assert_int_equal(symlinkat("kept", top, "only-a-link"), 0);
        assert_int_equal(tree_remove(top, "only-a-link", &error), 0);
        assert_true(is_there(top, "kept/file"));
}

static void a_mount_is_never_crossed(void **state)
{
        char behind[TESTS_FOLDER_SIZE + 16], mounted[TESTS_FOLDER_SIZE + 16];
        struct error error = ERROR_NONE;

        (void)state;
        if (geteuid() != 0)
                skip();
        assert_int_equal(directory_make(top, "behind", 0755, &error), 0);
        put("behind/precious", "x");
        assert_int_equal(directory_make(top, "tree/mnt", 0755, &error), 0);
        put("tree/file", "x");
        snprintf(behind, sizeof(behind), "%s/behind", folder);
        snprintf(mounted, sizeof(mounted), "%s/tree/mnt", folder);
        if (mount(behind, mounted, "none", MS_BIND, NULL) < 0)
                skip(); /* no right to mount here */
        assert_int_equal(tree_remove(top, "tree", &error), -EXDEV);
        assert_true(is_there(top, "behind/precious"));
        assert_int_equal(umount2(mounted, MNT_DETACH), 0);
        assert_int_equal(tree_remove(top, "tree", &error), 0);
        assert_true(is_there(top, "behind/precious"));
}

static void a_descriptor_is_waited_for_with_an_end(void **state)
{
        int64_t begin = clock_monotonic_ms();
        int ends[2];

        (void)state;
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(fd_wait(ends[0], POLLIN, begin + 20), -ETIMEDOUT);
        assert_in_range(clock_monotonic_ms() - begin, 20, 5000);
        assert_int_equal(fd_wait(ends[1], POLLOUT, begin + 20), -ETIMEDOUT); /* ready, and too late all the same */
        assert_int_equal(fd_wait(ends[1], POLLOUT, 0), 0);
        assert_int_equal(write(ends[1], "x", 1), 1);
        assert_int_equal(fd_wait(ends[0], POLLIN, clock_monotonic_ms() + 5000), 0);
        close(ends[0]);
        close(ends[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(lookups_stay_below, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(files_are_replaced_and_created, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(a_deep_tree_is_removed, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(a_large_tree_is_removed_by_two, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(links_are_removed_not_followed, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(a_mount_is_never_crossed, make_folder, remove_folder),
                cmocka_unit_test(a_descriptor_is_waited_for_with_an_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
