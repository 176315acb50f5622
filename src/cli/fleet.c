/* fleet.c - understudy fleet: the register of servers, and its rules. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "cli/fleet.h"
#include "tree/state.h"

enum {
        OPTION_ROLE = OPTION_COMMAND,
        OPTION_ADDRESS,
        OPTION_ORIGIN,
        OPTION_OWNER,
        OPTION_CONTRACTOR,
        OPTION_CONTRACT_END,
        OPTION_BUILD,
        OPTION_CREDENTIAL,
        OPTION_KEY,
        OPTION_HOST_KEY,
        OPTION_AS_FOUND,
        OPTION_REMOVE,
        OPTION_REPLACES,
        OPTION_BY,
        OPTION_APPROVE,
        OPTION_OFFLINE,
        OPTION_PUB,
};

static const struct option options[] = {
        {"role",          required_argument, NULL, OPTION_ROLE        },
        { "address",      required_argument, NULL, OPTION_ADDRESS     },
        { "origin",       required_argument, NULL, OPTION_ORIGIN      },
        { "owner",        required_argument, NULL, OPTION_OWNER       },
        { "contractor",   required_argument, NULL, OPTION_CONTRACTOR  },
        { "contract-end", required_argument, NULL, OPTION_CONTRACT_END},
        { "build",        required_argument, NULL, OPTION_BUILD       },
        { "credential",   required_argument, NULL, OPTION_CREDENTIAL  },
        { "key",          required_argument, NULL, OPTION_KEY         },
        { "host-key",     required_argument, NULL, OPTION_HOST_KEY    },
        { "as-found",     no_argument,       NULL, OPTION_AS_FOUND    },
        { "remove",       required_argument, NULL, OPTION_REMOVE      },
        { "replaces",     required_argument, NULL, OPTION_REPLACES    },
        { "by",           required_argument, NULL, OPTION_BY          },
        { "approve",      required_argument, NULL, OPTION_APPROVE     },
        { "offline",      no_argument,       NULL, OPTION_OFFLINE     },
        { "pub",          required_argument, NULL, OPTION_PUB         },
        { NULL,           0,                 NULL, 0                  },
};

static const char help[] =
        N_("The register of servers: what each is built of, whose it is, who may enter it, and which rule it breaks.\n"
           "A server that breaks a rule is sent no visitors.\n"
           "\n"
           "  list [NAME ...]    the register; 1 when one of them is not eligible\n"
           "  check [NAME ...]   asks the agents, then every rule; 1 when something was found\n"
           "  add NAME           enters a server, or more about it\n"
           "  retire NAME        takes it out of service, with --approve NAME; --by NEW: another has taken its place\n"
           "\n"
           "add:\n"
           "  --role ROLE, --address ADDRESS   if the site's configuration has no such server\n"
           "  --origin in-house|outsourced|unknown   who built it\n"
           "  --build NAME                     the in-house build that it is\n"
           "  --owner NAME                     who answers for it\n"
           "  --contractor NAME, --contract-end DATE   who works on it for us, and until when ('none')\n"
           "  --credential NAME=DATE           what others may know, and when it was last changed\n"
           "  --key FINGERPRINT, --host-key FINGERPRINT   may log in; its own\n"
           "  --as-found                       enters the keys and addresses that the last check found\n"
           "  --remove TEXT                    takes an address, credential or key out\n"
           "  --replaces OLD                   it is to take over the role of OLD\n"
           "\n"
           "  --config FILE      the site's configuration; --pub FILE: it must be signed by this key\n"
           "  --offline          check: only what is known already\n");

static int set_option(struct fleet_request *request, int code, const char *argument)
{
        switch (code) {
        case OPTION_ROLE: request->role = argument; return 0;
        case OPTION_ADDRESS: return command_text(&request->addresses, argument);
        case OPTION_ORIGIN: request->origin = argument; return 0;
        case OPTION_OWNER: request->owner = argument; return 0;
        case OPTION_CONTRACTOR: request->contractor = argument; return 0;
        case OPTION_CONTRACT_END: request->contract_end = argument; return 0;
        case OPTION_BUILD: request->build = argument; return 0;
        case OPTION_CREDENTIAL: return command_text(&request->credentials, argument);
        case OPTION_KEY: return command_text(&request->keys, argument);
        case OPTION_HOST_KEY: return command_text(&request->host_keys, argument);
        case OPTION_AS_FOUND: request->as_found = true; return 0;
        case OPTION_REMOVE: return command_text(&request->removed, argument);
        case OPTION_REPLACES: request->replaces = argument; return 0;
        case OPTION_BY: request->by = argument; return 0;
        case OPTION_APPROVE: request->approve = argument; return 0;
        case OPTION_OFFLINE: request->offline = true; return 0;
        case OPTION_PUB: request->pub_path = argument; return 0;
        default: return EXIT_USAGE;
        }
}

/* ---- what the verbs share ---- */

