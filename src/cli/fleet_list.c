/* fleet_list.c - understudy fleet list: the register, and who is eligible. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "cli/fleet.h"

static bool is_named(const struct fleet_request *request, const char *server)
{
        for (int i = 0; i < request->name_count; i++)
                if (text_equal(request->names[i], server))
                        return true;
        return request->name_count == 0;
}

/* [{"text", "since"}] of one kind. */
static json_t *items_json(const struct fleet_server *server, enum fleet_item_kind kind)
{
        json_t *list = json_array();

        for (size_t i = 0; i < server->item_count; i++)
                if (server->items[i].kind == kind)
                        json_array_append_new(list, json_pack("{s:s, s:o}", "text", server->items[i].text, "since",
                                                              fleet_time_json(server->items[i].time_s)));
        return list;
}

static const char *role_of(const struct fleet_server *server)
{
        return server->role == CONFIG_ROLE_UNSAID ? "" : config_role_name((enum config_role)server->role);
}

static json_t *server_json(const struct fleet_server *server, const struct fleet_finding *obstacle)
{
        return json_pack(
                "{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:b, s:o}",
                "server", server->name, "role", role_of(server), "origin",
                fleet_origin_name((enum fleet_origin)server->origin), "owner", server->owner, "contractor",
                server->contractor, "contract_end", fleet_time_json(server->contract_end_s), "build", server->build,
                "addresses", items_json(server, FLEET_ADDRESS), "credentials", items_json(server, FLEET_CREDENTIAL),
                "keys", items_json(server, FLEET_KEY), "host_keys", items_json(server, FLEET_HOST_KEY), "added",
                fleet_time_json(server->added_s), "retired", fleet_time_json(server->retired_s), "replaces",
                server->replaces, "replaced_by", server->replaced_by, "asked", fleet_time_json(server->asked_s),
                "answered", fleet_time_json(server->facts_s), "eligible", !server->retired_s && !obstacle, "obstacle",
                obstacle ? json_string(fleet_rule_name(obstacle->rule)) : json_null());
}

static void show(const struct fleet_server *server, const struct fleet_finding *obstacle)
{
        char time[CLOCK_TEXT_SIZE] = "";

        if (server->facts_s)
                clock_format_utc(server->facts_s, time);
        printf("%-20s %-10s %-10s %-16s %s\n", server->name, *role_of(server) ? role_of(server) : "-",
               fleet_origin_name((enum fleet_origin)server->origin), *server->build ? server->build : "-",
               server->facts_s ? time : _("never asked"));
        if (server->retired_s)
                printf("    %s%s%s\n", _("retired"), *server->replaced_by ? _(", replaced by ") : "",
                       server->replaced_by);
        else if (obstacle)
                printf(_("    not eligible (%s): %s\n"), fleet_rule_name(obstacle->rule), obstacle->what);
}

int fleet_list(struct fleet_request *request)
{
        struct error error = ERROR_NONE;
        struct fleet_view view = { 0 };
        json_t *list = json_array();
        bool shut_out = false;
        int r = fleet_view_load(request->state, request->file.config, &view, &error);

        for (int i = 0; i < request->name_count && r == 0; i++)
                if (!fleet_find(&view.fleet, request->names[i]))
                        r = error_usage(&error, _("%s is not in the register"), request->names[i]);
        if (r < 0 && (r != -ENOENT || request->name_count)) {
                json_decref(list);
                fleet_view_done(&view);
                return command_fail(&error);
        }
        for (size_t i = 0; i < view.fleet.count; i++) {
                const struct fleet_server *server = &view.fleet.servers[i];
                const struct fleet_finding *obstacle = fleet_obstacle(&view.findings, server->name);

                if (!is_named(request, server->name))
                        continue;
                shut_out = shut_out || (obstacle && !server->retired_s) || (request->name_count && server->retired_s);
                if (request->common.json)
                        json_array_append_new(list, server_json(server, obstacle));
                else if (!request->common.quiet)
                        show(server, obstacle);
        }
        fleet_view_done(&view);
        if (request->common.json) {
                int status = command_print_json(json_pack("{s:o}", "servers", list));

                return status != EXIT_DONE ? status : shut_out ? EXIT_FOUND : EXIT_DONE;
        }
        json_decref(list);
        return shut_out ? EXIT_FOUND : EXIT_DONE;
}
