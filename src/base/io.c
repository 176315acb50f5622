#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "i18n.h"
#include "memory.h"

void fd_closep(int *fd)
{
        fd_close(fd);
}

void fd_close(int *fd)
{
        int kept = errno;

        if (*fd >= 0)
                close(*fd);
        *fd = -1;
        errno = kept;
}

#define POLL_MS_MAXIMUM 1000000 /* poll(2) takes an int */

/* EAGAIN is a race with a rename, or somebody's write lease on the file. A file server gives its lease back at once; an
 * intruder keeps it until the kernel takes it from him (lease-break-time, 45 seconds), and may have one on each file.
 */
#define AGAIN_TRIES    10
#define AGAIN_PAUSE_NS 1000000

int open_beneath(int directory, const char *path, int flags, mode_t mode, enum beneath how)
{
        struct open_how open_how = {
                .flags = (uint64_t)(flags | O_CLOEXEC),
                .mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };
        const struct timespec pause = { .tv_nsec = AGAIN_PAUSE_NS };
        long fd;

        if (how == BENEATH_STRICT)
                open_how.resolve |= RESOLVE_NO_XDEV;
        if (fault_point(FAULT_OPEN))
                return -errno;
        for (int again = 0;;) {
                fd = syscall(SYS_openat2, directory, path, &open_how, sizeof(open_how));
                if (fd >= 0)
                        return (int)fd;
                if (errno != EINTR && (errno != EAGAIN || again++ == AGAIN_TRIES))
                        return -errno;
                if (errno == EAGAIN)
                        nanosleep(&pause, NULL);
        }
}

int fd_wait(int fd, short events, int64_t deadline_ms)
{
        for (;;) {
                struct pollfd one = { .fd = fd, .events = events };
                int64_t left = deadline_ms ? deadline_ms - clock_monotonic_ms() : -1;
                int r;

                if (deadline_ms && left <= 0)
                        return -ETIMEDOUT;
                r = poll(&one, 1, (int)(left > POLL_MS_MAXIMUM ? POLL_MS_MAXIMUM : left));
                if (r > 0)
                        return 0;
                if (r < 0 && errno != EINTR)
                        return -errno;
        }
}

ssize_t read_full(int fd, void *bytes, size_t length)
{
        size_t done = 0;

        if (fault_point(FAULT_READ))
                return -errno;
        while (done < length) {
                ssize_t n = read(fd, (char *)bytes + done, length - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        return (ssize_t)done;
}

ssize_t read_at(int fd, void *bytes, size_t length, uint64_t offset)
{
        ssize_t n;

        if (fault_point(FAULT_READ))
                return -errno;
        do
                n = pread(fd, bytes, length, (off_t)offset);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

ssize_t read_full_at(int fd, void *bytes, size_t length, uint64_t offset)
{
        size_t done = 0;

        while (done < length) {
                ssize_t n = read_at(fd, (char *)bytes + done, length - done, offset + done);

                if (n < 0)
                        return n;
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        return (ssize_t)done;
}

int write_full(int fd, const void *bytes, size_t length)
{
        size_t done = 0;

        if (fault_point(FAULT_WRITE))
                return -errno;
        while (done < length) {
                ssize_t n = write(fd, (const char *)bytes + done, length - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                done += (size_t)n;
        }
        return 0;
}

int read_to_end(int fd, struct buffer *buffer)
{
        for (;;) {
                size_t room = buffer->maximum - buffer->length;
                ssize_t n;
                int r;

                if (room > 65536)
                        room = 65536;
                if (room == 0) { /* full: one byte more would be too many */
                        char probe;

                        n = read_full(fd, &probe, 1);
                        return n < 0 ? (int)n : n > 0 ? -E2BIG : 0;
                }
                r = buffer_reserve(buffer, room);
                if (r < 0)
                        return r;
                n = read_full(fd, buffer->data + buffer->length, room);
                if (n < 0)
                        return (int)n;
                buffer->length += (size_t)n;
                buffer->data[buffer->length] = '\0';
                if ((size_t)n < room)
                        return 0;
        }
}

int file_read(int directory, const char *path, struct buffer *buffer, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        struct stat st;
        int r;

        if (fault_point(FAULT_OPEN) ||
            (fd = openat(directory, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)) < 0)
                return error_errno(err, errno, _("cannot open %s"), path);
        if (fstat(fd, &st) < 0)
                return error_errno(err, errno, _("cannot read %s"), path);
        if (!S_ISREG(st.st_mode))
                return error_set(err, -EINVAL, _("%s is not a regular file; name a regular file"), path);
        r = read_to_end(fd, buffer);
        if (r == -E2BIG)
                return error_set(err, r, _("%s is larger than the %zu bytes that are allowed here"), path,
                                 buffer->maximum);
        if (r < 0)
                return error_errno(err, -r, _("cannot read %s"), path);
        return 0;
}

bool path_is_stream(const char *path)
{
        struct stat status;

        return stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

int fd_sync(int fd)
{
        if (fault_point(FAULT_SYNC) || fsync(fd) < 0)
                return -errno;
        return 0;
}

int rename_at(int from_directory, const char *from, int to_directory, const char *to, unsigned int flags)
{
        if (fault_point(FAULT_RENAME) || renameat2(from_directory, from, to_directory, to, flags) < 0)
                return -errno;
        return 0;
}

int directory_make(int directory, const char *path, mode_t mode, struct error *err)
{
        _cleanup_(memory_freep) char *prefix = memory_string(path);

        if (!prefix)
                return error_memory(err);
        for (char *p = prefix + 1;; p++) {
                char kept = *p;

                if (kept != '/' && kept != '\0')
                        continue;
                *p = '\0';
                if (fault_point(FAULT_WRITE) || (mkdirat(directory, prefix, mode) < 0 && errno != EEXIST))
                        return error_errno(err, errno, _("cannot make the folder %s"), prefix);
                *p = kept;
                if (kept == '\0')
                        return 0;
        }
}

int fd_real_path(int fd, char path[static PATH_MAX])
{
        char link[FD_PATH_SIZE];
        ssize_t length;

        fd_path(fd, link);
        length = readlink(link, path, PATH_MAX - 1);
        if (length < 0)
                return -errno;
        path[length] = '\0';
        return path[0] == '/' && length < PATH_MAX - 1 ? 0 : -ENAMETOOLONG;
}

void fd_path(int fd, char path[static FD_PATH_SIZE])
{
        snprintf(path, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
}
