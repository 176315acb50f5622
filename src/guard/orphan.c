/* orphan.c - look through /proc for gates that are stopped. */
#include "guard/orphan.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "guard/who_private.h"

static bool read_stat(int folder, const char *name, char text[static WHO_FILE_SIZE], struct who_stat *ret)
{
        ssize_t n = who_read(folder, name, text, WHO_FILE_SIZE);

        return n > 0 && who_parse_stat(text, (size_t)n, ret) == 0;
}

static bool is_named(const struct who_stat *stat, const char *name)
{
        return stat->comm_length == strlen(name) && memcmp(stat->comm, name, stat->comm_length) == 0;
}

/* Root's, for anybody may call his process like that: what the kernel has of a gate belongs to root (start.c). One whose
 * guard lives is that one's business. */
static bool is_stopped_orphan(int proc, int process)
{
        char text[WHO_FILE_SIZE], path[64];
        struct who_stat gate, parent;
        struct stat st;

        if (!read_stat(process, "stat", text, &gate) || gate.state != 'T' || !is_named(&gate, "understudy-gate") ||
            fstat(process, &st) < 0 || st.st_uid != 0)
                return false;
        snprintf(path, sizeof(path), "%d/stat", (int)gate.parent);
        return !read_stat(proc, path, text, &parent) || !is_named(&parent, "understudy");
}

static void wake(int proc, const char *name, pid_t pid)
{
        _cleanup_(fd_closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        _cleanup_(fd_closep) int process = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (pidfd >= 0 && process >= 0 && is_stopped_orphan(proc, process))
                (void)syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0);
}

void orphan_wake(void)
{
        DIR *proc = opendir("/proc");
        const struct dirent *entry;

        while (proc && (entry = readdir(proc))) {
                uint64_t pid;

                if (text_parse_u64(entry->d_name, strlen(entry->d_name), INT32_MAX, &pid) == 0 && pid > 0)
                        wake(dirfd(proc), entry->d_name, (pid_t)pid);
        }
        if (proc)
                (void)closedir(proc);
}
