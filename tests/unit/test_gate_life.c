/* test_gate_life.c - verifiers, gates and guards that die, hang or lie: who opens a file waits, or is refused. */

#include "gate_tests.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#else
#define SANITIZED false
#endif

static pid_t send_visitor(const char *path)
{
        pid_t pid = fork();

        if (pid == 0)
                _exit(driver_visit(&driver, path));
        return pid;
}

static enum visit visit_of(pid_t visitor)
{
        int status;

        assert_int_equal(waitpid(visitor, &status, 0), visitor);
        return WIFEXITED(status) ? (enum visit)WEXITSTATUS(status) : VISIT_FAILED;
}

static bool still_waits(pid_t visitor)
{
        return waitpid(visitor, NULL, WNOHANG) == 0;
}

static int gate_status(int timeout_ms)
{
        int status = 0;

        for (int i = 0; i < timeout_ms / 10; i++) {
                if (waitpid(driver.gate, &status, WNOHANG) == driver.gate) {
                        driver.gate = -1;
                        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
                }
                usleep(10000);
        }
        return -1;
}

static void stop_verifiers(int signal)
{
        for (unsigned int i = 0; i < DRIVER_VERIFIERS; i++)
                kill(driver.verifiers[i], signal);
}

/* ---- verifiers ---- */

/* Both hash; one is killed over it, and the other is asked the same again. */
static void test_verifier_killed(void **state)
{
        pid_t visitors[2];

        (void)state;
        driver_put(&driver, "hangs1.html", true);
        driver_put(&driver, "hangs2.html", true);
        visitors[0] = send_visitor("tree/hangs1.html");
        visitors[1] = send_visitor("tree/hangs2.html");
        usleep(200000);
        kill(driver.verifiers[0], SIGKILL);
        assert_true(driver_report(&driver, GATE_GONE, 5000));
        assert_int_equal(driver.report.argument, 0);
        assert_int_equal(visit_of(visitors[0]), VISIT_GENUINE);
        assert_int_equal(visit_of(visitors[1]), VISIT_GENUINE);
        driver_verifier(&driver, 0);
        driver_request(&driver, GATE_VERIFIER, 0, 0, "", driver.sockets[0]);
        assert_int_equal(driver_visit(&driver, "tree/other.html"), VISIT_GENUINE);
}

static void test_no_verifier(void **state)
{
        pid_t visitor;

        (void)state;
        for (unsigned int i = 0; i < DRIVER_VERIFIERS; i++)
                kill(driver.verifiers[i], SIGKILL);
        assert_true(driver_report(&driver, GATE_GONE, 5000));
        visitor = send_visitor("tree/other.html");
        usleep(300000);
        assert_true(still_waits(visitor));
        driver_verifier(&driver, 1);
        driver_request(&driver, GATE_VERIFIER, 0, 1, "", driver.sockets[1]);
        assert_int_equal(visit_of(visitor), VISIT_GENUINE);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
}

static void test_late(void **state)
{
        (void)state;
        for (uint32_t allow = 0; allow < 2; allow++) {
                driver_stop(&driver);
                driver.setup.verdict_ms = 300;
                driver.setup.late_allow = allow;
                driver_start(&driver);
                stop_verifiers(SIGSTOP);
                assert_int_equal(driver_visit(&driver, "tree/other.html"), allow ? VISIT_GENUINE : VISIT_REFUSED);
                assert_true(driver_report(&driver, GATE_SLOW, 5000));
                assert_told(GATE_LATE);
                assert_int_equal(driver.report.argument, allow ? GATE_BY_DEFAULT : 0);
                stop_verifiers(SIGCONT);
                /* The answer that is still owed comes, is nothing new, and they are asked again. */
                assert_int_equal(driver_visit(&driver, "tree/other.html"), VISIT_GENUINE);
                assert_int_equal(driver_sync(&driver).late, 1);
                assert_int_equal(driver.report.counters.remembered, 1);
        }
}

static void test_nonsense(void **state)
{
        (void)state;
        driver_put(&driver, "nonsense.html", true);
        assert_int_equal(driver_visit(&driver, "tree/nonsense.html"), VISIT_REFUSED); /* both said it, both are gone */
        assert_told(GATE_LATE);
        driver_verifier(&driver, 0);
        driver_request(&driver, GATE_VERIFIER, 0, 0, "", driver.sockets[0]);
        assert_int_equal(driver_visit(&driver, "tree/other.html"), VISIT_GENUINE);
}

