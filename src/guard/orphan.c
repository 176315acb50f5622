/* orphan.c - look through /proc for gates that are stopped. */
#include "guard/orphan.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "guard/who_private.h"

#define GATE_NAME "understudy-gate"

/* Root's, for anybody may call his process like that: what the kernel has of a gate belongs to root (start.c). */
static bool is_stopped_gate(int process)
{
        char text[WHO_FILE_SIZE];
        struct who_stat stat;
        struct stat st;
        ssize_t n = who_read(process, "stat", text, sizeof(text));

        return n > 0 && who_parse_stat(text, (size_t)n, &stat) == 0 && stat.state == 'T' &&
               stat.comm_length == strlen(GATE_NAME) && memcmp(stat.comm, GATE_NAME, stat.comm_length) == 0 &&
               fstat(process, &st) == 0 && st.st_uid == 0;
}

static void wake(int proc, const char *name, pid_t pid)
{
        _cleanup_(fd_closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        _cleanup_(fd_closep) int process = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (pidfd >= 0 && process >= 0 && is_stopped_gate(process))
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
