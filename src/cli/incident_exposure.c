/* incident_exposure.c - understudy incident exposure: the evidence is named or remembered, read, graded and told. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/incident_exposure.h"

#define SECONDS_DIGITS 9

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

/* ---- clocks ---- */

/* "-3.5" into microseconds. */
static int parse_seconds(const char *text, size_t length, int64_t *ret_us)
{
        bool negative = length && *text == '-';
        const char *point;
        uint64_t whole = 0, fraction = 0;
        size_t digits;

        if (length && (*text == '-' || *text == '+')) {
                text++;
                length--;
        }
        point = memchr(text, '.', length);
        digits = point ? (size_t)(point - text) : length;
        if (digits > SECONDS_DIGITS || text_parse_u64(text, digits, INT32_MAX, &whole) < 0)
                return -EINVAL;
        if (point) {
                char six[7] = "000000";
                size_t more = length - digits - 1;

                if (more == 0 || more > 6)
                        return -EINVAL;
                memcpy(six, point + 1, more);
                for (size_t i = 0; i < 6; i++) {
                        if (six[i] < '0' || six[i] > '9')
                                return -EINVAL;
                        fraction = fraction * 10 + (uint64_t)(six[i] - '0');
                }
        }
        *ret_us = (int64_t)(whole * 1000000 + fraction) * (negative ? -1 : 1);
        return 0;
}

/* SERVER=OFFSET~ERROR */
static int put_clock(struct exposure_work *work, const char *text, struct error *err)
{
        char server[CASEBOOK_TEXT];
        const char *equals = strrchr(text, '='), *wave = equals ? strchr(equals, '~') : NULL;
        struct clock_offset clock = { .known = true };

        if (!equals || !wave || equals == text || equals - text >= (int)sizeof(server) ||
            parse_seconds(equals + 1, (size_t)(wave - equals) - 1, &clock.offset_us) < 0 ||
            parse_seconds(wave + 1, strlen(wave + 1), &clock.error_us) < 0 || clock.error_us < 0)
                return error_usage(
                        err, _("'%s' tells no clock; write SERVER=OFFSET~ERROR in seconds, as web2=-3.5~0.2"), text);
        snprintf(server, sizeof(server), "%.*s", (int)(equals - text), text);
        return casebook_put_clock(work->book, work->incident.number, text_equal(server, "logins") ? "" : server, &clock,
                                  err);
}

/* ---- sources ---- */

static int find_server(struct exposure_work *work, const char *name, unsigned int *ret_server, struct error *err)
{
        size_t count = work->options.server_count;
        int r;

        for (unsigned int i = 0; i < count; i++)
                if (text_equal(work->servers[i].name, name)) {
                        *ret_server = i;
                        return 0;
                }
        if (count == GATHER_SERVERS)
                return error_usage(err, _("more than %d servers"), GATHER_SERVERS);
        work->servers[count].name = name;
        r = casebook_clock(work->book, work->incident.number, name, &work->servers[count].clock, err);
        *ret_server = (unsigned int)count;
        work->options.server_count += r == 0;
        return r;
}

static bool is_there(const char *path)
{
        return access(path, R_OK) == 0;
}

static int add_missing(struct exposure_work *work, const struct casebook_source *source, unsigned int server,
                       struct error *err)
{
        if (work->options.missing_count == EXPOSURE_LOGS)
                return error_usage(err, _("more than %d logs"), EXPOSURE_LOGS);
        work->missing[work->options.missing_count++] =
                (struct exposure_missing){ source->path, server, source->first_us, source->last_us };
        return 0;
}

static int add_log(struct exposure_work *work, const struct casebook_source *source, bool remembered, struct error *err)
{
        unsigned int server = 0;
        int r = find_server(work, source->server, &server, err);

        if (r < 0)
                return r;
        if (remembered && !is_there(source->path))
                return add_missing(work, source, server, err);
        if (work->options.log_count == EXPOSURE_LOGS)
                return error_usage(err, _("more than %d logs"), EXPOSURE_LOGS);
        work->log_sources[work->options.log_count] = remembered ? source : NULL;
        work->logs[work->options.log_count++] = (struct gather_log){ source->path, (uint8_t)server };
        return 0;
}

