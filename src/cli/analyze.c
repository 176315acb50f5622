/* analyze.c - understudy analyze: who visited the site, from its access logs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/run.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/analyze.h"
#include "cli/command.h"

#define TOP_DEFAULT     10
#define TOP_OF_PAGE     50 /* the page shows ten and unfolds the others */
#define TOP_UNSAID      SIZE_MAX
#define HOSTS_MAXIMUM   64
#define COMMAND_MAXIMUM 4096

enum {
        OPTION_TOP = OPTION_COMMAND,
        OPTION_CSV,
        OPTION_HTML,
        OPTION_OWN,
        OPTION_GOAL,
        OPTION_BOTS,
        OPTION_WITHOUT_BOTS,
        OPTION_FROM,
        OPTION_UNTIL,
        OPTION_THREADS,
        OPTION_MEMORY,
        OPTION_BLOCK,
        OPTION_FUNNEL,
        OPTION_GEOIP,
};

static const struct option options[] = {
        {"top",           required_argument, NULL, OPTION_TOP         },
        { "csv",          no_argument,       NULL, OPTION_CSV         },
        { "html",         required_argument, NULL, OPTION_HTML        },
        { "own",          required_argument, NULL, OPTION_OWN         },
        { "goal",         required_argument, NULL, OPTION_GOAL        },
        { "bots",         required_argument, NULL, OPTION_BOTS        },
        { "without-bots", no_argument,       NULL, OPTION_WITHOUT_BOTS},
        { "from",         required_argument, NULL, OPTION_FROM        },
        { "until",        required_argument, NULL, OPTION_UNTIL       },
        { "threads",      required_argument, NULL, OPTION_THREADS     },
        { "memory",       required_argument, NULL, OPTION_MEMORY      },
        { "block",        required_argument, NULL, OPTION_BLOCK       },
        { "funnel",       required_argument, NULL, OPTION_FUNNEL      },
        { "geoip",        required_argument, NULL, OPTION_GEOIP       },
        { NULL,           0,                 NULL, 0                  },
};

static const char *help(void)
{
        return _("Reads access logs (plain, .gz, .zst; '-' is standard input) and says who came and what was asked "
                 "for.\n"
                 "The format is recognised: common, combined, vhost_combined, Understudy's, Caddy's and Traefik's "
                 "JSON,\n"
                 "IIS and W3C extended, lines in quotes.\n"
                 "\n"
                 "  --html FILE       one page with plots, for any browser ('-' is standard output)\n"
                 "  --csv             all figures as CSV\n"
                 "  --top N           rows of each list (10, of a page 50; 0: all)\n"
                 "  --own HOST        a name of the site itself: no referrer (may be given again; else found out)\n"
                 "  --goal NAME=PATH  counts who reached PATH ('*' at its end: every path that begins so;\n"
                 "                    PATH may be event:NAME of a beacon)\n"
                 "  --funnel A,B,...  how many visitors reached goal A, then B, ...\n"
                 "  --geoip FILE      a database of countries in MaxMind's format\n"
                 "  --without-bots    leave robots out of all lists but their own\n"
                 "  --bots FILE       another list of robots' user agents\n"
                 "  --from TIME, --until TIME   only this span (2026-07-06 or 2026-07-06T09:00:00Z)\n"
                 "  --threads N       readers (one for each processor)\n"
                 "  --memory SIZE     limit, as 512M or 2G (a quarter of the machine's)\n");
}

struct request {
        struct common common;
        struct run_options run;
        struct goal goals[GOALS_MAXIMUM];
        struct funnel funnels[FUNNELS_MAXIMUM];
        const char *geoip;
        const char *own[HOSTS_MAXIMUM + 1];
        size_t own_count;
        bool csv;
        const char *html;      /* where the page goes to, or NULL */
        struct buffer command; /* as it was typed */
        char *const *paths;
        size_t path_count;
};

int analyze_number(const char *text, uint64_t most, uint64_t *ret_number)
{
        if (text_parse_u64(text, strlen(text), most, ret_number) == 0)
                return 0;
        command_usage(&command_analyze, _("'%s' is not a number from 0 to %llu"), text, (unsigned long long)most);
        return -EINVAL;
}

int analyze_size(const char *text, uint64_t *ret_bytes)
{
        static const char units[] = "KMGT";
        size_t length = strlen(text);
        const char *unit = length ? strchr(units, text[length - 1]) : NULL;
        unsigned int shift = unit && *unit ? 10 * (unsigned int)(unit - units + 1) : 0;

        if (text_parse_u64(text, length - (shift > 0), UINT64_MAX >> (shift + 1), ret_bytes) < 0) {
                command_usage(&command_analyze, _("'%s' is no size; write 512M or 2G"), text);
                return -EINVAL;
        }
        *ret_bytes <<= shift;
        return 0;
}

