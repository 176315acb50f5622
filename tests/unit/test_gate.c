/*
 * test_gate.c - the gate with a guard and verifiers that the test plays, on a file system of its own (root only).
 *
 * Every row of the design's list of what fires and what is silent, seen from a visitor: what bytes does he get?
 */

#include "gate_tests.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/attributes.h"

/* ---- what is known is not asked about; what is not genuine is refused ---- */

static void test_known(void **state)
{
        uint64_t before = asked(), allowed;

        (void)state;
        allowed = driver_sync(&driver).allowed;
        for (int i = 0; i < 10; i++)
                assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_int_equal(asked(), before);
        assert_int_equal(driver_sync(&driver).allowed, allowed); /* not even by the kernel */
        driver_request(&driver, GATE_FLUSH, 0, 0, "", -1);
        (void)driver_sync(&driver);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_int_equal(asked(), before); /* asked by the kernel, but not hashed again */
        assert_int_equal(driver_sync(&driver).allowed, allowed + 1);
}

static void test_differs(void **state)
{
        (void)state;
        driver_put(&driver, "planted.html", false);
        driver_put(&driver, "unlisted.html", true);
        assert_int_equal(driver_visit(&driver, "tree/planted.html"), VISIT_REFUSED);
        assert_true(driver_report(&driver, GATE_REFUSED, 2000));
        assert_int_equal(driver.report.reason, GATE_DIFFERS);
        assert_string_equal(driver.report.path, "planted.html");
        assert_int_equal(driver.report.argument, 0);
        assert_true(driver.report.pid > 0);
        assert_int_equal(driver_visit(&driver, "tree/unlisted.html"), VISIT_REFUSED);
        assert_true(driver_report(&driver, GATE_REFUSED, 2000));
        assert_int_equal(driver.report.reason, GATE_UNLISTED);
        assert_int_equal(driver_sync(&driver).refused, 2);
}

static void test_outside(void **state)
{
        uint64_t before = driver_sync(&driver).outside;

        (void)state;
        driver_write(&driver, "outside/x", "malware");
        assert_int_equal(driver_visit(&driver, "outside/x"), VISIT_TAMPERED);
        assert_int_equal(driver_visit(&driver, "outside/x"), VISIT_TAMPERED);
        assert_int_equal(driver_sync(&driver).outside,
                         before + 3); /* never marked: it could be renamed into the tree */
        assert_int_equal(rename(at("outside/x"), at("tree/x")), 0);
        assert_int_equal(driver_visit(&driver, "tree/x"), VISIT_REFUSED);
}

static void test_told(void **state)
{
        uint64_t before = asked();

        (void)state;
        assert_int_equal(mkdir(at("tree/sub"), 0755), 0);
        driver_put(&driver, "sub/a.html", true);
        before = asked();
        driver_request(&driver, GATE_FORGET, 0, 0, "", -1);
        driver_genuine(&driver, "page.html");
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_int_equal(asked(), before);
        driver.generation = 2;
        driver_request(&driver, GATE_FORGET, 0, 2, "", -1);
        assert_remembered(0);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_int_equal(asked(), before + 1);
        assert_int_equal(driver_sync(&driver).remembered, 1); /* by the new release */
}

/* ---- what fires again: every way to change the bytes of a file that is known ---- */

/* In a process of its own, which waits until the gate has given the lease up. */
static void change(const char *path, void (*how)(int fd))
{
        int fd = open(path, O_RDWR | O_CLOEXEC);

        assert_true(fd >= 0);
        how(fd);
        close(fd);
}

static void by_write(int fd)
{
        assert_int_equal(pwrite(fd, "malware", 7, 0), 7);
}

static void by_truncate(int fd)
{
        assert_int_equal(ftruncate(fd, 3), 0);
}

static void by_hole(int fd)
{
        assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8), 0);
}

static void by_copy(int fd)
{
        int bad = open(at("outside/bad"), O_RDONLY | O_CLOEXEC);

        assert_true(bad >= 0);
        assert_int_equal(copy_file_range(bad, NULL, fd, NULL, 7, 0), 7);
        close(bad);
}

static void by_mapping(int fd)
{
        char *bytes = mmap(NULL, 7, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        assert_true(bytes != MAP_FAILED);
        memcpy(bytes, "malware", 7);
        munmap(bytes, 7);
}

static void assert_found(void)
{
        assert_true(driver_report(&driver, GATE_TOUCHED, 2000));
        assert_string_equal(driver.report.path, "page.html");
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_REFUSED);
        assert_told(GATE_DIFFERS);
}

