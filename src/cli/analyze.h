/*
 * analyze.h - a summary as JSON, as CSV, as an HTML page and as text for a terminal.
 */
#ifndef CLI_ANALYZE_H
#define CLI_ANALYZE_H

#include <stdio.h>

#include <jansson.h>

#include "analyze/summary.h"
#include "analyze/webpage.h"
#include "base/error.h"

/* The object of the contract, a new reference; NULL without memory. `damage`: why not all could be read, or NULL. */
json_t *analyze_json(const struct summary *summary, const struct error *damage);

/* The text for a terminal of 80 columns. */
void analyze_print(FILE *out, const struct summary *summary);

/* All figures as CSV; negative without memory. */
int analyze_csv(FILE *out, const struct summary *summary);

/* The page into a file, which is replaced as a whole, or to standard output ("-"). */
int analyze_html(const char *path, const struct webpage *page, const struct summary *summary, struct error *err);

/* The command as it was typed, quoted for a shell; negative without memory. What is longer than the buffer's maximum is
 * left out. */
int analyze_command_text(int argc, char *const argv[], struct buffer *text);

#endif
