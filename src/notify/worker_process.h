/*
 * worker_process.h - the worker (worker.h) as the one who posts has it: forked, told, and started again when it has
 * died.
 *
 * A worker that dies at once every time is started after pauses that double, from one second to a minute; one that has
 * lived for a minute is forgiven. Nothing here waits, but worker_process_end() for the process.
 */
#ifndef NOTIFY_WORKER_PROCESS_H
#define NOTIFY_WORKER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "notify/worker.h"

struct worker_process {
        int epoll;           /* readable when it has said something, or has ended; the same for all its lives */
        int socket;          /* for recv(2), packets as in worker.h; -1: it does not run */
        pid_t pid;           /* 0: it does not run */
        unsigned int deaths; /* since one lived for a minute */
        int64_t started_ms;
        int64_t restart_ms; /* when it does not run: not started before */
};

#define WORKER_PROCESS_NONE ((struct worker_process){ .epoll = -1, .socket = -1 })

/* Makes `epoll`; nothing is started yet. */
int worker_process_init(struct worker_process *process, struct error *err);
void worker_process_done(struct worker_process *process); /* after worker_process_end() */

/* Negative, with words, when it could not be started; it may be tried again at `restart_ms`. */
int worker_process_start(struct worker_process *process, struct queue *queue, const struct worker_options *options,
                         struct error *err);

/* The closed socket tells it to end; after `patience_ms` it is killed. */
void worker_process_end(struct worker_process *process, int64_t patience_ms);

/* Its socket has ended, so it has died, or is killed now. `restart_ms` is set. */
void worker_process_lost(struct worker_process *process);

/* Sends a packet of two parts (either may be empty) behind the byte that says what; false when it does not fit now, or
 * nobody is there. */
bool worker_process_tell(const struct worker_process *process, char what, const void *bytes, size_t length,
                         const void *more, size_t more_length);

#endif
