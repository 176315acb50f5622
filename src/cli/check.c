/* check.c - understudy check: is this machine ready? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "cli/command.h"
#include "crypto/key.h"
#include "tree/machine.h"
#include "tree/state.h"

enum { OPTION_REPO = OPTION_COMMAND, OPTION_PUB };

static const struct option options[] = {
        {"repo", required_argument, NULL, OPTION_REPO},
        { "pub", required_argument, NULL, OPTION_PUB },
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

static int run(int argc, char *argv[])
{
        struct check check = { .findings = NULL };
        const struct machine_report report = { on_finding, &check };
        const struct repository_options repository = { .tries = 2, .stall_ms = 10000 };
        struct error error = ERROR_NONE;
        struct public_key pub;
        const char *url = NULL, *state;
        char dest[PATH_MAX];
        bool has_pub = false;
        int code;

        while ((code = command_option(argc, argv, &command_check, options,
                                      N_("Looks whether this machine is ready for a pull, and changes nothing.\n"
                                         "\n"
                                         "  DEST         also the tree and what is around it\n"
                                         "  --repo URL   also whether the repository answers\n"
                                         "  --pub FILE   and whether its signatures hold\n"),
                                      &check.common)) != -1) {
                if (code == OPTION_REPO)
                        url = optarg;
                else if (code != OPTION_PUB)
                        return EXIT_USAGE;
                else if (public_key_read(optarg, &pub, &error) < 0)
                        return command_fail(&error);
                else
                        has_pub = true;
        }
        if (argc - optind > 1)
                return command_usage(&command_check, _("name one folder at the most"));
        if (optind < argc && state_absolute(argv[optind], dest, &error) < 0)
                return command_fail(&error);
        check.findings = json_array();
        check.failed = !check.findings;
        state = state_directory(check.common.state);
        machine_check(&report, state);
        if (optind < argc)
                machine_check_dest(&report, state, dest);
        if (url)
                machine_check_repository(&report, url, &repository, has_pub ? &pub : NULL);
        code = finish(&check);
        if (!check.common.json)
                json_decref(check.findings);
        return code;
}

const struct command command_check = {
        .name = "check",
        .run = run,
        .synopsis = "check [DEST] [--repo URL] [--pub FILE]",
        .summary = N_("look whether this machine is ready"),
};
