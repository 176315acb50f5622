/*
 * gate.c - what the gate costs: open, read and close of a small page, and taking over files that were verified.
 *
 *     bench_gate GATE [COUNT]      as root; on a file system of its own. Prints one line a figure.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/gate_driver.h"

#define FILES 10000

static int64_t now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *one, const void *other)
{
        const int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

        return (a > b) - (a < b);
}

static void measure(const char *what, const char *path, size_t count)
{
        int64_t *times = calloc(count, sizeof(*times));

        for (size_t i = 0; times && i < count; i++) {
                char page[256];
                int64_t since = now_ns();
                int fd = open(path, O_RDONLY | O_CLOEXEC);

                if (fd < 0 || read(fd, page, sizeof(page)) <= 0)
                        exit(1);
                close(fd);
                times[i] = now_ns() - since;
        }
        if (!times)
                exit(1);
        qsort(times, count, sizeof(*times), compare);
        printf("%-44s p50 %7.2f us  p99 %7.2f us\n", what, (double)times[count / 2] / 1000,
               (double)times[count * 99 / 100] / 1000);
        free(times);
}

static void measure_told(struct driver *driver)
{
        static int files[FILES];
        struct stat own;
        char name[64];
        int64_t since, told, flushed, forgotten;
        uint64_t remembered;

        for (int i = 0; i < FILES; i++) {
                snprintf(name, sizeof(name), "tree/many%d.html", i);
                driver_write(driver, name, "genuine\n");
        }
        if (stat("/proc/self/exe", &own) < 0)
                exit(1);
        driver->setup.program_device = own.st_dev; /* as the guard, we verify what is not known */
        driver->setup.program_inode = own.st_ino;
        driver_start(driver);
        for (int i = 0; i < FILES; i++) {
                snprintf(name, sizeof(name), "tree/many%d.html", i);
                files[i] = open(driver_path(driver, name), O_RDONLY | O_CLOEXEC | O_NOATIME);
                if (files[i] < 0 || fcntl(files[i], F_SETLEASE, F_RDLCK) < 0)
                        exit(1);
        }
        since = now_ns();
        for (int i = 0; i < FILES; i++) {
                snprintf(name, sizeof(name), "many%d.html", i);
                driver_request(driver, GATE_GENUINE, 0, 1, name, files[i]);
        }
        remembered = driver_sync(driver).remembered;
        told = now_ns();
        driver_request(driver, GATE_FLUSH, 0, 0, "", -1);
        (void)driver_sync(driver);
        flushed = now_ns();
        driver_request(driver, GATE_FORGET, 0, 2, "", -1);
        while (driver_sync(driver).remembered > 0)
                ;
        forgotten = now_ns();
        printf("%-44s %7.1f ms (%llu remembered)\n", "10,000 verified files to the gate", (double)(told - since) / 1e6,
               (unsigned long long)remembered);
        printf("%-44s %7.1f ms\n", "all their marks taken away", (double)(flushed - told) / 1e6);
        printf("%-44s %7.1f ms\n", "all of them forgotten", (double)(forgotten - flushed) / 1e6);
        driver_stop(driver);
}

int main(int argc, char **argv)
{
        struct rlimit limit;
        struct driver driver;
        size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000;

        if (argc < 2) {
                fprintf(stderr, "usage: bench_gate GATE [COUNT]\n");
                return 2;
        }
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                setrlimit(RLIMIT_NOFILE, &limit);
        }
        driver_begin(&driver, argv[1]);
        driver_put(&driver, "page.html", true);
        driver_put(&driver, "two.html", true);
        driver_write(&driver, "area/x", "x");
        driver_write(&driver, "outside/x", "x");
        if (link(driver_path(&driver, "tree/two.html"), driver_path(&driver, "outside/two")) < 0)
                return 1;
        measure("no gate", driver_path(&driver, "tree/page.html"), count);
        driver_start(&driver);
        measure("known, with its mark", driver_path(&driver, "tree/page.html"), count);
        measure("outside, on the same file system", driver_path(&driver, "outside/x"), count);
        measure("known, but asked (a second link)", driver_path(&driver, "tree/two.html"), count);
        measure("asked of a verifier (no hashing)", driver_path(&driver, "area/x"), count);
        driver_stop(&driver);
        if (driver_ask(&driver, true)) {
                driver_start(&driver);
                measure("asking before each read: known, marked", driver_path(&driver, "tree/page.html"), count);
                measure("asking before each read: outside", driver_path(&driver, "outside/x"), count);
                driver_stop(&driver);
        }
        if (!driver_ask(&driver, false))
                return 1;
        measure_told(&driver);
        driver_end(&driver);
        return 0;
}
