#include "turn.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/lock.h"

int turn_open(const char *state)
{
        char path[PATH_MAX];

        if ((size_t)snprintf(path, sizeof(path), "%s/address.lock", state) >= sizeof(path))
                return -1;
        return open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool turn_take(int fd, int64_t patience_ms)
{
        return fd < 0 || lock_wait(fd, LOCK_EX, patience_ms) == 0;
}

void turn_give(int fd)
{
        if (fd >= 0)
                (void)flock(fd, LOCK_UN);
}
