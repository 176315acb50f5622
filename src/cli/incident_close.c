/* incident_close.c - understudy incident close and forget: its end, when nothing is open any more. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "cli/fleet_view.h"
#include "cli/incident_tasks.h"
#include "incident/complaint.h"

/* ---- close ---- */

/* What must be known before an incident may be closed, as facts. */
static const struct {
        const char *key, *words;
} required[] = {
        {"cause",        N_("how it came is not entered (cause)")                                          },
        { "told",        N_("whether the accounts in question were told is not entered (told)")            },
        { "credentials", N_("whether credentials from before it were changed is not entered (credentials)")},
        { "others",      N_("what was looked at on servers that share build, contractor or credential is not entered "
                       "(others)")                                                      },
        { "measures",    N_("measures against recurrence are not entered (measures)")                      },
};

/* What the register's rules find on the servers that were hit, and credentials that may have leaked there. */
static int find_unsafe(struct incident_request *request, struct casebook *book, struct buffer *open, struct error *err)
{
        struct incident_servers hit = { 0 };
        struct fleet_view view = { 0 };
        int r = incident_servers_find(book, request->number, &hit, err);

        if (r == 0)
                r = fleet_view_load(request->state, NULL, &view, err);
        for (size_t i = 0; i < hit.count && r == 0; i++)
                if (!fleet_find(&view.fleet, hit.names[i]))
                        r = buffer_printf(open, "; %s: %s", hit.names[i], _("it is not in the register of servers"));
        for (size_t i = 0; i < view.findings.count && r == 0; i++) {
                const struct fleet_finding *finding = &view.findings.list[i];
                bool counts = finding->rule == FLEET_OLD_CREDENTIAL && finding->incident == request->number;

                for (size_t j = 0; j < hit.count; j++)
                        counts = counts ||
                                 (finding->rule != FLEET_OLD_CREDENTIAL && fleet_rule_shuts_out(finding->rule) &&
                                  text_equal(finding->server, hit.names[j]));
                if (counts)
                        r = buffer_printf(open, "; %s: %s", finding->server, finding->what);
        }
        fleet_view_done(&view);
        incident_servers_done(&hit);
        return r == -ENOENT ? 0 : r; /* no register: the facts below are a person's word for it */
}

static int find_tasks(struct incident_request *request, struct casebook *book, struct buffer *open, struct error *err)
{
        struct incident_tasks tasks = { 0 };
        int r = incident_tasks_find(request, book, &tasks, err);

        for (size_t i = 0; i < tasks.count && r == 0; i++)
                if (!tasks.list[i].done)
                        r = buffer_printf(open,
                                          _("; %s has the same %s (%s) and was not looked at: 'incident task %lld %s'"),
                                          tasks.list[i].server, tasks.list[i].because, tasks.list[i].what,
                                          (long long)request->number, tasks.list[i].server);
        incident_tasks_done(&tasks);
        return r;
}

struct complaints {
        struct buffer *open;
        size_t intervals;
};

/* Each has its comparison and its answer, and what differed then is known as an interval. */
static int on_complaint(void *context, const struct casebook_complaint *complaint, struct error *err _unused_)
{
        const struct complaints *complaints = context;
        json_t *comparison = *complaint->comparison ? json_loads(complaint->comparison, 0, NULL) : NULL;
        int r = 0;

        if (!comparison)
                r = buffer_printf(complaints->open, _("; complaint %lld was not compared"), (long long)complaint->number);
        else if (!complaints->intervals && complaint_verdict(comparison) == COMPLAINT_DIFFERS)
                r = buffer_printf(complaints->open,
                                  _("; complaint %lld was right: what it is about differed, and no interval tells since when"),
                                  (long long)complaint->number);
        if (r == 0 && !complaint->answered_us)
                r = buffer_printf(complaints->open, _("; complaint %lld is not answered"), (long long)complaint->number);
        json_decref(comparison);
        return r;
}

static int find_complaints(struct casebook *book, int64_t number, size_t intervals, struct buffer *open,
                           struct error *err)
{
        struct complaints complaints = { open, intervals };

