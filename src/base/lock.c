/* lock.c - see lock.h. */
#include "base/lock.h"

#include <errno.h>
#include <sys/file.h>
#include <time.h>

#include "base/clock.h"

/* Commands hold their locks for some milliseconds, so who waits looks often at first; then it is a long one. */
#define PAUSE_FIRST_NS INT64_C(1000000)
#define PAUSE_LAST_NS  INT64_C(16000000)

int lock_wait(int fd, int operation, int64_t patience_ms)
{
        int64_t end = clock_monotonic_ms() + patience_ms, pause = PAUSE_FIRST_NS;

        while (flock(fd, operation | LOCK_NB) < 0) {
                if (errno == EINTR)
                        continue;
                if (errno != EWOULDBLOCK)
                        return -errno;
                if (clock_monotonic_ms() >= end)
                        return -EBUSY;
                nanosleep(&(struct timespec){ .tv_nsec = pause }, NULL);
                if (pause < PAUSE_LAST_NS)
                        pause *= 2;
        }
        return 0;
}
