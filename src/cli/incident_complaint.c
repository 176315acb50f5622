/*
 * incident_complaint.c - understudy incident complaint: what was told from outside, and the comparison that answers it.
 *
 * It is entered first, so that a comparison that is cut short does not lose it, and compared then. Who complained and
 * with what words stands in the casebook, and as commitments in the journal (journal/personal.h).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/incident_compare.h"
#include "incident/complaint.h"
#include "incident/value.h"
#include "journal/personal.h"

#define TITLE_DEFAULT N_("a report from outside")
#define INCIDENT_NAME 40

struct work {
        struct incident_request *request;
        struct casebook *book;
        const char *const *paths;
        size_t path_count;
        struct buffer text; /* what was told */
        int64_t number;     /* of the complaint */
        json_t *comparison;
};

static void incident_name(int64_t number, char name[static INCIDENT_NAME])
{
        snprintf(name, INCIDENT_NAME, "incident-%lld", (long long)number);
}

/* null when there is nothing, or it cannot be committed to: its key was destroyed by `forget`. */
static json_t *commitment(const struct incident_request *request, const char *label, const char *value)
{
        char journal[PATH_MAX], name[INCIDENT_NAME], text[PERSONAL_TEXT_SIZE];

        incident_name(request->number, name);
        if (!*value || !request->journal.journal ||
            (size_t)snprintf(journal, sizeof(journal), "%s/journal", request->state) >= sizeof(journal) ||
            personal_commit(journal, name, label, value, text, NULL) < 0)
                return json_null();
        return json_string(text);
}

int incident_forget_complaints(const struct incident_request *request, int64_t number, struct error *err)
{
        char journal[PATH_MAX], name[INCIDENT_NAME];
        int r;

        incident_name(number, name);
        if (!request->journal.journal ||
            (size_t)snprintf(journal, sizeof(journal), "%s/journal", request->state) >= sizeof(journal))
                return 0;
        r = personal_destroy(journal, name, err);
        return r == -ENOENT || r == -ESTALE ? 0 : r;
}

/* ---- entering ---- */

static int read_text(struct work *work, struct error *err)
{
        const char *argument = work->request->arguments[0];
        int r = text_equal(argument, "-") ? read_to_end(STDIN_FILENO, &work->text)
                                          : buffer_append_text(&work->text, argument);

        if (r == -E2BIG)
                return error_usage(err, _("what was told is longer than %d bytes"), COMPLAINT_TEXT);
        if (r < 0)
                return error_errno(err, -r, _("cannot read what was told"));
        if (work->text.length == 0 || memchr(work->text.data, '\0', work->text.length))
                return error_usage(err, _("what was told has no words, or bytes that are none"));
        return 0;
}

static int check_paths(const struct work *work, struct error *err)
{
        char names[COMPLAINT_NAMES][COMPLAINT_NAME_SIZE];

        for (size_t i = 0; i < work->path_count; i++)
                if (complaint_names(work->paths[i], names) == 0)
                        return error_usage(err, _("'%s' is no path of a site: write it as visitors ask for it, "
                                                  "'/login.html'"),
                                           work->paths[i]);
        return 0;
}

static json_t *paths_json(const struct work *work)
{
        json_t *list = json_array();

        for (size_t i = 0; i < work->path_count; i++)
                json_array_append_new(list, command_json_name(work->paths[i], strlen(work->paths[i])));
        return list;
}

/* In the journal first. */
static int put(struct work *work, enum complaint_source source, struct error *err)
{
        struct incident_request *request = work->request;
        const int64_t now = incident_now_us();
        _cleanup_(memory_freep) char *paths = NULL;
        json_t *list = paths_json(work);
        struct casebook_complaint complaint = { .came_us = request->at_us ? request->at_us : now,
                                                .entered_us = now,
                                                .source = complaint_source_name(source),
                                                .who = request->who ? request->who : "",
                                                .text = buffer_text(&work->text),
                                                .by = request->name ? request->name : "" };
        int r;

        complaint.paths = paths = json_dumps(list, JSON_COMPACT);
        r = paths ? casebook_begin(work->book, err) : error_memory(err);
        if (r == 0 && !request->number)
                r = incident_add_new(request, work->book, request->title ? request->title : _(TITLE_DEFAULT),
                                     &request->number, err);
        if (r == 0)
                r = casebook_add_complaint(work->book, request->number, &complaint, &work->number, err);
        if (r < 0) {
                json_decref(list);
                return r;
        }
        journal_sink_add(&request->journal, "incident_complaint", NULL,
                         json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o}", "incident", (json_int_t)request->number,
                                   "complaint", (json_int_t)work->number, "source", complaint.source, "came",
                                   value_time(complaint.came_us), "paths", list, "who",
                                   commitment(request, "who", complaint.who), "text",
                                   commitment(request, "text", complaint.text), "by",
                                   command_json_name(complaint.by, strlen(complaint.by))),
                         "incident %lld: complaint %lld came from outside", (long long)request->number,
                         (long long)work->number);
        journal_sink_commit(&request->journal);
        return casebook_commit(work->book, err);
}

