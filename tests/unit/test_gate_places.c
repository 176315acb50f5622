/* test_gate_places.c - the gate knows a file of the tree through every mount, and leaves the others alone. */

#include "gate_tests.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A planted page, a genuine one and one that is not the tree's, and mount points beside the disk. */
static int begin_mounts(void **state)
{
        (void)mkdir(at("tree/sub"), 0755);
        (void)mkdir(at("../bind"), 0755);
        driver_put(&driver, "sub/genuine.html", true);
        driver_put(&driver, "sub/planted.html", false);
        driver_write(&driver, "outside/x", "malware");
        driver_write(&driver, "../file", "");
        return begin(state);
}

static int end_mounts(void **state)
{
        while (umount2(at("../bind"), MNT_DETACH) == 0)
                ;
        while (umount2(at("../file"), MNT_DETACH) == 0)
                ;
        return end(state);
}

static void bind_mount(const char *what, const char *where)
{
        assert_int_equal(mount(at(what), at(where), NULL, MS_BIND, NULL), 0);
}

static void assert_refused_elsewhere(const char *path)
{
        assert_int_equal(driver_visit(&driver, path), VISIT_REFUSED);
        assert_told(GATE_DIFFERS);
        assert_int_equal(driver.report.argument, GATE_ELSEWHERE);
        assert_string_equal(driver.report.path, "sub/planted.html");
}

static void test_bound_folders(void **state)
{
        static const struct {
                const char *folder, *below;
        } binds[] = {
                {"tree",      "sub/"     },
                { "tree/sub", ""         },
                { ".",        "tree/sub/"},
        };
        char path[DRIVER_PATH];
        uint64_t before;

        (void)state;
        for (size_t i = 0; i < sizeof(binds) / sizeof(binds[0]); i++) {
                bind_mount(binds[i].folder, "../bind");
                snprintf(path, sizeof(path), "../bind/%splanted.html", binds[i].below);
                assert_refused_elsewhere(path);
                snprintf(path, sizeof(path), "../bind/%sgenuine.html", binds[i].below);
                assert_int_equal(driver_visit(&driver, path), VISIT_GENUINE);
                before = driver_sync(&driver).allowed;
                assert_int_equal(driver_visit(&driver, path), VISIT_GENUINE);
                assert_int_equal(driver_sync(&driver).allowed, before); /* marked */
        }
        bind_mount("outside", "../bind");
        assert_int_equal(driver_visit(&driver, "../bind/x"), VISIT_TAMPERED);
}

static void test_bound_file(void **state)
{
        (void)state;
        bind_mount("tree/sub/planted.html", "../file");
        assert_refused_elsewhere("../file");
        bind_mount("outside/x", "../file");
        assert_int_equal(driver_visit(&driver, "../file"), VISIT_TAMPERED);
}

static enum visit visit_in_namespace(const char *path, bool with_chroot)
{
        char inner[DRIVER_PATH];
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                if (unshare(CLONE_NEWNS) < 0 || mount(at("tree"), at("../bind"), NULL, MS_BIND, NULL) < 0)
                        _exit(VISIT_FAILED);
                snprintf(inner, sizeof(inner), "/%s", path);
                if (with_chroot && (chroot(at("../bind")) < 0 || chdir("/") < 0))
                        _exit(VISIT_FAILED);
                if (!with_chroot)
                        snprintf(inner, sizeof(inner), "%s/%s", at("../bind"), path);
                _exit(driver_visit_path(inner, 10000));
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return (enum visit)WEXITSTATUS(status);
}

/* As a web server with a sandbox of systemd's, or in a container. */
static void test_other_namespace(void **state)
{
        (void)state;
        for (int with_chroot = 0; with_chroot < 2; with_chroot++) {
                assert_int_equal(visit_in_namespace("sub/planted.html", with_chroot), VISIT_REFUSED);
                assert_told(GATE_DIFFERS);
                assert_int_equal(driver.report.argument, GATE_ELSEWHERE);
                assert_int_equal(visit_in_namespace("sub/genuine.html", with_chroot), VISIT_GENUINE);
        }
}

