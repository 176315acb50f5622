/* incident_timeline.c - understudy incident timeline: how it came, from the logs of all servers, and whether the
 * database was reached from there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/incident.h"
#include "incident/cause.h"
#include "incident/complaint.h"
#include "incident/timesketch.h"
#include "incident/value.h"

#define BEFORE_US INT64_C(604800000000) /* a week, when nobody knows when it was last good */
#define AFTER_US  INT64_C(3600000000)
#define HOSTS     64

#define PRINTED_BYTES (256U << 10) /* at once */

struct work {
        struct incident_request *request;
        struct intervals intervals;
        struct timeline timeline;
        struct cause_host hosts[HOSTS];
        size_t host_count;
        json_t *told;                        /* from outside, the first one first */
        char *texts[TIMELINE_FILES + HOSTS]; /* owned: names cut out of arguments */
        size_t text_count;
};

/* ---- what is read ---- */

/* "NAME=REST": the name as a text of its own. */
static int cut(struct work *work, const char *argument, size_t skip, const char **ret_name, const char **ret_rest,
               struct error *err)
{
        const char *equals = strchr(argument + skip, '=');

        if (!equals || equals == argument + skip || !equals[1])
                return error_usage(err, _("'%s' is not SERVER=FILE"), argument);
        if (work->text_count == LENGTH(work->texts))
                return error_usage(err, _("at most %d logs can be read at once"), TIMELINE_FILES);
        work->texts[work->text_count] = memory_copy(argument + skip, (size_t)(equals - argument - skip));
        if (!work->texts[work->text_count])
                return error_memory(err);
        *ret_name = work->texts[work->text_count++];
        *ret_rest = equals + 1;
        return 0;
}

/* KIND:SERVER=FILE */
static int read_trace(struct work *work, const char *argument, struct error *err)
{
        const char *colon = strchr(argument, ':'), *server = NULL, *path = NULL;
        enum trace_kind kind;
        int r;

        if (!colon || !trace_kind_parse(argument, (size_t)(colon - argument), &kind))
                return error_usage(
                        err, _("'%s' is not KIND:SERVER=FILE; KIND is auth, ftp, postgresql, mariadb, dpkg or wtmp"),
                        argument);
        r = cut(work, argument, (size_t)(colon + 1 - argument), &server, &path, err);
        return r < 0 ? r : timeline_read(&work->timeline, server, kind, path, err);
}

static int read_all(struct work *work, struct error *err)
{
        const struct incident_request *request = work->request;
        const char *name = NULL, *rest = NULL;
        int r = 0;

        for (size_t i = 0; i < request->journals.count && r == 0; i++)
                r = timeline_read_journal(&work->timeline, request->journals.list[i], err);
        for (size_t i = 0; i < request->logs.count && r == 0; i++) {
                r = cut(work, request->logs.list[i], 0, &name, &rest, err);
                if (r == 0)
                        r = timeline_read_web(&work->timeline, name, rest, err);
        }
        for (size_t i = 0; i < request->traces.count && r == 0; i++)
                r = read_trace(work, request->traces.list[i], err);
        for (size_t i = 0; i < request->addresses.count && r == 0; i++) {
                if (work->host_count == HOSTS)
                        return error_usage(err, _("at most %d addresses can be said"), HOSTS);
                r = cut(work, request->addresses.list[i], 0, &name, &rest, err);
                work->hosts[work->host_count] = (struct cause_host){ name, rest };
                work->host_count += r == 0;
        }
        if (r == 0)
                timeline_sort(&work->timeline);
        return r;
}

/* What was told from outside is an event like the others, for each path; of no path, too. */
static int take_complaint(void *context, const struct casebook_complaint *complaint, struct error *err)
{
        struct work *work = context;
        json_t *comparison = *complaint->comparison ? json_loads(complaint->comparison, 0, NULL) : NULL;
        json_t *paths = json_loads(complaint->paths, 0, NULL);
        int r = 0;

        for (size_t i = 0; i < json_array_size(paths) && r == 0; i++)
                r = timeline_add_told(&work->timeline, complaint->came_us, complaint->source,
                                      json_string_value(json_array_get(paths, i)), complaint->number, err);
        if (!json_array_size(paths))
                r = timeline_add_told(&work->timeline, complaint->came_us, complaint->source, "", complaint->number, err);
        if (!work->told)
                work->told = json_array();
        json_array_append_new(work->told, json_pack("{s:I, s:o, s:s, s:o}", "complaint", (json_int_t)complaint->number,
                                                    "time", value_time(complaint->came_us), "source", complaint->source,
                                                    "verdict",
                                                    comparison ? json_string(complaint_verdict_name(
                                                                         complaint_verdict(comparison)))
                                                               : json_null()));
        json_decref(paths);
        json_decref(comparison);
        return r;
}

