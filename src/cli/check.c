/* check.c - understudy check: is this machine ready? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "cli/check_site.h"
#include "cli/command.h"
#include "cli/left.h"
#include "crypto/key.h"
#include "tree/machine.h"
#include "tree/state.h"

enum { OPTION_REPO = OPTION_COMMAND, OPTION_PUB, OPTION_OFFLINE };

static const struct option options[] = {
        {"repo", required_argument, NULL, OPTION_REPO},
        { "pub", required_argument, NULL, OPTION_PUB },
        { "offline", no_argument, NULL, OPTION_OFFLINE },
        { NULL,  0,                 NULL, 0          },
};

struct check {
        struct common common;
        json_t *findings;
        unsigned int warnings, problems;
        bool failed; /* no memory for one */
};

static void on_finding(void *context, const char *check_name, enum finding_result result, const char *text)
{
        struct check *check = context;

        check->warnings += result == FINDING_WARNING;
        check->problems += result == FINDING_PROBLEM;
        if (check->common.json) {
                json_t *finding = json_pack("{s:s, s:s, s:o}", "check", check_name, "result",
                                            finding_result_name(result), "text", command_json_name(text, strlen(text)));

                if (json_array_append_new(check->findings, finding) < 0)
                        check->failed = true;
        } else if (!check->common.quiet || result != FINDING_OK) {
                printf("%-8s %-11s %s\n", finding_result_name(result), check_name, text);
        }
}

static int finish(struct check *check)
{
        int status;

        if (check->failed) {
                struct error error = ERROR_NONE;

                error_memory(&error);
                return command_fail(&error);
        }
        if (check->common.json) {
                status = command_print_json(json_pack("{s:o}", "findings", check->findings));
                if (status != EXIT_DONE)
                        return status;
        } else if (!check->common.quiet) {
                printf(_("%u problems, %u warnings\n"), check->problems, check->warnings);
        }
        return check->problems || check->warnings ? EXIT_FOUND : EXIT_DONE;
}

static void look_at_machine(struct check *check, const struct machine_report *report, const char *dest, const char *url,
                            const struct public_key *pub)
{
        const struct repository_options repository = { .tries = 2, .stall_ms = 10000 };
        const char *state = state_directory(check->common.state);

        machine_check(report, state);
        if (dest)
                machine_check_dest(report, state, dest);
        if (url)
                machine_check_repository(report, url, &repository, pub);
}

/* The configuration, and what it describes. */
static int look_at_site(struct check *check, const struct machine_report *report, const struct public_key *pub,
                        bool offline)
{
        _cleanup_(site_file_done) struct site_file file = SITE_FILE_NONE;
        const struct config *config;
        struct error error = ERROR_NONE;
        char words[ERROR_TEXT_SIZE];

        if (site_file_read(&file, check->common.config, pub, state_directory(check->common.state), &error) < 0) {
                json_decref(check->findings);
                return site_file_fail(&file, &error);
        }
        config = file.config;
        snprintf(words, sizeof(words), _("site %s, serial %llu, %zu servers%s"), config->site,
                 (unsigned long long)config->serial, config->server_count, pub ? _(", signed") : "");
        report->finding(report->context, "config", FINDING_OK, words);
        if (!offline)
                check_site(report, &file);
        if (left_behind(state_directory(check->common.state)))
                report->finding(report->context, "move", FINDING_WARNING, left_words());
        return EXIT_DONE;
}

static int run(int argc, char *argv[])
{
        struct check check = { .findings = NULL };
        const struct machine_report report = { on_finding, &check };
        struct error error = ERROR_NONE;
        struct public_key pub;
        const char *url = NULL;
        char dest[PATH_MAX];
        bool has_pub = false, offline = false;
        int code;

        while ((code = command_option(argc, argv, &command_check, options,
                                      N_("Looks whether this machine is ready for a pull, and changes nothing. With "
                                         "--config FILE instead:\n"
                                         "whether the configuration is one, and what of the site it describes is not "
                                         "ready.\n"
                                         "\n"
                                         "  DEST         also the tree and what is around it\n"
                                         "  --repo URL   also whether the repository answers\n"
                                         "  --pub FILE   and whether its signatures hold; with --config, whether that\n"
                                         "               has one that does\n"
                                         "  --offline    with --config: only the file, no server is asked\n"),
                                      &check.common)) != -1) {
                if (code == OPTION_REPO)
                        url = optarg;
                else if (code == OPTION_OFFLINE)
                        offline = true;
                else if (code != OPTION_PUB)
                        return EXIT_USAGE;
                else if (public_key_read(optarg, &pub, &error) < 0)
                        return command_fail(&error);
                else
                        has_pub = true;
        }
        if (argc - optind > 1)
                return command_usage(&command_check, _("name one folder at the most"));
        if (check.common.config && (optind < argc || url))
                return command_usage(&command_check, _("--config is looked at by itself; leave DEST and --repo out"));
        if (optind < argc && state_absolute(argv[optind], dest, &error) < 0)
                return command_fail(&error);
        check.findings = json_array();
        check.failed = !check.findings;
        if (!check.common.config)
                look_at_machine(&check, &report, optind < argc ? dest : NULL, url, has_pub ? &pub : NULL);
        else if ((code = look_at_site(&check, &report, has_pub ? &pub : NULL, offline)) != EXIT_DONE)
                return code;
        code = finish(&check);
        if (!check.common.json)
                json_decref(check.findings);
        return code;
}

const struct command command_check = {
        .name = "check",
        .run = run,
        .synopsis = "check [DEST] [--repo URL] [--pub FILE] | --config FILE [--pub FILE] [--offline]",
        .summary = N_("look whether this machine, or the whole site, is ready"),
};