int analyze_time(const char *text, int64_t *ret_us)
{
        int64_t seconds;

        if (clock_parse_utc(text, &seconds) < 0) {
                command_usage(&command_analyze, _("'%s' is no time; write 2026-07-06 or 2026-07-06T09:00:00Z"), text);
                return -EINVAL;
        }
        *ret_us = seconds * 1000000;
        return 0;
}

int analyze_goal(struct goal goals[static GOALS_MAXIMUM], size_t *count, char *text)
{
        char *equals = strchr(text, '=');

        if (!equals || equals == text || (equals[1] != '/' && !text_starts(equals + 1, "event:"))) {
                command_usage(&command_analyze, _("'%s' is no goal; write NAME=/PATH or NAME=event:EVENT"), text);
                return -EINVAL;
        }
        if (*count == GOALS_MAXIMUM) {
                command_usage(&command_analyze, _("more than %d goals"), GOALS_MAXIMUM);
                return -EINVAL;
        }
        *equals = '\0';
        goals[(*count)++] = (struct goal){ text, equals + 1 };
        return 0;
}

int analyze_funnel(struct funnel funnels[static FUNNELS_MAXIMUM], size_t *count, const char *text)
{
        if (*count == FUNNELS_MAXIMUM) {
                command_usage(&command_analyze, _("more than %d funnels"), FUNNELS_MAXIMUM);
                return -EINVAL;
        }
        funnels[(*count)++] = (struct funnel){ .name = text };
        return 0;
}

int analyze_funnel_goals(struct funnel *funnels, size_t funnel_count, const struct goal *goals, size_t goal_count)
{
        for (size_t i = 0; i < funnel_count; i++) {
                struct funnel *funnel = &funnels[i];

                for (const char *at = funnel->name; *at;) {
                        size_t length = strcspn(at, ","), goal = 0;

                        while (goal < goal_count &&
                               (strlen(goals[goal].name) != length || memcmp(goals[goal].name, at, length) != 0))
                                goal++;
                        if (goal == goal_count || funnel->count == FUNNEL_STEPS_MAXIMUM) {
                                command_usage(&command_analyze,
                                              goal == goal_count
                                                      ? _("the funnel '%s' names a goal that is none (--goal)")
                                                      : _("the funnel '%s' has too many steps"),
                                              funnel->name);
                                return -EINVAL;
                        }
                        funnel->steps[funnel->count++] = (unsigned int)goal;
                        at += length + (at[length] == ',');
                }
        }
        return 0;
}

int analyze_own(const char *own[], size_t maximum, size_t *count, const char *host)
{
        if (*count == maximum) {
                command_usage(&command_analyze, _("more than %d own hosts"), (int)maximum);
                return -EINVAL;
        }
        own[(*count)++] = host;
        return 0;
}

static int set_option(struct request *request, int code, char *argument)
{
        struct tally_options *tally = &request->run.tally;
        uint64_t number = 0;
        int r = 0;

        switch (code) {
        case OPTION_TOP:
                r = analyze_number(argument, 1000000000, &number);
                tally->top = (size_t)number;
                return r;
        case OPTION_THREADS:
                r = analyze_number(argument, RUN_WORKERS_MAXIMUM, &number);
                request->run.workers = (unsigned int)number;
                return r;
        case OPTION_BLOCK:
                r = analyze_number(argument, 1U << 30, &number);
                request->run.block_bytes = (size_t)number;
                return r;
        case OPTION_MEMORY: return analyze_size(argument, &tally->memory_bytes);
        case OPTION_CSV: request->csv = true; return 0;
        case OPTION_HTML: request->html = argument; return 0;
        case OPTION_OWN:
                tally->own_hosts = request->own;
                return analyze_own(request->own, HOSTS_MAXIMUM, &request->own_count, argument);
        case OPTION_GOAL:
                tally->goals = request->goals;
                return analyze_goal(request->goals, &tally->goal_count, argument);
        case OPTION_FUNNEL:
                tally->funnels = request->funnels;
                return analyze_funnel(request->funnels, &tally->funnel_count, argument);
        case OPTION_GEOIP: request->geoip = argument; return 0;
        case OPTION_BOTS: tally->bot_list = argument; return 0;
        case OPTION_WITHOUT_BOTS: tally->bots_apart = true; return 0;
        case OPTION_FROM: return analyze_time(argument, &tally->from_us);
        case OPTION_UNTIL: return analyze_time(argument, &tally->until_us);
        default: return -EINVAL;
        }
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
        progress_show(context, _("reading"), done, total);
}

