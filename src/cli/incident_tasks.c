/* incident_tasks.c - understudy incident task, and which there are. */
#include "cli/incident_tasks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/register.h"

#define KEY_SIZE (FLEET_NAME_SIZE + 8)

/* ---- the servers that were hit ---- */

static bool has_name(const struct incident_servers *servers, const char *name)
{
        for (size_t i = 0; i < servers->count; i++)
                if (text_equal(servers->names[i], name))
                        return true;
        return false;
}

int incident_servers_find(struct casebook *book, int64_t number, struct incident_servers *ret_servers,
                          struct error *err)
{
        struct intervals intervals = { 0 };
        int r = casebook_intervals(book, number, &intervals, err);

        for (size_t i = 0; i < intervals.count && r == 0; i++) {
                if (has_name(ret_servers, intervals.list[i].server))
                        continue;
                if (memory_grow(&ret_servers->names, ret_servers->count, sizeof(*ret_servers->names)) < 0)
                        r = error_memory(err);
                else
                        snprintf(ret_servers->names[ret_servers->count++], FLEET_NAME_SIZE, "%s",
                                 intervals.list[i].server);
        }
        intervals_done(&intervals);
        return r;
}

void incident_servers_done(struct incident_servers *servers)
{
        free(servers->names);
        *servers = (struct incident_servers){ 0 };
}

/* ---- tasks ---- */

static void task_key(const char *server, char key[static KEY_SIZE])
{
        snprintf(key, KEY_SIZE, "task:%s", server);
}

static int add_task(struct incident_request *request, struct casebook *book, const struct fleet_server *server,
                    const char *because, const char *what, struct incident_tasks *tasks, struct error *err)
{
        struct casebook_fact fact = { 0 };
        struct incident_task *task;
        char key[KEY_SIZE];
        int r;

        task_key(server->name, key);
        r = casebook_fact(book, request->number, key, &fact, err);
        if (r == 0 && memory_grow(&tasks->list, tasks->count, sizeof(*tasks->list)) < 0)
                r = error_memory(err);
        if (r == 0) {
                task = &tasks->list[tasks->count++];
                *task = (struct incident_task){ .because = because, .done = fact.text != NULL };
                snprintf(task->server, sizeof(task->server), "%s", server->name);
                snprintf(task->what, sizeof(task->what), "%s", what);
        }
        casebook_fact_done(&fact);
        return r;
}

/* A retired server is one, too: its disk may still be there, and what was on it counts. */
static int find_for(struct incident_request *request, struct casebook *book, const struct fleet *fleet,
                    const struct incident_servers *hit, struct incident_tasks *tasks, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < fleet->count && r == 0; i++) {
                const struct fleet_server *server = &fleet->servers[i];
                const char *because = NULL, *what = "";

                for (size_t j = 0; j < hit->count && !because && !has_name(hit, server->name); j++) {
                        const struct fleet_server *there = fleet_find(fleet, hit->names[j]);

                        if (there)
                                because = fleet_shares(server, there, &what);
                }
                if (because)
                        r = add_task(request, book, server, because, what, tasks, err);
        }
        return r;
}

int incident_tasks_find(struct incident_request *request, struct casebook *book, struct incident_tasks *ret_tasks,
                        struct error *err)
{
        _cleanup_(register_closep) struct register_file *file = NULL;
        struct incident_servers hit = { 0 };
        struct fleet fleet = { 0 };
        int r = register_open(request->state, false, &file, err);

        if (r == -ENOENT)
                return 0;
        if (r == 0)
                r = register_load(file, &fleet, err);
        if (r == 0)
                r = incident_servers_find(book, request->number, &hit, err);
        if (r == 0)
                r = find_for(request, book, &fleet, &hit, ret_tasks, err);
        incident_servers_done(&hit);
        fleet_done(&fleet);
        return r;
}

void incident_tasks_done(struct incident_tasks *tasks)
{
        free(tasks->list);
        *tasks = (struct incident_tasks){ 0 };
}

json_t *incident_tasks_json(const struct incident_tasks *tasks)
{
        json_t *list = json_array();

        for (size_t i = 0; i < tasks->count; i++)
                json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "server", tasks->list[i].server,
                                                      "because", tasks->list[i].because, "what", tasks->list[i].what,
                                                      "done", tasks->list[i].done));
        return list;
}

/* ---- task ---- */

static int put(struct incident_request *request, struct casebook *book, const char *server, const char *text,
               struct error *err)
{
        struct incident_tasks tasks = { 0 };
        bool found = false;
        char key[KEY_SIZE];
        int r = incident_tasks_find(request, book, &tasks, err);

        for (size_t i = 0; i < tasks.count; i++)
                found = found || text_equal(tasks.list[i].server, server);
        incident_tasks_done(&tasks);
        if (r == 0 && !found)
                r = error_usage(err, _("%s is no task of incident %lld; 'incident show' lists them"), server,
                                (long long)request->number);
        if (r < 0)
                return r;
        journal_sink_add(&request->journal, "incident_task_done", NULL,
                         json_pack("{s:I, s:s, s:o, s:o}", "incident", (json_int_t)request->number, "subject", server,
                                   "text", command_json_name(text, strlen(text)), "by",
                                   command_json_name(request->name, strlen(request->name))),
                         "incident %lld: %s was looked at", (long long)request->number, server);
        journal_sink_commit(&request->journal);
        task_key(server, key);
        return casebook_put_fact(book, request->number, key, text, request->name, incident_now_us(), err);
}

int incident_task(struct incident_request *request)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct casebook_incident incident;
        struct error error = ERROR_NONE;
        int r;

        if (request->argument_count != 2 || !*request->arguments[1])
                return command_usage(&command_incident, _("name the server, and say what was found there"));
        if (!request->name)
                return command_usage(&command_incident, _("a person has looked at a server: --approve NAME"));
        r = incident_book(request, true, &book, &incident, &error);
        if (r == 0)
                r = put(request, book, request->arguments[0], request->arguments[1], &error);
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}