static int add_logins(struct exposure_work *work, const struct casebook_source *source, bool remembered,
                      struct error *err)
{
        if (remembered && !is_there(source->path))
                return add_missing(work, source, GATHER_SERVERS, err);
        if (work->options.login_count == EXPOSURE_LOGINS)
                return error_usage(err, _("more than %d files of login records"), EXPOSURE_LOGINS);
        work->login_sources[work->options.login_count] = remembered ? source : NULL;
        work->logins[work->options.login_count++] = (struct exposure_logins){ source->path, source->last };
        return 0;
}

static int add_source(struct exposure_work *work, const struct casebook_source *source, bool remembered,
                      struct error *err)
{
        return *source->server ? add_log(work, source, remembered, err) : add_logins(work, source, remembered, err);
}

static bool is_remembered(const struct exposure_work *work, const char *path)
{
        for (size_t i = 0; i < work->sources.count; i++)
                if (text_equal(work->sources.list[i].path, path))
                        return true;
        for (size_t i = 0; i < work->named.count; i++)
                if (text_equal(work->named.list[i].path, path))
                        return true;
        return false;
}

/* A source of the command line; its path becomes absolute, for the next time may be elsewhere. */
static int name_source(struct exposure_work *work, const char *path, char *server, bool last, struct error *err)
{
        char *whole = realpath(path, NULL);
        struct casebook_source *source;

        if (!whole || !server || memory_grow(&work->named.list, work->named.count, sizeof(*source)) < 0) {
                int r = whole || errno == ENOMEM ? error_memory(err)
                                                 : error_errno(err, errno, _("cannot read %s"), path);

                free(whole);
                free(server);
                return r;
        }
        if (is_remembered(work, whole)) {
                free(whole);
                free(server);
                return 0;
        }
        source = &work->named.list[work->named.count++];
        *source = (struct casebook_source){ .path = whole, .server = server, .last = last };
        return 0;
}

static int name_log(struct exposure_work *work, const char *text, struct error *err)
{
        const char *equals = strchr(text, '=');

        if (!equals || equals == text || !equals[1])
                return error_usage(err, _("'%s' names no log of a server; write SERVER=FILE"), text);
        return name_source(work, equals + 1, memory_copy(text, (size_t)(equals - text)), false, err);
}

