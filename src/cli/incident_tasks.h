/*
 * incident_tasks.h - every server that shares build, contractor, credential or key with one that was hit is a task: in
 * 2008 the second analysis server was "not directly concerned", and was the one that was hit a year later.
 *
 * The tasks are found anew each time, from the register; that a person has looked at a server is a fact of the
 * casebook.
 */
#ifndef CLI_INCIDENT_TASKS_H
#define CLI_INCIDENT_TASKS_H

#include "cli/incident.h"
#include "fleet/fleet.h"

struct incident_task {
        char server[FLEET_NAME_SIZE];
        const char *because; /* "build", "contractor", "credential", "key" */
        char what[FLEET_TEXT_SIZE];
        bool done;
};

struct incident_tasks {
        struct incident_task *list;
        size_t count;
};

/* None without a register. */
int incident_tasks_find(struct incident_request *request, struct casebook *book, struct incident_tasks *ret_tasks,
                        struct error *err);
void incident_tasks_done(struct incident_tasks *tasks);
json_t *incident_tasks_json(const struct incident_tasks *tasks);

/* The servers that an incident's intervals name, each once. */
struct incident_servers {
        char (*names)[FLEET_NAME_SIZE];
        size_t count;
};
int incident_servers_find(struct casebook *book, int64_t number, struct incident_servers *ret_servers,
                          struct error *err);
void incident_servers_done(struct incident_servers *servers);

#endif
