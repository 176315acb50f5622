/*
 * scan.h - one spelling, before libconfuse sees the text.
 *
 * The library expands ${NAME} from the environment, takes // in the middle of a URL for a comment, drops characters
 * that it does not know without a word, goes on with a half string into the next file, and turns \x0a into a new line.
 * What would be read otherwise than it looks is refused here, with its line:
 *
 *   - comments begin with # and end with the line; there is no other kind
 *   - a text stands in "double quotes" or, of letters, digits and . _ - : / @ % [ ] alone, without; it ends on its
 *     line; \" and \\ are its only escapes
 *   - no $ (outside of comments), no ' + ( ) ; and no control character but tab and newline; UTF-8
 *
 * Pure; fuzzed with the rest in tests/fuzz/fuzz_config.c.
 */
#ifndef CONFIG_SCAN_H
#define CONFIG_SCAN_H

#include <stddef.h>

#include "config/problems.h"

/* 0, or -EINVAL with a problem for each line that has one (the first of it). Comments are made blanks: what the library
 * makes of them depends on its version. */
int config_scan(char *text, size_t length, struct config_problems *problems);

#endif
