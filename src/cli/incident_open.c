/* incident_open.c - understudy incident open and add: intervals from journals, or as a person knows them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "cli/incident.h"
#include "incident/pages.h"
#include "incident/sightings.h"
#include "incident/value.h"

#define TITLE_DEFAULT N_("tampered content was served")

void incident_journal_interval(struct journal_sink *journal, int64_t number, const struct interval *interval)
{
        const struct interval_times *times = &interval->times;

        journal_sink_add(journal, "incident_interval", NULL,
                         json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:s}", "incident", (json_int_t)number,
                                   "host", command_json_name(interval->server, strlen(interval->server)), "path",
                                   command_json_name(interval->path, strlen(interval->path)), "last_good",
                                   value_time(times->last_good), "first_bad", value_time(times->first_bad), "last_bad",
                                   value_time(times->last_bad), "first_good", value_time(times->first_good), "watched",
                                   times->watched, "refused", times->refused, "digest", interval->digest),
                         "incident %lld: %s of %s", (long long)number, interval->path, interval->server);
}

/* In the journal first, then in the casebook. */
static int put_intervals(struct incident_request *request, struct casebook *book, int64_t number,
                         const struct intervals *intervals, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < intervals->count; i++)
                incident_journal_interval(&request->journal, number, &intervals->list[i]);
        journal_sink_commit(&request->journal);
        for (size_t i = 0; i < intervals->count && r == 0; i++)
                r = casebook_add_interval(book, number, &intervals->list[i], err);
        return r;
}

/* ---- intervals by hand ---- */

static int check_times(const struct incident_request *request, struct error *err)
{
        if (!request->servers.count || !request->paths.count || !request->from_us || !request->to_us)
                return error_usage(err, _("say where and when it was: --server, --path, --from and --to, or --journal"));
        if (request->from_us > request->to_us ||
            (request->has_last_good && request->last_good_us > request->from_us) ||
            (request->has_first_good && request->first_good_us < request->to_us))
                return error_usage(err, _("the times are out of order: --last-good, --from, --to, --first-good"));
        return 0;
}

static int by_hand(const struct incident_request *request, struct intervals *ret_intervals, struct error *err)
{
        struct interval interval = {
                .source = (char *)(uintptr_t)_("entered by hand"),
                .times = { .last_good = request->has_last_good ? request->last_good_us : request->from_us,
                           .first_bad = request->from_us,
                           .last_bad = request->to_us,
                           .first_good = request->has_first_good ? request->first_good_us : request->to_us,
                           .watched = !request->unwatched,
                           .refused = request->refused,
                           .bad_bytes = request->size,
                           .good_bytes = request->genuine_size },
        };
        struct digest digest;
        int r = check_times(request, err);

        if (r == 0 && request->digest && digest_parse(request->digest, strlen(request->digest), &digest) < 0)
                r = error_usage(err, _("'%s' is no SHA-256"), request->digest);
        if (r == 0 && request->digest)
                digest_hex(&digest, interval.digest);
        for (size_t s = 0; s < request->servers.count && r == 0; s++)
                for (size_t p = 0; p < request->paths.count && r == 0; p++) {
                        interval.server = (char *)(uintptr_t)request->servers.list[s]; /* only copied */
                        interval.path = (char *)(uintptr_t)request->paths.list[p];
                        if (*interval.path != '/')
                                r = error_usage(err, _("'%s' is no path of a site: write it as visitors ask for it, "
                                                       "'/login.html'"),
                                                interval.path);
                        else
                                r = intervals_add(ret_intervals, &interval, err);
                }
        return r;
}

/* ---- from journals ---- */

static int add_wanted(const struct incident_request *request, const struct intervals *all,
                      struct intervals *ret_intervals, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < all->count && r == 0; i++) {
                struct interval interval = all->list[i];
                bool wanted = !request->paths.count;

                for (size_t p = 0; p < request->paths.count; p++)
                        wanted = wanted || text_equal(request->paths.list[p], interval.path);
                if (request->from_us && interval.times.first_good < request->from_us)
                        wanted = false;
                if (request->to_us && interval.times.first_bad > request->to_us)
                        wanted = false;
                interval.times.bad_bytes = request->size;
                interval.times.good_bytes = request->genuine_size;
                if (wanted)
                        r = intervals_add(ret_intervals, &interval, err);
        }
        return r;
}

static int from_journals(const struct incident_request *request, struct intervals *ret_intervals, struct error *err)
{
        struct sightings sightings = { 0 };
        struct intervals all = { 0 };
        int r = 0;

        for (size_t i = 0; i < request->journals.count && r == 0; i++)
                r = sightings_read(&sightings, request->journals.list[i], err);
        if (r == 0)
                r = intervals_from_sightings(sightings.list, sightings.count, &all, err);
        if (r == 0)
                r = add_wanted(request, &all, ret_intervals, err);
        if (r == 0 && !ret_intervals->count)
                r = error_usage(err, _("the journals tell of nothing that was tampered with in that time"));
        intervals_done(&all);
        sightings_done(&sightings);
        return r;
}

