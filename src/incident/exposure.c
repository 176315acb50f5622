/* exposure.c - the steps, and what is missing. */
#include "exposure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "incident/contradict.h"
#include "incident/judge.h"

#define SECOND_US INT64_C(1000000)
#define HOUR_US   (3600 * SECOND_US)

const char *basis_name(enum basis basis)
{
        static const char *const names[] = { "none", "gap", "inferred_shared", "inferred", "tag_shared", "tag" };

        return names[basis];
}

void exposure_done(struct exposure *exposure)
{
        gather_texts_done(&exposure->texts);
        gathered_done(&exposure->gathered);
        free(exposure->accounts);
        free(exposure->gaps);
        free(exposure->embedders);
        free(exposure->rows);
        *exposure = (struct exposure){ 0 };
}

/* ---- options ---- */

static void set_default(int64_t *value, int64_t usual)
{
        if (!*value)
                *value = usual;
}

static int check_clock(const char *name, const struct clock_offset *clock, int64_t unknown_us, struct error *err)
{
        int64_t far = clock->offset_us < 0 ? -clock->offset_us : clock->offset_us;

        if (!clock->known || far + clock->error_us <= unknown_us)
                return 0;
        return error_usage(err, _("the clock of %s is off by more than is taken for a clock that nobody measured; "
                                  "raise --clock-unknown, or a result would be narrower without the measurement"),
                           name);
}

static int settle(struct exposure_options *options, struct error *err)
{
        int r = 0;

        set_default(&options->near_us, 12 * HOUR_US);
        set_default(&options->request_us, 60 * SECOND_US);
        set_default(&options->clock_unknown_us, 300 * SECOND_US);
        set_default(&options->cache_us, 24 * HOUR_US);
        for (size_t i = 0; i < options->server_count && r == 0; i++)
                r = check_clock(options->servers[i].name, &options->servers[i].clock, options->clock_unknown_us, err);
        return r < 0 ? r : check_clock(_("the login records"), &options->login_clock, options->clock_unknown_us, err);
}

/* ---- login records ---- */

static int64_t error_of(const struct clock_offset *clock, const struct exposure_options *options)
{
        return clock->known ? clock->error_us : options->clock_unknown_us;
}

/* Requests to the login give records that have no address one. */
static int derive(const struct exposure_options *options, const struct gathered *gathered, struct login_index *logins,
                  struct error *err)
{
        size_t before = logins->count;
        int r = 0;

        for (size_t i = 0; i < gathered->count && r == 0; i++) {
                const struct response *response = &gathered->responses[i];
                const struct clock_offset *clock = &options->servers[response->server].clock;
                int64_t from, to, time_us, tolerance;

                if (response->path != GATHER_LOGIN)
                        continue;
                exposure_span(response, clock, response->flags & RESPONSE_HAS_DURATION ? options->request_us : SECOND_US,
                              options->clock_unknown_us, &from, &to);
                time_us = from + (to - from) / 2;
                tolerance = (to - from) / 2 + error_of(&options->login_clock, options) + SECOND_US;
                r = login_index_derive(logins, response, time_us, tolerance, err);
        }
        return r < 0 || logins->count == before ? r : login_index_build(logins, err);
}

static int read_logins(const struct exposure_options *options, struct login_index *logins, struct exposure *out,
                       struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < options->login_count && r == 0; i++)
                r = login_index_read(logins, &options->logins[i], &options->login_clock, options->key, &out->texts,
                                     &out->login_files[i], &out->login_invalid, err);
        return r < 0 ? r : login_index_build(logins, err);
}

/* ---- what is missing ---- */

static int add_gap(struct exposure *out, unsigned int server, struct span_of_time span, const char *path,
                   struct error *err)
{
        out->everybody = true;
        if (out->gap_count == EXPOSURE_GAPS)
                return 0;
        if (memory_grow(&out->gaps, out->gap_count, sizeof(*out->gaps)) < 0)
                return error_memory(err);
        out->gaps[out->gap_count++] = (struct exposure_gap){ server, span.from_us, span.to_us, path };
        return 0;
}

static void bound(const struct exposure_options *options, struct exposure *out)
{
        out->bounded = !out->everybody || options->universe;
        if (options->universe && (out->everybody || out->upper_bound > options->universe))
                out->upper_bound = options->universe;
}