static void test_lower_layer(void **state)
{
        char options[4 * DRIVER_PATH];

        (void)state;
        (void)mkdir(at("outside/upper"), 0755);
        (void)mkdir(at("outside/work"), 0755);
        snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", at("tree"), at("outside/upper"),
                 at("outside/work"));
        if (mount("overlay", at("../bind"), "overlay", 0, options) < 0) {
                print_message("# no overlays here\n");
                return;
        }
        assert_int_equal(driver_visit(&driver, "../bind/sub/planted.html"), VISIT_REFUSED);
        assert_told(GATE_DIFFERS);
        assert_int_equal(driver_visit(&driver, "../bind/sub/genuine.html"), VISIT_GENUINE);
}

/* A second name outside hides the first one from who looks by the inode. */
static void test_two_names(void **state)
{
        (void)state;
        assert_int_equal(link(at("tree/sub/planted.html"), at("outside/name")), 0);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(driver_visit(&driver, "outside/name"), VISIT_TAMPERED);
                bind_mount(i ? "tree" : ".", "../bind");
                assert_refused_elsewhere(i ? "../bind/sub/planted.html" : "../bind/tree/sub/planted.html");
        }
        bind_mount("outside", "../bind");
        assert_int_equal(driver_visit(&driver, "../bind/name"), VISIT_TAMPERED);
        assert_int_equal(unlink(at("outside/name")), 0);
}

/* A folder above the tree gets another name, and a link leads there. */
static void test_moved_away(void **state)
{
        (void)state;
        driver_watch(&driver, ".");
        assert_int_equal(rename(at("tree"), at("moved")), 0);
        assert_int_equal(symlink("moved", at("tree")), 0);
        assert_true(driver_report(&driver, GATE_NAMES, 5000));
        assert_int_equal(driver_visit(&driver, "tree/sub/planted.html"), VISIT_REFUSED);
        assert_told(GATE_DIFFERS);
        assert_int_equal(unlink(at("tree")), 0);
        assert_int_equal(rename(at("moved"), at("tree")), 0);
        assert_true(driver_report(&driver, GATE_NAMES, 5000));
        assert_int_equal(driver_visit(&driver, "tree/sub/planted.html"), VISIT_REFUSED);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
}

