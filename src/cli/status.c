/* status.c - understudy status: the trees of this server at a glance. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/command.h"
#include "guard/handover.h"
#include "tree/state.h"

static const struct option options[] = {
        {NULL, 0, NULL, 0}
};

/* What is known of one DEST. */
struct standing {
        uint64_t release;
        char site[RELEASE_NAME_SIZE];
        char verified[CLOCK_TEXT_SIZE];
        bool pulled, busy, genuine, this_boot;
        json_t *guard;        /* its own words; NULL: none runs */
        bool guard_silent;    /* one is there, but does not answer */
        const char *obstacle; /* why visitors may not be sent here; NULL: they may */
};

struct request {
        struct common common;
        json_t *list;
        unsigned int trees, not_eligible;
};

/* The one rule: pulled, proven equal to its release since this machine was started, and nothing found since. */
static const char *find_obstacle(const struct standing *standing)
{
        if (standing->busy)
                return _("a pull or another command is at work on it");
        if (!standing->pulled)
                return _("it was never pulled");
        if (!standing->verified[0])
                return _("it was never verified");
        if (!standing->genuine)
                return _("it differed when it was last looked at: pull, then verify");
        if (!standing->this_boot)
                return _("it was not verified since this machine was started: verify it");
        if (standing->guard_silent)
                return _("its guard does not answer: restart it");
        if (standing->guard && !json_is_true(json_object_get(standing->guard, "clean")))
                return _("its guard has found something, or is still comparing");
        return NULL;
}

static void ask_guard(const struct state *state, struct standing *standing)
{
        static char text[HANDOVER_TEXT_SIZE];
        struct handover *handover = NULL;
        int r = handover_connect(state->folder, &handover, NULL);

        if (r == 0 && handover)
                r = handover_status(handover, text, NULL);
        if (r == 0 && handover)
                standing->guard = json_loads(text, 0, NULL);
        standing->guard_silent = r < 0;
        handover_close(handover);
}

static int look(const char *state_name, const char *dest, struct standing *standing, struct error *err)
{
        _cleanup_(state_closep) struct state *state = NULL;
        char boot_id[CLOCK_BOOT_ID_SIZE];
        int r = state_open(state_name, dest, false, &state, err);

        if (r == -EBUSY) {
                standing->busy = true;
                standing->obstacle = find_obstacle(standing);
                return 0;
        }
        if (r < 0)
                return r;
        clock_boot_id(boot_id);
        standing->pulled = state->pulled;
        standing->release = state->release;
        snprintf(standing->site, sizeof(standing->site), "%s", state->site);
        if (state->verification.time)
                clock_format_utc(state->verification.time, standing->verified);
        standing->genuine = state->verification.genuine;
        standing->this_boot = text_equal(state->verification.boot_id, boot_id);
        if (state->folder >= 0)
                ask_guard(state, standing);
        standing->obstacle = find_obstacle(standing);
        return 0;
}

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
        struct standing standing = { 0 };
        struct error error = ERROR_NONE;
        int r = look(state_directory(request->common.state), dest, &standing, &error);

        if (r < 0) {
                command_fail(&error);
                return r;
        }
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
        json_decref(standing.guard);
        return 0;
}

static int run(int argc, char *argv[])
{
        struct request request = { 0 };
        struct error error = ERROR_NONE;
        int code, r = 0;

        while ((code = command_option(argc, argv, &command_status, options,
                                      N_("Says for each tree of this server, or for those that are named, whether "
                                         "visitors may be sent to it,\n"
                                         "and why not: 0 when all may, 1 when one may not.\n"),
                                      &request.common)) != -1)
                return EXIT_USAGE;
        request.list = json_array();
        if (optind == argc)
                r = state_list(state_directory(request.common.state), one, &request, &error);
        for (int i = optind; i < argc && r == 0; i++)
                r = one(&request, argv[i]);
        if (r < 0) {
                json_decref(request.list);
                return error.code ? command_fail(&error) : EXIT_FAILED;
        }
        if (request.common.json) {
                int status = command_print_json(json_pack("{s:o}", "trees", request.list));

                if (status != EXIT_DONE)
                        return status;
        } else {
                json_decref(request.list);
                if (request.trees == 0 && !request.common.quiet)
                        puts(_("No tree was pulled on this server."));
        }
        return request.not_eligible ? EXIT_FOUND : EXIT_DONE;
}

const struct command command_status = {
        .name = "status",
        .run = run,
        .synopsis = "status [DEST ...]",
        .summary = N_("may visitors be sent here, and why not"),
};
