/* tally_finish.c - from counters and records to the summary: what the visitors are, then rows for each dimension. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/agents.h"
#include "analyze/classify.h"
#include "analyze/hash.h"
#include "analyze/tally_finish_private.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

/* ---------------------------------------------------------------- hours and days */

static void add_hits(struct figures *into, const struct figures *from)
{
        into->hits += from->hits;
        into->bytes += from->bytes;
        into->bot_hits += from->bot_hits;
        into->errors += from->errors;
}

static int compare_hours(const void *a, const void *b)
{
        const struct hour *first = a, *second = b;

        return (first->hour > second->hour) - (first->hour < second->hour);
}

static bool fill_intervals(struct finish *finish)
{
        const struct hours *hours = &finish->tally->hours;
        struct hour *sorted = memory_new(hours->count, sizeof(*sorted));
        size_t count = 0;
        bool good;

        if (!sorted)
                return false;
        for (size_t i = 0; hours->slots && i <= hours->mask; i++)
                if (hours->slots[i].used)
                        sorted[count++] = hours->slots[i];
        qsort(sorted, count, sizeof(*sorted), compare_hours);
        good = summary_make_intervals(finish->summary, sorted, count);
        for (size_t i = 0; good && i < count; i++) {
                int64_t day = clock_floor(sorted[i].hour, 24);

                add_hits(&summary_hour(finish->summary, sorted[i].hour)->figures, &sorted[i].figures);
                add_hits(&summary_day(finish->summary, day)->figures, &sorted[i].figures);
                add_hits(&finish->groups.hours[sorted[i].hour - day * 24], &sorted[i].figures);
        }
        free(sorted);
        return good;
}

/* ---------------------------------------------------------------- whose referrers are the site's own */

/* Without virtual hosts in the log the site is the host that most pictures and style sheets are embedded by. */
static const struct name *guess_own(const struct name_table *names)
{
        const struct name *best = NULL, *name;

        for (uint32_t id = 0; (name = name_table_next(names, &id));) {
                if (name->kind != NAME_REFERRER_HOST || !name->referrer.asset_hits)
                        continue;
                if (!best || name->referrer.asset_hits > best->referrer.asset_hits ||
                    (name->referrer.asset_hits == best->referrer.asset_hits && strcmp(name->text, best->text) < 0))
                        best = name;
        }
        return best;
}

static bool add_own(struct finish *finish, const char *host, size_t length)
{
        struct summary *summary = finish->summary;
        const struct name_table *names = &finish->tally->names;
        char normal[REFERRER_HOST_MAXIMUM + 1];
        const struct name *name;

        if (!host_normalize(host, length, normal, &length))
                return true;
        name = name_table_find(names, NAME_REFERRER_HOST, normal, length);
        if (name)
                finish->own[name->id] = true;
        for (size_t i = 0; i < summary->own_host_count; i++)
                if (strlen(summary->own_hosts[i]) == length && memcmp(summary->own_hosts[i], normal, length) == 0)
                        return true;
        summary->own_hosts[summary->own_host_count] = summary_text(summary, normal, length);
        return summary->own_hosts[summary->own_host_count++] != NULL;
}

static bool find_own(struct finish *finish)
{
        const struct name_table *names = &finish->tally->names;
        const char *const *given = finish->tally->options.own_hosts;
        const struct name *name;
        size_t most = 1;
        bool good = true;

        for (size_t i = 0; given && given[i]; i++)
                most++;
        for (uint32_t id = 0; (name = name_table_next(names, &id));)
                most += name->kind == NAME_HOST;
        finish->summary->own_hosts = summary_allocate(finish->summary, most * sizeof(char *));
        if (!finish->summary->own_hosts)
                return false;
        for (size_t i = 0; given && given[i] && good; i++)
                good = add_own(finish, given[i], strlen(given[i]));
        for (uint32_t id = 0; good && (name = name_table_next(names, &id));)
                if (name->kind == NAME_HOST)
                        good = add_own(finish, name->text, name->length);
        if (good && finish->summary->own_host_count == 0 && (name = guess_own(names))) {
                finish->summary->own_hosts_guessed = true;
                good = add_own(finish, name->text, name->length);
        }
        return good;
}

