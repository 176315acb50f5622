/*
 * analyze_query.h - a question of `analyze query`: what was asked (analyze_query.c), and how an answer is shown
 * (analyze_query_show.c), from a store or from the analysis servers (analyze_query_servers.c).
 */
#ifndef CLI_ANALYZE_QUERY_H
#define CLI_ANALYZE_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/store.h"
#include "base/buffer.h"
#include "cli/analyze_servers.h"
#include "cli/command.h"

#define QUERY_HOSTS_MAXIMUM 64

struct query_request {
        struct common common;
        struct store_query query;
        const char *own[QUERY_HOSTS_MAXIMUM + 1];
        size_t own_count;
        const char *store;
        const char *list; /* the word of --by */
        bool beacon;
        struct buffer site;    /* of a beacon */
        const char *html;      /* where the page goes to, or NULL */
        struct buffer command; /* as it was typed */
        enum store_metric metrics[METRIC_COUNT];
        size_t metric_count;
        bool report, csv, compare, vitals;
        bool salts_apart; /* of analysis servers: each sender of events has its own */
        char *funnel; /* of --funnel: its names, cut at the commas; owned */
        const char *steps[FUNNEL_STEPS_MAXIMUM];
        size_t step_count;
};

/* Names of enum store_metric: keys of JSON and CSV, never translated. */
extern const char *const query_metrics[METRIC_COUNT];

/* As JSON, CSV or words. `before` (of --compare) and `servers` may be NULL. Returns the exit status. */
int query_show(const struct query_request *request, const struct store_answer *answer,
               const struct store_answer *before, const struct ask_who *servers);

/* --vitals: of page views that a beacon measured. */
int query_show_vitals(const struct query_request *request, const struct summary *summary, const struct ask_who *servers);

/* --funnel: the steps that were asked for. */
int query_show_funnel(const struct query_request *request, const struct ask_step steps[], const struct ask_who *servers);

/* Asks the analysis servers of --config, and shows it. */
int query_servers(struct query_request *request);

#endif
