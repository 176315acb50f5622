/*
 * child.h - the one way to run another program.
 *
 * No shell is involved unless the operator's own hook asks for one. Descriptors other than 0, 1, 2 are closed; signals
 * are reset; the child ends with its parent.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "buffer.h"
#include "error.h"

struct child_options {
        const char *const *environment; /* NULL-terminated "NAME=value"; NULL: as ours */
        int input;                      /* descriptor for standard input; -1: /dev/null */
        int64_t timeout_ms;             /* killed after that; 0: no limit */
        int output_descriptor;          /* for standard output; 0: see `output` */
        int error_descriptor;           /* for standard error; 0: see `output` */
        struct buffer *output; /* collects standard output and standard error up to its maximum (the rest is dropped);
                                  NULL: both go where ours go */
        int (*before_exec)(void *context); /* runs in the child just before exec; a negative result ends it with 127.
                                              NULL: nothing */
        void *context;
};

/*
 * Runs argv[0] (looked up in PATH) and waits. Returns its exit status (0-255), 256 + signal when a signal ended it,
 * or a negative errno with words when it could not be run (-ETIMEDOUT when it was killed for taking too long).
 */
int child_run(const char *const argv[], const struct child_options *options, struct error *err);

/*
 * The same in two steps, for two programs with a pipe between them: starts it without waiting (`output` and
 * `timeout_ms` are not used), and waits for it. What was started must be waited for.
 */
int child_start(const char *const argv[], const struct child_options *options, pid_t *ret_pid, struct error *err);
int child_wait(pid_t pid, const char *name, struct error *err);

#endif
