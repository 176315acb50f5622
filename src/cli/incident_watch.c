/*
 * incident_watch.c - understudy incident watch: a finding opens an incident by itself, a draft of the report is made,
 * and deadlines are told before they pass. A role that goes on until it is ended; with --once one turn.
 *
 * A turn: the journals are read when they have grown; an interval that no incident has goes to the newest open one that
 * was opened here, or opens one; exposure and drafts are then made by the same commands that a person would give, in
 * processes of their own. What was begun before a crash is found unfinished by the next turn: intervals stand in the
 * casebook or not, and a draft is written whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/incident.h"
#include "incident/disclosure.h"
#include "incident/sightings.h"
#include "incident/unattended.h"
#include "journal/reader.h"
#include "notify/notify.h"

#define TURN_MS      5000
#define DRAIN_MS     15000
#define EXPOSURE_MS  (10 * 60 * 1000)
#define REPORT_MS    60000
#define OPENED_BY    "understudy incident watch"
#define JOURNALS     64
#define ARGUMENTS    512
#define KEY_SIZE     64
#define DRAFT_WANTED "draft_wanted" /* facts: something came to an incident; its drafts were made */
#define DRAFT_MADE   "draft_made"

static const char *const languages[] = { "en", "ja" };

struct watch {
        struct incident_request *request;
        struct notify_target targets[NOTIFY_TARGETS_MAXIMUM];
        struct notify *notify; /* NULL: nobody is told */
        uint64_t sizes[JOURNALS];
        bool looked; /* at all journals, at least once */
        bool opened; /* in this turn: something new */
};

static volatile sig_atomic_t ended;

static void end(int number _unused_)
{
        ended = 1;
}

static void on_note(void *context _unused_, const char *sentence)
{
        fprintf(stderr, "understudy: %s\n", sentence);
}

static void alert(struct watch *watch, enum alert_severity severity, const char *kind, int64_t number, const char *what)
{
        json_t *details = json_pack("{s:I}", "incident", (json_int_t)number);
        const struct alert one = { .severity = severity, .kind = kind, .what = what, .details = details };
        struct error error = ERROR_NONE;

        if (!watch->request->common.quiet)
                on_note(NULL, what);
        if (watch->notify && notify_post(watch->notify, &one, &error) < 0)
                on_note(NULL, error.text);
        json_decref(details);
}

/* ---- what is new ---- */

/* Whether a journal has grown since the last turn. */
static int have_grown(struct watch *watch, bool *ret_grown, struct error *err)
{
        const struct command_texts *journals = &watch->request->journals;
        bool grown = !watch->looked;

        for (size_t i = 0; i < journals->count; i++) {
                _cleanup_(journal_reader_closep) struct journal_reader *reader = NULL;
                int r = journal_reader_open(journals->list[i], &reader, err);

                if (r < 0)
                        return r;
                grown = grown || journal_reader_checkpoint(reader)->size != watch->sizes[i];
                watch->sizes[i] = journal_reader_checkpoint(reader)->size;
        }
        *ret_grown = grown;
        return 0;
}

static int read_journals(const struct watch *watch, struct intervals *ret_intervals, struct error *err)
{
        struct sightings sightings = { 0 };
        int r = 0;

        for (size_t i = 0; i < watch->request->journals.count && r == 0; i++)
                r = sightings_read(&sightings, watch->request->journals.list[i], err);
        if (r == 0)
                r = intervals_from_sightings(sightings.list, sightings.count, ret_intervals, err);
        sightings_done(&sightings);
        return r;
}

/* All incidents: what they have, and which open one is ours. */
struct known {
        struct casebook *book;
        struct intervals intervals;
        int64_t ours; /* 0: none */
        struct error *err;
};

static int add_known(void *context, const struct casebook_incident *incident)
{
        struct known *known = context;
        struct intervals intervals = { 0 };
        int r = casebook_intervals(known->book, incident->number, &intervals, known->err);

        for (size_t i = 0; i < intervals.count && r == 0; i++)
                r = intervals_add(&known->intervals, &intervals.list[i], known->err);
        intervals_done(&intervals);
        if (!incident->closed_us && text_equal(incident->opened_by, OPENED_BY))
                known->ours = incident->number;
        return r;
}

static int open_one(struct watch *watch, struct known *known, struct error *err)
{
        struct casebook_incident incident = { .opened_us = incident_now_us(), .opened_by = OPENED_BY };
        int r;

        snprintf(incident.title, sizeof(incident.title), "%s", _("tampered content was served"));
        r = casebook_add(known->book, &incident, &known->ours, err);
        if (r == 0)
                journal_sink_add(&watch->request->journal, "incident_opened", NULL,
                                 json_pack("{s:I, s:s, s:s}", "incident", (json_int_t)known->ours, "title",
                                           incident.title, "by", OPENED_BY),
                                 "incident %lld was opened by a finding", (long long)known->ours);
        return r;
}