/* ---------------------------------------------------------------- rows */

static struct figures figures_of(const struct finish *finish, const struct name *name)
{
        return (struct figures){
                .hits = name->hits,
                .visitors = finish->seen[name->id].visitors,
                .visits = finish->seen[name->id].visits,
                .bytes = name->bytes,
                .bot_hits = name->bot_hits,
                .errors = name->errors,
        };
}

/* The row that a name is in a dimension; false when it is not in it. */
static bool row_of(const struct finish *finish, enum dimension_kind kind, const struct name *name,
                   struct figures *ret_figures)
{
        const struct seen *seen = &finish->seen[name->id];
        static const enum name_kind kinds[DIMENSION_COUNT] = {
                [DIMENSION_PAGES] = NAME_PATH,         [DIMENSION_ASSETS] = NAME_PATH,
                [DIMENSION_NOT_FOUND] = NAME_PATH,     [DIMENSION_ENTRY] = NAME_PATH,
                [DIMENSION_EXIT] = NAME_PATH,          [DIMENSION_REFERRERS] = NAME_REFERRER_HOST,
                [DIMENSION_CAMPAIGNS] = NAME_CAMPAIGN, [DIMENSION_REFERRER_PAGES] = NAME_REFERRER_PAGE,
                [DIMENSION_SEARCH] = NAME_SEARCH,      [DIMENSION_HOSTS] = NAME_HOST,
                [DIMENSION_STATUS] = NAME_STATUS,      [DIMENSION_METHODS] = NAME_METHOD,
                [DIMENSION_GOALS] = NAME_GOAL,         [DIMENSION_COUNTRIES] = NAME_COUNTRY,
                [DIMENSION_EVENTS] = NAME_EVENT,       [DIMENSION_PROPERTIES] = NAME_PROPERTY,
                [DIMENSION_OUTBOUND] = NAME_OUTBOUND,
        };

        if (name->kind != kinds[kind])
                return false;
        *ret_figures = figures_of(finish, name);
        switch (kind) {
        case DIMENSION_PAGES:
                return !name->path.asset && name->hits && (seen->visitors || !finish->tally->options.answered_only);
        case DIMENSION_ASSETS: return name->path.asset && name->hits;
        case DIMENSION_REFERRERS: return !finish->own[name->id] && name->hits;
        case DIMENSION_REFERRER_PAGES: return !finish->own[name->referrer.host] && name->hits;
        case DIMENSION_NOT_FOUND:
                *ret_figures = (struct figures){ .hits = name->path.missing,
                                                 .bytes = name->path.missing_bytes,
                                                 .bot_hits = name->path.missing_bots,
                                                 .errors = name->path.missing };
                break;
        case DIMENSION_ENTRY:
                *ret_figures = (struct figures){ .hits = seen->entries,
                                                 .visits = seen->entries,
                                                 .visitors = seen->entry_visitors,
                                                 .bot_hits = seen->entry_bots };
                break;
        case DIMENSION_EXIT:
                *ret_figures = (struct figures){ .hits = seen->exits,
                                                 .visits = seen->exits,
                                                 .visitors = seen->exit_visitors,
                                                 .bot_hits = seen->exit_bots };
                break;
        default: break;
        }
        return ret_figures->hits > 0;
}

static bool is_made_of_names(enum dimension_kind kind)
{
        return kind != DIMENSION_BROWSERS && kind != DIMENSION_SYSTEMS && kind != DIMENSION_DEVICES &&
               kind != DIMENSION_BOTS && kind != DIMENSION_HOURS;
}

static bool take_names(struct finish *finish, enum dimension_kind kind)
{
        struct rows rows = { 0 };
        const struct name *name;
        struct figures figures;
        bool good = true;

        for (uint32_t id = 0; good && (name = name_table_next(&finish->tally->names, &id));)
                if (row_of(finish, kind, name, &figures))
                        good = rows_add(&rows, name->text, name->length, &figures);
        good = good && summary_take_rows(finish->summary, kind, &rows, finish->tally->options.top);
        rows_done(&rows);
        return good;
}