/* ---- comparing ---- */

static int keep(struct work *work, struct error *err)
{
        struct incident_request *request = work->request;
        _cleanup_(memory_freep) char *text = json_dumps(work->comparison, JSON_COMPACT);
        struct digest digest;
        int r = text ? digest_of_bytes(text, strlen(text), &digest, err) : error_memory(err);

        if (r < 0)
                return r;
        journal_sink_open(&request->journal, request->state, false);
        journal_sink_add(&request->journal, "incident_complaint_compared", &digest,
                         json_pack("{s:I, s:I, s:s, s:I, s:I}", "incident", (json_int_t)request->number, "complaint",
                                   (json_int_t)work->number, "verdict",
                                   complaint_verdict_name(complaint_verdict(work->comparison)), "trees",
                                   (json_int_t)json_array_size(json_object_get(work->comparison, "trees")), "pages",
                                   (json_int_t)json_array_size(json_object_get(work->comparison, "served"))),
                         "incident %lld: what complaint %lld is about was compared", (long long)request->number,
                         (long long)work->number);
        journal_sink_commit(&request->journal);
        return casebook_compared(work->book, request->number, work->number, text, err);
}

/* The journal is let go meanwhile: verify writes to it. */
static int compare(struct work *work, struct error *err)
{
        int r;

        journal_sink_close(&work->request->journal);
        r = incident_compare(work->request, work->paths, work->path_count, &work->comparison, err);
        return r < 0 ? r : keep(work, err);
}

static void print_name(const json_t *part, const char *member)
{
        const char *text = json_string_value(json_object_get(part, member));

        fputs(text ? text : "", stdout);
}

static enum complaint_verdict part_verdict(const json_t *part)
{
        return text_equal(json_string_value(json_object_get(part, "verdict")), "genuine")   ? COMPLAINT_GENUINE
               : text_equal(json_string_value(json_object_get(part, "verdict")), "differs") ? COMPLAINT_DIFFERS
                                                                                            : COMPLAINT_UNKNOWN;
}

static void show_part(const json_t *part, const char *first, const char *second)
{
        const char *why = json_string_value(json_object_get(part, "why"));

        printf("    ");
        print_name(part, first);
        putchar(' ');
        print_name(part, second);
        if (json_is_integer(json_object_get(part, "status")))
                printf(" (%s, %lld)", json_string_value(json_object_get(part, "as")),
                       (long long)json_integer_value(json_object_get(part, "status")));
        printf(": %s%s%s\n", complaint_verdict_words(part_verdict(part)), why ? ": " : "", why ? why : "");
}

static void show_comparison(const json_t *comparison)
{
        const json_t *trees = json_object_get(comparison, "trees"), *served = json_object_get(comparison, "served");
        const json_t *part, *difference;
        size_t i, j;

        if (!comparison) {
                printf("  %s\n", _("not compared yet: --compare"));
                return;
        }
        printf(_("  compared at %s: %s\n"), json_string_value(json_object_get(comparison, "time")),
               complaint_verdict_words(complaint_verdict(comparison)));
        json_array_foreach(trees, i, part) {
                show_part(part, "server", "dest");
                json_array_foreach(json_object_get(part, "listed"), j, difference) {
                        printf("      ");
                        print_name(difference, "path");
                        printf(": ");
                        print_name(difference, "kind");
                        putchar('\n');
                }
        }
        json_array_foreach(served, i, part) {
                show_part(part, "url", "address");
        }
}