static int prepare(struct work *work, struct error *err)
{
        const struct incident_request *request = work->request;
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct casebook_incident incident;
        int64_t from = INT64_MAX, to = 0;
        int r = incident_book(work->request, true, &book, &incident, err);

        if (r == 0)
                r = casebook_intervals(book, request->number, &work->intervals, err);
        for (size_t i = 0; i < work->intervals.count; i++) {
                const struct interval_times *times = &work->intervals.list[i].times;
                int64_t begin = times->last_good == TIME_NEVER ? times->first_bad - BEFORE_US : times->last_good;

                from = begin < from ? begin : from;
                to = times->last_bad > to ? times->last_bad : to;
        }
        if (r == 0 && !work->intervals.count)
                r = error_usage(err, _("incident %lld has no interval; 'incident add' enters one"),
                                (long long)request->number);
        if (r == 0)
                r = timeline_init(&work->timeline, &work->intervals,
                                  request->from_us ? request->from_us : from - AFTER_US,
                                  request->to_us ? request->to_us : to + AFTER_US, err);
        if (r == 0)
                r = casebook_complaints(book, request->number, take_complaint, work, err);
        return r < 0 ? r : read_all(work, err);
}

/* ---- what is told ---- */

static json_t *piece_json(const struct work *work, const struct cause_finding *finding, const struct cause_piece *piece)
{
        static const char *const weights[] = { "weak", "near", "strong", "seen" };
        const char *speaks = finding->cause != CAUSE_UNKNOWN && piece->cause == finding->cause ? "for" : "against";
        const size_t weight = piece->weight >= CAUSE_SEEN     ? 3
                              : piece->weight >= CAUSE_STRONG ? 2
                              : piece->weight >= CAUSE_NEAR   ? 1
                                                              : 0;
        json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "speaks", speaks, "cause", cause_name(piece->cause), "weight",
                                 weights[weight], "what", piece->what);

        if (piece->line) {
                json_object_set_new(json, "file", json_string(work->timeline.files[piece->file].path));
                json_object_set_new(json, "line", json_integer(piece->line));
        }
        return json;
}

static json_t *finding_json(const struct work *work, const struct interval *interval,
                            const struct cause_finding *finding)
{
        json_t *pieces = json_array();

        for (size_t i = 0; i < finding->count; i++)
                json_array_append_new(pieces, piece_json(work, finding, &finding->pieces[i]));
        return json_pack("{s:o, s:o, s:s, s:o, s:{s:s, s:s}}", "server",
                         command_json_name(interval->server, strlen(interval->server)), "path",
                         command_json_name(interval->path, strlen(interval->path)), "cause", cause_name(finding->cause),
                         "evidence", pieces, "database", "reached", cause_reach_name(finding->reach), "how",
                         finding->reach_how);
}

static const char *cause_words(enum cause cause)
{
        switch (cause) {
        case CAUSE_UPLOADED: return _("uploaded by hand");
        case CAUSE_WEB: return _("written by the web application");
        case CAUSE_ROOT: return _("written by root");
        case CAUSE_UNKNOWN: break;
        }
        return _("unknown");
}

static void show(const struct work *work, const json_t *finding, enum cause cause)
{
        const json_t *evidence = json_object_get(finding, "evidence"), *database = json_object_get(finding, "database");

        (void)work;
        printf("%s %s: %s\n", json_string_value(json_object_get(finding, "server")),
               json_string_value(json_object_get(finding, "path")), cause_words(cause));
        for (size_t i = 0; i < json_array_size(evidence); i++) {
                const json_t *piece = json_array_get(evidence, i);
                const char *file = json_string_value(json_object_get(piece, "file"));

                printf("  %s %s", text_equal(json_string_value(json_object_get(piece, "speaks")), "for") ? "+" : "-",
                       json_string_value(json_object_get(piece, "what")));
                if (file)
                        printf(" [%s:%lld]", file, (long long)json_integer_value(json_object_get(piece, "line")));
                putchar('\n');
        }
        printf("  %s: %s\n", _("database"), json_string_value(json_object_get(database, "how")));
}

