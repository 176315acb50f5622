/* analyze_query.c - understudy analyze query: figures from a store, or from the analysis servers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/analyze.h"
#include "cli/analyze_query.h"

#define TOP_DEFAULT 10
#define HOUR_US     INT64_C(3600000000)

enum {
        OPTION_STORE = OPTION_COMMAND,
        OPTION_BY,
        OPTION_WHERE,
        OPTION_METRIC,
        OPTION_COMPARE,
        OPTION_REPORT,
        OPTION_CSV,
        OPTION_TOP,
        OPTION_OWN,
        OPTION_FROM,
        OPTION_TO,
        OPTION_SOURCE,
        OPTION_HTML,
        OPTION_VITALS,
        OPTION_FUNNEL,
};

static const struct option options[] = {
        {"store",    required_argument, NULL, OPTION_STORE  },
        { "by",      required_argument, NULL, OPTION_BY     },
        { "where",   required_argument, NULL, OPTION_WHERE  },
        { "metric",  required_argument, NULL, OPTION_METRIC },
        { "compare", required_argument, NULL, OPTION_COMPARE},
        { "report",  no_argument,       NULL, OPTION_REPORT },
        { "csv",     no_argument,       NULL, OPTION_CSV    },
        { "top",     required_argument, NULL, OPTION_TOP    },
        { "own",     required_argument, NULL, OPTION_OWN    },
        { "from",    required_argument, NULL, OPTION_FROM   },
        { "to",      required_argument, NULL, OPTION_TO     },
        { "source",  required_argument, NULL, OPTION_SOURCE },
        { "html",    required_argument, NULL, OPTION_HTML   },
        { "vitals",  no_argument,       NULL, OPTION_VITALS },
        { "funnel",  required_argument, NULL, OPTION_FUNNEL },
        { NULL,      0,                 NULL, 0             },
};

static const char *help(void)
{
        return _(
                "Answers from the store that analyze --follow keeps, or from the analysis servers that it spreads "
                "events over.\n"
                "\n"
                "  --store FILE       the store; without it the servers of --config FILE are asked\n"
                "  --by LIST[,TIME]   page, asset, not_found, entry, exit, referrer, referrer_page, campaign, search,\n"
                "                     browser, system, device, country, bot, host, status, method, goal; of a beacon\n"
                "                     event, property, outbound; and hour, day or month\n"
                "  --source beacon    what the beacon counted, instead of the log\n"
                "  --where host=HOST  of one virtual host alone\n"
                "  --where LIST=NAME  of one name of the list ('*' at its end: all that begin so)\n"
                "  --metric NAME,...  hits, visitors, visits, bytes, bot_hits, errors: what is shown, the first one "
                "decides\n"
                "                     the order\n"
                "  --top N            so many names, those with the most (10; 0: all)\n"
                "  --from TIME, --to TIME   whole days; hours where they are still kept\n"
                "  --compare month    beside each figure that of the month before\n"
                "  --own HOST         a name of the site itself: no referrer (may be given again; else found out)\n"
                "  --report           everything, as analyze shows it\n"
                "  --vitals           the web vitals that the beacon measured\n"
                "  --funnel A,B,...   how many visitors of each day reached goal A, after that B, ... (analysis servers)\n"
                "  --html FILE        the same as a page for browsers ('-' is standard output)\n"
                "  --csv              as CSV\n");
}

/* ---------------------------------------------------------------- options */

static const struct {
        const char *name;
        int dimension;
} lists[] = {
        {"page",           DIMENSION_PAGES         },
        { "asset",         DIMENSION_ASSETS        },
        { "not_found",     DIMENSION_NOT_FOUND     },
        { "entry",         DIMENSION_ENTRY         },
        { "exit",          DIMENSION_EXIT          },
        { "referrer",      DIMENSION_REFERRERS     },
        { "referrer_page", DIMENSION_REFERRER_PAGES},
        { "campaign",      DIMENSION_CAMPAIGNS     },
        { "search",        DIMENSION_SEARCH        },
        { "browser",       DIMENSION_BROWSERS      },
        { "system",        DIMENSION_SYSTEMS       },
        { "device",        DIMENSION_DEVICES       },
        { "bot",           DIMENSION_BOTS          },
        { "host",          DIMENSION_HOSTS         },
        { "status",        DIMENSION_STATUS        },
        { "method",        DIMENSION_METHODS       },
        { "goal",          DIMENSION_GOALS         },
        { "country",       DIMENSION_COUNTRIES     },
        { "event",         STORE_EVENTS            },
        { "property",      STORE_PROPERTIES        },
        { "outbound",      STORE_OUTBOUND          },
};