static int name_all(struct exposure_work *work, struct error *err)
{
        const struct incident_request *request = work->request;
        int r = 0;

        for (size_t i = 0; i < request->clocks.count && r == 0; i++)
                r = put_clock(work, request->clocks.list[i], err);
        for (size_t i = 0; i < request->logs.count && r == 0; i++)
                r = name_log(work, request->logs.list[i], err);
        for (size_t i = 0; i < request->logins.count && r == 0; i++)
                r = name_source(work, request->logins.list[i], memory_string(""), false, err);
        for (size_t i = 0; i < request->last_logins.count && r == 0; i++)
                r = name_source(work, request->last_logins.list[i], memory_string(""), true, err);
        for (size_t i = 0; i < work->intervals.count && r == 0; i++) {
                unsigned int server;

                r = find_server(work, work->intervals.list[i].server, &server, err);
        }
        for (size_t i = 0; i < work->sources.count && r == 0; i++)
                r = add_source(work, &work->sources.list[i], true, err);
        for (size_t i = 0; i < work->named.count && r == 0; i++)
                r = add_source(work, &work->named.list[i], false, err);
        return r < 0 ? r : casebook_clock(work->book, work->incident.number, "", &work->options.login_clock, err);
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
        r = remember(work, "susceptible", request->susceptible, &work->facts[0], err);
        if (r == 0)
                r = remember(work, "payload", request->payload_to_us ? span : NULL, &work->facts[1], err);
        if (r == 0)
                r = remember(work, "accounts", request->universe ? universe : NULL, &work->facts[2], err);
        if (r == 0 && work->facts[0].text) {
                r = susceptible_parse(work->facts[0].text, &work->susceptible, err);
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

static void on_progress(void *context, uint64_t done, uint64_t total)
{
        progress_show(context, _("reading"), done, total);
}

static int prepare(struct exposure_work *work, struct error *err)
{
        struct incident_request *request = work->request;
        int64_t number = request->number;
        int r = incident_book(request, true, &work->book, &work->incident, err);

        if (r == 0)
                r = casebook_intervals(work->book, number, &work->intervals, err);
        if (r == 0)
                r = casebook_texts(work->book, number, CASEBOOK_PAGE, &work->pages, err);
        if (r == 0)
                r = casebook_texts(work->book, number, CASEBOOK_LOGIN_PATH, &work->login_paths, err);
        if (r == 0)
                r = casebook_sources(work->book, number, &work->sources, err);
        if (r == 0)
                r = name_all(work, err);
        if (r == 0)
                r = take_facts(work, err);
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
        work->options.near_us = request->near_us;
        work->options.request_us = request->request_us;
        work->options.clock_unknown_us = request->clock_unknown_us;
        work->options.cache_us = request->cache_us;
        work->options.held_open_us = request->held_open_us;
        work->options.shared_cache = request->shared_cache;
        work->options.explain = request->explain;
        work->options.workers = (unsigned int)request->threads;
        work->options.progress = on_progress;
        work->options.context = &request->common;
        return r;
}

/* ---- afterwards ---- */

/* A source that has less in it than at an earlier run was cut. */
static int find_cut_sources(struct exposure_work *work, struct exposure *exposure, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < work->options.log_count && r == 0; i++) {
                const struct casebook_source *before = work->log_sources[i];

                if (before && exposure->gathered.files[i].lines < before->lines)
                        r = exposure_widen(exposure, &work->options,
                                           &(struct exposure_gap){ work->logs[i].server, before->first_us,
                                                                   before->last_us, before->path },
                                           err);
        }
        for (size_t i = 0; i < work->options.login_count && r == 0; i++) {
                const struct casebook_source *before = work->login_sources[i];

                if (before && exposure->login_rows[i] < before->lines)
                        r = exposure_widen(exposure, &work->options,
                                           &(struct exposure_gap){ GATHER_SERVERS, before->first_us, before->last_us,
                                                                   before->path },
                                           err);
        }
        return r;
}

static int put_sources(struct exposure_work *work, const struct exposure *exposure, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < work->options.log_count && r == 0; i++) {
                const struct gather_file *file = &exposure->gathered.files[i];
                const char *server = work->servers[work->logs[i].server].name;

                if (work->log_sources[i] && file->lines < work->log_sources[i]->lines)
                        continue; /* what it had in it once is what counts */
                r = casebook_put_source(work->book, work->incident.number,
                                        &(struct casebook_source){ (char *)(uintptr_t)work->logs[i].path,
                                                                   (char *)(uintptr_t)server, false,
                                                                   file->lines ? file->first_us : 0,
                                                                   file->lines ? file->last_us : 0, file->lines },
                                        err);
        }
        for (size_t i = 0; i < work->options.login_count && r == 0; i++) {
                static char nobody[] = "";

                if (work->login_sources[i] && exposure->login_rows[i] < work->login_sources[i]->lines)
                        continue;
                r = casebook_put_source(work->book, work->incident.number,
                                        &(struct casebook_source){ (char *)(uintptr_t)work->logins[i].path, nobody,
                                                                   work->logins[i].last, 0, 0,
                                                                   exposure->login_rows[i] },
                                        err);
        }
        return r;
}

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
                r = put_sources(work, exposure, err);
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
                r = find_cut_sources(work, &exposure, &error);
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