static void show_told(const struct work *work)
{
        const json_t *first = json_array_get(work->told, 0);
        const char *verdict = json_string_value(json_object_get(first, "verdict"));
        enum complaint_source source = COMPLAINT_OTHER;

        if (!first)
                return;
        (void)complaint_source_parse(json_string_value(json_object_get(first, "source")), &source);
        printf(_("first told from outside at %s, by %s"), json_string_value(json_object_get(first, "time")),
               complaint_source_words(source));
        for (enum complaint_verdict v = COMPLAINT_UNKNOWN; v <= COMPLAINT_DIFFERS && verdict; v++)
                if (text_equal(verdict, complaint_verdict_name(v)))
                        printf("; %s", complaint_verdict_words(v));
        putchar('\n');
}

static int print_events(const struct work *work)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(PRINTED_BYTES + TIMESKETCH_LINE);
        struct error error = ERROR_NONE;

        for (size_t i = 0; i < work->timeline.count; i++) {
                if (timesketch_write(&work->timeline, &work->timeline.events[i], &out) < 0) {
                        error_memory(&error);
                        return command_fail(&error);
                }
                if (out.length < PRINTED_BYTES && i + 1 < work->timeline.count)
                        continue;
                if (fwrite(out.data, 1, out.length, stdout) != out.length)
                        return EXIT_FAILED;
                buffer_clear(&out);
        }
        return EXIT_DONE;
}

static int conclude(struct work *work, json_t *list, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < work->intervals.count && r == 0; i++) {
                struct cause_finding finding = { 0 };
                json_t *json;

                r = cause_find(&work->timeline, &work->intervals.list[i], work->hosts, work->host_count, &finding, err);
                if (r < 0)
                        return r;
                json = finding_json(work, &work->intervals.list[i], &finding);
                if (!work->request->common.json && !work->request->format)
                        show(work, json, finding.cause);
                json_array_append_new(list, json);
                cause_done(&finding);
        }
        return r;
}

/* Who read it is journaled: accounts and addresses are in it. */
static void note(struct work *work)
{
        journal_sink_add(&work->request->journal, "incident_timeline", NULL,
                         json_pack("{s:I, s:I, s:I}", "incident", (json_int_t)work->request->number, "events",
                                   (json_int_t)work->timeline.count, "logs", (json_int_t)work->timeline.file_count),
                         "incident %lld: its timeline was read", (long long)work->request->number);
        journal_sink_commit(&work->request->journal);
}

static int tell(struct work *work)
{
        struct error error = ERROR_NONE;
        json_t *list = json_array();
        int status = EXIT_DONE;

        note(work);
        if (conclude(work, list, &error) < 0)
                status = command_fail(&error);
        else if (work->request->format)
                status = print_events(work);
        else if (work->request->common.json)
                return command_print_json(json_pack("{s:I, s:I, s:O?, s:o}", "incident", (json_int_t)work->request->number,
                                                    "events", (json_int_t)work->timeline.count, "told",
                                                    work->told, "conclusions", list));
        else
                show_told(work);
        json_decref(list);
        return status;
}

int incident_timeline(struct incident_request *request)
{
        struct work *work = memory_new(1, sizeof(*work));
        struct error error = ERROR_NONE;
        int status;

        if (!work) {
                error_memory(&error);
                return command_fail(&error);
        }
        work->request = request;
        if (request->format && !text_equal(request->format, "jsonl")) {
                free(work);
                return command_usage(&command_incident, _("there is no format '%s'; write jsonl"), request->format);
        }
        status = prepare(work, &error) < 0 ? command_fail(&error) : tell(work);
        json_decref(work->told);
        timeline_done(&work->timeline);
        intervals_done(&work->intervals);
        for (size_t i = 0; i < work->text_count; i++)
                free(work->texts[i]);
        free(work);
        return status;
}