static int set_list(struct query_request *request, const char *word, size_t length)
{
        for (size_t i = 0; i < LENGTH(lists); i++) {
                if (strlen(lists[i].name) != length || memcmp(lists[i].name, word, length) != 0)
                        continue;
                if (request->query.dimension != QUERY_ALL && request->query.dimension != lists[i].dimension) {
                        command_usage(&command_analyze, _("rollups know no %s of each %s; one list at a time"),
                                      lists[i].name, request->list);
                        return -EINVAL;
                }
                request->query.dimension = lists[i].dimension;
                request->list = lists[i].name;
                return 0;
        }
        command_usage(&command_analyze, _("there is no list '%.*s'"), (int)length, word);
        return -EINVAL;
}

static int set_by(struct query_request *request, const char *text)
{
        static const char *const spans[] = { "hour", "day", "month" };
        int r = 0;

        while (r == 0 && *text) {
                size_t length = strcspn(text, ","), span = 0;

                while (span < LENGTH(spans) &&
                       (strlen(spans[span]) != length || memcmp(spans[span], text, length) != 0))
                        span++;
                if (span < LENGTH(spans))
                        request->query.span = (int)span;
                else
                        r = set_list(request, text, length);
                text += length + (text[length] == ',');
        }
        return r;
}

static int set_where(struct query_request *request, const char *text)
{
        const char *equals = strchr(text, '=');

        if (!equals || equals == text) {
                command_usage(&command_analyze, _("'%s' is no filter; write page=/shop/*"), text);
                return -EINVAL;
        }
        if (equals - text == 4 && memcmp(text, "host", 4) == 0) {
                request->query.site = equals + 1;
                return 0;
        }
        request->query.name = equals + 1;
        return set_list(request, text, (size_t)(equals - text));
}

static int set_metrics(struct query_request *request, const char *text)
{
        request->metric_count = 0;
        while (*text) {
                size_t length = strcspn(text, ","), i = 0;

                while (i < METRIC_COUNT &&
                       (strlen(query_metrics[i]) != length || memcmp(query_metrics[i], text, length) != 0))
                        i++;
                if (i == METRIC_COUNT || request->metric_count == METRIC_COUNT) {
                        command_usage(&command_analyze, _("there is no metric '%.*s'"), (int)length, text);
                        return -EINVAL;
                }
                request->metrics[request->metric_count++] = (enum store_metric)i;
                text += length + (text[length] == ',');
        }
        request->query.order = request->metrics[0];
        return 0;
}

static int set_funnel(struct query_request *request, const char *text)
{
        char *at, *name;

        free(request->funnel);
        request->step_count = 0;
        at = request->funnel = memory_string(text);
        while (at && (name = strsep(&at, ","))) {
                if (!*name || request->step_count == FUNNEL_STEPS_MAXIMUM) {
                        command_usage(&command_analyze, _("--funnel wants one to %d names of goals"), FUNNEL_STEPS_MAXIMUM);
                        return -EINVAL;
                }
                request->steps[request->step_count++] = name;
        }
        return request->funnel ? 0 : -ENOMEM;
}