json_t *fleet_time_json(int64_t time_s)
{
        char text[CLOCK_TEXT_SIZE];

        if (!time_s)
                return json_null();
        clock_format_utc(time_s, text);
        return json_string(text);
}

static bool is_about(const struct fleet_finding *finding, const char *server)
{
        return !server || text_equal(finding->server, server);
}

json_t *fleet_findings_json(const struct fleet_findings *findings, const char *server)
{
        json_t *list = json_array();

        for (size_t i = 0; i < findings->count; i++) {
                const struct fleet_finding *finding = &findings->list[i];

                if (is_about(finding, server))
                        json_array_append_new(
                                list, json_pack("{s:s, s:o, s:o, s:s, s:b}", "rule", fleet_rule_name(finding->rule),
                                                "server", *finding->server ? json_string(finding->server) : json_null(),
                                                "what", command_json_name(finding->what, strlen(finding->what)),
                                                "remedy", fleet_rule_remedy(finding->rule), "shuts_out",
                                                fleet_rule_shuts_out(finding->rule)));
        }
        return list;
}

void fleet_show_findings(const struct fleet_findings *findings, const char *server)
{
        for (size_t i = 0; i < findings->count; i++) {
                const struct fleet_finding *finding = &findings->list[i];

                if (!is_about(finding, server))
                        continue;
                printf("%s %s%s%s: %s\n", fleet_rule_shuts_out(finding->rule) ? "!" : "-", finding->server,
                       *finding->server ? " " : "", fleet_rule_name(finding->rule), finding->what);
                printf("    %s\n", fleet_rule_remedy(finding->rule));
        }
}

/* ---- the command ---- */

static const struct verb {
        const char *name;
        int (*run)(struct fleet_request *request);
        bool one; /* exactly one server is named */
} verbs[] = {
        {"list",    fleet_list,   false},
        { "check",  fleet_check,  false},
        { "add",    fleet_add,    true },
        { "retire", fleet_retire, true },
};

static int read_config(struct fleet_request *request)
{
        struct error error = ERROR_NONE;
        int r = 0;

        if (request->common.config)
                r = site_file_open(&request->file, &request->common, request->pub_path, &error);
        return r < 0 ? site_file_fail(&request->file, &error) : EXIT_DONE;
}

static int dispatch(struct fleet_request *request, int argc, char *argv[])
{
        const struct verb *verb = NULL;
        int status;

        for (size_t i = 0; i < LENGTH(verbs) && argc > 0; i++)
                if (text_equal(verbs[i].name, argv[0]))
                        verb = &verbs[i];
        if (!verb)
                return command_usage(&command_fleet, _("say one of: list, check, add, retire"));
        request->names = argv + 1;
        request->name_count = argc - 1;
        if (verb->one && request->name_count != 1)
                return command_usage(&command_fleet, _("%s needs the name of one server"), verb->name);
        status = read_config(request);
        return status == EXIT_DONE ? verb->run(request) : status;
}

static void request_done(struct fleet_request *request)
{
        struct command_texts *all[] = { &request->addresses, &request->credentials, &request->keys, &request->host_keys,
                                      &request->removed };

        command_texts_done(all, LENGTH(all));
        journal_sink_close(&request->journal);
        site_file_done(&request->file);
}

static int run(int argc, char *argv[])
{
        struct fleet_request request = { .file = SITE_FILE_NONE };
        int code, status = EXIT_DONE;

        while (status == EXIT_DONE &&
               (code = command_option(argc, argv, &command_fleet, options, help, &request.common)) != -1)
                status = code == '?' ? EXIT_USAGE : set_option(&request, code, optarg);
        request.state = state_directory(request.common.state);
        if (status == EXIT_DONE)
                status = dispatch(&request, argc - optind, argv + optind);
        request_done(&request);
        return status;
}

const struct command command_fleet = {
        .name = "fleet",
        .run = run,
        .synopsis = "fleet list [NAME ...]|check [NAME ...]|add NAME|retire NAME [--config FILE] [...]",
        .summary = N_("the register of servers, and which rule each breaks"),
};