static int tell(const struct work *work)
{
        const enum complaint_verdict verdict = complaint_verdict(work->comparison);

        if (work->request->common.json) {
                json_t *json = json_pack("{s:I, s:I, s:O?}", "incident", (json_int_t)work->request->number, "complaint",
                                         (json_int_t)work->number, "comparison", work->comparison);
                int status = command_print_json(json);

                return status != EXIT_DONE ? status : verdict == COMPLAINT_GENUINE ? EXIT_DONE : EXIT_FOUND;
        }
        printf(_("incident %lld, complaint %lld\n"), (long long)work->request->number, (long long)work->number);
        show_comparison(work->comparison);
        return verdict == COMPLAINT_GENUINE ? EXIT_DONE : EXIT_FOUND;
}

static int enter(struct work *work, struct error *err)
{
        enum complaint_source source = COMPLAINT_OTHER;
        int r;

        if (work->request->source && !complaint_source_parse(work->request->source, &source))
                return error_usage(err,
                                   _("there is no source '%s'; write customer, search-engine, researcher, authority or "
                                     "other"),
                                   work->request->source);
        r = check_paths(work, err);
        if (r == 0)
                r = read_text(work, err);
        if (r == 0)
                r = put(work, source, err);
        if (r < 0 || !(work->request->tree || work->request->common.config || work->request->url))
                return r; /* nothing was named to compare: that is done later */
        return compare(work, err);
}

/* One whose comparison was cut short. */
struct finding {
        int64_t number;
        char *paths; /* owned; NULL: not there, or compared */
};

static int on_complaint(void *context, const struct casebook_complaint *complaint, struct error *err)
{
        struct finding *finding = context;

        if (complaint->number != finding->number || *complaint->comparison)
                return 0;
        finding->paths = memory_string(complaint->paths);
        return finding->paths ? 0 : error_memory(err);
}

static int compare_later(struct work *work, struct error *err)
{
        uint64_t number = 0;
        struct finding finding = { 0 };
        json_t *list;
        const char **paths;
        size_t count = 0;
        int r;

        if (text_parse_u64(work->request->compare, strlen(work->request->compare), INT32_MAX, &number) < 0)
                return error_usage(err, _("'%s' is no number of a complaint"), work->request->compare);
        work->number = finding.number = (int64_t)number;
        r = casebook_complaints(work->book, work->request->number, on_complaint, &finding, err);
        if (r == 0 && !finding.paths)
                r = error_usage(err, _("incident %lld has no complaint %lld that waits for this"),
                                (long long)work->request->number, (long long)number);
        if (r < 0)
                return r;
        list = json_loads(finding.paths, 0, NULL);
        free(finding.paths);
        paths = memory_new(json_array_size(list) + 1, sizeof(*paths));
        for (size_t i = 0; paths && i < json_array_size(list); i++)
                paths[count++] = json_string_value(json_array_get(list, i));
        work->paths = paths;
        work->path_count = count;
        r = paths ? compare(work, err) : error_memory(err);
        free(paths);
        json_decref(list);
        return r;
}

/* ---- the answer ---- */

static int answer(struct work *work, struct error *err)
{
        struct incident_request *request = work->request;
        const char *equals = strchr(request->answer, '=');
        uint64_t number = 0;

        if (!equals || !equals[1] || strlen(equals) > COMPLAINT_TEXT ||
            text_parse_u64(request->answer, (size_t)(equals - request->answer), INT32_MAX, &number) < 0)
                return error_usage(err, _("'%s' is no answer; write NUMBER=TEXT"), request->answer);
        if (!request->name)
                return error_usage(err, _("a person answers: --approve NAME"));
        journal_sink_add(&request->journal, "incident_complaint_answered", NULL,
                         json_pack("{s:I, s:I, s:o, s:o}", "incident", (json_int_t)request->number, "complaint",
                                   (json_int_t)number, "answer", commitment(request, "answer", equals + 1), "by",
                                   command_json_name(request->name, strlen(request->name))),
                         "incident %lld: complaint %lld was answered", (long long)request->number, (long long)number);
        journal_sink_commit(&request->journal);
        return casebook_answer_complaint(work->book, request->number, (int64_t)number, equals + 1, request->name,
                                         incident_now_us(), err);
}

/* ---- the list ---- */