/* What agents say was counted by agent; here it comes together. */
static void count_agents(struct finish *finish)
{
        struct groups *groups = &finish->groups;
        const struct name *name;

        for (uint32_t id = 0; (name = name_table_next(&finish->tally->names, &id));) {
                const struct figures hits = {
                        .hits = name->hits, .bytes = name->bytes, .bot_hits = name->bot_hits, .errors = name->errors
                };

                if (name->kind != NAME_AGENT)
                        continue;
                if (name->agent.bot)
                        add_hits(&groups->bots[name->agent.bot], &hits);
                if (name->agent.bot && finish->tally->options.bots_apart)
                        continue;
                add_hits(&groups->browsers[name->agent.browser], &hits);
                add_hits(&groups->systems[name->agent.platform], &hits);
                add_hits(&groups->devices[name->agent.device], &hits);
        }
}

static bool take_group(struct finish *finish, enum dimension_kind kind, const struct figures *groups, size_t count,
                       const char *(*name_of)(const struct finish *finish, size_t index))
{
        struct rows rows = { 0 };
        bool good = true;

        for (size_t i = 0; i < count && good; i++) {
                const char *name = groups[i].hits ? name_of(finish, i) : NULL;

                if (name)
                        good = rows_add(&rows, name, strlen(name), &groups[i]);
        }
        good = good && summary_take_rows(finish->summary, kind, &rows, finish->tally->options.top);
        rows_done(&rows);
        return good;
}

static const char *browser_name(const struct finish *finish, size_t index)
{
        (void)finish;
        return agent_browser_name((uint16_t)index);
}

static const char *system_name(const struct finish *finish, size_t index)
{
        (void)finish;
        return agent_system_name((uint16_t)index);
}

static const char *device_name(const struct finish *finish, size_t index)
{
        (void)finish;
        return agent_device_name((uint16_t)index);
}

static const char *bot_name(const struct finish *finish, size_t index)
{
        return bots_name(finish->tally->bots, (uint16_t)index);
}

static const char *hour_name(const struct finish *finish, size_t index)
{
        static const char names[24][3] = { "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11",
                                           "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23" };

        (void)finish;
        return names[index];
}

/* Several lines of the list may have one name ("wget", "Wget" have not; "other" has): the first takes them all. */
static void join_bots(struct finish *finish)
{
        struct figures *groups = finish->groups.bots;

        for (size_t i = 1; i < finish->groups.bot_count; i++) {
                for (size_t k = 1; groups[i].hits && k < i; k++) {
                        if (!groups[k].hits || !text_equal(bot_name(finish, k), bot_name(finish, i)))
                                continue;
                        add_hits(&groups[k], &groups[i]);
                        groups[k].visitors += groups[i].visitors;
                        groups[k].visits += groups[i].visits;
                        groups[i] = (struct figures){ 0 };
                }
        }
}

static bool take_rows(struct finish *finish)
{
        const struct groups *groups = &finish->groups;

        for (unsigned int kind = 0; kind < DIMENSION_COUNT; kind++)
                if (is_made_of_names((enum dimension_kind)kind) && !take_names(finish, (enum dimension_kind)kind))
                        return false;
        count_agents(finish);
        join_bots(finish);
        return take_group(finish, DIMENSION_BROWSERS, groups->browsers, AGENT_KINDS, browser_name) &&
               take_group(finish, DIMENSION_SYSTEMS, groups->systems, AGENT_KINDS, system_name) &&
               take_group(finish, DIMENSION_DEVICES, groups->devices, DEVICE_COUNT, device_name) &&
               take_group(finish, DIMENSION_BOTS, groups->bots, groups->bot_count, bot_name) &&
               take_group(finish, DIMENSION_HOURS, groups->hours, 24, hour_name);
}

/* ---------------------------------------------------------------- the rest */

