/* analyze_embedders.c - understudy analyze embedders: whose pages had the tag's script fetched from here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/embedders.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/analyze.h"
#include "cli/analyze_servers.h"
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
                 "  --store FILE           the store; without it the analysis servers of --config FILE are asked\n"
                 "  --from TIME, --to TIME fetches of days in which this time lies\n");
}

struct request {
        struct common common;
        const char *store;
        int64_t from_us, until_us;
        json_t *list, *servers;
        uint64_t shown;
};

static void time_text(int64_t us, char text[static CLOCK_TEXT_SIZE])
{
        clock_format_utc(clock_floor(us, 1000000), text);
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

/* ---------------------------------------------------------------- of several servers, in one order */

/* What the analysis servers say; a site whose visitors lie on several of them comes several times. */
struct gathered {
        struct embedder *list;
        char **texts; /* what they point to; owned */
        size_t count, text_count;
};

static void gathered_done(struct gathered *gathered)
{
        for (size_t i = 0; i < gathered->text_count; i++)
                free(gathered->texts[i]);
        free(gathered->texts);
        free(gathered->list);
}

static const char *keep(struct gathered *gathered, const char *text)
{
        char *copy = memory_string(text);

        if (!copy || memory_grow(&gathered->texts, gathered->text_count, sizeof(copy)) < 0) {
                free(copy);
                return NULL;
        }
        return gathered->texts[gathered->text_count++] = copy;
}

static int compare(const void *a, const void *b)
{
        const struct embedder *first = a, *second = b;
        int r = strcmp(first->host, second->host);

        if (r == 0)
                r = strcmp(first->server, second->server);
        return r ? r : strcmp(first->script, second->script);
}

static int gather(void *context, const struct embedder *one, struct error *err)
{
        struct gathered *gathered = context;
        struct embedder copy = *one;

        copy.host = keep(gathered, one->host);
        copy.server = keep(gathered, one->server);
        copy.script = keep(gathered, one->script);
        if (!copy.host || !copy.server || !copy.script ||
            memory_grow(&gathered->list, gathered->count, sizeof(copy)) < 0)
                return error_memory(err);
        gathered->list[gathered->count++] = copy;
        return 0;
}

static void add_up(struct gathered *gathered)
{
        size_t count = 0;

        if (gathered->count)
                qsort(gathered->list, gathered->count, sizeof(*gathered->list), compare);
        for (size_t i = 0; i < gathered->count; i++) {
                struct embedder *one = &gathered->list[i], *last = count ? &gathered->list[count - 1] : NULL;

                if (!last || compare(last, one) != 0) {
                        gathered->list[count++] = *one;
                        continue;
                }
                last->fetches += one->fetches;
                last->first_us = one->first_us < last->first_us ? one->first_us : last->first_us;
                last->last_us = one->last_us > last->last_us ? one->last_us : last->last_us;
        }
        gathered->count = count;
}

static int list_servers(struct request *request, struct ask_who *who, struct error *err)
{
        _cleanup_(shards_done) struct shards shards = SHARDS_NONE;
        _cleanup_(gathered_done) struct gathered gathered = { 0 };
        int r = shards_read(&shards, &request->common, err);

        if (r < 0) {
                fputs(buffer_text(&shards.file.problems), stderr);
                return r;
        }
        r = ask_embedders(&shards.spread, request->from_us, request->until_us, gather, &gathered, who, err);
        if (r == 0) {
                add_up(&gathered);
                request->servers = servers_json(who); /* names are the configuration's, which goes */
                if (!request->common.json)
                        servers_print(stdout, who);
        }
        for (size_t i = 0; i < gathered.count && r == 0; i++)
                r = take(request, &gathered.list[i], err);
        return r;
}

/* ---------------------------------------------------------------- all of it */

static int list_store(struct request *request, struct error *err)
{
        _cleanup_(store_closep) struct store *store = NULL;
        int r = store_open(request->store, false, &store, err);

        return r < 0 ? r : store_embedders(store, request->from_us, request->until_us, take, request, err);
}

static int list(struct request *request)
{
        struct error error = ERROR_NONE;
        struct ask_who who = { 0 };
        int status = EXIT_DONE;

        request->list = json_array();
        if ((request->store ? list_store(request, &error) : list_servers(request, &who, &error)) < 0)
                status = command_fail(&error);
        else if (request->common.json)
                status = command_print_json(request->store ? json_pack("{s:O}", "embedders", request->list)
                                                           : json_pack("{s:O, s:O}", "servers", request->servers,
                                                                       "embedders", request->list));
        else if (ferror(stdout))
                status = EXIT_FAILED;
        if (status == EXIT_DONE && who.silent_count)
                status = EXIT_FOUND;
        json_decref(request->list);
        json_decref(request->servers);
        ask_who_done(&who);
        return status;
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
        if (!request.store == !request.common.config || optind < argc)
                return command_usage(&command_analyze,
                                     _("embedders needs --store FILE, or --config FILE with analysis servers, and no logs"));
        return list(&request);
}