int exposure_widen(struct exposure *exposure, const struct exposure_options *options, const struct exposure_gap *gap,
                   struct error *err)
{
        int r = add_gap(exposure, gap->server, (struct span_of_time){ gap->from_us, gap->to_us }, gap->path, err);

        if (r == 0)
                bound(options, exposure);
        return r;
}

static bool is_known_gap(const struct exposure *out, unsigned int server, struct span_of_time span)
{
        for (size_t i = 0; i < out->gap_count; i++)
                if (out->gaps[i].server == server && out->gaps[i].from_us == span.from_us &&
                    out->gaps[i].to_us == span.to_us)
                        return true;
        return false;
}

/* The time of one interval by the clock of its server's logs. */
static struct span_of_time window_of(const struct exposure_options *options, const struct interval *interval,
                                     const struct clock_offset *clock)
{
        struct span_of_time span = { interval->times.last_good, interval->times.first_good };

        if (span.to_us == TIME_OPEN)
                span.to_us = options->now_us;
        else
                span.to_us += options->held_open_us;
        if (interval->own_clock)
                return span;
        if (span.from_us != TIME_NEVER)
                span.from_us += (clock->known ? clock->offset_us : 0) - error_of(clock, options);
        span.to_us += (clock->known ? clock->offset_us : 0) + error_of(clock, options);
        return span;
}

static int find_gaps_of(const struct exposure_options *options, const struct interval *interval, unsigned int server,
                        struct exposure *out, struct error *err)
{
        struct span_of_time window = window_of(options, interval, &options->servers[server].clock);
        struct span_of_time gaps[64];
        size_t count = coverage_gaps(&out->gathered.coverage[server], window.from_us, window.to_us, gaps,
                                     LENGTH(gaps));
        int r = 0;

        for (size_t i = 0; i < count && r == 0; i++)
                if (!is_known_gap(out, server, gaps[i]))
                        r = add_gap(out, server, gaps[i], NULL, err);
        for (size_t i = 0; i < options->missing_count && r == 0; i++) {
                const struct exposure_missing *missing = &options->missing[i];
                struct span_of_time span = { missing->first_us, missing->last_us };

                /* However late it is: caches and browsers go on showing what they hold. */
                if (missing->server == server && span.to_us >= window.from_us && !is_known_gap(out, server, span))
                        r = add_gap(out, server, span, missing->path, err);
        }
        return r;
}

static int find_gaps(const struct exposure_options *options, struct exposure *out, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < options->interval_count && r == 0; i++)
                for (unsigned int server = 0; server < options->server_count && r == 0; server++)
                        if (text_equal(options->servers[server].name, options->intervals[i].server))
                                r = find_gaps_of(options, &options->intervals[i], server, out, err);
        for (size_t i = 0; i < options->missing_count && r == 0; i++)
                if (options->missing[i].server == GATHER_SERVERS)
                        r = add_gap(out, GATHER_SERVERS,
                                    (struct span_of_time){ options->missing[i].first_us, options->missing[i].last_us },
                                    options->missing[i].path, err);
        if (out->gathered.incomplete || options->shared_cache || out->logins_without_request)
                out->everybody = true;
        return r;
}

/* ---- totals ---- */

/* Where only the last login of an account is kept, a later one hides that of the incident: as long as there is an answer
 * that belongs to nobody, it may be theirs. */
static void raise_later_logins(const struct login_index *logins, struct judge *judge)
{
        for (size_t i = 0; i < logins->count; i++) {
                const struct login *login = &logins->list[i];
                struct exposure_account *account = &judge->accounts[login->account];

                if (login->last && login->time_us > judge->first_unattributed_us && account->grade == GRADE_NOT) {
                        account->grade = GRADE_POSSIBLE;
                        account->basis = BASIS_GAP;
                        account->reason = REASON_LATER_LOGIN;
                }
        }
}

static int compare_accounts(const void *left, const void *right, void *context)
{
        const struct exposure_account *a = left, *b = right;
        const struct intern *names = context;
        size_t length_a, length_b;
        const char *name_a, *name_b;

        if (a->grade != b->grade)
                return a->grade > b->grade ? -1 : 1;
        name_a = intern_text(names, a->account, &length_a);
        name_b = intern_text(names, b->account, &length_b);
        return strcmp(name_a, name_b);
}

