/* test_mounts.c - lines of the mount table, and which of them lie inside a folder. */
#include "tests.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tree/mounts.h"

static void test_parse(void **context)
{
        char point[PATH_MAX], small[8];

        (void)context;
        assert_int_equal(mounts_parse_point("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw", point,
                                            sizeof(point)),
                         0);
        assert_string_equal(point, "/mnt2");
        assert_int_equal(mounts_parse_point("36 35 98:0 / /a\\040b\\134c\\012d rw - x y z", point, sizeof(point)), 0);
        assert_string_equal(point, "/a b\\c\nd");
        assert_int_equal(mounts_parse_point("36 35 98:0 / /long/name rw - x y z", small, sizeof(small)), -EBADMSG);
        assert_int_equal(mounts_parse_point("36 35", point, sizeof(point)), -EBADMSG);
        assert_int_equal(mounts_parse_point("", point, sizeof(point)), -EBADMSG);
        assert_int_equal(mounts_parse_root("36 35 98:0 /a\\040b /mnt2 rw - x y z", point, sizeof(point)), 0);
        assert_string_equal(point, "/a b");
        assert_int_equal(mounts_parse_root("36 35 98:0", point, sizeof(point)), -EBADMSG);
}

/* In a child with a mount table of its own: nothing is left behind however it ends. */
static int in_namespace(void)
{
        char folder[TESTS_FOLDER_SIZE];
        int fd, count;

        if (unshare(CLONE_NEWNS) < 0)
                return 77;
        assert_int_equal(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL), 0);
        fd = tests_folder(folder);
        assert_int_equal(mkdirat(fd, "tree", 0700), 0);
        assert_int_equal(mkdirat(fd, "tree/in side", 0700), 0);
        assert_int_equal(mkdirat(fd, "tree-not", 0700), 0);
        assert_int_equal(fchdir(fd), 0);
        close(fd);
        fd = open("tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mount("none", "tree-not", "tmpfs", 0, NULL), 0);
        assert_int_equal(mounts_count(fd, NULL), 0);
        assert_int_equal(mount("none", "tree/in side", "tmpfs", 0, NULL), 0);
        assert_int_equal(mkdir("tree/in side/deeper", 0700), 0);
        assert_int_equal(mount("none", "tree/in side/deeper", "tmpfs", 0, NULL), 0);
        assert_int_equal(mount("none", "tree/in side", "tmpfs", 0, NULL), 0); /* stacked: hides both */
        count = mounts_count(fd, NULL);
        mounts_detach(fd);
        assert_int_equal(mounts_count(fd, NULL), 0);
        close(fd);
        assert_int_equal(umount2("tree-not", MNT_DETACH), 0);
        assert_int_equal(chdir("/"), 0);
        tests_folder_remove(folder);
        return count == 3 ? 0 : 1;
}

static void test_inside(void **context)
{
        int status = 0;
        pid_t pid;

        (void)context;
        if (geteuid() != 0)
                skip();
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(in_namespace());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
                skip(); /* no rights to have a mount table of our own */
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_inside),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