static int take_interval(struct watch *watch, struct known *known, const struct interval *found, struct error *err)
{
        enum unattended_news news = unattended_compare(&known->intervals, found);
        int r = 0;

        if (news == UNATTENDED_KNOWN)
                return 0;
        if (news == UNATTENDED_NEW && !known->ours)
                r = open_one(watch, known, err);
        if (r < 0)
                return r;
        incident_journal_interval(&watch->request->journal, known->ours, found);
        watch->opened = true;
        return news == UNATTENDED_NEW ? casebook_add_interval(known->book, known->ours, found, err)
                                      : casebook_update_interval(known->book, found, err);
}

static int take_all(struct watch *watch, const struct intervals *found, struct error *err)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct known known = { .err = err };
        int r = casebook_open(watch->request->state, true, &book, err);

        known.book = book;
        if (r == 0)
                r = casebook_begin(book, err);
        if (r == 0)
                r = casebook_list(book, add_known, &known, err);
        for (size_t i = 0; i < found->count && r == 0; i++)
                r = take_interval(watch, &known, &found->list[i], err);
        journal_sink_commit(&watch->request->journal);
        if (r == 0 && watch->opened)
                r = casebook_put_fact(book, known.ours, DRAFT_WANTED, "1", OPENED_BY, incident_now_us(), err);
        if (r == 0)
                r = casebook_commit(book, err);
        intervals_done(&known.intervals);
        return r;
}

/* ---- the draft ---- */

static size_t add_texts(const char *argv[], size_t count, const char *option, const struct command_texts *texts)
{
        for (size_t i = 0; i < texts->count && count < ARGUMENTS - 2; i++) {
                argv[count++] = option;
                argv[count++] = texts->list[i];
        }
        return count;
}

/* The same command as a person's; what it prints is the result. */
static int run_self(const struct watch *watch, const char *argv[], size_t count, int timeout_ms, struct buffer *out,
                    struct error *err)
{
        const struct child_options options = { .input = -1, .timeout_ms = timeout_ms, .output = out };
        int r;

        argv[count++] = "--state";
        argv[count++] = watch->request->state;
        argv[count] = NULL;
        r = child_run(argv, &options, err);
        if (r < 0 || r == EXIT_DONE || r == EXIT_FOUND)
                return r < 0 ? r : 0;
        return error_set(err, -EIO, _("'understudy %s %s' ended with status %d: %.500s"), argv[1], argv[2], r,
                         buffer_text(out));
}

static int find_exposure(const struct watch *watch, const char *number, struct error *err)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(64U << 10);
        const char *argv[ARGUMENTS + 4] = { "/proc/self/exe", "incident", "exposure", number, "--json" };
        size_t count = 5;

        if (!watch->request->logs.count)
                return 0;
        count = add_texts(argv, count, "--log", &watch->request->logs);
        count = add_texts(argv, count, "--logins", &watch->request->logins);
        count = add_texts(argv, count, "--last-logins", &watch->request->last_logins);
        count = add_texts(argv, count, "--clock", &watch->request->clocks);
        return run_self(watch, argv, count, EXPOSURE_MS, &out, err);
}

static int write_draft(const struct watch *watch, const char *number, const char *language, struct error *err)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(DISCLOSURE_MAXIMUM);
        const char *argv[16] = { "/proc/self/exe", "incident", "report", number,   "--form",
                                 "public",         "--format", "md",     "--lang", language };
        char path[PATH_MAX];
        int r = run_self(watch, argv, 10, REPORT_MS, &out, err);

        if (r < 0)
                return r;
        snprintf(path, sizeof(path), "%.3900s/incident/draft-%s.%s.md", watch->request->state, number, language);
        return file_replace(AT_FDCWD, path, buffer_text(&out), out.length, 0600, err);
}

/* 1 when something came to the incident since its drafts were made, also before a crash. */
static int is_due(struct casebook *book, int64_t number, struct error *err)
{
        struct casebook_fact wanted = { 0 }, made = { 0 };
        int r = casebook_fact(book, number, DRAFT_WANTED, &wanted, err);

        if (r == 0)
                r = casebook_fact(book, number, DRAFT_MADE, &made, err);
        if (r == 0)
                r = wanted.row > made.row;
        casebook_fact_done(&wanted);
        casebook_fact_done(&made);
        return r;
}

