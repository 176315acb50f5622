/* fleet_view.c - the register, the site's configuration and the casebook together. */
#include "cli/fleet_view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "fleet/register.h"
#include "incident/casebook.h"

#define STALE_S (26 * 60 * 60) /* a check once a day, and some time for it */

/* ---- incidents ---- */

struct hits {
        struct fleet_hit *list;
        size_t count;
        struct casebook *book;
        struct error *err;
};

/* What was known on a server counts as known to others until the incident there was over. */
static int add_hits(struct hits *hits, const struct casebook_incident *incident)
{
        struct intervals intervals = { 0 };
        int r = casebook_intervals(hits->book, incident->number, &intervals, hits->err);

        for (size_t i = 0; i < intervals.count && r == 0; i++) {
                const struct interval *interval = &intervals.list[i];
                struct fleet_hit *hit;

                if (memory_grow(&hits->list, hits->count, sizeof(*hits->list)) < 0) {
                        r = error_memory(hits->err);
                        break;
                }
                hit = &hits->list[hits->count++];
                *hit = (struct fleet_hit){ .number = incident->number, .time_s = interval->times.last_bad / 1000000 };
                snprintf(hit->server, sizeof(hit->server), "%s", interval->server);
        }
        intervals_done(&intervals);
        return r;
}

static int each_incident(void *context, const struct casebook_incident *incident)
{
        return add_hits(context, incident);
}

static int load_hits(const char *state_directory, struct hits *hits, struct error *err)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        int r = casebook_open(state_directory, false, &book, err);

        hits->book = book;
        hits->err = err;
        if (r == -ENOENT)
                return 0;
        return r < 0 ? r : casebook_list(book, each_incident, hits, err);
}

/* ---- the view ---- */

int fleet_view_load(const char *state_directory, const struct config *config, struct fleet_view *ret_view,
                    struct error *err)
{
        _cleanup_(register_closep) struct register_file *file = NULL;
        struct fleet_question question = { .config = config, .now_s = clock_now(), .stale_s = STALE_S };
        struct fleet_view view = { 0 };
        struct hits hits = { 0 };
        int r = register_open(state_directory, false, &file, err);

        if (r == 0)
                r = register_load(file, &view.fleet, err);
        if (r == 0)
                r = load_hits(state_directory, &hits, err);
        view.hits = hits.list;
        question.hits = hits.list;
        question.hit_count = hits.count;
        if (r == 0)
                r = fleet_judge(&view.fleet, &question, &view.findings, err);
        if (r < 0) {
                fleet_view_done(&view);
                return r;
        }
        *ret_view = view;
        return 0;
}

void fleet_view_done(struct fleet_view *view)
{
        fleet_findings_done(&view->findings);
        fleet_done(&view->fleet);
        free(view->hits);
        *view = (struct fleet_view){ 0 };
}

int fleet_admits(const char *state_directory, const struct config *config, const char *server, struct error *err)
{
        const struct fleet_finding *obstacle;
        struct fleet_view view;
        int r = fleet_view_load(state_directory, config, &view, err);

        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        obstacle = fleet_obstacle(&view.findings, server);
        if (!fleet_find(&view.fleet, server))
                r = error_refuse(err, _("%s is not in the register of servers; 'understudy fleet add' enters it"),
                                 server);
        else if (obstacle)
                r = error_refuse(err, _("%s breaks a rule of the register (%s): %s; %s"), server,
                                 fleet_rule_name(obstacle->rule), obstacle->what, fleet_rule_remedy(obstacle->rule));
        fleet_view_done(&view);
        return r;
}