static void test_changed(void **state)
{
        void (*const ways[])(int) = { by_write, by_truncate, by_hole, by_copy, by_mapping };

        (void)state;
        driver_write(&driver, "outside/bad", "malware");
        for (size_t i = 0; i < LENGTH(ways); i++) {
                driver_put(&driver, "page.html", true);
                assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
                (void)driver_sync(&driver);
                change(at("tree/page.html"), ways[i]);
                assert_found();
        }
}

static void test_truncated_by_name(void **state)
{
        (void)state;
        assert_int_equal(truncate(at("tree/page.html"), 3), 0);
        assert_found();
}

/* The one change that breaks no lease: opened for reading, and emptied. */
static void test_emptied_by_reader(void **state)
{
        int fd = open(at("tree/page.html"), O_RDONLY | O_TRUNC | O_CLOEXEC);

        (void)state;
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_REFUSED);
        assert_true(driver_report(&driver, GATE_TOUCHED, 2000));
        assert_told(GATE_DIFFERS);
}

static void test_written_through_outside_link(void **state)
{
        (void)state;
        assert_int_equal(link(at("tree/page.html"), at("outside/link")), 0);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        change(at("outside/link"), by_write);
        assert_true(driver_report(&driver, GATE_TOUCHED, 2000));
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_REFUSED);
        assert_int_equal(unlink(at("outside/link")), 0);
}

static void test_replaced(void **state)
{
        (void)state;
        driver_put(&driver, "page.html", false); /* a new inode over it */
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_REFUSED);
        assert_told(GATE_DIFFERS);
        driver_put(&driver, "page.html", true);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
}

/* The content is of the release, but of another page of it: a verdict belongs to a path. */
static void test_replaced_by_another_page(void **state)
{
        (void)state;
        driver_watch(&driver, "tree");
        assert_int_equal(driver_visit(&driver, "tree/other.html"), VISIT_GENUINE);
        assert_int_equal(rename(at("tree/other.html"), at("tree/page.html")), 0);
        assert_true(driver_report(&driver, GATE_NAMES, 2000));
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_REFUSED);
        assert_told(GATE_DIFFERS);
        assert_int_equal(rename(at("tree/page.html"), at("tree/other.html")), 0);
        assert_true(driver_report(&driver, GATE_NAMES, 2000));
        assert_int_equal(driver_visit(&driver, "tree/other.html"), VISIT_GENUINE);
}

/* A mark would count under both names. */
static void test_linked_twice(void **state)
{
        uint64_t before;

        (void)state;
        driver_watch(&driver, "tree");
        assert_int_equal(link(at("tree/page.html"), at("tree/twice.html")), 0);
        (void)driver_report(&driver, GATE_NAMES, 2000);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
                assert_int_equal(driver_visit(&driver, "tree/twice.html"), VISIT_REFUSED);
        }
        assert_int_equal(unlink(at("tree/twice.html")), 0);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        before = driver_sync(&driver).allowed;
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_int_equal(driver_sync(&driver).allowed, before); /* marked again */
}

static void test_chmod_is_not_content(void **state)
{
        uint64_t before = asked();

        (void)state;
        assert_int_equal(chmod(at("tree/page.html"), 0600), 0);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_int_equal(chmod(at("tree/page.html"), 0644), 0);
        assert_int_equal(asked(), before);
}

/* ---- writers ---- */

static void test_writer_holds_it(void **state)
{
        int fd;

        (void)state;
        driver_write(&driver, "outside/page.html", "genuine:held.html\n");
        fd = open(at("outside/page.html"), O_RDWR | O_CLOEXEC);
        assert_int_equal(rename(at("outside/page.html"), at("tree/held.html")), 0);
        assert_int_equal(driver_visit(&driver, "tree/held.html"), VISIT_REFUSED);
        assert_told(GATE_WRITER);
        close(fd);
        assert_int_equal(driver_visit(&driver, "tree/held.html"), VISIT_GENUINE);
}

static void test_mapping_over_the_check(void **state)
{
        char *bytes;
        int fd;

        (void)state;
        driver_write(&driver, "outside/page.html", "genuine:mapped.html\n");
        fd = open(at("outside/page.html"), O_RDWR | O_CLOEXEC);
        bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        assert_true(bytes != MAP_FAILED);
        assert_int_equal(rename(at("outside/page.html"), at("tree/mapped.html")), 0);
        assert_int_equal(driver_visit(&driver, "tree/mapped.html"), VISIT_REFUSED);
        assert_told(GATE_WRITER);
        memcpy(bytes, "malware", 7); /* no event tells of that */
        munmap(bytes, 4096);
        assert_int_equal(driver_visit(&driver, "tree/mapped.html"), VISIT_REFUSED);
        assert_told(GATE_DIFFERS);
}

