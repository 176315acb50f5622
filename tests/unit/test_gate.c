/*
 * test_gate.c - the gate with a guard and verifiers that the test plays, on a file system of its own (root only).
 *
 * Every row of the design's list of what fires and what is silent, seen from a visitor: what bytes does he get?
 */

#include "tests.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/gate_driver.h"

static struct driver driver;

static const char *at(const char *path)
{
        return driver_path(&driver, path);
}

/* Every test has a gate of its own, and a genuine page that is known by then. */
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

static uint64_t asked(void)
{
        return driver_sync(&driver).asked;
}

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
        assert_int_equal(driver_sync(&driver).remembered, 0);
        assert_int_equal(driver_visit(&driver, "tree/page.html"), VISIT_GENUINE);
        assert_int_equal(asked(), before + 1);
        assert_int_equal(driver_sync(&driver).remembered, 1); /* by the new release */
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_known, begin, end),
                cmocka_unit_test_setup_teardown(test_differs, begin, end),
                cmocka_unit_test_setup_teardown(test_outside, begin, end),
                cmocka_unit_test_setup_teardown(test_told, begin, end),
        };
        int failed;

        if (argc != 2) {
                fprintf(stderr, "usage: test_gate GATE\n");
                return 2;
        }
        if (geteuid() != 0) {
                printf("1..0 # SKIP only root can ask the kernel to ask\n");
                return 0;
        }
        if (tests_under_valgrind())
                return 0;
        driver_begin(&driver, argv[1]);
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        driver_end(&driver);
        return failed;
}
