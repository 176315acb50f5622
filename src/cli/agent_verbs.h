/*
 * agent_verbs.h - what this server does for the controller: the one table, and what its handlers work on.
 *
 * A driver adds: a handler `int f(struct agent_call *call, struct error *err)` in src/traffic (its context is a struct
 * agent_site of traffic/agent_site.h), its argument list, and one line with its reason in agent_verbs.c.
 */
#ifndef CLI_AGENT_VERBS_H
#define CLI_AGENT_VERBS_H

#include <stddef.h>

#include "traffic/agent.h"

extern const struct agent_verb agent_verbs[];
extern const size_t agent_verb_count;

/* The closed list for another server: its keeper on the database's host, its analyzer where salts are made. */
extern const struct agent_verb agent_peer_verbs[];
extern const size_t agent_peer_verb_count;

/*
 * Runs this same program, as a person would, with --json: what it prints is the result's `output`, its status (0 or 1)
 * the result's `status`; 2, 3 and 4 are errors with its last sentence. Its progress becomes ours. argv begins with the
 * command's name and ends with NULL.
 */
int agent_run_program(struct agent_call *call, const char *const argv[], struct error *err);

/* Runs a command of the configuration by sh: 0, or an error with the last line that it printed. `key` is for the words.
 * The verb's limit ends it. */
int agent_run_command(const char *key, const char *command, struct error *err);

/* agent_inventory.c */
int agent_inventory(struct agent_call *call, struct error *err);

/* agent_salt.c */
int agent_salt(struct agent_call *call, struct error *err);
extern const struct agent_argument agent_salt_arguments[];

/* agent_carry.c: mutable areas, as carry/area.h says */
int agent_areas(struct agent_call *call, struct error *err);
int agent_area_scan(struct agent_call *call, struct error *err);
int agent_area_list(struct agent_call *call, struct error *err);
int agent_area_read(struct agent_call *call, struct error *err);
int agent_area_write(struct agent_call *call, struct error *err);
int agent_area_settle(struct agent_call *call, struct error *err);
int agent_area_keep(struct agent_call *call, struct error *err);
void agent_carry_warm(void *context);
extern const struct agent_argument agent_area_scan_arguments[], agent_area_list_arguments[], agent_area_read_arguments[],
        agent_area_write_arguments[], agent_area_settle_arguments[], agent_area_keep_arguments[];

#endif
