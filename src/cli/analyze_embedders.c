/* analyze_embedders.c - understudy analyze embedders: whose pages had the tag's script fetched from here. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/embedders.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/analyze.h"
#include "cli/columns.h"
#include "cli/command.h"

enum { OPTION_STORE = OPTION_COMMAND, OPTION_FROM, OPTION_TO };

static const struct option options[] = {
        {"store", required_argument, NULL, OPTION_STORE},
        { "from", required_argument, NULL, OPTION_FROM },
        { "to",   required_argument, NULL, OPTION_TO   },
        { NULL,   0,                 NULL, 0           },
};

static const char *help(void)
{
        return _("Lists the sites whose pages had visitors fetch the tag's script, from which server, and when: whom "
                 "to\n"
                 "tell when a server gave out another script. Analyze --follow keeps it, from access logs.\n"
                 "\n"
                 "  --store FILE           the store\n"
                 "  --from TIME, --to TIME fetches of days in which this time lies\n");
}

struct request {
        struct common common;
        const char *store;
        int64_t from_us, until_us;
        json_t *list;
        uint64_t shown;
};

static void time_text(int64_t us, char text[static CLOCK_TEXT_SIZE])
{
        clock_format_utc(us / 1000000 - (us % 1000000 < 0), text);
}

static int take(void *context, const struct embedder *one, struct error *err)
{
        struct request *request = context;
        char first[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE], number[COUNT_TEXT_SIZE];
        _cleanup_(buffer_done) struct buffer host = BUFFER_INIT(4096), script = BUFFER_INIT(4096);

        time_text(one->first_us, first);
        time_text(one->last_us, last);
        if (request->common.json) {
                json_array_append_new(request->list,
                                      json_pack("{s:o, s:o, s:o, s:s, s:s, s:I}", "host",
                                                command_json_name(one->host, strlen(one->host)), "server",
                                                command_json_name(one->server, strlen(one->server)), "script",
                                                command_json_name(one->script, strlen(one->script)), "first", first,
                                                "last", last, "fetches", (json_int_t)one->fetches));
                return 0;
        }
        if (text_escape(&host, *one->host ? one->host : "-", *one->host ? strlen(one->host) : 1) < 0 ||
            text_escape(&script, one->script, strlen(one->script)) < 0)
                return error_memory(err);
        if (request->shown++ == 0) {
                print_padded(stdout, _("site"), 40);
                print_right(stdout, _("fetches"), 12);
                printf("  %s\n", _("from, to, server, script"));
        }
        print_padded(stdout, buffer_text(&host), 40);
        print_right(stdout, count_text(one->fetches, number), 12);
        printf("  %s %s %s %s\n", first, last, *one->server ? one->server : "-", buffer_text(&script));
        return 0;
}

static int list(struct request *request)
{
        _cleanup_(store_closep) struct store *store = NULL;
        struct error error = ERROR_NONE;

        if (store_open(request->store, false, &store, &error) < 0)
                return command_fail(&error);
        request->list = json_array();
        if (store_embedders(store, request->from_us, request->until_us, take, request, &error) < 0) {
                json_decref(request->list);
                return command_fail(&error);
        }
        if (request->common.json)
                return command_print_json(json_pack("{s:o}", "embedders", request->list));
        json_decref(request->list);
        return ferror(stdout) ? EXIT_FAILED : EXIT_DONE;
}

int analyze_embedders(int argc, char *argv[])
{
        struct request request = { 0 };
        int code, r = 0;

        while ((code = command_option(argc, argv, &command_analyze, options, help(), &request.common)) != -1) {
                switch (code) {
                case OPTION_STORE: request.store = optarg; break;
                case OPTION_FROM: r = analyze_time(optarg, &request.from_us); break;
                case OPTION_TO: r = analyze_time(optarg, &request.until_us); break;
                default: return EXIT_USAGE;
                }
                if (r < 0)
                        return EXIT_USAGE;
        }
        if (!request.store || optind < argc)
                return command_usage(&command_analyze, _("embedders needs --store FILE, and no logs"));
        return list(&request);
}