static void make_drafts(struct watch *watch, int64_t number)
{
        struct error error = ERROR_NONE;
        char text[24], what[ALERT_WHAT_MAXIMUM];
        int r = 0;

        snprintf(text, sizeof(text), "%lld", (long long)number);
        if (find_exposure(watch, text, &error) < 0)
                on_note(NULL, error.text); /* the draft then says that it was not looked for */
        for (size_t i = 0; i < LENGTH(languages) && r == 0; i++)
                r = write_draft(watch, text, languages[i], &error);
        if (r < 0)
                on_note(NULL, error.text);
        if (r < 0)
                snprintf(what, sizeof(what),
                         _("incident %lld: something that differs could be served; no draft of the report could be "
                           "made"),
                         (long long)number);
        else
                snprintf(what, sizeof(what),
                         _("incident %lld: something that differs could be served; the drafts of the report are in "
                           "%s/incident. When you have read this, say 'understudy incident aware %lld'"),
                         (long long)number, watch->request->state, (long long)number);
        alert(watch, ALERT_CRITICAL, "incident_opened", number, what);
}

/* Every open incident whose draft is due. The alert may come twice after a crash, never not at all. */
static int make_due_drafts(struct watch *watch, struct error *err)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct known known = { .err = err };
        int r = casebook_open(watch->request->state, true, &book, err);

        known.book = book;
        if (r == 0)
                r = casebook_list(book, add_known, &known, err);
        if (r == 0 && known.ours)
                r = is_due(book, known.ours, err);
        if (r > 0) {
                make_drafts(watch, known.ours);
                r = casebook_put_fact(book, known.ours, DRAFT_MADE, "1", OPENED_BY, incident_now_us(), err);
        }
        intervals_done(&known.intervals);
        return r;
}

/* ---- deadlines ---- */

static int tell_deadline(struct watch *watch, struct casebook *book, const struct casebook_incident *incident,
                         const struct disclosure_deadline *deadline, struct error *err)
{
        enum unattended_alarm alarm = unattended_deadline(incident->aware_us, deadline->due_us, incident_now_us());
        char key[KEY_SIZE], due[CLOCK_TEXT_SIZE], what[ALERT_WHAT_MAXIMUM];
        struct casebook_fact done = { 0 }, told = { 0 };
        int r;

        if (alarm == UNATTENDED_QUIET)
                return 0;
        snprintf(key, sizeof(key), "alarm:%lld:%d", (long long)deadline->due_us, (int)alarm);
        r = casebook_fact(book, incident->number, deadline->key, &done, err);
        if (r == 0)
                r = casebook_fact(book, incident->number, key, &told, err);
        if (r == 0 && !done.text && !told.text) {
                incident_time(deadline->due_us, due);
                snprintf(what, sizeof(what),
                         alarm == UNATTENDED_OVER
                                 ? _("incident %lld: a deadline is over: %s, due %s; enter %s when it is done")
                                 : _("incident %lld: a deadline comes near: %s, due %s; enter %s when it is done"),
                         (long long)incident->number, deadline->what, due, deadline->key);
                journal_sink_add(&watch->request->journal, "incident_deadline", NULL,
                                 json_pack("{s:I, s:s, s:s}", "incident", (json_int_t)incident->number, "deadline",
                                           deadline->key, "due", due),
                                 "incident %lld: a deadline was told", (long long)incident->number);
                journal_sink_commit(&watch->request->journal);
                alert(watch, alarm == UNATTENDED_EARLY ? ALERT_HIGH : ALERT_CRITICAL, "incident_deadline",
                      incident->number, what);
                r = casebook_put_fact(book, incident->number, key, due, OPENED_BY, incident_now_us(), err);
        }
        casebook_fact_done(&done);
        casebook_fact_done(&told);
        return r;
}

/* ---- how long accounts are kept ---- */

static int forget_in_time(struct watch *watch, struct casebook *book, const struct casebook_incident *incident,
                          struct error *err)
{
        struct casebook_fact until = { 0 }, forgotten = { 0 };
        char what[ALERT_WHAT_MAXIMUM];
        int64_t until_s = 0;
        int r = casebook_fact(book, incident->number, INCIDENT_RETAIN, &until, err);

        if (r == 0)
                r = casebook_fact(book, incident->number, INCIDENT_FORGOTTEN, &forgotten, err);
        if (r == 0 && until.text && until.row > forgotten.row && clock_parse_utc(until.text, &until_s) == 0 &&
            until_s * 1000000 <= incident_now_us()) {
                r = incident_forget_all(watch->request, book, incident->number, *until.by ? until.by : OPENED_BY, err);
                snprintf(what, sizeof(what), _("incident %lld: its accounts were kept until %s and are removed now"),
                         (long long)incident->number, until.text);
                if (r == 0)
                        alert(watch, ALERT_INFORMATIONAL, "incident_forgotten", incident->number, what);
        }
        casebook_fact_done(&until);
        casebook_fact_done(&forgotten);
        return r;
}