        return casebook_complaints(book, number, on_complaint, &complaints, err);
}

static int find_open(struct incident_request *request, struct casebook *book, struct buffer *open, struct error *err)
{
        struct intervals intervals = { 0 };
        char *exposure = NULL;
        size_t count;
        int r = casebook_intervals(book, request->number, &intervals, err);

        for (size_t i = 0; i < intervals.count && r == 0; i++)
                if (intervals.list[i].times.first_good == TIME_OPEN)
                        r = buffer_printf(open, "; %s: %s", intervals.list[i].server,
                                          _("not verified since, and not known to be good again"));
        count = intervals.count;
        intervals_done(&intervals);
        if (r == 0)
                r = find_complaints(book, request->number, count, open, err);
        if (r == 0)
                r = find_unsafe(request, book, open, err);
        if (r == 0)
                r = find_tasks(request, book, open, err);
        if (r == 0)
                r = casebook_exposure(book, request->number, &exposure, err);
        if (r == 0 && !exposure && count) /* without an interval nothing was served, as far as is known */
                r = buffer_printf(open, "; %s", _("who was exposed was not looked for yet"));
        free(exposure);
        for (size_t i = 0; i < LENGTH(required) && r == 0; i++) {
                struct casebook_fact fact;

                r = casebook_fact(book, request->number, required[i].key, &fact, err);
                if (r == 0 && !fact.text)
                        r = buffer_printf(open, "; %s", _(required[i].words));
                casebook_fact_done(&fact);
        }
        return r;
}

int incident_close(struct incident_request *request)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        _cleanup_(buffer_done) struct buffer open = BUFFER_INIT(64U << 10);
        struct casebook_incident incident;
        struct error error = ERROR_NONE;
        int r;

        if (!request->name)
                return command_usage(&command_incident, _("a person closes an incident: --approve NAME"));
        r = incident_book(request, true, &book, &incident, &error);
        if (r == 0)
                r = find_open(request, book, &open, &error);
        if (r == 0 && open.length)
                r = error_refuse(&error, _("incident %lld cannot be closed%s"), (long long)request->number,
                                 buffer_text(&open));
        if (r == 0) {
                journal_sink_add(&request->journal, "incident_closed", NULL,
                                 json_pack("{s:I, s:o}", "incident", (json_int_t)request->number, "by",
                                           command_json_name(request->name, strlen(request->name))),
                                 "incident %lld was closed", (long long)request->number);
                journal_sink_commit(&request->journal);
                r = casebook_close_incident(book, request->number, incident_now_us(), request->name, &error);
        }
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}

/* ---- forget ---- */

/* The fact comes last: what a crash left undone is done by the next run. */
int incident_forget_all(struct incident_request *request, struct casebook *book, int64_t number, const char *by,
                        struct error *err)
{
        int r;

        journal_sink_add(&request->journal, "incident_forgotten", NULL,
                         json_pack("{s:I, s:o}", "incident", (json_int_t)number, "by", command_json_name(by, strlen(by))),
                         "incident %lld: its accounts were removed", (long long)number);
        journal_sink_commit(&request->journal);
        r = incident_forget_complaints(request, number, err);
        if (r == 0)
                r = casebook_begin(book, err);
        if (r == 0)
                r = casebook_forget(book, number, err);
        if (r == 0)
                r = casebook_put_fact(book, number, INCIDENT_FORGOTTEN, "1", by, incident_now_us(), err);
        return r < 0 ? r : casebook_commit(book, err);
}

/* Personal data go when they are not needed any more; the numbers and the reports stay. */
int incident_forget(struct incident_request *request)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct casebook_incident incident;
        struct error error = ERROR_NONE;
        int r;

        if (!request->name)
                return command_usage(&command_incident,
                                     _("a person decides that accounts are forgotten: --approve NAME"));
        r = incident_book(request, true, &book, &incident, &error);
        if (r == 0)
                r = incident_forget_all(request, book, request->number, request->name, &error);
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}
