/* analyze_query_servers.c - analyze query: from the analysis servers of the configuration. */
#include <stdio.h>

#include "base/i18n.h"
#include "base/memory.h"
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
                if (request->metrics[i] == METRIC_VISITS && !ask_has_visits(request->query.dimension))
                        return command_usage(&command_analyze, _("a visit is of no %s alone"), request->list);
        return EXIT_DONE;
}

/* The figures are good, but not all. */
static int status_of(int status, const struct ask_who *who)
{
        return status == EXIT_DONE && who->silent_count ? EXIT_FOUND : status;
}

static int show_vitals(const struct query_request *request, const struct spread_shards *shards)
{
        _cleanup_(memory_freep) struct histogram *histograms = memory_new(VITAL_COUNT, sizeof(*histograms));
        struct error error = ERROR_NONE;
        struct summary summary = { 0 };
        struct ask_who who = { 0 };
        int status, r = histograms ? 0 : error_memory(&error);

        if (r == 0)
                r = ask_vitals(shards, &request->query, histograms, &who, &error);
        for (unsigned int vital = 0; vital < VITAL_COUNT && r == 0; vital++)
                summary.vitals[vital] =
                        (struct vital){ histogram_quantile(&histograms[vital], 0.75), histograms[vital].total };
        status = r < 0 ? command_fail(&error) : status_of(query_show_vitals(request, &summary, &who), &who);
        ask_who_done(&who);
        return status;
}

static bool wants_visits(const struct query_request *request)
{
        for (size_t i = 0; i < request->metric_count; i++)
                if (request->metrics[i] == METRIC_VISITS)
                        return true;
        return false;
}

static int show_funnel(const struct query_request *request, const struct spread_shards *shards)
{
        struct ask_step steps[FUNNEL_STEPS_MAXIMUM];
        struct error error = ERROR_NONE;
        struct ask_who who = { 0 };
        int status;

        if (ask_funnel(shards, &request->query, request->beacon, request->steps, request->step_count, steps, &who, &error) <
            0)
                return command_fail(&error);
        status = status_of(query_show_funnel(request, steps, &who), &who);
        ask_who_done(&who);
        return status;
}

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
        if (request->vitals)
                return show_vitals(request, &shards.spread);
        if (request->step_count)
                return show_funnel(request, &shards.spread);
        if (ask_shards(&shards.spread, &request->query, request->beacon, wants_visits(request), &answer, &error) < 0)
                return command_fail(&error);
        request->salts_apart = !shards.config->clickhouse.salts;
        if (!request->common.json) {
                servers_print(request->csv ? stderr : stdout, &answer.who);
                if (request->salts_apart)
                        fprintf(request->csv ? stderr : stdout, "%s\n",
                                _("Senders of events do not share salts (salts in the configuration): who met two of them is "
                                  "two visitors."));
        }
        status = status_of(query_show(request, &answer.found, NULL, &answer.who), &answer.who);
        ask_answer_done(&answer);
        return status;
}