static bool take_samples(struct finish *finish)
{
        const struct tally *tally = finish->tally;
        struct summary *summary = finish->summary;
        bool good = true;

        summary->samples = summary_allocate(summary, SAMPLES_MAXIMUM * sizeof(*summary->samples));
        good = summary->samples != NULL;
        for (size_t i = 0; i < tally->sample_count && good; i++) {
                _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4 * SAMPLE_BYTES);

                if (text_escape(&text, tally->samples[i].line, tally->samples[i].length) < 0)
                        return false;
                summary->samples[i].file = tally->samples[i].file;
                summary->samples[i].line = summary_text(summary, buffer_text(&text), text.length);
                good = summary->samples[i].line != NULL;
                summary->sample_count = i + 1;
        }
        return good;
}

static bool take_statuses(struct finish *finish)
{
        struct summary *summary = finish->summary;

        summary->statuses = summary_allocate(summary, 1000 * sizeof(*summary->statuses));
        for (unsigned int code = 0; summary->statuses && code < 1000; code++) {
                const char text[4] = { (char)('0' + code / 100), (char)('0' + code / 10 % 10),
                                       (char)('0' + code % 10) };
                const struct name *name = name_table_find(&finish->tally->names, NAME_STATUS, text, 3);

                if (name && name->hits)
                        summary->statuses[summary->status_count++] = (struct status_hits){ code, name->hits };
        }
        return summary->statuses != NULL;
}

static bool take_funnel(struct finish *finish, const struct funnel *funnel)
{
        struct summary *summary = finish->summary;
        const struct reached_list *reached = &finish->tally->reached;
        struct funnel_result *result = &summary->funnels[summary->funnel_count++];

        result->name = summary_text(summary, funnel->name, strlen(funnel->name));
        result->steps = summary_allocate(summary, funnel->count * sizeof(*result->steps));
        result->count = funnel->count;
        if (!result->name || !result->steps)
                return false;
        for (size_t i = 0; i < funnel->count; i++) {
                const char *goal = finish->tally->options.goals[funnel->steps[i]].name;

                result->steps[i].goal = summary_text(summary, goal, strlen(goal));
                if (!result->steps[i].goal)
                        return false;
        }
        for (size_t at = 0; at < reached->count;) {
                bool bot = reached->list[at].bot;
                size_t steps = funnel_steps(funnel, reached, &at);

                for (size_t i = 0; i < steps; i++) {
                        result->steps[i].visitors += finish->weight;
                        result->steps[i].human_visitors += bot ? 0 : finish->weight;
                }
        }
        return true;
}

static bool take_vitals(struct finish *finish)
{
        for (unsigned int i = 0; i < VITAL_COUNT; i++)
                if (finish->tally->vitals[i] && !summary_take_vital(finish->summary, i, finish->tally->vitals[i]))
                        return false;
        return true;
}

static bool take_funnels(struct finish *finish)
{
        const struct tally_options *options = &finish->tally->options;

        finish->summary->funnels =
                summary_allocate(finish->summary, options->funnel_count * sizeof(struct funnel_result));
        if (!finish->summary->funnels)
                return false;
        reached_sort(&finish->tally->reached);
        for (size_t i = 0; i < options->funnel_count; i++)
                if (!take_funnel(finish, &options->funnels[i]))
                        return false;
        return true;
}

static bool take_formats(struct finish *finish)
{
        struct summary *summary = finish->summary;

        summary->formats = summary_allocate(summary, 32 * sizeof(*summary->formats));
        for (unsigned int kind = 0; summary->formats && kind < 32; kind++)
                if (finish->tally->formats >> kind & 1)
                        summary->formats[summary->format_count++] = log_format_name((enum log_format_kind)kind);
        return summary->formats != NULL;
}

/* One standard deviation of a number that was counted over every weight-th visitor alone. */
static double sample_error(const struct finish *finish, uint64_t number)
{
        return number ? sqrt((double)(finish->weight - 1) / (double)number) : 1;
}