static int write_page(const struct request *request, const struct summary *summary, const struct error *damage)
{
        struct error error = ERROR_NONE;
        const struct webpage page = {
                .files = (const char *const *)request->paths,
                .file_count = request->path_count,
                .command = buffer_text(&request->command),
                .made = clock_now(),
                .damage = damage ? damage->text : NULL,
                .without_bots = request->run.tally.bots_apart,
        };

        return analyze_html(request->html, &page, summary, &error) < 0 ? command_fail(&error) : EXIT_DONE;
}

static int print(const struct request *request, const struct summary *summary, const struct error *damage)
{
        struct error error = ERROR_NONE;

        if (request->html)
                return write_page(request, summary, damage);
        if (request->common.json)
                return command_print_json(analyze_json(summary, damage));
        if (!request->csv)
                analyze_print(stdout, summary);
        else if (analyze_csv(stdout, summary) < 0) {
                error_memory(&error);
                return command_fail(&error);
        }
        return EXIT_DONE;
}

static int analyze(struct request *request)
{
        _cleanup_(countries_closep) struct countries *countries = NULL;
        struct error error = ERROR_NONE;
        struct summary summary = { 0 };
        bool incomplete = false;
        int status;

        if (request->geoip && countries_open(request->geoip, &countries, &error) < 0)
                return command_fail(&error);
        request->run.tally.countries = countries;
        request->run.progress = on_progress;
        request->run.context = &request->common;
        request->run.tally.answered_only = !request->common.json && !request->csv;
        if (analyze_run((const char *const *)request->paths, request->path_count, &request->run, &summary, &incomplete,
                        &error) < 0)
                return command_fail(&error);
        progress_end();
        status = print(request, &summary, incomplete ? &error : NULL);
        summary_done(&summary);
        if (incomplete && status == EXIT_DONE)
                status = command_fail(&error);
        return status;
}

/* What was not said, and what a page can hold. */
static void settle_top(struct request *request)
{
        size_t *top = &request->run.tally.top;

        if (*top == TOP_UNSAID)
                *top = request->html ? TOP_OF_PAGE : TOP_DEFAULT;
        if (request->html && (*top == 0 || *top > WEBPAGE_ROWS))
                *top = WEBPAGE_ROWS;
}

static int parse_and_analyze(int argc, char *argv[], struct request *request)
{
        int code;

        while ((code = command_option(argc, argv, &command_analyze, options, help(), &request->common)) != -1)
                if (set_option(request, code, optarg) < 0)
                        return EXIT_USAGE;
        if (request->csv + request->common.json + (request->html != NULL) > 1)
                return command_usage(&command_analyze, _("--csv, --html and --json exclude each other"));
        if (optind == argc)
                return command_usage(&command_analyze, _("name the logs to read, or - for standard input"));
        if (analyze_funnel_goals(request->funnels, request->run.tally.funnel_count, request->goals,
                                 request->run.tally.goal_count) < 0)
                return EXIT_USAGE;
        settle_top(request);
        request->paths = argv + optind;
        request->path_count = (size_t)(argc - optind);
        return analyze(request);
}

static int run(int argc, char *argv[])
{
        struct request request = { .run.tally.top = TOP_UNSAID, .command = BUFFER_INIT(COMMAND_MAXIMUM) };
        struct error error = ERROR_NONE;
        int status;

        for (int i = 1; i < argc; i++)
                if (text_equal(argv[i], "--follow"))
                        return analyze_follow(argc, argv);
        if (argc > 1 && text_equal(argv[1], "query"))
                return analyze_query(argc - 1, argv + 1);
        if (argc > 1 && text_equal(argv[1], "embedders"))
                return analyze_embedders(argc - 1, argv + 1);
        if (argc > 1 && text_equal(argv[1], "migrate"))
                return analyze_migrate(argc - 1, argv + 1);
        if (argc > 1 && text_equal(argv[1], "tag"))
                return analyze_tag(argc - 1, argv + 1);
        if (argc > 1 && text_equal(argv[1], "vouch"))
                return analyze_vouch(argc - 1, argv + 1);
        if (analyze_command_text(argc, argv, &request.command) < 0) { /* before the options' texts are cut apart */
                error_memory(&error);
                return command_fail(&error);
        }
        status = parse_and_analyze(argc, argv, &request);
        buffer_done(&request.command);
        return status;
}

const struct command command_analyze = {
        .name = "analyze",
        .run = run,
        .synopsis = "analyze LOG... [--html FILE | --json | --csv] [--top N] [--own HOST ...] [--goal NAME=PATH ...] | "
                    "--follow LOG... (analyze --follow --help)",
        .summary = N_("count visitors, pages and referrers from access logs"),
};