static void test_verifier_sends_garbage(void **state)
{
        int ends[2];

        (void)state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        driver_request(&driver, GATE_VERIFIER, 0, 5, "", ends[0]);
        assert_int_equal(send(ends[1], "garbage", 7, 0), 7);
        assert_true(driver_report(&driver, GATE_GONE, 5000));
        assert_int_equal(driver.report.argument, 5);
        assert_int_equal(driver_visit(&driver, "tree/other.html"), VISIT_GENUINE);
        close(ends[0]);
        close(ends[1]);
}

/* ---- the gate ---- */

/* Killed with a question open: who asked waits for the successor, which refuses, for it knows nothing of him. */
static void test_gate_killed(void **state)
{
        pid_t visitors[2];

        (void)state;
        driver_put(&driver, "hangs.html", true);
        visitors[0] = send_visitor("tree/hangs.html"); /* the dead gate had taken that */
        usleep(200000);
        kill(driver.gate, SIGKILL);
        assert_int_equal(gate_status(5000), 128 + SIGKILL);
        visitors[1] = send_visitor("tree/other.html"); /* nobody has taken that */
        usleep(500000);
        assert_true(still_waits(visitors[0]));
        assert_true(still_waits(visitors[1]));
        driver_spawn(&driver);
        driver_tell(&driver);
        assert_int_equal(visit_of(visitors[0]), VISIT_REFUSED);
        assert_int_equal(visit_of(visitors[1]), VISIT_GENUINE);
        assert_int_equal(driver_visit(&driver, "tree/hangs.html"), VISIT_GENUINE);
}

/* What the dead gate knew was held by its leases: stores through a mapping take no mark away. */
static void test_gate_killed_over_a_writer(void **state)
{
        char *bytes;
        int fd;

        (void)state;
        kill(driver.gate, SIGKILL);
        assert_int_equal(gate_status(5000), 128 + SIGKILL);
        fd = open(at("tree/page.html"), O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        bytes = mmap(NULL, 7, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_true(bytes != MAP_FAILED);
        memcpy(bytes, "malware", 7);
        munmap(bytes, 7);
        close(fd);
        driver_spawn(&driver);
        driver_tell(&driver);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_REFUSED);
        assert_told(GATE_DIFFERS);
}

static void test_gate_stopped(void **state)
{
        pid_t visitors[2];

        (void)state;
        driver_write(&driver, "outside/x", "malware");
        kill(driver.gate, SIGSTOP);
        visitors[0] = send_visitor("tree/other.html");
        visitors[1] = send_visitor("outside/x");
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE); /* known: nobody is asked */
        usleep(300000);
        assert_true(still_waits(visitors[0]));
        assert_true(still_waits(visitors[1]));
        kill(driver.gate, SIGCONT);
        assert_int_equal(visit_of(visitors[0]), VISIT_GENUINE);
        assert_int_equal(visit_of(visitors[1]), VISIT_TAMPERED);
}

static void test_signals_do_not_end_it(void **state)
{
        static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGQUIT };

        (void)state;
        for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
                kill(driver.gate, signals[i]);
        assert_int_equal(driver_visit(&driver, "tree/other.html"), VISIT_GENUINE);
}

static void test_stop(void **state)
{
        pid_t visitor;

        (void)state;
        driver_put(&driver, "hangs.html", true);
        visitor = send_visitor("tree/hangs.html");
        usleep(200000);
        driver_request(&driver, GATE_STOP, 0, 0, "", -1);
        assert_int_equal(visit_of(visitor), VISIT_GENUINE);
        assert_int_equal(gate_status(5000), 0);
}

