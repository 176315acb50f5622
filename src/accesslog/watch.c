/* watch.c - inotify(7) with a clock for where it does not reach. */
#include "watch.h"

#include <errno.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "base/memory.h"

#define BLIND_MS 500
#define EVENTS                                                                                                         \
        (IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | \
         IN_ONLYDIR)

#define MAGIC_FUSE 0x65735546
#define MAGIC_CIFS 0xff534d42
#define MAGIC_SMB2 0xfe534d42
#define MAGIC_9P   0x01021997

struct watch {
        int fd;
        bool blind; /* some folder is not watched */
};

struct watch *watch_new(void)
{
        struct watch *watch = memory_new(1, sizeof(*watch));

        if (!watch)
                return NULL;
        watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        watch->blind = watch->fd < 0;
        return watch;
}

void watch_free(struct watch *watch)
{
        if (!watch)
                return;
        fd_close(&watch->fd);
        free(watch);
}

/* Whether others than this kernel may write there: it cannot tell then. */
static bool is_elsewhere(const char *folder)
{
        struct statfs status;

        if (statfs(folder, &status) < 0)
                return true;
        switch ((unsigned int)status.f_type) {
        case NFS_SUPER_MAGIC:
        case MAGIC_FUSE:
        case MAGIC_CIFS:
        case MAGIC_SMB2:
        case MAGIC_9P:
        case OVERLAYFS_SUPER_MAGIC: return true; /* an overlay's lower files change without a word */
        default: return false;
        }
}

void watch_add(struct watch *watch, const char *path)
{
        const char *slash = strrchr(path, '/');
        _cleanup_(memory_freep) char *folder =
                !slash ? memory_string(".") : memory_copy(path, slash == path ? 1 : (size_t)(slash - path));

        /* One folder may be watched twice: inotify(7) knows it by its inode. */
        if (!folder || is_elsewhere(folder) || watch->fd < 0 || inotify_add_watch(watch->fd, folder, EVENTS) < 0)
                watch->blind = true;
}

void watch_wait(struct watch *watch, int64_t timeout_ms)
{
        struct pollfd one = { .fd = watch->fd, .events = POLLIN };
        char events[4096] __attribute__((aligned(8)));

        if (watch->blind && timeout_ms > BLIND_MS)
                timeout_ms = BLIND_MS;
        if (poll(&one, watch->fd >= 0, (int)timeout_ms) <= 0)
                return;
        while (read(watch->fd, events, sizeof(events)) > 0)
                ;
}
