/*
 * problems.h - what is wrong with a configuration, collected: one line each, "NAME:LINE: sentence".
 */
#ifndef CONFIG_PROBLEMS_H
#define CONFIG_PROBLEMS_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

struct config_problems {
        const char *name;      /* of the file, borrowed */
        struct buffer *lines;  /* the caller's */
        unsigned int count;    /* all of them, also those that found no room */
        unsigned int line;     /* of the last one */
        unsigned int maximum;  /* most lines that are written */
};

/* Adds one; control characters in what came from the file are written as \ooo. Line 0: of the file as a whole. */
void config_problem(struct config_problems *problems, unsigned int line, const char *format, ...) _printf_(3, 4);

#endif
