/*
 * adopt_copy.h - the docroot of another server, brought here by ssh and tar to be looked through.
 */
#ifndef CLI_ADOPT_COPY_H
#define CLI_ADOPT_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* True when the text means SERVER:DOCROOT (a colon before the first slash); ./a:b is a folder. */
bool adopt_is_remote(const char *text);

/*
 * Runs `ssh SERVER tar -C DOCROOT -cf - .` into a local tar. The copy is made in a folder that only we may enter,
 * beside `into`, and gets that name when it is whole: `into` must not exist, or be empty. No device is ever made, and
 * setuid and setgid are taken off all files (*ret_stripped says how many), because the other server may be an
 * intruder's.
 */
int adopt_copy(const char *remote, const char *into, uint64_t *ret_stripped, struct error *err);

/* Appends `text` as one word for a shell, quoted when it must be. */
int shell_quote(struct buffer *out, const char *text);

#endif
