/* tests.h - cmocka with the headers that it needs before it, and a private temporary folder. */
#ifndef TESTS_UNIT_TESTS_H
#define TESTS_UNIT_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

/*
 * A folder of this test's own, below $TMPDIR or /var/tmp (a real file system: leases and extended attributes work
 * there). The template is filled in; the folder goes with tests_folder_remove(). Returns its descriptor.
 */
#define TESTS_FOLDER_SIZE 256

static inline int tests_folder(char path[static TESTS_FOLDER_SIZE])
{
        const char *base = getenv("TMPDIR");
        int fd;

        snprintf(path, TESTS_FOLDER_SIZE, "%s/understudy-unit-XXXXXX", base && strlen(base) < 200 ? base : "/var/tmp");
        assert_non_null(mkdtemp(path));
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

static inline void tests_folder_remove(const char *path)
{
        struct error error = ERROR_NONE;

        const char *name = strrchr(path, '/') + 1;
        char parent[TESTS_FOLDER_SIZE];
        int fd;

        snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
        fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tree_remove(fd, name, &error) < 0)
                fail_msg("%s", error.text);
        close(fd);
}

/*
 * Debian 12's valgrind knows neither Landlock nor what a seccomp filter means for itself. For main() of a program that
 * enters the sandbox: true when the whole program must be skipped, which it has told then. (openat2(2), which it does
 * not know either, is given to it by tests/support/openat2_shim.c.)
 */
static inline bool tests_under_valgrind(void)
{
        const char *preloaded = getenv("LD_PRELOAD");

        if (!preloaded || !strstr(preloaded, "vgpreload"))
                return false;
        printf("1..0 # SKIP the sandbox cannot be entered under valgrind\n");
        return true;
}

#endif
