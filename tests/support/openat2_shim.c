/*
 * openat2_shim - openat2(2) for valgrind of Debian 12, which does not know it: a library to be preloaded that answers
 * syscall(SYS_openat2, ...) by opening one component after the other. It is for tests alone, where nobody races; what
 * it checks (no link, no mount crossed, never above the folder) is what src/base/io.c asks for.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"

/* The real one: syscall(2) itself is what is replaced here. */
static long kernel(long number, const long a[static 6])
{
        long result;
        register long r10 __asm__("r10") = a[3];
        register long r8 __asm__("r8") = a[4];
        register long r9 __asm__("r9") = a[5];

        __asm__ volatile("syscall"
                         : "=a"(result)
                         : "0"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                         : "rcx", "r11", "memory");
        if (result < 0 && result > -4096) {
                errno = (int)-result;
                return -1;
        }
        return result;
}

static uint64_t mount_of(int fd)
{
        struct statx st;

        return statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ? 0 : st.stx_mnt_id;
}

/* One step down; -1 with errno. */
static int step(int folder, const char *name, int flags, mode_t mode, uint64_t mount)
{
        int fd = openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);

        if (fd >= 0 && mount && mount_of(fd) != mount) {
                close(fd);
                errno = EXDEV;
                return -1;
        }
        return fd;
}

static int open_by_steps(int directory, const char *path, const struct open_how *how)
{
        uint64_t mount = how->resolve & RESOLVE_NO_XDEV ? mount_of(directory) : 0;
        _cleanup_(fd_closep) int folder = -1;

        if (*path == '/') {
                errno = EXDEV;
                return -1;
        }
        for (;;) {
                size_t length = strcspn(path, "/");
                const char *rest = path + length + strspn(path + length, "/");
                char name[256];
                struct stat st;
                int next, above = folder < 0 ? directory : folder;

                if (length == 0 || length >= sizeof(name)) {
                        errno = length == 0 ? ENOENT : ENAMETOOLONG;
                        return -1;
                }
                memcpy(name, path, length);
                name[length] = '\0';
                if (strcmp(name, "..") == 0) {
                        errno = EXDEV;
                        return -1;
                }
                if (*rest == '\0')
                        return step(above, name, (int)how->flags, (mode_t)how->mode, mount);
                next = step(above, name, O_PATH, 0, mount);
                if (next < 0)
                        return -1;
                fd_close(&folder);
                folder = next;
                if (fstat(folder, &st) == 0 && S_ISLNK(st.st_mode)) {
                        errno = ELOOP;
                        return -1;
                }
                path = rest;
        }
}

long syscall(long number, ...)
{
        va_list arguments;
        long a[6];

        va_start(arguments, number);
        for (size_t i = 0; i < LENGTH(a); i++)
                a[i] = va_arg(arguments, long);
        va_end(arguments);
        if (number == SYS_openat2)
                return open_by_steps((int)a[0], (const char *)a[1], (const struct open_how *)a[2]);
        return kernel(number, a);
}