/* A writer comes while the page is being hashed: he is not held up, and the verdict counts no more. */
static void test_writer_during_the_question(void **state)
{
        pid_t visitor;
        int status;

        (void)state;
        driver_put(&driver, "hangs.html", true);
        visitor = fork();
        if (visitor == 0)
                _exit(driver_visit(&driver, "tree/hangs.html"));
        usleep(200000);
        assert_int_equal(truncate(at("tree/hangs.html"), 2),
                         0); /* an open would wait for the verdict with the others */
        assert_int_equal(truncate(at("tree/hangs.html"), sizeof("genuine:hangs.html\n") - 1), 0); /* zeros now */
        assert_int_equal(waitpid(visitor, &status, 0), visitor);
        assert_int_equal(WEXITSTATUS(status), VISIT_REFUSED);
        assert_told(GATE_WRITER);
}

/* The page gets another page's name while it is being hashed: the verdict must not count there. */
static void test_renamed_during_the_question(void **state)
{
        pid_t visitor;

        (void)state;
        driver_put(&driver, "hangs.html", true);
        driver_watch(&driver, "tree");
        visitor = fork();
        if (visitor == 0)
                _exit(driver_visit(&driver, "tree/hangs.html"));
        usleep(300000);
        assert_int_equal(rename(at("tree/hangs.html"), at("tree/other.html")), 0);
        assert_true(driver_report(&driver, GATE_NAMES, 5000));
        assert_int_equal(waitpid(visitor, NULL, 0), visitor);
        assert_int_equal(driver_visit(&driver, "tree/other.html"), VISIT_REFUSED);
        assert_told(GATE_DIFFERS);
}

/* Whoever was let in before the writer came may not have his bytes yet: the writer waits for him. */
static void test_writer_waits_for_readers(void **state)
{
        struct timespec before, after;
        int64_t took_ms;

        (void)state;
        clock_gettime(CLOCK_MONOTONIC, &before);
        assert_int_equal(truncate(at("tree/page.html"), 2), 0);
        clock_gettime(CLOCK_MONOTONIC, &after);
        took_ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
        assert_true(took_ms >= 45);
        assert_true(driver_report(&driver, GATE_TOUCHED, 5000));
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_REFUSED);
        assert_no_leak();
}

/* More writers at once than signals can be queued: then the kernel says only that there are some. */
static void test_too_many_signals(void **state)
{
        static const char *const pages[] = { "tree/page.html", "tree/other.html", "tree/third.html" };
        const struct rlimit none = { 0, 0 };

        (void)state;
        driver_put(&driver, "third.html", true);
        for (size_t i = 0; i < LENGTH(pages); i++)
                assert_int_equal(driver_visit(&driver, pages[i]), VISIT_GENUINE);
        assert_int_equal(driver_sync(&driver).remembered, 3);
        assert_int_equal(prlimit(driver.gate, RLIMIT_SIGPENDING, &none, NULL), 0);
        kill(driver.gate, SIGSTOP);
        for (size_t i = 0; i < LENGTH(pages); i++)
                assert_int_equal(driver_open_error(at(pages[i]), O_WRONLY | O_NONBLOCK), EWOULDBLOCK);
        kill(driver.gate, SIGCONT);
        for (size_t i = 0; i < LENGTH(pages); i++)
                assert_true(driver_report(&driver, GATE_TOUCHED, 5000));
        assert_int_equal(driver_sync(&driver).remembered, 0);
}

/* ---- what stays open, as SECURITY.md says ---- */

static void test_old_descriptor(void **state)
{
        char found[8] = "";
        int fd = open(at("tree/page.html"), O_RDONLY | O_CLOEXEC);

        (void)state;
        assert_true(fd >= 0);
        change(at("tree/page.html"), by_write);
        assert_int_equal(pread(fd, found, 7, 0), 7);
        assert_string_equal(found, "malware"); /* read, not opened: only a newer kernel asks then */
        close(fd);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_REFUSED);
}

