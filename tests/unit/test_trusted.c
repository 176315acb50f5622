/* test_trusted.c - trusted.h: into which folders nobody else can put anything. */
#include "tests.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/trusted.h"

static char base[] = "/tmp/understudy-trusted-XXXXXX"; /* in a sticky folder */

/* The folder and one in it, with these modes; -1: there is none in it. */
static int look(int outer, int inner, struct error *err)
{
        char path[200];

        assert_int_equal(chmod(base, 0700), 0);
        snprintf(path, sizeof(path), "%s/inner", base);
        (void)rmdir(path);
        if (inner >= 0) {
                assert_int_equal(mkdir(path, 0700), 0);
                assert_int_equal(chmod(path, (mode_t)inner), 0);
        }
        assert_int_equal(chmod(base, (mode_t)outer), 0);
        return trusted_folder(path, err);
}

static void what_only_we_write_is_trusted(void **state)
{
        (void)state;
        assert_int_equal(look(0700, 0700, NULL), 0);
        assert_int_equal(look(0755, 0755, NULL), 0);
        assert_int_equal(look(0755, 0750, NULL), 0);
        assert_int_equal(look(01777, 0700, NULL), 0);
        assert_int_equal(look(0700, -1, NULL), 0);
        assert_int_equal(trusted_folder("/", NULL), 0);
}

static void what_others_write_is_not(void **state)
{
        static const int modes[] = { 0777, 0770, 0757, 0720, 0702, 01777, 02775 };
        struct error error = ERROR_NONE;

        (void)state;
        for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
                assert_int_equal(look(0700, modes[i], NULL), -EPERM);
        assert_int_equal(look(0700, 0777, &error), -EPERM);
        assert_non_null(strstr(error.text, "0777"));
        assert_non_null(strstr(error.text, "chmod go-w "));
        assert_int_equal(error.status, EXIT_USAGE);
}

static void nor_what_others_can_put_in_its_place(void **state)
{
        (void)state;
        assert_int_equal(look(0777, 0700, NULL), -EPERM);
        assert_int_equal(look(0770, 0700, NULL), -EPERM);
        assert_int_equal(look(0777, -1, NULL), -EPERM);
}

static void links_lead_no_way_around(void **state)
{
        char path[200], link[200], behind[250];

        (void)state;
        snprintf(path, sizeof(path), "%s/inner", base);
        snprintf(link, sizeof(link), "%s/link", base);
        snprintf(behind, sizeof(behind), "%s/../link", path);
        assert_int_equal(look(0700, 0777, NULL), -EPERM);
        assert_int_equal(symlink("inner", link), 0);
        assert_int_equal(trusted_folder(link, NULL), -EPERM);
        assert_int_equal(trusted_folder(behind, NULL), -EPERM);
        assert_int_equal(chmod(path, 0700), 0);
        assert_int_equal(trusted_folder(link, NULL), 0);
        assert_int_equal(trusted_folder(behind, NULL), 0);
        assert_int_equal(unlink(link), 0);
        assert_int_equal(symlink("link", link), 0);
        assert_int_equal(trusted_folder(link, NULL), -ELOOP);
        assert_int_equal(unlink(link), 0);
}

static void names_from_here(void **state)
{
        (void)state;
        assert_int_equal(look(0700, 0777, NULL), -EPERM);
        assert_int_equal(chdir(base), 0);
        assert_int_equal(trusted_folder("inner", NULL), -EPERM);
        assert_int_equal(trusted_folder("./inner/", NULL), -EPERM);
        assert_int_equal(trusted_folder(".", NULL), 0);
        assert_int_equal(chdir("/"), 0);
}

static void what_is_somebody_elses_is_not(void **state)
{
        struct error error = ERROR_NONE;
        char path[200], link[200];

        (void)state;
        if (geteuid() != 0)
                skip();
        snprintf(path, sizeof(path), "%s/inner", base);
        snprintf(link, sizeof(link), "%s/link", base);
        assert_int_equal(look(0700, 0700, NULL), 0);
        assert_int_equal(symlink("inner", link), 0);
        assert_int_equal(lchown(link, 65534, 0), 0);
        assert_int_equal(trusted_folder(link, NULL), -EPERM);
        assert_int_equal(chown(path, 65534, 0), 0);
        assert_int_equal(trusted_folder(path, &error), -EPERM);
        assert_non_null(strstr(error.text, "belongs to user 65534"));
        assert_int_equal(chown(path, 0, 0), 0);
        assert_int_equal(chown(base, 65534, 0), 0);
        assert_int_equal(trusted_folder(path, NULL), -EPERM);
        assert_int_equal(chown(base, 0, 0), 0);
        assert_int_equal(unlink(link), 0);
}

/* A user namespace in which only this one user is somebody, called root there: 0, or what could not be had. */
static int alone_as_root(uid_t user)
{
        char line[40];
        int map, length = snprintf(line, sizeof(line), "0 %u 1", (unsigned int)user);

        if (setuid(user) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0 || unshare(CLONE_NEWUSER) < 0)
                return -errno;
        map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
        return map >= 0 && write(map, line, (size_t)length) == length ? 0 : -errno;
}

/* What `owner` has at the end of the way, asked by 12345, to whom the machine's root is nobody of his. */
static int in_a_namespace(uid_t owner)
{
        int status;
        pid_t pid;

        assert_int_equal(chown(base, owner, 0), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (alone_as_root(12345) < 0)
                        _exit(77);
                _exit(trusted_folder(base, NULL) == 0 ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(chown(base, 0, 0), 0);
        return WEXITSTATUS(status);
}

static void where_root_is_nobody_the_way_is_trusted(void **state)
{
        (void)state;
        if (geteuid() != 0 || in_a_namespace(12345) == 77)
                skip();
        assert_int_equal(in_a_namespace(12345), 0);
        assert_int_equal(in_a_namespace(54321), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_only_we_write_is_trusted),
                cmocka_unit_test(what_others_write_is_not),
                cmocka_unit_test(nor_what_others_can_put_in_its_place),
                cmocka_unit_test(links_lead_no_way_around),
                cmocka_unit_test(names_from_here),
                cmocka_unit_test(what_is_somebody_elses_is_not),
                cmocka_unit_test(where_root_is_nobody_the_way_is_trusted),
        };
        char inner[200];
        int failed;

        if (!mkdtemp(base))
                return EXIT_FAILURE;
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        snprintf(inner, sizeof(inner), "%s/inner", base);
        (void)rmdir(inner);
        (void)rmdir(base);
        return failed;
}