static void sum_up(const struct exposure_options *options, struct exposure *out, struct judge *judge)
{
        uint32_t known = out->texts.accounts.count;
        uint64_t listed, by_answer;

        for (uint32_t number = 1; number < known; number++) {
                struct exposure_account *account = &judge->accounts[number];

                account->account = number;
                out->by_grade[account->grade]++;
                if (account->grade == GRADE_NOT)
                        continue;
                out->direct_accounts += account->direct;
                out->susceptible += account->susceptible;
                out->susceptible_payload += account->susceptible && account->payload_live;
                judge->accounts[out->account_count++] = *account;
        }
        out->accounts = judge->accounts;
        judge->accounts = NULL;
        qsort_r(out->accounts, out->account_count, sizeof(*out->accounts), compare_accounts, &out->texts.accounts);
        listed = out->account_count + out->unattributed_responses;
        by_answer = out->direct_accounts + out->indirect_responses;
        out->upper_bound = (listed > by_answer ? listed : by_answer) + out->gathered.invalid;
        bound(options, out);
}

static int judge_and_sum_up(const struct exposure_options *options, const struct affected *affected,
                            struct login_index *logins, struct exposure *out, struct error *err)
{
        struct judge judge = { .options = options, .affected = affected, .logins = logins, .out = out,
                               .first_unattributed_us = TIME_OPEN };
        int r;

        judge.accounts = memory_new(out->texts.accounts.count, sizeof(*judge.accounts));
        if (!judge.accounts)
                return error_memory(err);
        if (options->explain)
                judge.explained = intern_find(&out->texts.accounts, options->explain, strlen(options->explain));
        r = judge_all(&judge, &out->gathered, err);
        if (r == 0 && out->unattributed_responses)
                raise_later_logins(logins, &judge);
        if (r == 0)
                sum_up(options, out, &judge);
        free(judge.accounts);
        candidates_done(&judge.candidates);
        return r;
}

/* ---- all of it ---- */

static int gather_answers(const struct exposure_options *options, const struct affected *affected,
                          struct exposure *out, struct error *err)
{
        struct targets logins = { 0 };
        struct gather_options how = { .logs = options->logs,
                                      .log_count = options->log_count,
                                      .targets = &affected->targets,
                                      .login_targets = &logins,
                                      .workers = options->workers,
                                      .key = options->key,
                                      .progress = options->progress,
                                      .context = options->context };
        int r = 0;

        for (size_t i = 0; i < options->login_path_count && r == 0; i++)
                r = targets_add(&logins, options->login_paths[i], 0, err);
        if (r == 0)
                r = gather(&how, &out->texts, &out->gathered, err);
        targets_done(&logins);
        return r;
}

static int find(const struct exposure_options *options, const struct affected *affected, struct login_index *logins,
                struct exposure *out, struct error *err)
{
        int r = gather_texts_init(&out->texts, err);

        if (r == 0)
                r = read_logins(options, logins, out, err);
        if (r == 0)
                r = gather_answers(options, affected, out, err);
        if (r == 0)
                r = contradict_logins(options, &out->gathered, logins, &out->logins_without_request, err);
        if (r == 0)
                r = derive(options, &out->gathered, logins, err);
        if (r == 0)
                r = find_gaps(options, out, err);
        if (r == 0)
                r = judge_and_sum_up(options, affected, logins, out, err);
        free(out->gathered.responses);
        out->gathered.responses = NULL;
        return r;
}

int exposure_find(const struct exposure_options *given, struct exposure *ret_exposure, struct error *err)
{
        struct exposure_options options = *given;
        struct exposure out = { 0 };
        struct login_index logins = { 0 };
        struct affected affected;
        int r = settle(&options, err);

        if (r == 0)
                r = affected_init(&affected, &options, err);
        if (r < 0)
                return r;
        r = find(&options, &affected, &logins, &out, err);
        affected_done(&affected);
        login_index_done(&logins);
        if (r < 0) {
                exposure_done(&out);
                return r;
        }
        *ret_exposure = out;
        return 0;
}
