/* analyze_query_servers.c - analyze query: from the analysis servers of the configuration. */
#include <stdio.h>

#include "base/i18n.h"
#include "cli/analyze.h"
#include "cli/analyze_query.h"

static int check_servers(const struct query_request *request)
{
        if (request->report || request->compare)
                return command_usage(&command_analyze,
                                     _("--report, --html and --compare are for a store (--store FILE)"));
        if (!ask_has_list(request->query.dimension))
                return command_usage(&command_analyze, _("the analysis servers keep no list %s"), request->list);
        for (size_t i = 0; i < request->metric_count; i++)
                if (request->metrics[i] == METRIC_VISITS)
                        return command_usage(&command_analyze, _("the analysis servers know no visits"));
        return EXIT_DONE;
}

/* Status 1 when a server did not answer: the figures are good, but not all. */
int query_servers(struct query_request *request)
{
        _cleanup_(shards_done) struct shards shards = SHARDS_NONE;
        struct ask_answer answer = { 0 };
        struct error error = ERROR_NONE;
        int status = check_servers(request);

        if (status != EXIT_DONE)
                return status;
        if (shards_read(&shards, &request->common, &error) < 0)
                return shards_fail(&shards, &error);
        if (ask_shards(&shards.spread, &request->query, request->beacon, &answer, &error) < 0)
                return command_fail(&error);
        if (!request->common.json)
                servers_print(request->csv ? stderr : stdout, &answer);
        status = query_show(request, &answer.found, NULL, &answer);
        if (status == EXIT_DONE && answer.silent_count)
                status = EXIT_FOUND;
        ask_answer_done(&answer);
        return status;
}
