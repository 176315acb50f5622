/* incident_exposure.c - understudy incident exposure: the evidence is named or remembered, read, graded and told. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/incident_exposure.h"

static void work_done(struct exposure_work *work)
{
        intervals_done(&work->intervals);
        casebook_texts_done(&work->pages);
        casebook_texts_done(&work->login_paths);
        casebook_sources_done(&work->sources);
        casebook_sources_done(&work->named);
        for (size_t i = 0; i < LENGTH(work->facts); i++)
                casebook_fact_done(&work->facts[i]);
        casebook_close(work->book);
        free(work);
}

/* ---- what was said at `open` or now ---- */

static int remember(struct exposure_work *work, const char *key, const char *text, struct casebook_fact *ret_fact,
                    struct error *err)
{
        int r = text ? casebook_put_fact(work->book, work->incident.number, key, text, "exposure", incident_now_us(),
                                         err)
                     : 0;

        return r < 0 ? r : casebook_fact(work->book, work->incident.number, key, ret_fact, err);
}

static int take_facts(struct exposure_work *work, struct error *err)
{
        const struct incident_request *request = work->request;
        char universe[COUNT_TEXT_SIZE], from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE], span[2 * CLOCK_TEXT_SIZE + 2];
        int64_t from_s, to_s;
        int r;

        snprintf(universe, sizeof(universe), "%" PRIu64, request->universe);
        incident_time(request->payload_from_us, from);
        incident_time(request->payload_to_us, to);
        snprintf(span, sizeof(span), "%s %s", from, to);
        r = request->susceptible ? incident_condition_put(work->request, work->book, work->incident.number, err) : 0;
        if (r == 0)
                r = remember(work, "susceptible", NULL, &work->facts[0], err);
        if (r == 0)
                r = remember(work, "payload", request->payload_to_us ? span : NULL, &work->facts[1], err);
        if (r == 0)
                r = remember(work, "accounts", request->universe ? universe : NULL, &work->facts[2], err);
        if (r == 0 && work->facts[0].text) {
                r = susceptible_parse(work->facts[0].text, &work->susceptible, err);
                work->options.susceptible_by = work->facts[0].by;
                work->options.susceptible = &work->susceptible;
        }
        if (r == 0 && work->facts[1].text && sscanf(work->facts[1].text, "%31s %31s", from, to) == 2 &&
            clock_parse_utc(from, &from_s) == 0 && clock_parse_utc(to, &to_s) == 0) {
                work->options.payload_from_us = from_s * 1000000;
                work->options.payload_to_us = to_s * 1000000;
        }
        if (r == 0 && work->facts[2].text)
                (void)text_parse_u64(work->facts[2].text, strlen(work->facts[2].text), UINT32_MAX,
                                     &work->options.universe);
        return r;
}

/* What was said of caches and clocks once holds until something else is said: forgotten, it would make a result narrower. */
static int take_assumptions(struct exposure_work *work, struct error *err)
{
        const struct incident_request *request = work->request;
        struct exposure_options *options = &work->options;
        const int64_t shared = request->shared_cache;
        const struct {
                const char *key;
                int64_t given, *into;
        } all[] = {
                { "assumed_near", request->near_us, &options->near_us },
                { "assumed_longest_request", request->request_us, &options->request_us },
                { "assumed_clock_unknown", request->clock_unknown_us, &options->clock_unknown_us },
                { "assumed_cache", request->cache_us, &options->cache_us },
                { "assumed_held_open", request->held_open_us, &options->held_open_us },
                { "assumed_shared_cache", shared, NULL },
        };
        int r = 0;

        for (size_t i = 0; i < LENGTH(all) && r == 0; i++) {
                struct casebook_fact fact = { 0 };
                char text[24];
                uint64_t value;

                snprintf(text, sizeof(text), "%" PRId64, all[i].given);
                r = remember(work, all[i].key, all[i].given ? text : NULL, &fact, err);
                if (r == 0 && fact.text && text_parse_u64(fact.text, strlen(fact.text), INT64_MAX, &value) == 0) {
                        if (all[i].into)
                                *all[i].into = (int64_t)value;
                        else
                                options->shared_cache = value != 0;
                }
                casebook_fact_done(&fact);
        }
        return r;
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
        progress_show(context, _("reading"), done, total);
}