static void test_mistakes_of_the_guard(void **state)
{
        static const struct gate_request wrong[] = {
                {.verb = 99},
                {                   .verb = GATE_TREE        },
                { .verb = GATE_FORGET,         .tree = GATE_TREES },
                {          .verb = GATE_PING,         .path_length = 5 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                assert_true(send(driver.channel, &wrong[i], offsetof(struct gate_request, path) + 1, 0) > 0);
                assert_int_equal(gate_status(5000), 70);
                driver_spawn(&driver);
                driver_tell(&driver);
        }
}

/* A guard that does not read holds nobody up. */
static void test_reports_are_lost(void **state)
{
        uint64_t lost;

        (void)state;
        driver_put(&driver, "planted.html", false);
        for (int i = 0; i < 50; i++) {
                pid_t visitor = fork();

                if (visitor == 0) {
                        for (int j = 0; j < 20; j++)
                                if (open(at("tree/planted.html"), O_RDONLY | O_CLOEXEC) >= 0)
                                        _exit(VISIT_FAILED);
                        _exit(VISIT_REFUSED);
                }
                assert_int_equal(visit_of(visitor), VISIT_REFUSED);
        }
        while (driver_report(&driver, GATE_REFUSED, 100))
                ;
        lost = driver_sync(&driver).lost_reports;
        assert_true(lost > 0);
        assert_int_equal(driver.report.counters.refused, 1000);
}

/* ---- the guard ---- */

static void test_orphan(void **state)
{
        pid_t visitor;

        (void)state;
        assert_int_equal(flock(driver.serves, LOCK_UN), 0); /* the guard is dead */
        close(driver.channel);
        driver.channel = -1;
        usleep(200000);
        driver_put(&driver, "planted.html", false);
        assert_int_equal(driver_visit(&driver, "tree/planted.html"), VISIT_REFUSED);
        assert_int_equal(driver_visit(&driver, "tree/other.html"), VISIT_GENUINE);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        driver_put(&driver, "hangs.html", true);
        visitor = send_visitor("tree/hangs.html");
        usleep(200000);
        assert_int_equal(gate_status(100), -1);
        assert_int_equal(flock(driver.serves, LOCK_EX), 0); /* another guard is in charge */
        assert_int_equal(gate_status(5000), 0);
        assert_int_equal(visit_of(visitor), VISIT_REFUSED);
}

/* Nobody could ever send another verifier: who opens need not wait for the end of his time. */
static void test_orphan_without_verifiers(void **state)
{
        (void)state;
        driver_stop(&driver);
        driver.setup.verdict_ms = 60000;
        driver_start(&driver);
        assert_int_equal(flock(driver.serves, LOCK_UN), 0);
        close(driver.channel);
        driver.channel = -1;
        for (unsigned int i = 0; i < DRIVER_VERIFIERS; i++)
                kill(driver.verifiers[i], SIGKILL);
        assert_int_equal(driver_visit(&driver, "tree/other.html"), VISIT_REFUSED);
        assert_int_equal(flock(driver.serves, LOCK_EX), 0);
        assert_int_equal(gate_status(5000), 0);
}

/* ---- what it is ---- */

static void test_linked_to_nothing(void **state)
{
        Elf64_Ehdr head;
        Elf64_Phdr part;
        int fd = open(driver.program, O_RDONLY | O_CLOEXEC);

        (void)state;
        if (SANITIZED)
                return;
        assert_int_equal(pread(fd, &head, sizeof(head), 0), sizeof(head));
        for (int i = 0; i < head.e_phnum; i++) {
                assert_int_equal(pread(fd, &part, sizeof(part), (off_t)(head.e_phoff + i * sizeof(part))),
                                 sizeof(part));
                assert_int_not_equal(part.p_type, PT_INTERP); /* a loader would open files, and wait for itself */
        }
        close(fd);
}

static void test_powers_that_are_left(void **state)
{
        char path[64], text[4096] = "";
        int fd;

        (void)state;
        snprintf(path, sizeof(path), "/proc/%d/status", driver.gate);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(read(fd, text, sizeof(text) - 1) > 0);
        close(fd);
        assert_non_null(strstr(text, "CapPrm:\t0000000010080004\nCapEff:\t0000000010080004\n")); /* three */
        assert_non_null(strstr(text, "NoNewPrivs:\t1\n"));
        if (SANITIZED)
                return;
        assert_non_null(strstr(text, "Seccomp:\t2\n")); /* no call that makes memory is left, so nothing is allocated */
        assert_null(strstr(text, "VmLck:\t       0 kB"));
}

static int run(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_verifier_killed, begin, end),
                cmocka_unit_test_setup_teardown(test_no_verifier, begin, end),
                cmocka_unit_test_setup_teardown(test_late, begin, end),
                cmocka_unit_test_setup_teardown(test_nonsense, begin, end),
                cmocka_unit_test_setup_teardown(test_verifier_sends_garbage, begin, end),
                cmocka_unit_test_setup_teardown(test_gate_killed, begin, end),
                cmocka_unit_test_setup_teardown(test_gate_killed_over_a_writer, begin, end),
                cmocka_unit_test_setup_teardown(test_gate_stopped, begin, end),
                cmocka_unit_test_setup_teardown(test_signals_do_not_end_it, begin, end),
                cmocka_unit_test_setup_teardown(test_stop, begin, end),
                cmocka_unit_test_setup_teardown(test_mistakes_of_the_guard, begin, end),
                cmocka_unit_test_setup_teardown(test_reports_are_lost, begin, end),
                cmocka_unit_test_setup_teardown(test_orphan, begin, end),
                cmocka_unit_test_setup_teardown(test_orphan_without_verifiers, begin, end),
                cmocka_unit_test_setup_teardown(test_linked_to_nothing, begin, end),
                cmocka_unit_test_setup_teardown(test_powers_that_are_left, begin, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
        return gate_tests(argc, argv, run);
}
