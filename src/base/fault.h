/*
 * fault.h - fault points: every call that can fail can be made to fail, once, by a test.
 *
 * In a build with -Dfault_points=true the environment variable UNDERSTUDY_FAULT=N makes the Nth fault point that is
 * reached fail with the errno that the point names (counted over the whole process, children included from their
 * start); UNDERSTUDY_FAULT_COUNT=FILE writes the number of points that were passed into FILE at exit, so that a torture
 * run knows where to stop. In every other build a fault point is the constant 0 and costs nothing.
 *
 *     if (fault_point(FAULT_ALLOCATE) || !(p = malloc(n)))
 *             return error_memory(err);
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

enum fault_kind {
        FAULT_ALLOCATE, /* ENOMEM */
        FAULT_OPEN,     /* EMFILE */
        FAULT_READ,     /* EIO */
        FAULT_WRITE,    /* ENOSPC */
        FAULT_SYNC,     /* EIO */
        FAULT_RENAME,   /* EIO */
        FAULT_SEND,     /* EPIPE */
        FAULT_FORK,     /* EAGAIN */
};

#ifdef UNDERSTUDY_FAULT_POINTS
/* True when this point is the one that must fail; errno is set. */
bool fault_point(enum fault_kind kind);
#else
static inline bool fault_point(enum fault_kind kind)
{
        (void)kind;
        return false;
}
#endif

#endif
