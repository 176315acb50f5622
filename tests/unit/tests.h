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
 * Debian 12's valgrind does not know openat2(2), without which nothing here opens a file below a folder. For main():
 * true when the whole program must be skipped, which it has told then.
 */
static inline bool tests_lack_openat2(void)
{
        int fd = open_beneath(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        bool lacks = fd == -ENOSYS;

        if (lacks)
                printf("1..0 # SKIP there is no openat2(2) here\n");
        fd_close(&fd);
        return lacks;
}

#endif
