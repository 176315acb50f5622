/* status.c - understudy status: the trees of this server at a glance. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "cli/command.h"
#include "cli/fleet_view.h"
#include "cli/standing.h"
#include "cli/status_site.h"
#include "tree/state.h"

enum { OPTION_PUB = OPTION_COMMAND };

static const struct option options[] = {
        {"pub", required_argument, NULL, OPTION_PUB},
        { NULL, 0,                 NULL, 0         },
};

struct request {
        struct common common;
        struct stage stage;
        json_t *list;
        struct error damaged; /* a tree whose state cannot be read: nothing is known of it, which counts as bad */
        json_t *fleet; /* the register of servers, where there is one: on the controller; NULL: none */
        unsigned int trees, not_eligible;
};

static void show(const char *dest, const struct standing *standing)
{
        const char *mode = json_string_value(json_object_get(standing->guard, "mode"));

        printf("%s\n", dest);
        printf("  %s: ", _("eligible"));
        if (standing->obstacle)
                printf(_("no - %s\n"), standing->obstacle);
        else
                printf("%s\n", _("yes"));
        if (standing->busy)
                return;
        printf(_("  release %" PRIu64 " of %s, last looked at %s\n"), standing->release, standing->site,
               standing->verified[0] ? standing->verified : _("never"));
        if (!standing->guard) {
                printf("  %s\n", standing->guard_silent ? _("guard: does not answer") : _("guard: none"));
                return;
        }
        printf(_("  guard: %s, %lld findings, %lld healed, %lld opens refused\n"), mode ? mode : "?",
               (long long)json_integer_value(json_object_get(standing->guard, "findings")),
               (long long)json_integer_value(json_object_get(standing->guard, "heals")),
               (long long)json_integer_value(json_object_get(standing->guard, "refused")));
        if (json_string_length(json_object_get(standing->guard, "last_finding")) > 0)
                printf(_("  last finding: %s %s\n"), json_string_value(json_object_get(standing->guard, "last_finding")),
                       json_string_value(json_object_get(standing->guard, "last_path")));
}

static int one(void *context, const char *dest)
{
        struct request *request = context;
        struct standing standing;
        struct error error = ERROR_NONE;
        int r = standing_look(state_directory(request->common.state), dest, &standing, &error);

        if (r < 0) {
                command_fail(&error);
                return r;
        }
        if (!standing.obstacle)
                standing.obstacle = stage_obstacle(&request->stage);
        request->trees++;
        request->not_eligible += standing.obstacle != NULL;
        if (request->common.json)
                json_array_append_new(
                        request->list,
                        json_pack("{s:o, s:b, s:o, s:I, s:s, s:s, s:b, s:o}", "dest",
                                  command_json_name(dest, strlen(dest)), "eligible", !standing.obstacle, "obstacle",
                                  standing.obstacle ? json_string(standing.obstacle) : json_null(), "release",
                                  (json_int_t)standing.release, "site", standing.site, "verified", standing.verified,
                                  "genuine", standing.genuine, "guard",
                                  standing.guard ? json_incref(standing.guard) : json_null()));
        else if (!request->common.quiet)
                show(dest, &standing);
        standing_done(&standing);
        return 0;
}

/* ---- the register ---- */

static void one_server(struct request *request, const struct fleet_server *server, const struct fleet_finding *obstacle)
{
        request->not_eligible += obstacle != NULL;
        if (request->common.json)
                json_array_append_new(request->fleet,
                                      json_pack("{s:s, s:b, s:o}", "server", server->name, "eligible", !obstacle, "obstacle",
                                                obstacle ? json_string(obstacle->what) : json_null()));
        else if (!request->common.quiet && obstacle)
                printf(_("%s: not eligible (%s): %s\n"), server->name, fleet_rule_name(obstacle->rule), obstacle->what);
        else if (!request->common.quiet)
                printf(_("%s: eligible by the register\n"), server->name);
}

static int look_at_fleet(struct request *request, struct error *err)
{
        struct fleet_view view;
        int r = fleet_view_load(state_directory(request->common.state), NULL, &view, err);

        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        request->fleet = json_array();
        for (size_t i = 0; i < view.fleet.count; i++)
                if (!view.fleet.servers[i].retired_s)
                        one_server(request, &view.fleet.servers[i],
                                   fleet_obstacle(&view.findings, view.fleet.servers[i].name));
        fleet_view_done(&view);
        return 0;
}

/* ---- the command ---- */

static int print_json(struct request *request)
{
        json_t *json = json_pack("{s:o, s:o, s:o}", "trees", request->list, "withdrawn", stage_json(&request->stage),
                                 "damaged", request->damaged.code ? json_string(request->damaged.text) : json_null());

        if (request->fleet)
                json_object_set(json, "servers", request->fleet);
        return command_print_json(json);
}

static int run(int argc, char *argv[])
{
        struct request request = { 0 };
        struct error error = ERROR_NONE;
        const char *pub_path = NULL;
        int code, r = 0, status = EXIT_DONE;

        while ((code = command_option(argc, argv, &command_status, options,
                                      N_("Says for each tree of this server, or for those that are named, whether "
                                         "visitors may be sent to it,\n"
                                         "and why not; first of all whether the server was withdrawn: 0 when all "
                                         "may, 1 when one may not.\n\n"
                                         "  --config FILE  of the whole site instead: who is on stage, who may write, who "
                                         "would be eligible\n"
                                         "  --pub FILE     the configuration must be signed by this key\n"),
                                      &request.common)) != -1) {
                if (code != OPTION_PUB)
                        return EXIT_USAGE;
                pub_path = optarg;
        }
        if (request.common.config && optind == argc)
                return status_site(&request.common, pub_path);
        stage_look(state_directory(request.common.state), &request.stage);
        if (!request.common.json && !request.common.quiet)
                stage_show(&request.stage);
        request.list = json_array();
        if (optind == argc)
                r = state_list(state_directory(request.common.state), one, &request, &error);
        if (r == -EBADMSG && error.code) {
                request.damaged = error;
                request.not_eligible++;
                r = 0;
        }
        for (int i = optind; i < argc && r == 0; i++)
                r = one(&request, argv[i]);
        if (r == 0 && optind == argc)
                r = look_at_fleet(&request, &error);
        if (r < 0) {
                json_decref(request.list);
                return error.code ? command_fail(&error) : EXIT_FAILED;
        }
        if (request.common.json) {
                status = print_json(&request);
        } else {
                json_decref(request.list);
                if (request.damaged.code)
                        (void)command_fail(&request.damaged);
                else if (request.trees == 0 && !request.fleet && !request.common.quiet)
                        puts(_("No tree was pulled on this server."));
        }
        json_decref(request.fleet);
        if (status != EXIT_DONE)
                return status;
        return request.not_eligible || stage_obstacle(&request.stage) ? EXIT_FOUND : EXIT_DONE;
}

const struct command command_status = {
        .name = "status",
        .run = run,
        .synopsis = "status [DEST ... | --config FILE [--pub FILE]]",
        .summary = N_("may visitors be sent here, and why not"),
};
