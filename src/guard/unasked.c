/* unasked.c - a detached clone of a mount, and the mark that silences it. */
#include "guard/unasked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <sys/mount.h>

#include "base/io.h"

int unasked_open(int group, uint64_t events, int folder)
{
        /* Of a mount it has to outlive what is written: an ignore mark ends with the first change otherwise. */
        const unsigned int flags = FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY;
        _cleanup_(fd_closep) int clone = open_tree(folder, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
        char name[32];

        if (clone < 0)
                return -errno;
        snprintf(name, sizeof(name), "/proc/self/fd/%d", clone);
        if (fanotify_mark(group, flags, events, AT_FDCWD, name) < 0)
                return -errno;
        return fd_steal(&clone);
}
