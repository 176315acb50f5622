/*
 * analyze_follow.h - what `analyze --follow` was told (analyze_follow_options.c), the service (analyze_follow.c) and the
 * pages that it keeps up to date (analyze_follow_pages.c).
 */
#ifndef CLI_ANALYZE_FOLLOW_H
#define CLI_ANALYZE_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/live.h"
#include "analyze/store.h"
#include "base/buffer.h"
#include "base/error.h"
#include "cli/analyze_required.h"
#include "cli/analyze_spread.h"
#include "cli/command.h"

#define FOLLOW_HOSTS_MAXIMUM 64

struct follow_request {
        struct common common;
        struct live_options live;
        struct store_question page;
        struct goal goals[GOALS_MAXIMUM];
        struct funnel funnels[FUNNELS_MAXIMUM];
        const char *own[FOLLOW_HOSTS_MAXIMUM + 1];
        size_t own_count;
        const char *store, *salts, *json_file, *html, *geoip;
        struct required required;
        char host[256];
        struct buffer command; /* as it was typed */
        char *const *paths;
        size_t path_count;
        uint64_t hour_days, day_days;
        struct spreading_options spread; /* spool NULL: into a store */
        bool once;
};

/* Follows until it is told to end (--once: until everything was read); returns the exit status. */
int follow_serve(struct follow_request *request);

/* Writes the pages anew, if any were asked for. `obstacle`: why this server does not take part, or NULL. */
int follow_write_pages(const struct follow_request *request, struct store *store, const char *obstacle,
                       struct error *err);

#endif