struct listing {
        const struct incident_request *request;
        json_t *list; /* NULL: words */
};

static json_t *words_of(const char *text)
{
        return *text ? value_name(text, strlen(text)) : json_null();
}

static json_t *complaint_json(const struct casebook_complaint *complaint, bool with_words)
{
        json_t *json = json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "complaint",
                                 (json_int_t)complaint->number, "source", complaint->source, "came",
                                 value_time(complaint->came_us), "entered", value_time(complaint->entered_us), "by",
                                 words_of(complaint->by), "paths", json_loads(complaint->paths, 0, NULL), "comparison",
                                 *complaint->comparison ? json_loads(complaint->comparison, 0, NULL) : json_null(),
                                 "answered", value_time(complaint->answered_us), "answered_by",
                                 words_of(complaint->answered_by));

        if (with_words) {
                json_object_set_new(json, "who", words_of(complaint->who));
                json_object_set_new(json, "text", words_of(complaint->text));
                json_object_set_new(json, "answer", words_of(complaint->answer));
        }
        return json;
}

static void show_words(const char *title, const json_t *json, const char *member)
{
        const char *text = json_string_value(json_object_get(json, member));

        if (text)
                printf("  %s: %s\n", title, text);
}

static int list_one(void *context, const struct casebook_complaint *complaint, struct error *err)
{
        const struct listing *listing = context;
        json_t *json = complaint_json(complaint, listing->request->list_accounts);
        const char *answered = json_string_value(json_object_get(json, "answered"));
        enum complaint_source source = COMPLAINT_OTHER;

        if (!json)
                return error_memory(err);
        if (listing->list)
                return json_array_append_new(listing->list, json) < 0 ? error_memory(err) : 0;
        (void)complaint_source_parse(complaint->source, &source);
        printf("%lld  %s  %s  %s%s\n", (long long)complaint->number,
               json_string_value(json_object_get(json, "came")), complaint_source_words(source),
               answered ? _("answered ") : _("not answered yet"), answered ? answered : "");
        show_words(_("who"), json, "who");
        show_words(_("what was told"), json, "text");
        show_words(_("the answer"), json, "answer");
        show_comparison(json_is_object(json_object_get(json, "comparison")) ? json_object_get(json, "comparison") : NULL);
        json_decref(json);
        return 0;
}

static int list(struct work *work, struct error *err)
{
        struct incident_request *request = work->request;
        struct listing listing = { request, request->common.json ? json_array() : NULL };
        int r;

        if (request->list_accounts) {
                journal_sink_add(&request->journal, "incident_complaints_read", NULL,
                                 json_pack("{s:I}", "incident", (json_int_t)request->number),
                                 "the words of complaints of incident %lld were read", (long long)request->number);
                journal_sink_commit(&request->journal);
        }
        r = casebook_complaints(work->book, request->number, list_one, &listing, err);
        if (r < 0) {
                json_decref(listing.list);
                return r;
        }
        return listing.list ? command_print_json(json_pack("{s:I, s:o}", "incident", (json_int_t)request->number,
                                                           "complaints", listing.list))
                            : EXIT_DONE;
}

int incident_complaint(struct incident_request *request)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct casebook_incident incident;
        struct error error = ERROR_NONE;
        struct work work = { .request = request, .paths = request->paths.list, .path_count = request->paths.count,
                             .text = BUFFER_INIT(COMPLAINT_TEXT) };
        const bool words_only = request->argument_count == 0 && !request->answer && !request->compare;
        int r, status;

        if (request->argument_count > 1)
                return command_usage(&command_incident, _("there is an argument too many: '%s'"), request->arguments[1]);
        if (!request->number && request->argument_count == 0)
                return command_usage(&command_incident, _("say what was told: complaint new TEXT"));
        r = incident_book(request, true, &book, request->number ? &incident : NULL, &error);
        work.book = book;
        if (r == 0 && words_only)
                r = list(&work, &error);
        else if (r == 0 && request->answer)
                r = answer(&work, &error);
        else if (r == 0)
                r = request->compare ? compare_later(&work, &error) : enter(&work, &error);
        status = r < 0 ? command_fail(&error) : work.number ? tell(&work) : r;
        json_decref(work.comparison);
        buffer_done(&work.text);
        return status;
}