static int set_option(struct query_request *request, int code, char *argument)
{
        uint64_t number = 0;
        int r;

        switch (code) {
        case OPTION_STORE: request->store = argument; return 0;
        case OPTION_BY: return set_by(request, argument);
        case OPTION_WHERE: return set_where(request, argument);
        case OPTION_METRIC: return set_metrics(request, argument);
        case OPTION_COMPARE:
                request->compare = text_equal(argument, "month");
                if (!request->compare)
                        command_usage(&command_analyze, _("--compare knows 'month' alone"));
                return request->compare ? 0 : -EINVAL;
        case OPTION_REPORT: request->report = true; return 0;
        case OPTION_HTML:
                request->html = argument;
                request->report = true;
                return 0;
        case OPTION_FUNNEL: return set_funnel(request, argument);
        case OPTION_VITALS: request->vitals = true; return 0;
        case OPTION_CSV: request->csv = true; return 0;
        case OPTION_TOP:
                r = analyze_number(argument, 1000000000, &number);
                request->query.top = (size_t)number;
                return r;
        case OPTION_OWN:
                request->query.own_hosts = request->own;
                return analyze_own(request->own, QUERY_HOSTS_MAXIMUM, &request->own_count, argument);
        case OPTION_FROM: return analyze_time(argument, &request->query.from_us);
        case OPTION_TO: return analyze_time(argument, &request->query.until_us);
        case OPTION_SOURCE:
                request->beacon = text_equal(argument, "beacon");
                if (!request->beacon && !text_equal(argument, "log")) {
                        command_usage(&command_analyze, _("--source knows 'log' and 'beacon'"));
                        return -EINVAL;
                }
                return 0;
        default: return -EINVAL;
        }
}

/* ---------------------------------------------------------------- month against month */

/* The same day of the month before, at most its last. */
static int64_t month_before(int64_t day)
{
        int64_t month = store_month_of(day), before = store_month_begin(month - 1) + (day - store_month_begin(month));

        return before < store_month_begin(month) ? before : store_month_begin(month);
}

/* What was not said is the newest month, as far as it has come. */
static int set_months(struct query_request *request, struct store *store, struct store_query *before, struct error *err)
{
        const struct store_query whole = { .site = request->query.site, .dimension = QUERY_ALL, .span = QUERY_ONCE };
        struct store_query *query = &request->query;
        struct store_answer answer;
        int r;

        if (!query->from_us || !query->until_us) {
                r = store_query(store, &whole, &answer, err);
                if (r < 0)
                        return r;
                if (!query->until_us)
                        query->until_us = answer.until_hour * HOUR_US;
                if (!query->from_us)
                        query->from_us =
                                store_month_begin(store_month_of(query->until_us / (24 * HOUR_US) - 1)) * 24 * HOUR_US;
                store_answer_done(&answer);
        }
        *before = *query;
        before->from_us = month_before(query->from_us / (24 * HOUR_US)) * 24 * HOUR_US;
        before->until_us = month_before(query->until_us / (24 * HOUR_US)) * 24 * HOUR_US;
        before->top = 0;
        return 0;
}

/* ---------------------------------------------------------------- from a store */

static int show(struct query_request *request, struct store *store)
{
        struct error error = ERROR_NONE;
        struct store_answer answer = { 0 }, before = { 0 };
        struct store_query earlier;
        int status, r = request->compare ? set_months(request, store, &earlier, &error) : 0;

        if (r == 0)
                r = store_query(store, &request->query, &answer, &error);
        if (r == 0 && request->compare)
                r = store_query(store, &earlier, &before, &error);
        if (r < 0)
                status = command_fail(&error);
        else
                status = query_show(request, &answer, request->compare ? &before : NULL, NULL);
        store_answer_done(&answer);
        store_answer_done(&before);
        return status;
}

static int write_page(const struct query_request *request, const struct summary *summary)
{
        struct error error = ERROR_NONE;
        const struct webpage page = { .files = &request->store,
                                      .file_count = 1,
                                      .command = buffer_text(&request->command),
                                      .made = clock_now() };

        return analyze_html(request->html, &page, summary, &error) < 0 ? command_fail(&error) : EXIT_DONE;
}