/* Where the kernel asks before each read and write, an old descriptor is no way round either. */
static void test_asked_before_each_read(void **state)
{
        char found[8] = "";
        int old, writer;

        (void)state;
        driver_stop(&driver);
        if (!driver_ask(&driver, true)) {
                print_message("# this kernel does not ask before each read\n");
                assert_true(driver_ask(&driver, false));
                return;
        }
        driver_start(&driver);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        old = open(at("tree/page.html"), O_RDONLY | O_CLOEXEC);
        writer = open(at("tree/page.html"), O_WRONLY | O_CLOEXEC);
        assert_true(old >= 0 && writer >= 0);
        assert_int_equal(pwrite(writer, "malware", 7, 0), -1);
        assert_int_equal(errno, EPERM);
        assert_int_equal(pread(old, found, 7, 0), -1);
        assert_int_equal(errno, EPERM);
        assert_told(GATE_WRITER);
        close(writer);
        assert_int_equal(pread(old, found, 7, 0), 7);
        assert_string_equal(found, "genuine");
        assert_int_equal(truncate(at("tree/page.html"), 3), 0);
        assert_int_equal(pread(old, found, 7, 0), -1);
        close(old);
        driver_stop(&driver);
        assert_true(driver_ask(&driver, false));
}

static void test_symlink_to_outside(void **state)
{
        (void)state;
        driver_write(&driver, "outside/bad", "malware");
        assert_int_equal(symlink(at("outside/bad"), at("tree/link.html")), 0);
        assert_int_equal(driver_visit(&driver, "tree/link.html"), VISIT_TAMPERED);
        assert_int_equal(unlink(at("tree/link.html")), 0);
}

/* ---- other kinds of files, areas, exceptions ---- */

static void test_no_regular_file(void **state)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)state;
        assert_int_equal(mkfifo(at("tree/fifo"), 0644), 0);
        assert_int_equal(driver_open_error(at("tree/fifo"), O_RDWR), 0);
        assert_int_equal(driver_open_error(at("tree/fifo"), O_RDONLY | O_NONBLOCK), 0);
        assert_int_equal(chdir(at("tree")), 0);
        memcpy(address.sun_path, "socket", 7);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(chdir("/"), 0);
        assert_int_not_equal(driver_open_error(at("tree/socket"), O_RDONLY), 0);
        assert_int_equal(driver_open_error(at("tree"), O_RDONLY | O_DIRECTORY), 0);
        close(fd);
        assert_int_equal(unlink(at("tree/socket")), 0);
        assert_int_equal(unlink(at("tree/fifo")), 0);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
}

static void test_area(void **state)
{
        uint64_t before = asked();

        (void)state;
        driver_write(&driver, "area/upload.jpg", "anything"); /* may be written, is asked about */
        driver_write(&driver, "area/upload.jpg", "something else");
        assert_int_equal(driver_open_error(at("area/upload.jpg"), O_RDONLY), 0);
        assert_int_equal(asked(), before + 3);
        assert_int_equal(driver_open_error(at("area/shell.php"), O_WRONLY | O_CREAT), EPERM);
        assert_told(GATE_BREACH);
        assert_int_equal(driver.report.tree, 1);
}

static void test_exempt_program(void **state)
{
        struct stat st;
        pid_t pid;
        int status;

        (void)state;
        assert_int_equal(stat("/proc/self/exe", &st), 0);
        driver_stop(&driver);
        driver.setup.program_device = st.st_dev;
        driver.setup.program_inode = st.st_ino;
        driver_put(&driver, "planted.html", false);
        driver_start(&driver);
        assert_int_equal(driver_visit(&driver, "tree/planted.html"), VISIT_TAMPERED);
        assert_int_equal(driver_sync(&driver).remembered, 0);
        pid = fork();
        if (pid == 0) {
                if (setuid(65534) < 0)
                        _exit(VISIT_FAILED);
                _exit(driver_visit(&driver, "tree/planted.html"));
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), VISIT_REFUSED); /* the same program, run by somebody else */
}

/* ---- many ---- */

static void test_over_budget(void **state)
{
        char name[32];

        (void)state;
        driver_stop(&driver);
        driver.setup.cache_files = 20;
        driver_start(&driver);
        for (int round = 0; round < 2; round++)
                for (int i = 0; i < 100; i++) {
                        snprintf(name, sizeof(name), "many%d.html", i);
                        if (round == 0)
                                driver_put(&driver, name, true);
                        snprintf(name, sizeof(name), "tree/many%d.html", i);
                        assert_int_equal(driver_visit(&driver, name), VISIT_GENUINE);
                }
        assert_int_equal(driver_sync(&driver).remembered, 20);
        assert_int_equal(driver.report.counters.asked, 200);
        change(at("tree/many99.html"), by_write);
        assert_int_equal(driver_visit(&driver, "tree/many99.html"), VISIT_REFUSED);
}

