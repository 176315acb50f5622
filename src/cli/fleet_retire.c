/*
 * fleet_retire.c - understudy fleet retire: the last part of a replacement, as one flow.
 *
 *     fleet add NEW --replaces OLD      NEW is a candidate: it has no role, and is not eligible
 *     fleet retire OLD --by NEW
 *         1 both are asked                                                        fleet_retire_began
 *         2 OLD must be off the stage: it does not have the service's address
 *         3 NEW is judged as if it had the role of OLD: no rule may shut it out   fleet_build_verified
 *         4 NEW gets the role and OLD loses it, in one transaction                fleet_role_taken, fleet_retired
 *         5 who still names OLD is found by the rules, from now on
 *
 * After a crash the same command begins anew; what is done already is found done.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "cli/fleet.h"

/* ---- is it ready ---- */

static int ask_both(struct fleet_request *request, struct register_file *file, const struct fleet_server *old,
                    const struct fleet_server *new, struct error *err)
{
        const struct fleet_server *const servers[] = { old, new };

        if (request->offline)
                return 0;
        if (!request->file.config)
                return error_usage(err, _("--config FILE is needed: the configuration of the site"));
        return fleet_ask(request, file, servers, new ? 2 : 1, false, err);
}

/* Nobody is retired while visitors are sent to his address. What does not answer any more has no say in it. */
static int check_off_stage(const struct fleet_request *request, const struct fleet_server *old, struct error *err)
{
        const struct config *config = request->file.config;

        for (size_t i = 0; config && old->facts && !*old->failure && i < config->service.addresses.count; i++)
                for (size_t j = 0; j < old->facts->address_count; j++)
                        if (text_equal(old->facts->addresses[j], config->service.addresses.items[i].text))
                                return error_refuse(
                                        err, _("%s has the service's address %s; 'understudy switch' moves it first"),
                                        old->name, old->facts->addresses[j]);
        return 0;
}

/* The rules, as if it had the role already. */
static int check_new(struct fleet_request *request, struct fleet *fleet, struct fleet_server *new, int role,
                     struct error *err)
{
        struct fleet_question question = { .config = request->file.config, .now_s = clock_now(), .stale_s = 15 * 60 };
        struct fleet_findings findings;
        const struct fleet_finding *obstacle;
        int r;

        new->role = role;
        new->replaces[0] = '\0';
        r = fleet_judge(fleet, &question, &findings, err);
        if (r < 0)
                return r;
        obstacle = fleet_obstacle(&findings, new->name);
        if (obstacle)
                r = error_refuse(err, _("%s cannot take over from another: %s (%s); %s"), new->name, obstacle->what,
                                 fleet_rule_name(obstacle->rule), fleet_rule_remedy(obstacle->rule));
        fleet_findings_done(&findings);
        return r;
}

static int find_new(const struct fleet_request *request, const struct fleet *fleet, const struct fleet_server *old,
                    struct fleet_server **ret_new, struct error *err)
{
        struct fleet_server *new = request->by ? fleet_find(fleet, request->by) : NULL;

        if (request->by && (!new || new == old))
                return error_usage(err, _("%s is not in the register as another server"), request->by);
        if (new && !text_equal(new->replaces, old->name))
                return error_refuse(
                        err,
                        _("%s was not entered as the one that replaces %s: 'understudy fleet add %s --replaces %s'"),
                        new->name, old->name, new->name, old->name);
        *ret_new = new;
        return 0;
}

/* ---- the steps ---- */

static void note(struct fleet_request *request, const char *kind, const struct fleet_server *old,
                 const struct fleet_server *new, const char *what)
{
        journal_sink_add(&request->journal, kind, NULL,
                         json_pack("{s:s, s:s, s:o}", "subject", old->name, "by", new ? new->name : "", "approved",
                                   command_json_name(request->approve, strlen(request->approve))),
                         "%s: %s", old->name, what);
        journal_sink_commit(&request->journal);
}

static int exchange(struct fleet_request *request, struct register_file *file, struct fleet_server *old,
                    struct fleet_server *new, struct error *err)
{
        int r;

        if (new)
                note(request, "fleet_role_taken", old, new, "another server takes over its role");
        note(request, "fleet_retired", old, new, "it is retired");
        old->role = CONFIG_ROLE_UNSAID;
        old->retired_s = clock_now();
        snprintf(old->replaced_by, sizeof(old->replaced_by), "%s", new ? new->name : "");
        r = register_begin(file, err);
        if (r == 0 && new)
                r = register_put(file, new, err);
        if (r == 0)
                r = register_put(file, old, err);
        return r < 0 ? r : register_commit(file, err);
}

static int retire(struct fleet_request *request, struct register_file *file, struct error *err)
{
        const char *name = request->names[0];
        struct fleet fleet = { 0 };
        struct fleet_server *old = NULL, *new = NULL;
        int r = register_load(file, &fleet, err);

        if (r == 0) {
                old = fleet_find(&fleet, name);
                r = old ? 0 : error_usage(err, _("%s is not in the register"), name);
        }
        if (r < 0 || !old || old->retired_s) /* done before */
                goto end;
        r = find_new(request, &fleet, old, &new, err);
        if (r == 0) {
                note(request, "fleet_retire_began", old, new, "it is to be retired");
                r = ask_both(request, file, old, new, err);
        }
        if (r == 0) {
                fleet_done(&fleet); /* read again, with what they answered */
                r = register_load(file, &fleet, err);
        }
        if (r < 0)
                goto end;
        old = fleet_find(&fleet, name);
        new = request->by ? fleet_find(&fleet, request->by) : NULL;
        r = check_off_stage(request, old, err);
        if (r == 0 && new)
                r = check_new(request, &fleet, new, old->role, err);
        if (r == 0 && new)
                note(request, "fleet_build_verified", old, new, "the one that replaces it was verified");
        if (r == 0)
                r = exchange(request, file, old, new, err);
end:
        fleet_done(&fleet);
        return r;
}

/* Who still names it. */
static int tell(const struct fleet_request *request)
{
        const char *name = request->names[0];
        struct fleet_view view = { 0 };
        struct error error = ERROR_NONE;
        json_t *findings;
        bool found;
        int status = EXIT_DONE;

        if (fleet_view_load(request->state, request->file.config, &view, &error) < 0)
                return command_fail(&error);
        findings = fleet_findings_json(&view.findings, name);
        found = json_array_size(findings) > 0;
        if (request->common.json) {
                status = command_print_json(json_pack("{s:s, s:s, s:o}", "retired", name, "by",
                                                      request->by ? request->by : "", "findings", findings));
        } else {
                json_decref(findings);
                if (!request->common.quiet) {
                        printf(_("%s is retired\n"), name);
                        fleet_show_findings(&view.findings, name);
                }
        }
        fleet_view_done(&view);
        return status != EXIT_DONE ? status : found ? EXIT_FOUND : EXIT_DONE;
}

int fleet_retire(struct fleet_request *request)
{
        _cleanup_(register_closep) struct register_file *file = NULL;
        struct error error = ERROR_NONE;
        int r;

        if (!request->approve)
                return command_usage(&command_fleet, _("a person retires a server: --approve NAME"));
        r = register_open(request->state, false, &file, &error);
        if (r == -ENOENT)
                error.status = EXIT_USAGE;
        if (r == 0) {
                journal_sink_open(&request->journal, request->state, false);
                r = retire(request, file, &error);
        }
        return r < 0 ? command_fail(&error) : tell(request);
}
