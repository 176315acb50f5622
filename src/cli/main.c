/*
 * main.c - the front door: one table of subcommands, as git has, and what must be right before any of them runs.
 *
 * A new command is a file in this folder that defines its `struct command`, a declaration in command.h and a line in
 * the table below.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/language.h"
#include "cli/nearest.h"

/* In the order in which a newcomer meets them; so --help lists them. */
static const struct command *const commands[] = {
        &command_init,
        &command_keygen,
        &command_delegate,
        &command_revoke,
        &command_refresh,
        &command_adopt,
        &command_publish,
        &command_releases,
        &command_pull,
        &command_verify,
        &command_guard,
        &command_status,
        &command_switch,
        &command_return,
        &command_carry,
        &command_fence,
        &command_controller,
        &command_keeper,
        &command_withdraw,
        &command_analyze,
        &command_check,
        &command_journal,
        &command_alert,
        &command_incident,
        &command_fleet,
        &command_agent,
        &command_demo,
};

static const struct command *find(const char *name)
{
        for (size_t i = 0; i < LENGTH(commands); i++) {
                if (text_equal(commands[i]->name, name))
                        return commands[i];
        }
        return NULL;
}

/* A descriptor 0, 1 or 2 that is closed would be given to the next file that is opened, and a message would be written
 * into it. */
static int fill_standard_descriptors(void)
{
        for (int fd = 0; fd <= 2; fd++) {
                if (fcntl(fd, F_GETFD) >= 0)
                        continue;
                if (open("/dev/null", O_RDWR) != fd)
                        return -1;
        }
        return 0;
}

static void print_help(FILE *out)
{
        fprintf(out, _("usage: %s\n\n"), "understudy [--help] [--version] [--lang en|ja] COMMAND ...");
        fprintf(out, "%s\n\n", _("Signed releases of a web site, and exact copies of them on a stand-by server."));
        fprintf(out, "%s\n", _("Commands:"));
        for (size_t i = 0; i < LENGTH(commands); i++)
                fprintf(out, "  %-10s %s\n", commands[i]->name, _(commands[i]->summary));
        fprintf(out, "\n%s\n", _("'understudy COMMAND --help' tells more about one of them."));
}

static int unknown(const char *name)
{
        const char *names[LENGTH(commands)];
        const char *nearest;

        for (size_t i = 0; i < LENGTH(commands); i++)
                names[i] = commands[i]->name;
        nearest = nearest_name(name, names, LENGTH(commands));
        if (nearest)
                return command_usage(NULL, _("there is no command '%s'; did you mean '%s'?"), name, nearest);
        return command_usage(NULL, _("there is no command '%s'; 'understudy --help' lists the commands"), name);
}

/* What is printed is part of what was asked for: a full disk behind standard output must not end in "done". */
static int finish(int status)
{
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        if (status == EXIT_DONE || status == EXIT_FOUND) {
                struct error error = ERROR_NONE;

                error_errno(&error, errno ? errno : EIO, _("cannot write the result to standard output"));
                status = command_fail(&error);
        }
        return status;
}

static int run(int argc, char *argv[])
{
        const struct command *command = find(argv[0]);

        optind = 0; /* getopt starts anew with the command's own options */
        if (command)
                return command->run(argc, argv);
        if (!text_equal(argv[0], "help"))
                return unknown(argv[0]);
        if (argc < 2) {
                print_help(stdout);
                return EXIT_DONE;
        }
        command = find(argv[1]);
        if (!command)
                return unknown(argv[1]);
        argv[0] = argv[1];
        argv[1] = (char[]){ "--help" };
        return command->run(2, argv);
}

int main(int argc, char *argv[])
{
        static const struct option options[] = {
                {"help",     no_argument,       NULL, 'h'},
                { "version", no_argument,       NULL, 'V'},
                { "lang",    required_argument, NULL, 'l'},
                { NULL,      0,                 NULL, 0  },
        };
        int code;

        if (fill_standard_descriptors() < 0)
                return EXIT_FAILED;
        signal(SIGPIPE, SIG_IGN); /* a write that fails says so where it is made */
        language_start();
        opterr = 0;
        while ((code = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
                switch (code) {
                case 'h': print_help(stdout); return finish(EXIT_DONE);
                case 'V': printf("understudy %s\n", UNDERSTUDY_VERSION); return finish(EXIT_DONE);
                case 'l':
                        if (language_choose(optarg) < 0)
                                return command_usage(NULL, _("there is no language '%s'; write en or ja"), optarg);
                        break;
                case ':': return command_usage(NULL, _("the option %s needs a value"), argv[optind - 1]);
                default:
                        return command_usage(NULL,
                                             _("there is no option %s before the command; 'understudy --help' "
                                               "lists what there is"),
                                             argv[optind - 1]);
                }
        }
        if (optind >= argc) {
                print_help(stderr);
                return EXIT_USAGE;
        }
        return finish(run(argc - optind, argv + optind));
}