static void test_one_question_for_many(void **state)
{
        pid_t visitors[40];
        uint64_t before = asked();
        int status;

        (void)state;
        driver_put(&driver, "slow.html", true);
        for (size_t i = 0; i < LENGTH(visitors); i++) {
                visitors[i] = fork();
                if (visitors[i] == 0)
                        _exit(driver_visit(&driver, "tree/slow.html"));
        }
        for (size_t i = 0; i < LENGTH(visitors); i++) {
                assert_int_equal(waitpid(visitors[i], &status, 0), visitors[i]);
                assert_int_equal(WEXITSTATUS(status), VISIT_GENUINE);
        }
        assert_int_equal(asked(), before + 1);
}

/* More at once than it has descriptors for: who finds no room is refused, and nobody waits for ever. */
static void test_no_room(void **state)
{
        pid_t visitors[100];
        int status, genuine = 0, refused = 0;
        char name[32];

        (void)state;
        driver_stop(&driver);
        driver.descriptors = 320; /* 40 may wait */
        driver.setup.verdict_ms = 60000;
        for (size_t i = 0; i < LENGTH(visitors); i++) {
                snprintf(name, sizeof(name), "room%zu.html", i);
                driver_put(&driver, name, true);
        }
        driver_start(&driver);
        for (unsigned int i = 0; i < DRIVER_VERIFIERS; i++)
                kill(driver.verifiers[i], SIGSTOP);
        for (size_t i = 0; i < LENGTH(visitors); i++) {
                snprintf(name, sizeof(name), "tree/room%zu.html", i);
                visitors[i] = fork();
                if (visitors[i] == 0)
                        _exit(driver_visit_path(at(name), 60000));
        }
        assert_told(GATE_NO_ROOM);
        driver_write(&driver, "outside/x", "malware");
        assert_int_equal(driver_visit(&driver, "outside/x"), VISIT_TAMPERED); /* who is not concerned is not held up */
        for (unsigned int i = 0; i < DRIVER_VERIFIERS; i++)
                kill(driver.verifiers[i], SIGCONT);
        for (size_t i = 0; i < LENGTH(visitors); i++) {
                assert_int_equal(waitpid(visitors[i], &status, 0), visitors[i]);
                genuine += WEXITSTATUS(status) == VISIT_GENUINE;
                refused += WEXITSTATUS(status) == VISIT_REFUSED;
        }
        assert_int_equal(genuine + refused, LENGTH(visitors));
        assert_true(genuine >= 40);
        assert_true(refused >= 1);
        assert_int_equal(driver_visit(&driver, "tree/room0.html"), VISIT_GENUINE);
}

static int run(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_known, begin, end),
                cmocka_unit_test_setup_teardown(test_differs, begin, end),
                cmocka_unit_test_setup_teardown(test_outside, begin, end),
                cmocka_unit_test_setup_teardown(test_told, begin, end),
                cmocka_unit_test_setup_teardown(test_changed, begin, end),
                cmocka_unit_test_setup_teardown(test_truncated_by_name, begin, end),
                cmocka_unit_test_setup_teardown(test_emptied_by_reader, begin, end),
                cmocka_unit_test_setup_teardown(test_written_through_outside_link, begin, end),
                cmocka_unit_test_setup_teardown(test_replaced, begin, end),
                cmocka_unit_test_setup_teardown(test_replaced_by_another_page, begin, end),
                cmocka_unit_test_setup_teardown(test_linked_twice, begin, end),
                cmocka_unit_test_setup_teardown(test_chmod_is_not_content, begin, end),
                cmocka_unit_test_setup_teardown(test_writer_holds_it, begin, end),
                cmocka_unit_test_setup_teardown(test_mapping_over_the_check, begin, end),
                cmocka_unit_test_setup_teardown(test_writer_during_the_question, begin, end),
                cmocka_unit_test_setup_teardown(test_writer_waits_for_readers, begin, end),
                cmocka_unit_test_setup_teardown(test_renamed_during_the_question, begin, end),
                cmocka_unit_test_setup_teardown(test_too_many_signals, begin, end),
                cmocka_unit_test_setup_teardown(test_old_descriptor, begin, end),
                cmocka_unit_test_setup_teardown(test_asked_before_each_read, begin, end),
                cmocka_unit_test_setup_teardown(test_symlink_to_outside, begin, end),
                cmocka_unit_test_setup_teardown(test_no_regular_file, begin, end),
                cmocka_unit_test_setup_teardown(test_area, begin, end),
                cmocka_unit_test_setup_teardown(test_exempt_program, begin, end),
                cmocka_unit_test_setup_teardown(test_over_budget, begin, end),
                cmocka_unit_test_setup_teardown(test_one_question_for_many, begin, end),
                cmocka_unit_test_setup_teardown(test_no_room, begin, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
        return gate_tests(argc, argv, run);
}
