/*
 * arguments.h - values of options that several commands take, each with one rule and one sentence.
 */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/command.h"
#include "tree/state.h"

#define ARGUMENT_THREADS_MAXIMUM 64

/* A number from 1 to `maximum`; `option` is its name for the words. */
int argument_number(const char *option, const char *text, uint64_t maximum, uint64_t *ret_number, struct error *err);

/* "NAME=DIR" of --root, added behind the *count roots that are there (room for RELEASE_ROOTS_MAXIMUM); DIR becomes
 * absolute. */
int argument_root(const char *text, struct state_root *roots, size_t *count, struct error *err);

/*
 * DEST, the one argument of a command on a tree, made absolute; and --pub, without which nothing can be believed. -1,
 * or the exit status after the words: `missing` (translated) when it is not one folder.
 */
int argument_dest(const struct command *command, int argc, char *argv[], const char *missing, bool has_pub,
                  char dest[static PATH_MAX]);

#endif
