/*
 * fleet.h - what the verbs of `understudy fleet` share (private to src/cli/fleet*.c).
 */
#ifndef CLI_FLEET_H
#define CLI_FLEET_H

#include "base/clock.h"
#include "cli/command.h"
#include "cli/fleet_view.h"
#include "cli/journal_sink.h"
#include "cli/site_file.h"
#include "fleet/register.h"

struct fleet_request {
        struct common common;
        const char *state; /* folder */
        const char *pub_path;
        char *const *names; /* arguments behind the verb */
        int name_count;
        const char *role, *origin, *owner, *contractor, *contract_end, *build, *replaces, *by, *approve;
        struct command_texts addresses, credentials, keys, host_keys, removed;
        bool as_found, offline;
        struct site_file file; /* its config is NULL without --config */
        struct journal_sink journal;
};

int fleet_add(struct fleet_request *request);
int fleet_check(struct fleet_request *request);
int fleet_list(struct fleet_request *request);
int fleet_retire(struct fleet_request *request);

/* Prints the findings of `server` (NULL: all), and puts them in JSON: [{"rule", "server", "what", "remedy",
 * "shuts_out"}]. */
void fleet_show_findings(const struct fleet_findings *findings, const char *server);
json_t *fleet_findings_json(const struct fleet_findings *findings, const char *server);

/* "2009-07-06T09:00:00Z", or null for 0. */
json_t *fleet_time_json(int64_t time_s);

/*
 * Asks the agents of these servers, all at once, and keeps what they answer, or why they did not. With `named` also
 * what DNS says. A record of the journal for each answer comes first. (fleet_ask.c)
 */
int fleet_ask(struct fleet_request *request, struct register_file *file, const struct fleet_server *const *servers,
              size_t count, bool named, struct error *err);

#endif
