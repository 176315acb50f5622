/*
 * lock.h - waiting for flock(2) with an end. The kernel itself waits for ever or not at all; a person who waits wants to
 * be told what holds the lock, and a server must not hang on it.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdint.h>

#define LOCK_NOW 0 /* for patience_ms: asks once */

/*
 * Takes LOCK_EX or LOCK_SH on the open file `fd`, and asks again until `patience_ms` milliseconds have passed. 0; -EBUSY:
 * somebody else holds it still; or what flock(2) says, with a minus. It is given back when the last descriptor is closed.
 */
int lock_wait(int fd, int operation, int64_t patience_ms);

#endif
