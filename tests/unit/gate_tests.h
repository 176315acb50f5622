/* gate_tests.h - what the gate's test programs share: one driver, and for each test a gate that knows two pages. */
#ifndef TESTS_UNIT_GATE_TESTS_H
#define TESTS_UNIT_GATE_TESTS_H

#include "tests.h"

#include <dirent.h>

#include "support/gate_driver.h"

static struct driver driver;

static inline const char *at(const char *path)
{
        return driver_path(&driver, path);
}

static int begin(void **state)
{
        (void)state;
        driver_put(&driver, "page.html", true);
        driver_put(&driver, "other.html", true);
        driver_start(&driver);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        return 0;
}

static int end(void **state)
{
        (void)state;
        driver_stop(&driver);
        driver.setup = (struct gate_setup){ .verb = GATE_SETUP, .verdict_ms = 2000 };
        driver.descriptors = 0;
        return 0;
}

/* The next refusal that is told has this reason; its path is in driver.report. */
static inline void assert_told(enum gate_reason reason)
{
        assert_true(driver_report(&driver, GATE_REFUSED, 5000));
        assert_int_equal(driver.report.reason, reason);
}

static inline uint64_t asked(void)
{
        return driver_sync(&driver).asked;
}

/* What counts no more is given back by and by. */
static inline void assert_remembered(uint64_t expected)
{
        for (int i = 0; i < 500 && driver_sync(&driver).remembered != expected; i++)
                usleep(10000);
        assert_int_equal(driver.report.counters.remembered, expected);
}

/* Every descriptor of the gate is accounted for. */
static inline void assert_no_leak(void)
{
        const uint64_t remembered = driver_sync(&driver).remembered;
        char path[64];
        uint64_t count = 0;
        DIR *folder;

        assert_int_equal(driver.report.counters.pending, 0);
        snprintf(path, sizeof(path), "/proc/%d/fd", driver.gate);
        folder = opendir(path);
        assert_non_null(folder);
        while (readdir(folder))
                count++;
        closedir(folder);
        /* Those it was started with (0 to 6), signals, /proc and /proc/self/fd, tree, area, verifiers; and . and .. */
        assert_in_range(count, remembered, remembered + 7 + 3 + 2 + DRIVER_VERIFIERS + 2);
}

/* main() of each. */
static int gate_tests(int argc, char **argv, int (*run)(void))
{
        int failed;

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
        driver_begin(&driver, argv[1]);
        failed = run();
        driver_end(&driver);
        return failed;
}

#endif