static int prepare(struct exposure_work *work, struct error *err)
{
        struct incident_request *request = work->request;
        int64_t number = request->number;
        int r = incident_condition_take(request, err);

        if (r == 0)
                r = incident_book(request, true, &work->book, &work->incident, err);

        if (r == 0)
                r = casebook_intervals(work->book, number, &work->intervals, err);
        if (r == 0)
                r = casebook_texts(work->book, number, CASEBOOK_PAGE, &work->pages, err);
        if (r == 0)
                r = casebook_texts(work->book, number, CASEBOOK_LOGIN_PATH, &work->login_paths, err);
        if (r == 0)
                r = casebook_sources(work->book, number, &work->sources, err);
        if (r == 0)
                r = casebook_key(work->book, &work->options.key, err);
        if (r == 0)
                r = exposure_sources_name(work, err);
        if (r == 0)
                r = take_facts(work, err);
        if (r == 0)
                r = take_assumptions(work, err);
        if (r == 0 && !work->options.log_count && !work->options.missing_count)
                r = error_usage(err, _("name the access logs: --log SERVER=FILE"));
        work->options.intervals = work->intervals.list;
        work->options.interval_count = work->intervals.count;
        work->options.pages = (const char *const *)work->pages.list;
        work->options.page_count = work->pages.count;
        work->options.login_paths = (const char *const *)work->login_paths.list;
        work->options.login_path_count = work->login_paths.count;
        work->options.servers = work->servers;
        work->options.logs = work->logs;
        work->options.logins = work->logins;
        work->options.missing = work->missing;
        work->options.now_us = incident_now_us();
        work->options.explain = request->explain;
        work->options.workers = (unsigned int)request->threads;
        work->options.progress = on_progress;
        work->options.context = &request->common;
        return r;
}

/* ---- afterwards ---- */

static json_t *numbers_for_journal(const struct exposure_work *work, const struct exposure *exposure)
{
        return json_pack("{s:I, s:I, s:I, s:I, s:o, s:I}", "incident", (json_int_t)work->incident.number, "confirmed",
                         (json_int_t)exposure->by_grade[GRADE_CONFIRMED], "probable",
                         (json_int_t)exposure->by_grade[GRADE_PROBABLE], "possible",
                         (json_int_t)exposure->by_grade[GRADE_POSSIBLE], "upper_bound",
                         exposure->bounded ? json_integer((json_int_t)exposure->upper_bound) : json_null(), "gaps",
                         (json_int_t)exposure->gap_count);
}

/* In the journal first; no account stands there. */
static int keep(struct exposure_work *work, const struct exposure *exposure, json_t *json, struct error *err)
{
        char *text = json_dumps(json, JSON_COMPACT);
        int r;

        if (!text)
                return error_memory(err);
        journal_sink_add(&work->request->journal, "incident_exposure", NULL, numbers_for_journal(work, exposure),
                         "incident %lld: who was exposed was found", (long long)work->incident.number);
        if (work->request->explain || work->request->list_accounts)
                journal_sink_add(&work->request->journal, "incident_accounts_read", NULL,
                                 json_pack("{s:I}", "incident", (json_int_t)work->incident.number),
                                 "accounts of incident %lld were read", (long long)work->incident.number);
        journal_sink_commit(&work->request->journal);
        r = casebook_begin(work->book, err);
        if (r == 0)
                r = exposure_sources_put(work, exposure, err);
        if (r == 0)
                r = casebook_put_exposure(work->book, work->incident.number, text, exposure, err);
        if (r == 0)
                r = casebook_commit(work->book, err);
        free(text);
        return r;
}

int incident_exposure(struct incident_request *request)
{
        struct exposure_work *work = memory_new(1, sizeof(*work));
        struct exposure exposure = { 0 };
        struct error error = ERROR_NONE;
        json_t *json = NULL;
        int r, status;

        if (!work) {
                error_memory(&error);
                return command_fail(&error);
        }
        work->request = request;
        r = prepare(work, &error);
        if (r == 0)
                r = exposure_find(&work->options, &exposure, &error);
        if (r == 0)
                r = exposure_sources_cut(work, &exposure, &error);
        if (r == 0) {
                json = exposure_json(&exposure, &work->options);
                r = json ? keep(work, &exposure, json, &error) : error_memory(&error);
        }
        status = r < 0 ? command_fail(&error) : incident_exposure_tell(work, &exposure, json);
        json_decref(json);
        exposure_done(&exposure);
        work_done(work);
        return status;
}
