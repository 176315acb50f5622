/* holder.c - descriptors first, then mappings, process by process. */
#include "guard/holder.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/io.h"
#include "base/text.h"

#define MAPS_MAXIMUM (8U << 20) /* bytes of one process's table of mappings; the rest is not looked at */

static bool is_it(int folder, const char *name, dev_t device, ino_t inode)
{
        struct stat link, st;

        /* The link's own permissions say how the descriptor was opened. */
        return fstatat(folder, name, &link, AT_SYMLINK_NOFOLLOW) == 0 && (link.st_mode & S_IWUSR) &&
               fstatat(folder, name, &st, 0) == 0 && st.st_dev == device && st.st_ino == inode;
}

static bool has_descriptor(int process, dev_t device, ino_t inode)
{
        int folder = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *directory = folder < 0 ? NULL : fdopendir(folder);
        const struct dirent *entry;
        bool found = false;

        if (!directory) {
                fd_close(&folder);
                return false;
        }
        while (!found && (entry = readdir(directory)))
                found = entry->d_name[0] != '.' && is_it(dirfd(directory), entry->d_name, device, inode);
        (void)closedir(directory);
        return found;
}

/* A line of proc_pid_maps(5) with "rw-s" or "-w-s", and this device and inode. */
static bool maps_it(const char *line, size_t length, dev_t device, ino_t inode)
{
        unsigned int major_number = 0, minor_number = 0;
        uint64_t mapped = 0;
        char text[256], permissions[5] = "";

        snprintf(text, sizeof(text), "%.*s", length < sizeof(text) ? (int)length : (int)sizeof(text) - 1, line);
        return sscanf(text, "%*x-%*x %4s %*x %x:%x %" SCNu64, permissions, &major_number, &minor_number, &mapped) == 4 &&
               permissions[1] == 'w' && permissions[3] == 's' && mapped == inode &&
               makedev(major_number, minor_number) == device;
}

static bool has_mapping(int process, dev_t device, ino_t inode)
{
        _cleanup_(buffer_done) struct buffer maps = BUFFER_INIT(MAPS_MAXIMUM);
        _cleanup_(fd_closep) int fd = openat(process, "maps", O_RDONLY | O_CLOEXEC);
        const char *cursor, *line;
        size_t length;

        if (fd < 0 || read_to_end(fd, &maps) < 0)
                return false;
        cursor = buffer_text(&maps);
        while (text_next_line(&cursor, maps.data + maps.length, &line, &length))
                if (maps_it(line, length, device, inode))
                        return true;
        return false;
}

/* The pidfd is opened before the look: what is found belongs to the process that it is of, if that still lives. */
static int holds(int proc, const char *name, dev_t device, ino_t inode, pid_t pid)
{
        _cleanup_(fd_closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        _cleanup_(fd_closep) int process = -1;

        if (pidfd < 0)
                return -1;
        process = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (process < 0 ||
            (!has_descriptor(process, device, inode) && !has_mapping(process, device, inode)) ||
            syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0)
                return -1;
        return fd_steal(&pidfd);
}

pid_t holder_find(dev_t device, ino_t inode, int *ret_pidfd)
{
        DIR *proc = opendir("/proc");
        const struct dirent *entry;
        pid_t found = 0;

        *ret_pidfd = -1;
        while (proc && !found && (entry = readdir(proc))) {
                uint64_t pid;

                if (text_parse_u64(entry->d_name, strlen(entry->d_name), INT32_MAX, &pid) < 0 || (pid_t)pid == getpid())
                        continue;
                *ret_pidfd = holds(dirfd(proc), entry->d_name, device, inode, (pid_t)pid);
                if (*ret_pidfd >= 0)
                        found = (pid_t)pid;
        }
        if (proc)
                (void)closedir(proc);
        return found;
}
