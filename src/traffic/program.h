/*
 * program.h - a program of the operator's, with bounds: how long it may take, how much it may print, what it gets to see.
 *
 * It is a command for sh, gets the environment that is given and nothing of ours, an empty standard input, and a process group
 * of its own. Nothing of that group outlives the call, however it ends: what hangs, or was left in the background, could
 * otherwise act when nobody reckons with it any more. (A process that leaves the group escapes this; understudy.conf(5) says so.)
 *
 * What it answers is words. Whoever runs one to change something looks another way at what is so.
 */
#ifndef TRAFFIC_PROGRAM_H
#define TRAFFIC_PROGRAM_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct program {
        const char *command;
        const char *const *environment; /* NULL-terminated "NAME=value" */
        int64_t timeout_ms;
};

/*
 * Its exit status (0-255), or 256 + signal. A negative errno with words when it could not be run, -ETIMEDOUT when its time was
 * over, -E2BIG when it printed more than a buffer's maximum; it was ended then. `said` gets its standard output, `complained` its
 * standard error, also on failure.
 */
int program_run(const struct program *program, struct buffer *said, struct buffer *complained, struct error *err);

/* The last line of `text` for a sentence of ours: printable, shortened; "" when there is none. */
#define PROGRAM_WORDS 200
void program_words(const struct buffer *text, char words[static PROGRAM_WORDS]);

#endif
