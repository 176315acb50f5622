/*
 * analyze_servers.h - a question to the analysis servers of the configuration, and the words about who answered.
 */
#ifndef CLI_ANALYZE_SERVERS_H
#define CLI_ANALYZE_SERVERS_H

#include <jansson.h>

#include "cli/shards.h"
#include "spread/ask.h"

/* "2 of 3 analysis servers answered. 1 was left out ...", and why the others did not: to `out`. */
void servers_print(FILE *out, const struct ask_who *who);

/* {"asked": 3, "answered": 2, "silent": [{"shard": "an2", "reason": "...", "left_out": true}], "missing_percent": 33} */
json_t *servers_json(const struct ask_who *who);

#endif
