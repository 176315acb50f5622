/*
 * arguments.h - values of options that several commands take, each with one rule and one sentence.
 */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tree/state.h"

#define ARGUMENT_THREADS_MAXIMUM 64

/* A number from 1 to `maximum`; `option` is its name for the words. */
int argument_number(const char *option, const char *text, uint64_t maximum, uint64_t *ret_number, struct error *err);

/* "NAME=DIR" of --root, added behind the *count roots that are there (room for RELEASE_ROOTS_MAXIMUM); DIR becomes
 * absolute. */
int argument_root(const char *text, struct state_root *roots, size_t *count, struct error *err);

#endif
