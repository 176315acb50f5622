/* lease.c - read leases, told of by a signal with the descriptor's number. */

#include "lease.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int lease_take(int fd)
{
        if (fcntl(fd, F_SETSIG, LEASE_SIGNAL) < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
                return -errno;
        return 0;
}

bool lease_adopt(int fd)
{
        /* Setting it once more gives the signal our number of the descriptor; a lease that has been broken in between
         * stays broken. The owner was the one who had set it first. */
        return lease_held(fd) && fcntl(fd, F_SETOWN, getpid()) == 0 && lease_take(fd) == 0 && lease_held(fd);
}

bool lease_held(int fd)
{
        return fcntl(fd, F_GETLEASE) == F_RDLCK;
}

void lease_drop(int fd)
{
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
}
