/* fleet_check.c - understudy fleet check: the facts gathered, then every rule. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/fleet.h"

#define JOURNALED 100 /* findings that are in the journal one by one */

static int gather(struct fleet_request *request, struct register_file *file, struct error *err)
{
        struct fleet fleet = { 0 };
        _cleanup_(memory_freep) const struct fleet_server **servers = NULL;
        size_t count = 0;
        int r = register_load(file, &fleet, err);

        if (r == 0) {
                servers = memory_new(fleet.count + 1, sizeof(const struct fleet_server *));
                r = servers ? 0 : error_memory(err);
        }
        for (int i = 0; i < request->name_count && r == 0; i++)
                if (!fleet_find(&fleet, request->names[i]))
                        r = error_usage(err, _("%s is not in the register; 'understudy fleet add' enters it"),
                                        request->names[i]);
        for (size_t i = 0; i < fleet.count && r == 0; i++) {
                bool named = request->name_count == 0;

                for (int j = 0; j < request->name_count; j++)
                        named = named || text_equal(fleet.servers[i].name, request->names[j]);
                if (named && !fleet.servers[i].retired_s)
                        servers[count++] = &fleet.servers[i];
        }
        if (r == 0)
                r = fleet_ask(request, file, servers, count, request->name_count == 0, err);
        fleet_done(&fleet);
        return r;
}

static void journal_findings(struct fleet_request *request, const struct fleet_findings *findings)
{
        json_t *list = json_array();

        for (size_t i = 0; i < findings->count && i < JOURNALED; i++)
                json_array_append_new(list, json_pack("{s:s, s:s}", "rule", fleet_rule_name(findings->list[i].rule),
                                                      "subject", findings->list[i].server));
        journal_sink_add(&request->journal, "fleet_checked", NULL,
                         json_pack("{s:I, s:o}", "findings", (json_int_t)findings->count, "list", list),
                         "the register of servers was checked: %zu findings", findings->count);
        journal_sink_commit(&request->journal);
}

static json_t *servers_json(const struct fleet_view *view)
{
        json_t *list = json_array();

        for (size_t i = 0; i < view->fleet.count; i++) {
                const struct fleet_server *server = &view->fleet.servers[i];

                if (!server->retired_s)
                        json_array_append_new(list, json_pack("{s:s, s:b}", "server", server->name, "eligible",
                                                              !fleet_obstacle(&view->findings, server->name)));
        }
        return list;
}

static int tell(const struct fleet_request *request, const struct fleet_view *view)
{
        const int status = view->findings.count ? EXIT_FOUND : EXIT_DONE;
        int printed;

        if (request->common.json) {
                printed = command_print_json(json_pack("{s:o, s:o}", "servers", servers_json(view), "findings",
                                                       fleet_findings_json(&view->findings, NULL)));
                return printed != EXIT_DONE ? printed : status;
        }
        if (!request->common.quiet) {
                fleet_show_findings(&view->findings, NULL);
                if (!view->findings.count)
                        printf(_("%zu servers, and no rule is broken\n"), view->fleet.count);
        }
        return status;
}

int fleet_check(struct fleet_request *request)
{
        _cleanup_(register_closep) struct register_file *file = NULL;
        struct fleet_view view = { 0 };
        struct error error = ERROR_NONE;
        int r, status;

        if (!request->file.config)
                return command_usage(&command_fleet, _("--config FILE is needed: the configuration of the site"));
        r = register_open(request->state, false, &file, &error);
        if (r == -ENOENT)
                error.status = EXIT_USAGE;
        if (r == 0)
                journal_sink_open(&request->journal, request->state, false);
        if (r == 0 && !request->offline)
                r = gather(request, file, &error);
        if (r == 0)
                r = fleet_view_load(request->state, request->file.config, &view, &error);
        if (r < 0)
                return command_fail(&error);
        journal_findings(request, &view.findings);
        status = tell(request, &view);
        fleet_view_done(&view);
        return status;
}
