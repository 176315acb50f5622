/*
 * holder.h - which process holds a file open for writing, or has it mapped so: asked of /proc when the kernel has no event
 * that would tell.
 */
#ifndef GUARD_HOLDER_H
#define GUARD_HOLDER_H

#include <sys/types.h>

/* The first one that is found (not ourselves); 0 when there is none any more. *ret_pidfd is the caller's, of the process
 * that was looked at (its number was not taken by another one meanwhile). Takes milliseconds. */
pid_t holder_find(dev_t device, ino_t inode, int *ret_pidfd);

#endif
