/*
 * test_gate_storm.c - many who change names and bytes at once, and readers who count what they got.
 *
 * What counts is bytes that a reader received behind a successful open, not what the gate says of itself. Two windows
 * are open by design and are counted apart: a page that was opened genuine and written afterwards (an old descriptor),
 * and the moment between the rename of one known page over another and the kernel's word of it.
 *
 * GATE_STORM=10000 in the environment is the long form (tests/torture/soak.sh).
 */

#include "gate_tests.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READERS 3
#define WRITERS 4
#define PAGES   8

/* Shared with all processes. */
static struct shared {
        volatile int over;
        uint64_t genuine, refused, wrong, old; /* with atomic additions */
        uint64_t changed;                      /* by writers */
        uint32_t state[PAGES];                 /* odd while a page is open for writing, or written and not put back */
} * shared;

static int64_t now_us(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static unsigned int rounds(void)
{
        const char *text = getenv("GATE_STORM");

        return text ? (unsigned int)strtoul(text, NULL, 10) : 300;
}

static void count(uint64_t *what)
{
        __atomic_add_fetch(what, 1, __ATOMIC_RELAXED);
}

static int begin_storm(void **state)
{
        char name[32];
        int r = begin(state);

        driver_watch(&driver, "tree");
        for (int i = 0; i < PAGES; i++) {
                snprintf(name, sizeof(name), "p%d.html", i);
                driver_put(&driver, name, true);
        }
        memset(shared, 0, sizeof(*shared));
        return r;
}

static uint32_t state_of(int page)
{
        return __atomic_load_n(&shared->state[page], __ATOMIC_SEQ_CST);
}

static void next_state(int page)
{
        __atomic_add_fetch(&shared->state[page], 1, __ATOMIC_SEQ_CST);
}

static void be_reader(unsigned int seed)
{
        char path[2 * DRIVER_PATH];

        while (!shared->over) {
                char found[64] = "", expected[64], name[32];
                int page = (int)(rand_r(&seed) % PAGES), fd;
                uint32_t before;

                snprintf(name, sizeof(name), "p%d.html", page);
                driver_page(name, expected, sizeof(expected));
                snprintf(path, sizeof(path), "%s/tree/%s", driver.disk, name);
                before = state_of(page);
                fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        count(&shared->refused);
                else if (read(fd, found, sizeof(found) - 1) >= 0 && strcmp(found, expected) == 0)
                        count(&shared->genuine);
                else if (before % 2 == 0 || before != state_of(page))
                        count(&shared->old); /* it was genuine when it was opened */
                else
                        count(&shared->wrong);
                if (fd >= 0)
                        close(fd);
        }
        _exit(0);
}

static void start_readers(pid_t readers[static READERS])
{
        for (unsigned int i = 0; i < READERS; i++) {
                readers[i] = fork();
                if (readers[i] == 0)
                        be_reader(i + 1);
        }
}

static void end_readers(const pid_t readers[static READERS])
{
        shared->over = 1;
        for (int i = 0; i < READERS; i++)
                assert_int_equal(waitpid(readers[i], NULL, 0), readers[i]);
}

/* ---- names: planted pages, and pages of the release under each other's names ---- */

static void test_planted_by_rename(void **state)
{
        pid_t readers[READERS];
        const unsigned int times = rounds();

        (void)state;
        start_readers(readers);
        for (unsigned int i = 0; i < times; i++) {
                const int page = (int)(i % PAGES);
                char name[32];

                snprintf(name, sizeof(name), "p%d.html", page);
                if (i / PAGES % 2 == 1)
                        next_state(page);
                driver_put(&driver, name, i / PAGES % 2 == 1); /* malware, then genuine again */
                if (i / PAGES % 2 == 0)
                        next_state(page);
        }
        end_readers(readers);
        print_message("# %u renames, %llu genuine, %llu refused, %llu wrong\n", times,
                      (unsigned long long)shared->genuine, (unsigned long long)shared->refused,
                      (unsigned long long)shared->wrong);
        assert_int_equal(shared->wrong, 0);
        assert_int_equal(shared->old, 0);
        assert_true(shared->genuine > 0);
        assert_true(shared->refused > 0);
        assert_no_leak();
}

/* Two known pages change names again and again: how long does a reader get the other one? */
static void test_pages_exchanged(void **state)
{
        const unsigned int times = rounds() / 3;
        char one[DRIVER_PATH * 2], other[DRIVER_PATH * 2];
        uint64_t worst = 0, sum = 0, seen = 0;

        (void)state;
        snprintf(one, sizeof(one), "%s/tree/p0.html", driver.disk);
        snprintf(other, sizeof(other), "%s/tree/p1.html", driver.disk);
        for (unsigned int i = 0; i < times; i++) {
                int64_t since, last = 0;

                assert_int_equal(driver_visit(&driver, "tree/p0.html"), VISIT_GENUINE);
                assert_int_equal(driver_visit(&driver, "tree/p1.html"), VISIT_GENUINE);
                since = now_us();
                assert_int_equal(renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE), 0);
                for (;;) {
                        int fd = open(one, O_RDONLY | O_CLOEXEC);

                        if (fd < 0)
                                break;
                        close(fd);
                        last = now_us() - since;
                        assert_true(last < 5000000);
                }
                if (last) {
                        seen++;
                        sum += (uint64_t)last;
                        if ((uint64_t)last > worst)
                                worst = (uint64_t)last;
                }
                assert_int_equal(renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE), 0);
                assert_true(driver_report(&driver, GATE_NAMES, 5000));
                usleep(15000); /* the second one's word as well */
                (void)driver_sync(&driver);
        }
        print_message("# window of exchanged names: seen in %llu of %u, mean %llu us, worst %llu us\n",
                      (unsigned long long)seen, times, (unsigned long long)(seen ? sum / seen : 0),
                      (unsigned long long)worst);
}

