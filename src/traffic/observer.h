/*
 * observer.h - a process that looks at the site's pages again and again, and tells what it saw.
 *
 * Pages come from outside, and a hung server holds whoever asks it: so this is a process of its own, without rights, which
 * is killed with its parent. It knows nothing of moves.
 */
#ifndef TRAFFIC_OBSERVER_H
#define TRAFFIC_OBSERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"

#define OBSERVER_TEXT 256

/* One look, as it comes through the pipe. */
struct observer_sight {
        int64_t at_ms;   /* clock_monotonic_ms() when it was over */
        int32_t failing; /* the first check that failed; -1: all are well */
        char text[OBSERVER_TEXT];
};

typedef int observer_probe_function(void *context, const struct config_check *check, const char *address, struct error *err);

struct observer_options {
        const struct config *config;
        const char *address; /* NULL: by the names in the URLs */
        observer_probe_function *probe;
        void *context;
};

struct observer;

int observer_start(const struct observer_options *options, struct observer **ret_observer, struct error *err);
void observer_free(struct observer *observer);

int observer_fd(const struct observer *observer);

/* 1 with the newest sight that has come, 0, or -EPIPE: it has died (start another). */
int observer_read(struct observer *observer, struct observer_sight *ret_sight);

#endif
