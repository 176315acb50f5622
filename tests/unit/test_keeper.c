/* keeper.c - a gate that dies or stops is replaced, opens wait meanwhile, and nothing passes that breaks a rule. */
#include "tests.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/attributes.h"
#include "guard/keeper.h"
#include "support/gate_driver.h"

static struct driver driver; /* for its file system: the keeper under test has groups of its own */
static struct keeper *keeper;
static const char *program;
static int lock = -1;

/* Areas need no release: words may be read, programs may not. */
static struct verifier_tree trees[GATE_TREES] = { [0] = { .area = true }, [1] = { .area = true } };

static int begin(void **state)
{
        struct keeper_options options = { .program = program,
                                          .silence_ms = 2000,
                                          .verdict_ms = 30000, /* of a busy machine */
                                          .verifiers = 2 };
        struct error error = ERROR_NONE;
        bool reads = false;
        int folder, r;

        (void)state;
        driver_write(&driver, "area/words.txt", "words\n");
        driver_write(&driver, "area/program.php", "<?php\n");
        driver_write(&driver, "outside/program.php", "<?php\n");
        options.lock = lock = open(driver_path(&driver, "../lock"), O_RDWR | O_CLOEXEC);
        r = keeper_open(&options, &keeper, &error);
        folder = open(driver_path(&driver, "area"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (r == 0)
                r = keeper_tree(keeper, 0, true, driver_path(&driver, "area"), folder, 1, &error);
        if (r == 0)
                r = keeper_verifiers(keeper, trees, &error);
        if (r == 0)
                r = keeper_guard_file_system(keeper, folder, &reads, &error);
        close(folder);
        if (r < 0)
                fprintf(stderr, "# %s\n", error.text);
        return r;
}

static int end(void **state)
{
        (void)state;
        keeper_close(keeper);
        keeper = NULL;
        close(lock);
        return 0;
}

/* A visitor in a process of its own: 0, or the errno of its open; -1 when there was no answer in time. */
static int visit(const char *path)
{
        pid_t pid = fork();
        int status = -1;

        if (pid == 0) {
                int fd;

                alarm(60);
                fd = open(driver_path(&driver, path), O_RDONLY | O_CLOEXEC);
                _exit(fd >= 0 ? 0 : errno);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Our child with this name, as ps shows it; 0: there is none. */
static pid_t child_named(const char *name)
{
        DIR *proc = opendir("/proc");
        const struct dirent *entry;
        pid_t found = 0;

        while (proc && !found && (entry = readdir(proc))) {
                char path[300], text[256] = "", comm[64] = "";
                int pid = (int)strtol(entry->d_name, NULL, 10), parent = 0;
                FILE *file;

                if (pid <= 0)
                        continue;
                snprintf(path, sizeof(path), "/proc/%d/stat", pid);
                file = fopen(path, "re");
                if (!file)
                        continue;
                if (fgets(text, sizeof(text), file) && sscanf(text, "%*d (%63[^)]) %*c %d", comm, &parent) == 2 &&
                    parent == getpid() && strcmp(comm, name) == 0)
                        found = pid;
                fclose(file);
        }
        if (proc)
                closedir(proc);
        return found;
}

static pid_t gate_pid(void)
{
        return child_named("understudy-gate");
}

/* The next report with this verb; false when none came for a minute. */
static bool reported(uint32_t verb, struct gate_report *report)
{
        struct pollfd wait = { .fd = keeper_fd(keeper), .events = POLLIN };

        while (poll(&wait, 1, 60000) > 0) {
                ssize_t n = recv(keeper_fd(keeper), report, sizeof(*report), MSG_DONTWAIT);

                if (n > 0 && keeper_is_report(report, (size_t)n) && report->verb == verb)
                        return true;
        }
        return false;
}

static void rules_hold(void)
{
        assert_int_equal(visit("area/words.txt"), 0);
        assert_int_equal(visit("area/program.php"), EPERM);
        assert_int_equal(visit("outside/program.php"), 0);
}

static void what_breaks_a_rule_is_refused_and_told(void **state)
{
        static struct gate_report report;

        (void)state;
        rules_hold();
        assert_true(reported(GATE_REFUSED, &report));
        assert_int_equal(report.reason, GATE_BREACH);
        assert_int_equal(report.tree, 0);
        assert_int_equal(report.path_length, strlen("program.php"));
        assert_memory_equal(report.path, "program.php", report.path_length);
        assert_false(keeper_lost_reports(keeper));
}

static void the_gate_has_a_name(void **state)
{
        (void)state;
        assert_true(gate_pid() > 0);
}

static void a_gate_that_is_killed_is_replaced(void **state)
{
        static struct gate_report report;
        pid_t before = gate_pid();

        (void)state;
        for (int i = 0; i < 3; i++) {
                assert_int_equal(kill(gate_pid(), SIGKILL), 0);
                rules_hold(); /* at once: opens wait for the next one */
                assert_true(reported(KEEPER_REPLACED, &report));
        }
        assert_true(gate_pid() > 0);
        assert_int_not_equal(gate_pid(), before);
}

static void a_gate_that_is_stopped_is_replaced(void **state)
{
        static struct gate_report report;
        pid_t before = gate_pid();

        (void)state;
        assert_int_equal(kill(before, SIGSTOP), 0);
        rules_hold();
        assert_true(reported(KEEPER_REPLACED, &report));
        assert_true(report.argument >= 2000);
        assert_int_not_equal(gate_pid(), before);
}

static void verifiers_that_die_are_told_and_given_anew(void **state)
{
        static struct gate_report report;

        (void)state;
        /* The verifiers have our own name. */
        for (pid_t pid; (pid = child_named(DRIVER_NAME)) > 0;) {
                assert_int_equal(kill(pid, SIGKILL), 0);
                assert_int_equal(waitpid(pid, NULL, 0), pid);
        }
        assert_true(reported(GATE_GONE, &report));
        assert_true(reported(GATE_GONE, &report));
        assert_int_equal(keeper_verifiers(keeper, trees, NULL), 0);
        rules_hold();
}

static void a_tree_that_is_gone_is_nobodys_business(void **state)
{
        (void)state;
        trees[0].gone = true;
        assert_int_equal(keeper_verifiers(keeper, trees, NULL), 0);
        assert_int_equal(visit("area/program.php"), 0);
        trees[0].gone = false;
        assert_int_equal(keeper_verifiers(keeper, trees, NULL), 0);
        rules_hold();
}

static void an_area_can_come_later(void **state)
{
        int folder = open(driver_path(&driver, "outside"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        (void)state;
        rules_hold();
        assert_int_equal(keeper_tree(keeper, 1, true, driver_path(&driver, "outside"), folder, 2, NULL), 0);
        close(folder);
        assert_int_equal(visit("outside/program.php"), EPERM);
        assert_int_equal(kill(gate_pid(), SIGKILL), 0); /* its successor is told of it, too */
        assert_int_equal(visit("outside/program.php"), EPERM);
}

static void counters_come_with_pings(void **state)
{
        struct gate_counters counters = { 0 };

        (void)state;
        rules_hold();
        /* A ping may have asked between two of the visits. */
        for (int i = 0; i < 1200 && (counters.refused == 0 || counters.outside == 0); i++) {
                usleep(50000);
                keeper_counters(keeper, &counters);
        }
        assert_true(counters.refused >= 1);
        assert_true(counters.outside >= 1);
}

static void without_a_keeper_everything_passes(void **state)
{
        (void)state;
        rules_hold();
        keeper_close(keeper);
        keeper = NULL;
        assert_int_equal(visit("area/program.php"), 0);
        assert_int_equal(gate_pid(), 0);
}

int main(int argc, char *argv[])
{
#define KEEPER_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
        const struct CMUnitTest tests[] = {
                KEEPER_TEST(what_breaks_a_rule_is_refused_and_told),
                KEEPER_TEST(the_gate_has_a_name),
                KEEPER_TEST(a_gate_that_is_killed_is_replaced),
                KEEPER_TEST(a_gate_that_is_stopped_is_replaced),
                KEEPER_TEST(verifiers_that_die_are_told_and_given_anew),
                KEEPER_TEST(a_tree_that_is_gone_is_nobodys_business),
                KEEPER_TEST(an_area_can_come_later),
                KEEPER_TEST(counters_come_with_pings),
                KEEPER_TEST(without_a_keeper_everything_passes),
        };
        int status;

        if (argc != 2) {
                fprintf(stderr, "usage: %s GATE\n", argv[0]);
                return 2;
        }
        if (geteuid() != 0) {
                printf("1..0 # SKIP only root can ask the kernel to ask\n");
                return 0;
        }
        if (tests_under_valgrind())
                return 0;
        program = argv[1];
        driver_begin(&driver, program);
        program = driver.program;
        status = cmocka_run_group_tests(tests, NULL, NULL);
        driver_end(&driver);
        return status;
}
