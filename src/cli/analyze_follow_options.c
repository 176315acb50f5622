/* analyze_follow_options.c - what analyze --follow is told. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "cli/analyze.h"
#include "cli/analyze_follow.h"

#define TOP_DEFAULT 20

enum {
        OPTION_FOLLOW = OPTION_COMMAND,
        OPTION_STORE,
        OPTION_SALTS,
        OPTION_ONCE,
        OPTION_JSON_FILE,
        OPTION_HTML,
        OPTION_PAGE_DAYS,
        OPTION_TOP,
        OPTION_OWN,
        OPTION_GOAL,
        OPTION_FUNNEL,
        OPTION_BOTS,
        OPTION_NAMES,
        OPTION_MEMORY,
        OPTION_KEEP_HOURS,
        OPTION_KEEP_DAYS,
        OPTION_GEOIP,
        OPTION_REQUIRE,
        OPTION_PUB,
        OPTION_SCRIPT,
        OPTION_SERVER,
        OPTION_SPOOL,
        OPTION_SPOOL_LIMIT,
};

static const struct option options[] = {
        {"follow",      no_argument,       NULL, OPTION_FOLLOW    },
        { "store",      required_argument, NULL, OPTION_STORE     },
        { "salts",      required_argument, NULL, OPTION_SALTS     },
        { "once",       no_argument,       NULL, OPTION_ONCE      },
        { "json-file",  required_argument, NULL, OPTION_JSON_FILE },
        { "html",       required_argument, NULL, OPTION_HTML      },
        { "page-days",  required_argument, NULL, OPTION_PAGE_DAYS },
        { "top",        required_argument, NULL, OPTION_TOP       },
        { "own",        required_argument, NULL, OPTION_OWN       },
        { "goal",       required_argument, NULL, OPTION_GOAL      },
        { "funnel",     required_argument, NULL, OPTION_FUNNEL    },
        { "bots",       required_argument, NULL, OPTION_BOTS      },
        { "names",      required_argument, NULL, OPTION_NAMES     },
        { "memory",     required_argument, NULL, OPTION_MEMORY    },
        { "keep-hours", required_argument, NULL, OPTION_KEEP_HOURS},
        { "keep-days",  required_argument, NULL, OPTION_KEEP_DAYS },
        { "geoip",      required_argument, NULL, OPTION_GEOIP     },
        { "require",    required_argument, NULL, OPTION_REQUIRE   },
        { "pub",        required_argument, NULL, OPTION_PUB       },
        { "script",     required_argument, NULL, OPTION_SCRIPT    },
        { "server",     required_argument, NULL, OPTION_SERVER    },
        { "spool",       required_argument, NULL, OPTION_SPOOL      },
        { "spool-limit", required_argument, NULL, OPTION_SPOOL_LIMIT},
        { NULL,         0,                 NULL, 0                },
};

static const char *help(void)
{
        return _("Follows access logs through their rotation and keeps figures by hour and day in a store, until it "
                 "is ended.\n"
                 "What was counted and how far was read is kept together: it can be killed at any moment.\n"
                 "\n"
                 "  --store FILE      where figures are kept (SQLite; 'analyze query' reads it)\n"
                 "  --spool DIR       spreads events over the analysis servers of --config FILE instead; what they do not "
                 "have yet\n"
                 "                    is kept here\n"
                 "  --spool-limit SIZE   most that is kept for each of them (10G); then reading waits\n"
                 "  --salts FILE      the salts of visitors, for their owner's eyes alone (STORE.salts, DIR/salts)\n"
                 "  --once            catches up with what was written, and ends\n"
                 "  --html FILE       a page for browsers with the figures of the last day, kept up to date\n"
                 "  --json-file FILE  the same as JSON\n"
                 "  --page-days N     of so many days instead (0: all)\n"
                 "  --top N           rows of each list in them (20; 0: all)\n"
                 "  --own HOST        a name of the site itself: no referrer (may be given again; else found out)\n"
                 "  --goal NAME=PATH  counts who reached PATH ('*' at its end: every path that begins so)\n"
                 "  --funnel A,B,...  how many visitors reached goal A, then B, ... (on the pages and in query --report)\n"
                 "  --geoip FILE      a database of countries in MaxMind's format\n"
                 "  --require DEST    takes part only while DEST is proven equal to its release; this program must be "
                 "a\n"
                 "                    file of one such tree (may be given again)\n"
                 "  --pub FILE        and was pulled with this key\n"
                 "  --script URL      and while the tag's script is given out there (URL as with 'tag --at')\n"
                 "  --server NAME     this server's name in 'analyze embedders' (the host's)\n"
                 "  --bots FILE       another list of robots' user agents\n"
                 "  --names N         names of each list for an hour, twice as many for a day (10000)\n"
                 "  --memory SIZE     limit for what is remembered of visitors, as 512M or 2G (256M)\n"
                 "  --keep-hours TIME, --keep-days TIME   how long figures of hours and days are kept (93d, 1130d)\n");
}

static int set_days(const char *text, uint64_t *ret_days)
{
        struct error error = ERROR_NONE;
        int64_t seconds;

        if (clock_parse_duration(text, &seconds, &error) < 0) {
                command_fail(&error);
                return -EINVAL;
        }
        *ret_days = (uint64_t)seconds / 86400;
        return 0;
}

static int set_option(struct follow_request *request, int code, char *argument)
{
        uint64_t number = 0;
        int r;

        switch (code) {
        case OPTION_FOLLOW: return 0;
        case OPTION_STORE: request->store = argument; return 0;
        case OPTION_SALTS: request->salts = argument; return 0;
        case OPTION_ONCE: request->once = true; return 0;
        case OPTION_JSON_FILE: request->json_file = argument; return 0;
        case OPTION_HTML: request->html = argument; return 0;
        case OPTION_PAGE_DAYS:
                r = analyze_number(argument, 36500, &number);
                request->page.last_days = (unsigned int)number;
                return r;
        case OPTION_TOP:
                r = analyze_number(argument, 1000000000, &number);
                request->page.top = (size_t)number;
                return r;
        case OPTION_OWN:
                request->page.own_hosts = request->own;
                return analyze_own(request->own, FOLLOW_HOSTS_MAXIMUM, &request->own_count, argument);
        case OPTION_GOAL:
                request->live.goals = request->goals;
                return analyze_goal(request->goals, &request->live.goal_count, argument);
        case OPTION_FUNNEL:
                request->live.funnels = request->funnels;
                return analyze_funnel(request->funnels, &request->live.funnel_count, argument);
        case OPTION_GEOIP: request->geoip = argument; return 0;
        case OPTION_REQUIRE:
                if (request->required.count == REQUIRED_MAXIMUM) {
                        command_usage(&command_analyze, _("more than %d trees in --require"), REQUIRED_MAXIMUM);
                        return -EINVAL;
                }
                request->required.trees[request->required.count++] = argument;
                return 0;
        case OPTION_PUB: request->required.pub = argument; return 0;
        case OPTION_SCRIPT: request->required.script = argument; return 0;
        case OPTION_SERVER: request->live.server = argument; return 0;
        case OPTION_SPOOL: request->spread.spool = argument; return 0;
        case OPTION_SPOOL_LIMIT: return analyze_size(argument, &request->spread.limit_bytes);
        case OPTION_BOTS: request->live.bot_list = argument; return 0;
        case OPTION_NAMES: return analyze_number(argument, 10000000, &request->live.names);
        case OPTION_MEMORY: return analyze_size(argument, &request->live.memory_bytes);
        case OPTION_KEEP_HOURS: return set_days(argument, &request->hour_days);
        case OPTION_KEEP_DAYS: return set_days(argument, &request->day_days);
        default: return -EINVAL;
        }
}

static int parse_and_follow(int argc, char *argv[], struct follow_request *request)
{
        int code;

        while ((code = command_option(argc, argv, &command_analyze, options, help(), &request->common)) != -1)
                if (set_option(request, code, optarg) < 0)
                        return EXIT_USAGE;
        if (!request->store == !request->spread.spool)
                return command_usage(&command_analyze, _("--follow needs --store FILE, where figures are kept, or --spool "
                                                         "DIR and --config FILE, over whose analysis servers it spreads"));
        if (request->spread.spool && (!request->common.config || request->json_file || request->html))
                return command_usage(&command_analyze,
                                     _("--spool needs --config FILE, and has no --html and --json-file: figures are with "
                                       "the analysis servers (analyze query --config FILE)"));
        if (request->spread.spool && request->live.funnel_count)
                return command_usage(&command_analyze, _("--funnel is for a store (--store FILE)"));
        if (analyze_funnel_goals(request->funnels, request->live.funnel_count, request->goals,
                                 request->live.goal_count) < 0)
                return EXIT_USAGE;
        if (optind == argc)
                return command_usage(&command_analyze, _("name the logs to follow"));
        if (request->html && (request->page.top == 0 || request->page.top > WEBPAGE_ROWS))
                request->page.top = WEBPAGE_ROWS;
        if ((request->html && path_is_stream(request->html)) || (request->json_file && path_is_stream(request->json_file)))
                return command_usage(&command_analyze, _("a page that is kept up to date is replaced as a whole: it needs a "
                                                         "name of its own, no device and no pipe"));
        if (request->required.pub && !request->required.count)
                return command_usage(&command_analyze, _("--pub needs --require DEST"));
        if (request->required.script &&
            (!*request->required.script || request->required.script[strlen(request->required.script) - 1] != '/'))
                return command_usage(&command_analyze, _("--script needs the folder of the script, with / at its end"));
        request->required.state = request->common.state;
        if (!request->live.server && gethostname(request->host, sizeof(request->host) - 1) == 0)
                request->live.server = request->host;
        request->required.server = request->live.server ? request->live.server : "";
        request->paths = argv + optind;
        request->path_count = (size_t)(argc - optind);
        return follow_serve(request);
}

int analyze_follow(int argc, char *argv[])
{
        struct follow_request request = {
                .page = {.top = TOP_DEFAULT, .last_days = 1, .answered_only = true},
                .hour_days = STORE_HOURS_DEFAULT,
                .day_days = STORE_DAYS_DEFAULT,
                .command = BUFFER_INIT(4096)
        };
        struct error error = ERROR_NONE;
        int status;

        if (analyze_command_text(argc, argv, &request.command) < 0) {
                error_memory(&error);
                return command_fail(&error);
        }
        status = parse_and_follow(argc, argv, &request);
        buffer_done(&request.command);
        return status;
}