/* ---- what else belongs to it ---- */

struct adding {
        struct casebook *book;
        int64_t number;
};

static int on_page(void *context, const char *page, struct error *err)
{
        const struct adding *adding = context;

        return casebook_add_text(adding->book, adding->number, CASEBOOK_PAGE, page, err);
}

static int put_rest(struct incident_request *request, struct casebook *book, int64_t number,
                    const struct intervals *intervals, struct error *err)
{
        struct adding adding = { book, number };
        char span[2 * CLOCK_TEXT_SIZE + 2], from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
        int r = 0;

        for (size_t i = 0; i < request->pages.count && r == 0; i++)
                r = on_page(&adding, request->pages.list[i], err);
        for (size_t i = 0; i < request->login_paths.count && r == 0; i++)
                r = casebook_add_text(book, number, CASEBOOK_LOGIN_PATH, request->login_paths.list[i], err);
        for (size_t i = 0; i < intervals->count && request->pages_from && r == 0; i++)
                r = pages_find(request->pages_from, intervals->list[i].path, on_page, &adding, err);
        if (r == 0 && request->susceptible)
                r = incident_condition_put(request, book, number, err);
        if (r < 0 || !request->payload_to_us)
                return r;
        incident_time(request->payload_from_us, from);
        incident_time(request->payload_to_us, to);
        snprintf(span, sizeof(span), "%s %s", from, to);
        return casebook_put_fact(book, number, "payload", span, "open", incident_now_us(), err);
}

static int find_intervals(struct incident_request *request, struct intervals *ret_intervals, struct error *err)
{
        struct susceptible condition;
        int r = incident_condition_take(request, err);

        if (r == 0 && request->susceptible)
                r = susceptible_parse(request->susceptible, &condition, err);

        if (r < 0)
                return r;
        return request->journals.count ? from_journals(request, ret_intervals, err)
                                       : by_hand(request, ret_intervals, err);
}

static int put_all(struct incident_request *request, struct casebook *book, int64_t number,
                   const struct intervals *intervals, struct error *err)
{
        int r = casebook_begin(book, err);

        if (r == 0)
                r = put_intervals(request, book, number, intervals, err);
        if (r == 0)
                r = put_rest(request, book, number, intervals, err);
        return r < 0 ? r : casebook_commit(book, err);
}

static int tell(const struct incident_request *request, int64_t number, const struct intervals *intervals)
{
        if (request->common.json)
                return command_print_json(json_pack("{s:I, s:I}", "incident", (json_int_t)number, "intervals",
                                                    (json_int_t)intervals->count));
        printf(_("incident %lld: %zu intervals\n"), (long long)number, intervals->count);
        return EXIT_DONE;
}

/* ---- the verbs ---- */

int incident_add_new(struct incident_request *request, struct casebook *book, const char *title, int64_t *ret_number,
                     struct error *err)
{
        struct casebook_incident incident = { .opened_us = incident_now_us() };
        int r;

        snprintf(incident.title, sizeof(incident.title), "%s", title);
        snprintf(incident.opened_by, sizeof(incident.opened_by), "%s", request->name ? request->name : "");
        r = casebook_add(book, &incident, ret_number, err);
        if (r == 0)
                journal_sink_add(&request->journal, "incident_opened", NULL,
                                 json_pack("{s:I, s:o}", "incident", (json_int_t)*ret_number, "title",
                                           command_json_name(incident.title, strlen(incident.title))),
                                 "incident %lld was opened", (long long)*ret_number);
        return r;
}

static int open_new(struct incident_request *request, const struct intervals *intervals, int64_t *ret_number,
                    struct error *err)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        int r = incident_book(request, true, &book, NULL, err);

        if (r == 0)
                r = incident_add_new(request, book, request->title ? request->title : _(TITLE_DEFAULT), ret_number, err);
        return r < 0 ? r : put_all(request, book, *ret_number, intervals, err);
}

int incident_open(struct incident_request *request)
{
        struct error error = ERROR_NONE;
        struct intervals intervals = { 0 };
        int64_t number = 0;
        int status;

        if (find_intervals(request, &intervals, &error) < 0 || open_new(request, &intervals, &number, &error) < 0)
                status = command_fail(&error);
        else
                status = tell(request, number, &intervals);
        intervals_done(&intervals);
        return status;
}

int incident_add(struct incident_request *request)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct casebook_incident incident;
        struct error error = ERROR_NONE;
        struct intervals intervals = { 0 };
        int r = 0, status;

        if (request->servers.count || request->paths.count || request->journals.count)
                r = find_intervals(request, &intervals, &error);
        if (r == 0)
                r = incident_book(request, true, &book, &incident, &error);
        if (r == 0)
                r = put_all(request, book, incident.number, &intervals, &error);
        status = r < 0 ? command_fail(&error) : tell(request, request->number, &intervals);
        intervals_done(&intervals);
        return status;
}
