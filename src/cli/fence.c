/* fence.c - understudy fence: who may write to the database; its beginning, and a look at it. */
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/site_file.h"
#include "traffic/agent_client.h"
#include "tree/state.h"

#define ANSWER_MS 60000

enum { OPTION_PUB = OPTION_COMMAND };

static const struct option options[] = {
        {"pub", required_argument, NULL, OPTION_PUB},
        { NULL, 0,                 NULL, 0         },
};

/* ---- asking the database's host ---- */

static int ask(const struct config *config, const char *verb, json_t *arguments, json_t **ret_result, struct error *err)
{
        const struct config_server *host = config->database.present ? config_find_server(config, config->database.host) : NULL;
        _cleanup_(agent_client_freep) struct agent_client *client = NULL;
        int r;

        if (!host || !host->ssh) {
                json_decref(arguments);
                return error_usage(err, _("the configuration has no database whose host has ssh"));
        }
        r = agent_client_new(&(struct agent_client_options){ .name = host->name, .destination = host->ssh,
                                                             .ssh_config = config->ssh_config },
                             &client, err);
        if (r < 0) {
                json_decref(arguments);
                return r;
        }
        return agent_client_call(client, verb, arguments, ANSWER_MS, NULL, NULL, ret_result, err);
}

static int show(const struct common *common, const struct config *config)
{
        struct error error = ERROR_NONE;
        json_t *view = NULL;
        const json_t *members;
        bool filter;

        if (ask(config, "fence-look", NULL, &view, &error) < 0)
                return command_fail(&error);
        filter = json_is_true(json_object_get(view, "filter"));
        if (common->json)
                return command_print_json(view);
        members = json_object_get(view, "members");
        printf(_("epoch %lld, for %s; the packet filter is %s\n"), (long long)json_integer_value(json_object_get(view, "epoch")),
               json_string_value(json_object_get(view, "holder")), filter ? _("in force") : _("NOT in force"));
        for (size_t i = 0; i < json_array_size(members); i++) {
                const json_t *one = json_array_get(members, i);

                printf(_("%-14s %-8s %lld connections, %lld sessions\n"), json_string_value(json_object_get(one, "server")),
                       json_string_value(json_object_get(one, "place")),
                       (long long)json_integer_value(json_object_get(one, "sockets")),
                       (long long)json_integer_value(json_object_get(one, "sessions")));
        }
        json_decref(view);
        return filter ? EXIT_DONE : EXIT_FOUND;
}

static int act(const struct common *common, const struct config *config, const char *action, const char *server)
{
        struct error error = ERROR_NONE;
        json_t *result = NULL;
        int r = ask(config, "fence", json_pack("{s:s, s:s}", "action", action, "server", server), &result, &error);

        json_decref(result);
        return r < 0 ? command_fail(&error) : show(common, config);
}

/* ---- the command ---- */

static int run(int argc, char *argv[])
{
        _cleanup_(site_file_done) struct site_file file = SITE_FILE_NONE;
        const char *action, *pub_path = NULL;
        struct common common = { 0 };
        struct error error = ERROR_NONE;
        int code, r;

        while ((code = command_option(argc, argv, &command_fence, options,
                                      N_("Who may write to the site's database.\n\n"
                                         "  begin SERVER   once: SERVER is on stage and let in, all others are shut out\n"
                                         "  restore        put in force again what the database's host remembers\n"
                                         "  show           who is in, and whether that is in force, measured now\n\n"
                                         "  --config FILE  the site's configuration\n"
                                         "  --pub FILE     it must be signed by this key\n"),
                                      &common)) != -1) {
                if (code != OPTION_PUB)
                        return EXIT_USAGE;
                pub_path = optarg;
        }
        action = optind < argc ? argv[optind] : "";
        if (argc - optind != (text_equal(action, "begin") ? 2 : 1) ||
            (!text_equal(action, "begin") && !text_equal(action, "restore") && !text_equal(action, "show")))
                return command_usage(&command_fence, _("say begin SERVER, restore, or show"));
        if (!common.config)
                return command_usage(&command_fence, _("--config FILE is needed: the configuration of the site"));
        r = site_file_open(&file, &common, pub_path, &error);
        if (r < 0)
                return site_file_fail(&file, &error);
        if (text_equal(action, "show"))
                return show(&common, file.config);
        return act(&common, file.config, action, optind + 1 < argc ? argv[optind + 1] : "");
}

const struct command command_fence = {
        .name = "fence",
        .run = run,
        .synopsis = "fence begin SERVER | restore | show --config FILE [--pub FILE]",
        .summary = N_("who may write to the database"),
};
