/* incident_show.c - understudy incident list, show, set and aware. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "cli/incident_tasks.h"
#include "incident/disclosure.h"
#include "incident/value.h"

#define KEY_MAXIMUM 64

static void print_escaped(const char *text)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(64U << 10);

        if (text_escape(&out, text, strlen(text)) == 0)
                fputs(buffer_text(&out), stdout);
}

static json_t *incident_json(const struct casebook_incident *incident)
{
        return json_pack("{s:I, s:o, s:o, s:o, s:o}", "incident", (json_int_t)incident->number, "title",
                         command_json_name(incident->title, strlen(incident->title)), "opened",
                         value_time(incident->opened_us), "aware", value_time(incident->aware_us), "closed",
                         value_time(incident->closed_us));
}

/* ---- list ---- */

static int list_json(void *context, const struct casebook_incident *incident)
{
        json_array_append_new(context, incident_json(incident));
        return 0;
}

static int list_words(void *context _unused_, const struct casebook_incident *incident)
{
        char time[CLOCK_TEXT_SIZE];

        incident_time(incident->opened_us, time);
        printf("%lld  %s  %s  ", (long long)incident->number, time, incident->closed_us ? _("closed") : _("open"));
        print_escaped(incident->title);
        putchar('\n');
        return 0;
}

int incident_list(struct incident_request *request)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct error error = ERROR_NONE;
        json_t *list = request->common.json ? json_array() : NULL;
        int r = casebook_open(request->state, false, &book, &error);

        if (r == 0)
                r = casebook_list(book, list ? list_json : list_words, list, &error);
        if (r < 0 && r != -ENOENT) {
                json_decref(list);
                return command_fail(&error);
        }
        return list ? command_print_json(json_pack("{s:o}", "incidents", list)) : EXIT_DONE;
}

/* ---- show ---- */

static json_t *intervals_json(const struct intervals *intervals)
{
        json_t *list = json_array();

        for (size_t i = 0; i < intervals->count; i++) {
                const struct interval *interval = &intervals->list[i];
                const struct interval_times *times = &interval->times;

                json_array_append_new(
                        list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:s, s:o}", "server",
                                        command_json_name(interval->server, strlen(interval->server)), "path",
                                        command_json_name(interval->path, strlen(interval->path)), "last_good",
                                        value_time(times->last_good), "first_bad", value_time(times->first_bad),
                                        "last_bad", value_time(times->last_bad), "first_good",
                                        value_time(times->first_good), "watched", times->watched, "refused",
                                        times->refused, "digest", interval->digest, "source",
                                        command_json_name(interval->source, strlen(interval->source))));
        }
        return list;
}

static json_t *texts_json(const struct casebook_texts *texts)
{
        json_t *list = json_array();

        for (size_t i = 0; i < texts->count; i++)
                json_array_append_new(list, command_json_name(texts->list[i], strlen(texts->list[i])));
        return list;
}

static void show_times(const struct interval *interval)
{
        char text[CLOCK_TEXT_SIZE];
        const struct {
                const char *words;
                int64_t time_us;
        } times[] = {
                {_("last known good"),   interval->times.last_good },
                { _("first known bad"),  interval->times.first_bad },
                { _("last known bad"),   interval->times.last_bad  },
                { _("first known good"), interval->times.first_good},
        };

        for (size_t i = 0; i < LENGTH(times); i++) {
                bool known = times[i].time_us != TIME_NEVER && times[i].time_us != TIME_OPEN;

                incident_time(known ? times[i].time_us : 0, text);
                printf("    %s: %s\n", times[i].words, known ? text : _("not known"));
        }
}

static void show_deadlines(const struct casebook_incident *incident)
{
        struct disclosure_deadline deadlines[DISCLOSURE_DEADLINES];
        int64_t now = incident_now_us();
        char text[CLOCK_TEXT_SIZE];

        if (!incident->aware_us)
                return;
        incident_time(incident->aware_us, text);
        printf(_("aware since %s\n"), text);
        disclosure_deadlines(incident->aware_us, deadlines);
        for (size_t i = 0; i < DISCLOSURE_DEADLINES; i++) {
                incident_time(deadlines[i].due_us, text);
                printf("  %s: %s%s\n", deadlines[i].what, text, deadlines[i].due_us < now ? _(" (over)") : "");
        }
}

struct told {
        int64_t all, open; /* complaints; those that were not compared or not answered */
};

static int count_told(void *context, const struct casebook_complaint *complaint, struct error *err _unused_)
{
        struct told *told = context;

        told->all++;
        told->open += !complaint->answered_us || !*complaint->comparison;
        return 0;
}

static void show_words(const struct casebook_incident *incident, const struct intervals *intervals, const char *exposure,
                       const struct incident_tasks *tasks, const struct told *told)
{
        list_words(NULL, incident);
        for (size_t i = 0; i < intervals->count; i++) {
                printf("  %zu. ", i + 1);
                print_escaped(intervals->list[i].server);
                putchar(' ');
                print_escaped(intervals->list[i].path);
                putchar('\n');
                show_times(&intervals->list[i]);
        }
        printf("%s\n", exposure ? _("who was exposed was found; 'understudy incident report' tells")
                                : _("who was exposed was not looked for yet: 'understudy incident exposure'"));
        show_deadlines(incident);
        if (told->all)
                printf(_("told from outside: %lld, of which %lld were not compared or not answered\n"),
                       (long long)told->all, (long long)told->open);
        for (size_t i = 0; i < tasks->count; i++)
                printf(tasks->list[i].done ? _("  %s (%s %s): looked at\n") : _("  %s (%s %s): to be looked at\n"),
                       tasks->list[i].server, tasks->list[i].because, tasks->list[i].what);
}

