/*
 * demo.c - understudy demo: replays 6 July 2009 on this machine.
 *
 * The replay is a script (lab/demo.sh) that drives this binary as an operator would; here it is only found and started:
 * in $UNDERSTUDY_LAB, beside a binary that was not installed, or where `make install` puts it.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/text.h"
#include "cli/command.h"

enum { OPTION_KEEP = OPTION_COMMAND, OPTION_ACT };

static const struct option options[] = {
        {"keep", no_argument,       NULL, OPTION_KEEP},
        { "act", required_argument, NULL, OPTION_ACT },
        { NULL,  0,                 NULL, 0          },
};

struct place {
        char program[PATH_MAX]; /* this binary */
        struct buffer script;
        struct buffer visitor;
};

/* The script with its site in one folder, the visitor in another; 1 when the script is there, 0 when it is not. */
static int look_in(struct place *place, const char *scripts, const char *programs, struct error *err)
{
        buffer_clear(&place->script);
        buffer_clear(&place->visitor);
        if (buffer_printf(&place->script, "%s/demo.sh", scripts) < 0 ||
            buffer_printf(&place->visitor, "%s/visitor", programs) < 0)
                return error_memory(err);
        return access(place->script.data, R_OK) == 0;
}

static int find_lab(struct place *place, struct error *err)
{
        const char *given = getenv("UNDERSTUDY_LAB");
        char scripts[PATH_MAX + 16], programs[PATH_MAX + 16];
        ssize_t length = readlink("/proc/self/exe", place->program, sizeof(place->program) - 1);
        int r;

        if (length < 0)
                return error_errno(err, errno, _("cannot find out where this program lies"));
        place->program[length] = '\0';
        if (given && *given) {
                r = look_in(place, given, given, err);
                if (r == 0)
                        return error_usage(err, _("there is no demo.sh in %s, which UNDERSTUDY_LAB names"), given);
                return r;
        }
        *strrchr(place->program, '/') = '\0';
        snprintf(scripts, sizeof(scripts), "%s/lab/files", place->program);
        snprintf(programs, sizeof(programs), "%s/lab", place->program);
        place->program[strlen(place->program)] = '/';
        r = look_in(place, scripts, programs, err);
        if (r == 0)
                r = look_in(place, UNDERSTUDY_DATADIR "/lab", UNDERSTUDY_LIBEXECDIR, err);
        if (r == 0)
                return error_set(err, -ENOENT, _("cannot find the demo: there is no %s; install Understudy as a whole"),
                                 place->script.data);
        return r;
}

/* Becomes the script: Ctrl-C and its end reach whoever started us without anybody in between. */
static int start(const struct place *place, const struct common *common, const char *act, bool keep, struct error *err)
{
        const char *argv[8] = { "bash", place->script.data };
        size_t count = 2;

        if (keep)
                argv[count++] = "--keep";
        if (act) {
                argv[count++] = "--act";
                argv[count++] = act;
        }
        if (common->json)
                argv[count++] = "--json";
        if (common->quiet)
                argv[count++] = "--quiet";
        if (setenv("UNDERSTUDY", place->program, 1) < 0 || setenv("UNDERSTUDY_VISITOR", place->visitor.data, 1) < 0)
                return error_memory(err);
        signal(SIGPIPE, SIG_DFL);
        execvp("bash", (char *const *)(uintptr_t)argv);
        return error_errno(err, errno, _("cannot run bash for the demo"));
}

static int run(int argc, char *argv[])
{
        struct place place = { .script = BUFFER_INIT(2 * PATH_MAX), .visitor = BUFFER_INIT(2 * PATH_MAX) };
        struct common common = { 0 };
        struct error error = ERROR_NONE;
        const char *act = NULL;
        bool keep = false;
        int code;

        while ((code = command_option(
                        argc, argv, &command_demo, options,
                        N_("Replays 6 July 2009 with real servers in network namespaces of their own, and counts what visitors\n"
                           "receive: the copy of then; Understudy; a stand-by that cannot be proven; a server under guard;\n"
                           "the incident and its notices; the planned switch by DNS and the return; a power cut, and a\n"
                           "tampered stand-by. Needs root; takes two or three minutes; touches no service and leaves\n"
                           "nothing behind.\n"
                           "\n"
                           "      --act ACT  only these acts: 'day' (that day, 1 to 5), 'switch' (6) or 'failover' (7)\n"
                           "      --keep     keep the folder with evidence and logs, and say where it is\n"),
                        &common)) != -1) {
                switch (code) {
                case OPTION_KEEP: keep = true; break;
                case OPTION_ACT: act = optarg; break;
                default: return EXIT_USAGE;
                }
        }
        if (argc > optind)
                return command_usage(&command_demo, _("the demo takes no '%s'"), argv[optind]);
        if (find_lab(&place, &error) >= 0)
                start(&place, &common, act, keep, &error);
        buffer_done(&place.script);
        buffer_done(&place.visitor);
        return command_fail(&error);
}

const struct command command_demo = {
        .name = "demo",
        .run = run,
        .synopsis = "demo [--act ACT] [--keep]",
        .summary = N_("replay 6 July 2009 on this machine"),
};