/* ---- bytes: writers who open, write, put back ---- */

/* The states of its page tell readers from when on an open must be refused. */
static void write_in_place(int page, const char *path, const char *text, unsigned int pause_us, bool put_back)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return;
        next_state(page); /* nobody has it open that has not opened it by now */
        if (pwrite(fd, "malware", 7, 0) == 7)
                count(&shared->changed);
        usleep(pause_us);
        if (put_back)
                (void)!pwrite(fd, text, strlen(text), 0);
        close(fd);
        if (put_back)
                next_state(page);
}

static void replace(int page, const char *path, const char *text)
{
        char new[2 * DRIVER_PATH];
        int fd;

        snprintf(new, sizeof(new), "%s/outside/new%d", driver.disk, getpid());
        fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0)
                _exit(1);
        if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
                _exit(1);
        close(fd);
        if (state_of(page) % 2)
                next_state(page);
        if (rename(new, path) < 0)
                _exit(1);
}

/* Each has pages of its own. */
static void be_writer(unsigned int number, unsigned int times)
{
        unsigned int seed = number + 100;

        for (unsigned int i = 0; i < times; i++) {
                const int page = (int)(number + WRITERS * (rand_r(&seed) % (PAGES / WRITERS)));
                char text[64], name[32], path[2 * DRIVER_PATH];

                snprintf(name, sizeof(name), "p%d.html", page);
                driver_page(name, text, sizeof(text));
                snprintf(path, sizeof(path), "%s/tree/%s", driver.disk, name);
                if (i % 2 == 0 || state_of(page) % 2)
                        replace(page, path, text);
                else
                        write_in_place(page, path, text, rand_r(&seed) % 300, i % 4 == 1);
        }
        _exit(0);
}

static void test_tampered_in_place(void **state)
{
        pid_t readers[READERS], writers[WRITERS];
        int status;

        (void)state;
        start_readers(readers);
        for (unsigned int i = 0; i < WRITERS; i++) {
                writers[i] = fork();
                if (writers[i] == 0)
                        be_writer(i, rounds());
        }
        for (int i = 0; i < WRITERS; i++) {
                assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
                assert_int_equal(status, 0);
        }
        end_readers(readers);
        print_message("# %llu in-place changes, %llu genuine, %llu refused, %llu wrong, %llu written behind an open\n",
                      (unsigned long long)shared->changed, (unsigned long long)shared->genuine,
                      (unsigned long long)shared->refused, (unsigned long long)shared->wrong,
                      (unsigned long long)shared->old);
        assert_int_equal(shared->wrong, 0);
        assert_true(shared->genuine > 0);
        assert_true(shared->refused > 0);
        assert_no_leak();
        assert_true(shared->changed > 0);
}

static int run(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_planted_by_rename, begin_storm, end),
                cmocka_unit_test_setup_teardown(test_pages_exchanged, begin_storm, end),
                cmocka_unit_test_setup_teardown(test_tampered_in_place, begin_storm, end),
        };

        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(shared != MAP_FAILED);
        return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
        return gate_tests(argc, argv, run);
}