static int report(const struct query_request *request, struct store *store)
{
        size_t top = request->query.top;
        struct store_question question = { .site = request->query.site,
                                           .from_us = request->query.from_us,
                                           .until_us = request->query.until_us,
                                           .top = request->html && (!top || top > WEBPAGE_ROWS) ? WEBPAGE_ROWS : top,
                                           .own_hosts = request->query.own_hosts,
                                           .answered_only = !request->common.json && !request->csv };
        struct error error = ERROR_NONE;
        struct summary summary = { 0 };
        int status = EXIT_DONE;

        if (store_summary(store, &question, &summary, &error) < 0)
                return command_fail(&error);
        if (request->vitals)
                status = query_show_vitals(request, &summary, NULL);
        else if (request->html)
                status = write_page(request, &summary);
        else if (request->common.json)
                status = command_print_json(analyze_json(&summary, NULL));
        else if (!request->csv)
                analyze_print(stdout, &summary);
        else if (analyze_csv(stdout, &summary) < 0) {
                error_memory(&error);
                status = command_fail(&error);
        }
        summary_done(&summary);
        return status;
}

/* The beacon's sites have names of their own. */
static int set_site(struct query_request *request)
{
        if (!request->beacon)
                return 0;
        if (buffer_printf(&request->site, STORE_BEACON "%s", request->query.site ? request->query.site : "") < 0)
                return -ENOMEM;
        request->query.site = buffer_text(&request->site);
        return 0;
}

static int parse_and_query(int argc, char *argv[], struct query_request *request)
{
        _cleanup_(store_closep) struct store *store = NULL;
        _cleanup_(memory_freep) char *reason = NULL;
        struct error error = ERROR_NONE;
        int code;

        while ((code = command_option(argc, argv, &command_analyze, options, help(), &request->common)) != -1)
                if (set_option(request, code, optarg) < 0)
                        return EXIT_USAGE;
        if ((!request->store && !request->common.config) || optind < argc)
                return command_usage(&command_analyze,
                                     _("query needs --store FILE, or --config FILE with analysis servers, and no logs"));
        if (request->csv + request->common.json + (request->html != NULL) > 1)
                return command_usage(&command_analyze, _("--csv, --html and --json exclude each other"));
        if (request->vitals)
                request->beacon = true;
        if (request->vitals && (request->csv || request->html || request->query.dimension != QUERY_ALL))
                return command_usage(&command_analyze, _("--vitals stands alone: no list, no --csv and no --html"));
        if (request->compare && request->query.span != QUERY_ONCE)
                return command_usage(&command_analyze,
                                     _("--compare compares whole times: no hour, day or month in --by"));
        if (request->step_count && (request->vitals || request->csv || request->compare || request->query.name ||
                                    request->query.dimension != QUERY_ALL || request->query.span != QUERY_ONCE))
                return command_usage(&command_analyze, _("--funnel stands alone: no list, no --csv and no --vitals"));
        if (request->step_count && request->store)
                return command_usage(&command_analyze,
                                     _("a store keeps the funnels that analyze --follow was given: see query --report"));
        if (!request->store)
                return query_servers(request);
        if (set_site(request) < 0) {
                error_memory(&error);
                return command_fail(&error);
        }
        if (store_open(request->store, false, &store, &error) < 0)
                return command_fail(&error);
        if (store_left_out(store, &reason, &error) < 0)
                return command_fail(&error);
        if (reason) {
                error_refuse(&error, _("this server is left out and does not answer: %s"), reason);
                return command_fail(&error);
        }
        return request->report || request->vitals ? report(request, store) : show(request, store);
}

int analyze_query(int argc, char *argv[])
{
        struct query_request request = {
                .query = {.top = TOP_DEFAULT, .dimension = QUERY_ALL, .span = QUERY_ONCE},
                .metrics = { METRIC_HITS,       METRIC_VISITORS,        METRIC_BYTES      },
                .metric_count = 3,
                .site = BUFFER_INIT(4096),
                .command = BUFFER_INIT(4096)
        };
        struct error error = ERROR_NONE;
        int status;

        if (analyze_command_text(argc + 1, argv - 1, &request.command) < 0) { /* with "analyze" before it */
                error_memory(&error);
                return command_fail(&error);
        }
        status = parse_and_query(argc, argv, &request);
        free(request.funnel);
        buffer_done(&request.site);
        buffer_done(&request.command);
        return status;
}
