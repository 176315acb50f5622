/* alert.c - understudy alert: one test alert to each target, and what became of it. */
#include <stdio.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "cli/command.h"
#include "notify/notify.h"

enum { OPTION_MESSAGE = OPTION_COMMAND, OPTION_TIMEOUT };

static const struct option options[] = {
        {"message",  required_argument, NULL, OPTION_MESSAGE},
        { "timeout", required_argument, NULL, OPTION_TIMEOUT},
        { NULL,      0,                 NULL, 0             },
};

static void report(const struct common *common, json_t *list, const struct notify_target *target,
                   const struct error *error)
{
        if (list)
                json_array_append_new(list, json_pack("{s:s, s:b, s:s?}", "target", target->shown, "delivered",
                                                      error->code == 0, "words", error->code ? error->text : NULL));
        else if (error->code)
                command_fail(error);
        else if (!common->quiet)
                printf(_("%s took the alert\n"), target->shown);
}

/* To each of them, also when one before has failed. */
static int try_all(const struct notify_target *targets, size_t count, const struct alert *alert,
                   const struct notify_options *how, const struct common *common)
{
        json_t *list = common->json ? json_array() : NULL;
        int status = EXIT_DONE;

        for (size_t i = 0; i < count; i++) {
                struct error error = ERROR_NONE;

                if (notify_try(&targets[i], alert, how, &error) < 0)
                        status = error.status == EXIT_USAGE ? EXIT_USAGE : EXIT_FAILED;
                report(common, list, &targets[i], &error);
                fflush(stdout);
        }
        if (list && command_print_json(json_pack("{s:o}", "targets", list)) != EXIT_DONE)
                return EXIT_FAILED;
        return status;
}

static int run(int argc, char *argv[])
{
        static struct notify_target targets[NOTIFY_TARGETS_MAXIMUM];
        struct alert alert = { .severity = ALERT_INFORMATIONAL,
                               .kind = "test",
                               .what = _("This is a test of the alerts; nothing has happened.") };
        struct notify_options how = { .try_ms = 0 };
        struct common common = { 0 };
        struct error error = ERROR_NONE;
        int64_t seconds = 0;
        size_t count = 0;
        int code, r = 0;

        while ((code = command_option(argc, argv, &command_alert, options,
                                      N_("Sends one test alert to each TARGET, at once and without the queue, and says "
                                         "what became of it.\n"
                                         "\n"
                                         "TARGET is mailto:ADDRESS?from=ADDRESS&server=smtp://HOST[:PORT],\n"
                                         "https://HOST/PATH#secret-file=FILE, syslog:, syslog://HOST or "
                                         "syslog+tcp://HOST.\n"
                                         "\n"
                                         "  --message WORDS      what it says\n"
                                         "  --timeout DURATION   most that one target may take (60s)\n"),
                                      &common)) != -1) {
                switch (code) {
                case OPTION_MESSAGE: alert.what = optarg; break;
                case OPTION_TIMEOUT:
                        r = clock_parse_duration(optarg, &seconds, &error);
                        if (r == 0 && seconds > 600)
                                r = error_usage(&error, _("--timeout is ten minutes at the most"));
                        if (r < 0)
                                return command_fail(&error);
                        break;
                default: return EXIT_USAGE;
                }
        }
        if (optind == argc || argc - optind > NOTIFY_TARGETS_MAXIMUM || !*alert.what)
                return command_usage(&command_alert, _("name one to %d targets, and words"), NOTIFY_TARGETS_MAXIMUM);
        how.try_ms = seconds * 1000;
        for (int i = optind; i < argc && r == 0; i++)
                r = notify_target_parse(argv[i], &targets[count++], &error);
        return r < 0 ? command_fail(&error) : try_all(targets, count, &alert, &how, &common);
}

const struct command command_alert = {
        .name = "alert",
        .run = run,
        .synopsis = "alert TARGET... [--message WORDS] [--timeout DURATION]",
        .summary = N_("send a test alert by mail, webhook or syslog, and say what became of it"),
};