/* A path that is too long to be told may be in the tree. */
static void test_too_long(void **state)
{
        char part[201];
        int fd;

        (void)state;
        memset(part, 'd', 200);
        part[200] = '\0';
        assert_int_equal(chdir(at("outside")), 0);
        for (int i = 0; i < 22; i++) {
                assert_true(mkdir(part, 0755) == 0 || errno == EEXIST);
                assert_int_equal(chdir(part), 0);
        }
        fd = open("file", O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_int_equal(fd, -1);
        assert_int_equal(errno, EPERM);
        assert_told(GATE_UNREADABLE);
        assert_int_equal(chdir("/"), 0);
}

/*
 * Another tree of genuine pages comes in place, its folders without marks: nobody would tell that a page in it gets the
 * name of another, so the kernel must go on asking.
 */
static void test_unwatched(void **state)
{
        uint64_t before;

        (void)state;
        driver_watch(&driver, "tree");
        driver_watched(&driver);
        (void)mkdir(at("staged"), 0755);
        driver_write(&driver, "staged/page.html", "genuine:page.html\n");
        driver_write(&driver, "staged/other.html", "genuine:other.html\n");
        assert_int_equal(renameat2(AT_FDCWD, at("staged"), AT_FDCWD, at("tree"), RENAME_EXCHANGE), 0);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        before = asked();
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_int_equal(asked(), before); /* its lease is held, so it is not hashed again */
        assert_int_equal(rename(at("tree/page.html"), at("tree/other.html")), 0);
        assert_int_equal(driver_visit(&driver, "tree/other.html"), VISIT_REFUSED);
        assert_told(GATE_DIFFERS);
        assert_int_equal(renameat2(AT_FDCWD, at("staged"), AT_FDCWD, at("tree"), RENAME_EXCHANGE), 0);
        assert_int_equal(unlink(at("staged/other.html")), 0);
        assert_int_equal(rmdir(at("staged")), 0);
}

/* A folder that comes to be in the tree has no mark, either, until the guard has looked; its word from before counts no
 * more. */
static void test_new_folder(void **state)
{
        uint64_t allowed;

        (void)state;
        driver_watch(&driver, "tree");
        driver_watched(&driver);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        allowed = driver_sync(&driver).allowed;
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_int_equal(driver_sync(&driver).allowed, allowed); /* marked */
        assert_int_equal(mkdir(at("tree/new"), 0755), 0);
        for (int i = 0; i < 3; i++)
                assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_true(driver_sync(&driver).allowed >= allowed + 3); /* asked each time */
        driver_request(&driver, GATE_WATCHED, 0, 1, "", -1); /* the word of another time */
        allowed = driver_sync(&driver).allowed;
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_true(driver_sync(&driver).allowed > allowed);
        assert_int_equal(rmdir(at("tree/new")), 0);
        driver_watched(&driver);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        allowed = driver_sync(&driver).allowed;
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_int_equal(driver_sync(&driver).allowed, allowed);
}

/* A tree is verified beside the old one, told, and exchanged: not one page of it is hashed again. */
static void test_exchange(void **state)
{
        uint64_t before, outside;
        int fd, folder;

        (void)state;
        (void)mkdir(at("staged"), 0755);
        driver_write(&driver, "staged/page.html", "genuine:page.html\n");
        driver_watch(&driver, ".");
        before = asked();
        outside = driver_sync(&driver).outside;
        fd = open(at("staged/page.html"), O_RDONLY | O_CLOEXEC);
        assert_int_equal(fcntl(fd, F_SETLEASE, F_RDLCK), 0);
        driver_request(&driver, GATE_GENUINE, 0, 2, "page.html", fd);
        close(fd);
        assert_int_equal(driver_sync(&driver).remembered, 2);
        assert_int_equal(driver_visit(&driver, "staged/page.html"), VISIT_GENUINE);
        assert_int_equal(driver_sync(&driver).outside, outside + 2); /* no mark as long as it has another name */
        assert_int_equal(renameat2(AT_FDCWD, at("staged"), AT_FDCWD, at("tree"), RENAME_EXCHANGE), 0);
        assert_true(driver_report(&driver, GATE_NAMES, 5000));
        folder = open(at("tree"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        driver_request(&driver, GATE_TREE, 0, 2, at("tree"), folder);
        close(folder);
        driver_request(&driver, GATE_FORGET, 0, 2, "", -1);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_int_equal(asked(), before);
        assert_remembered(1);
        assert_int_equal(renameat2(AT_FDCWD, at("staged"), AT_FDCWD, at("tree"), RENAME_EXCHANGE), 0);
}

static int run(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_bound_folders, begin_mounts, end_mounts),
                cmocka_unit_test_setup_teardown(test_bound_file, begin_mounts, end_mounts),
                cmocka_unit_test_setup_teardown(test_other_namespace, begin_mounts, end_mounts),
                cmocka_unit_test_setup_teardown(test_lower_layer, begin_mounts, end_mounts),
                cmocka_unit_test_setup_teardown(test_two_names, begin_mounts, end_mounts),
                cmocka_unit_test_setup_teardown(test_moved_away, begin_mounts, end_mounts),
                cmocka_unit_test_setup_teardown(test_too_long, begin, end),
                cmocka_unit_test_setup_teardown(test_unwatched, begin, end),
                cmocka_unit_test_setup_teardown(test_new_folder, begin, end),
                cmocka_unit_test_setup_teardown(test_exchange, begin, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
        return gate_tests(argc, argv, run);
}