static json_t *shown_json(const struct casebook_incident *incident, const struct intervals *intervals,
                          const struct casebook_texts *pages, const char *exposure,
                          const struct incident_tasks *tasks, const struct told *told)
{
        json_t *json = incident_json(incident);

        json_object_set_new(json, "intervals", intervals_json(intervals));
        json_object_set_new(json, "pages", texts_json(pages));
        json_object_set_new(json, "exposure", exposure ? json_loads(exposure, 0, NULL) : json_null());
        json_object_set_new(json, "tasks", incident_tasks_json(tasks));
        json_object_set_new(json, "told", json_pack("{s:I, s:I}", "all", (json_int_t)told->all, "open",
                                                    (json_int_t)told->open));
        return json;
}

int incident_show(struct incident_request *request)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct casebook_incident incident;
        struct error error = ERROR_NONE;
        struct intervals intervals = { 0 };
        struct casebook_texts pages = { 0 };
        struct incident_tasks tasks = { 0 };
        struct told told = { 0 };
        char *exposure = NULL;
        int r = incident_book(request, false, &book, &incident, &error), status = EXIT_DONE;

        if (r == 0)
                r = casebook_intervals(book, request->number, &intervals, &error);
        if (r == 0)
                r = casebook_texts(book, request->number, CASEBOOK_PAGE, &pages, &error);
        if (r == 0)
                r = casebook_exposure(book, request->number, &exposure, &error);
        if (r == 0)
                r = incident_tasks_find(request, book, &tasks, &error);
        if (r == 0)
                r = casebook_complaints(book, request->number, count_told, &told, &error);
        if (r < 0)
                status = command_fail(&error);
        else if (request->common.json)
                status = command_print_json(shown_json(&incident, &intervals, &pages, exposure, &tasks, &told));
        else
                show_words(&incident, &intervals, exposure, &tasks, &told);
        free(exposure);
        casebook_texts_done(&pages);
        incident_tasks_done(&tasks);
        intervals_done(&intervals);
        return status;
}

/* ---- set, aware ---- */

static int set_fact(struct incident_request *request, struct casebook *book, const char *text, struct error *err)
{
        const char *equals = strchr(text, '=');
        char key[KEY_MAXIMUM];
        int64_t retain_s;

        if (!equals || equals == text || (size_t)(equals - text) >= sizeof(key) || !equals[1])
                return error_usage(err, _("'%s' is no fact; write KEY=TEXT, as cause='...'"), text);
        snprintf(key, sizeof(key), "%.*s", (int)(equals - text), text);
        for (const char *c = key; *c; c++)
                if (!(*c >= 'a' && *c <= 'z') && *c != '_')
                        return error_usage(err, _("'%s' is no name of a fact: lower-case letters and '_'"), key);
        if (text_equal(key, INCIDENT_RETAIN) && clock_parse_utc(equals + 1, &retain_s) < 0)
                return error_usage(err, _("'%s' is no time; write 2026-07-06 or 2026-07-06T09:00:00Z"), equals + 1);
        journal_sink_add(&request->journal, "incident_fact", NULL,
                         json_pack("{s:I, s:s, s:o}", "incident", (json_int_t)request->number, "key", key, "text",
                                   command_json_name(equals + 1, strlen(equals + 1))),
                         "incident %lld: %s was entered", (long long)request->number, key);
        journal_sink_commit(&request->journal);
        return casebook_put_fact(book, request->number, key, equals + 1, request->name ? request->name : "",
                                 incident_now_us(), err);
}

int incident_set(struct incident_request *request)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct casebook_incident incident;
        struct error error = ERROR_NONE;
        int r = 0;

        if (!request->argument_count)
                return command_usage(&command_incident, _("say what is known: set N KEY=TEXT"));
        r = incident_book(request, true, &book, &incident, &error);
        for (int i = 0; i < request->argument_count && r == 0; i++)
                r = set_fact(request, book, request->arguments[i], &error);
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}

int incident_aware(struct incident_request *request)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct casebook_incident incident;
        struct error error = ERROR_NONE;
        int64_t time_us = request->at_us ? request->at_us : incident_now_us();
        int r = incident_book(request, true, &book, &incident, &error);

        if (r == 0) {
                journal_sink_add(&request->journal, "incident_aware", NULL,
                                 json_pack("{s:I, s:o}", "incident", (json_int_t)request->number, "aware",
                                           value_time(time_us)),
                                 "incident %lld became known", (long long)request->number);
                journal_sink_commit(&request->journal);
                r = casebook_aware(book, request->number, time_us, &error);
        }
        if (r < 0)
                return command_fail(&error);
        incident.aware_us = time_us;
        if (request->common.json)
                return command_print_json(incident_json(&incident));
        show_deadlines(&incident);
        return EXIT_DONE;
}