struct deadlines {
        struct watch *watch;
        struct casebook *book;
        struct error *err;
};

static int each_incident(void *context, const struct casebook_incident *incident)
{
        const struct deadlines *all = context;
        struct disclosure_deadline deadlines[DISCLOSURE_DEADLINES];
        int r = forget_in_time(all->watch, all->book, incident, all->err);

        if (r < 0 || !incident->aware_us || incident->closed_us)
                return r;
        disclosure_deadlines(incident->aware_us, deadlines);
        for (size_t i = 0; i < DISCLOSURE_DEADLINES && r == 0; i++)
                r = tell_deadline(all->watch, all->book, incident, &deadlines[i], all->err);
        return r;
}

static int tell_deadlines(struct watch *watch, struct error *err)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        int r = casebook_open(watch->request->state, true, &book, err);
        struct deadlines all = { watch, book, err };

        return r < 0 ? r : casebook_list(book, each_incident, &all, err);
}

/* ---- turns ---- */

static int turn(struct watch *watch, struct error *err)
{
        struct intervals found = { 0 };
        bool grown = false;
        int r = have_grown(watch, &grown, err);

        watch->opened = false;
        if (r == 0 && grown)
                r = read_journals(watch, &found, err);
        if (r == 0 && grown && found.count)
                r = take_all(watch, &found, err);
        intervals_done(&found);
        watch->looked = r == 0;
        if (r == 0)
                r = make_due_drafts(watch, err);
        return r < 0 ? r : tell_deadlines(watch, err);
}

static void wait_for_next(struct watch *watch)
{
        struct pollfd fd = { .fd = watch->notify ? notify_fd(watch->notify) : -1, .events = POLLIN };
        int64_t until = clock_monotonic_ms() + TURN_MS, left;

        while (!ended && (left = until - clock_monotonic_ms()) > 0) {
                int wait_ms = watch->notify ? notify_wait_ms(watch->notify) : -1;

                poll(&fd, 1, wait_ms >= 0 && wait_ms < left ? wait_ms : (int)left);
                if (watch->notify)
                        notify_tick(watch->notify);
        }
}

static int prepare(struct watch *watch, struct error *err)
{
        struct incident_request *request = watch->request;
        const struct notify_options how = { .note = on_note };
        int r = 0;

        if (!request->journals.count || request->journals.count > JOURNALS)
                return error_usage(err, _("say which journals are to be watched: --journal DIR, %d at the most"),
                                   JOURNALS);
        if (request->alerts.count > NOTIFY_TARGETS_MAXIMUM)
                return error_usage(err, _("at most %d targets can be alerted"), NOTIFY_TARGETS_MAXIMUM);
        for (size_t i = 0; i < request->alerts.count && r == 0; i++)
                r = notify_target_parse(request->alerts.list[i], &watch->targets[i], err);
        if (r == 0 && request->alerts.count) /* forks: before there are threads */
                r = notify_open(request->state, "incident", watch->targets, request->alerts.count, &how, &watch->notify,
                                err);
        if (r == 0)
                journal_sink_open(&request->journal, request->state, false);
        return r;
}

static int watch_on(struct watch *watch, struct error *err)
{
        const struct sigaction action = { .sa_handler = end };

        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
        puts("ready");
        fflush(stdout);
        while (!ended) {
                struct error error = ERROR_NONE;

                if (turn(watch, &error) < 0)
                        on_note(NULL, error.text); /* a journal that is just being made anew, a casebook that is busy */
                wait_for_next(watch);
        }
        (void)err;
        return 0;
}

int incident_watch(struct incident_request *request)
{
        struct watch *watch = memory_new(1, sizeof(*watch));
        struct error error = ERROR_NONE;
        int r, status = EXIT_DONE;

        if (!watch) {
                error_memory(&error);
                return command_fail(&error);
        }
        watch->request = request;
        r = prepare(watch, &error);
        if (r == 0)
                r = request->once ? turn(watch, &error) : watch_on(watch, &error);
        if (r < 0)
                status = command_fail(&error);
        else if (request->once && watch->opened)
                status = EXIT_FOUND;
        if (watch->notify && request->once)
                notify_drain(watch->notify, DRAIN_MS);
        notify_close(watch->notify);
        free(watch);
        return status;
}
