/*
 * watch.h - wakes up when something happens in the folders of some files (private to accesslog).
 *
 * It is a bell and nothing more: what happened is found out by looking at the files, so a lost or doubled event does
 * no harm.
 */
#ifndef ACCESSLOG_WATCH_H
#define ACCESSLOG_WATCH_H

#include <stdint.h>

#include "base/error.h"

struct watch;

/* NULL without memory. */
struct watch *watch_new(void);
void watch_free(struct watch *watch);

/* The folder that the path lies in; may be called again and again. Where it cannot be watched (it is not there, it lies
 * on another machine, the kernel's limit) watch_wait() looks at its clock. */
void watch_add(struct watch *watch, const char *path);

/* Until an event, a signal or the timeout. */
void watch_wait(struct watch *watch, int64_t timeout_ms);

#endif
