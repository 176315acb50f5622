/*
 * analyze.h - a summary as JSON, as CSV and as text for a terminal.
 */
#ifndef CLI_ANALYZE_H
#define CLI_ANALYZE_H

#include <stdio.h>

#include <jansson.h>

#include "analyze/summary.h"
#include "base/error.h"

/* The object of the contract, a new reference; NULL without memory. `damage`: why not all could be read, or NULL. */
json_t *analyze_json(const struct summary *summary, const struct error *damage);

#endif