/* What was given up for lack of memory, and what that means. */
static bool take_limits(struct finish *finish)
{
        static const char sketched[] = N_("counted by HyperLogLog for lack of memory (--memory)");
        static const char followed[] = N_("only a part of the visitors was followed for lack of memory (--memory)");
        static const char row[] = N_("only a part of the visitors was followed for lack of memory (--memory); "
                                     "the error is of a row of 10,000");
        const struct tally *tally = finish->tally;
        struct summary *summary = finish->summary;

        if (tally->folded &&
            !summary_approximate(summary, "pages", (double)tally->folded / (double)(tally->hits + 1),
                                 N_("rare names were put together as (other) for lack of memory (--memory); the error "
                                    "is of all requests")))
                return false;
        if (!tally->level)
                return true;
        summary->totals.visitors = sketch_estimate(&tally->sketches->visitors);
        summary->human_visitors = sketch_estimate(&tally->sketches->people);
        summary->hosts = sketch_estimate(&tally->sketches->hosts);
        return summary_approximate(summary, "visitors", SKETCH_ERROR, sketched) &&
               summary_approximate(summary, "hosts", SKETCH_ERROR, sketched) &&
               summary_approximate(summary, "visits", sample_error(finish, summary->totals.visits), followed) &&
               summary_approximate(summary, "bounces", sample_error(finish, summary->bounces), followed) &&
               summary_approximate(summary, "visit_seconds", 2 * sample_error(finish, summary->totals.visits),
                                   followed) &&
               summary_approximate(summary, "rows.visitors", sample_error(finish, 10000), row) &&
               summary_approximate(summary, "rows.visits", sample_error(finish, 10000), row) &&
               summary_approximate(summary, "entry_pages", sample_error(finish, 10000), row) &&
               summary_approximate(summary, "exit_pages", sample_error(finish, 10000), row);
}

static void take_totals(struct finish *finish)
{
        const struct tally *tally = finish->tally;
        struct summary *summary = finish->summary;

        summary->lines = tally->lines;
        summary->invalid = tally->invalid;
        summary->empty = tally->empty;
        summary->outside = tally->outside;
        summary->totals.hits = tally->hits;
        summary->totals.bytes = tally->bytes;
        summary->totals.bot_hits = tally->bot_hits;
        summary->totals.errors = tally->errors;
        summary->page_views = tally->page_views;
        summary->human_page_views = tally->page_views - tally->bot_page_views;
        summary->human_hits = tally->hits - (tally->options.bots_apart ? 0 : tally->bot_hits); /* apart: not in hits */
        summary->first_us = tally->first_us;
        summary->last_us = tally->last_us;
        summary->visit_seconds = finish->visit_ms / 1000;
        summary->navigations = tally->navigations - tally->bot_navigations;
        summary->pixels = tally->pixels - tally->bot_pixels;
}

int tally_finish(struct tally *tally, struct summary *ret_summary, struct error *err)
{
        struct summary summary = { 0 };
        struct finish finish = { .tally = tally, .summary = &summary, .weight = 1U << tally->level };
        bool good;

        finish.seen = memory_new(tally->names.next, sizeof(*finish.seen));
        finish.own = memory_new(tally->names.next, sizeof(*finish.own));
        finish.groups.bot_count = bots_count(tally->bots) + 1;
        finish.groups.bots = memory_new(finish.groups.bot_count, sizeof(struct figures));
        good = finish.seen && finish.own && finish.groups.bots && fill_intervals(&finish) && finish_count_visitors(&finish) &&
               find_own(&finish) && take_rows(&finish) && take_samples(&finish) && take_statuses(&finish) &&
               take_funnels(&finish) && take_vitals(&finish) && take_formats(&finish) &&
               summary_take_durations(&summary, tally->histogram) && take_limits(&finish);
        if (good)
                take_totals(&finish);
        free(finish.seen);
        free(finish.own);
        free(finish.groups.bots);
        if (!good) {
                summary_done(&summary);
                return error_memory(err);
        }
        *ret_summary = summary;
        return 0;
}
