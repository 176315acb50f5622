/*
 * error.h - the one error idiom.
 *
 * A function that can fail returns 0 (or a count) on success and a negative errno on failure, and fills the
 * caller's struct error with one sentence that can be shown to a person as it is: what was tried, on what,
 * why it failed, what to do. Modules never print; the command or daemon at the top prints once.
 *
 *     struct error error = ERROR_NONE;
 *     r = file_read(folder, name, &text, &error);
 *     if (r < 0)
 *             return r;                       (the sentence travels with it)
 *
 * Callers that must tell failures apart look at the returned errno, never at the words. A programming mistake is an
 * assert(); input never is.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stddef.h>

#include "attributes.h"

/* What the process will say with its exit status; the contract of every command. */
enum exit_status {
        EXIT_DONE = 0,    /* done, and nothing found */
        EXIT_FOUND = 1,   /* found something: differs, a finding, somebody exposed */
        EXIT_USAGE = 2,   /* wrong use or configuration */
        EXIT_FAILED = 3,  /* could not be done: I/O, network, a signature that does not hold */
        EXIT_REFUSED = 4, /* refused by a rule: rollback, not eligible, not fenced */
};

#define ERROR_TEXT_SIZE 1200

struct error {
        int code;                   /* negative errno, 0 when nothing failed */
        enum exit_status status;    /* what the command ends with */
        char text[ERROR_TEXT_SIZE]; /* one sentence of UTF-8, without newline or control characters: \ooo */
        /* The same for the journal, which is in English whatever the person speaks; what another process said stays as it
         * said it. */
        char english[ERROR_TEXT_SIZE];
};

#define ERROR_NONE ((struct error){ 0, EXIT_DONE, "", "" })

/*
 * Each fills *err (which may be NULL for a caller that wants no words) and returns the negative errno.
 * Control characters, and bytes that are not UTF-8, come in with names and outside text: they are written as \ooo, so
 * that a sentence can go to a terminal or a log as it is.
 */

/* Could not be done; `code` is a negative errno that callers may tell apart. */
int error_set(struct error *err, int code, const char *format, ...) _printf_(3, 4);

/* The same, with ": " and the system's words for errnum (a positive errno) at the end. Returns -errnum. */
int error_errno(struct error *err, int errnum, const char *format, ...) _printf_(3, 4);

/* Wrong use or configuration: status 2, returns -EINVAL. */
int error_usage(struct error *err, const char *format, ...) _printf_(2, 3);

/* Refused by a rule: status 4, returns -EPERM. */
int error_refuse(struct error *err, const char *format, ...) _printf_(2, 3);

/* Puts "words: " before a sentence that is there already; code and status stay. Returns err->code. */
int error_prefix(struct error *err, const char *format, ...) _printf_(2, 3);

/* Out of memory; returns -ENOMEM. */
int error_memory(struct error *err);

#endif
