/* disclosure_forms.c - which sentences make which form. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/i18n.h"
#include "base/text.h"
#include "incident/complaint.h"
#include "incident/disclosure.h"

#define ROWS_SIZE 120

struct making {
        struct casebook *book;
        const struct casebook_incident *incident;
        struct disclosure *report;
        struct intervals intervals;
        json_t *exposure; /* NULL: it was not looked for yet */
        uint64_t told;    /* reports from outside, of those that were read last */
        struct error *err;
        int r; /* of the casebook */
};

static void time_words(int64_t time_us, char text[static CLOCK_TEXT_SIZE])
{
        clock_format_utc(time_us / 1000000, text);
}

static json_int_t number(const json_t *json, const char *outer, const char *inner)
{
        const json_t *at = outer ? json_object_get(json, outer) : json;

        return json_integer_value(json_object_get(at, inner));
}

/* ---- facts ---- */

/* What a person entered under this key, or that it is under investigation. */
static void say_fact(struct making *making, const char *key)
{
        struct casebook_fact fact;
        char rows[ROWS_SIZE];

        if (making->r < 0)
                return;
        making->r = casebook_fact(making->book, making->incident->number, key, &fact, making->err);
        if (making->r < 0)
                return;
        snprintf(rows, sizeof(rows), "fact %" PRId64, fact.row);
        if (fact.text)
                disclosure_say(making->report, rows, "%s", fact.text);
        else
                disclosure_say(making->report, NULL, "%s", _("Under investigation."));
        casebook_fact_done(&fact);
}

static void fact_section(struct making *making, const char *section, const char *title, const char *key)
{
        disclosure_section(making->report, section, title);
        say_fact(making, key);
}

/* ---- what was served ---- */

static void say_interval(struct making *making, size_t index)
{
        const struct interval *interval = &making->intervals.list[index];
        const struct interval_times *times = &interval->times;
        char rows[ROWS_SIZE], from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];

        snprintf(rows, sizeof(rows), "interval %zu", index + 1);
        time_words(times->first_bad, from);
        time_words(times->last_bad, to);
        if (times->first_bad <= times->last_bad)
                disclosure_say(making->report, rows, _("%s of %s was a tampered one from %s to %s."), interval->path,
                           interval->server, from, to);
        else
                disclosure_say(making->report, rows, _("%s of %s was found to be a tampered one at %s."), interval->path,
                           interval->server, from);
        if (times->last_good == TIME_NEVER)
                disclosure_say(making->report, rows, "%s",
                           _("Since when it may have been there before is not known: nobody had looked."));
        else if (times->last_good < times->first_bad) {
                time_words(times->last_good, from);
                disclosure_say(making->report, rows, _("It may have been there since %s."), from);
        }
        if (times->first_good == TIME_OPEN)
                disclosure_say(making->report, rows, "%s", _("It was not yet seen to be genuine again."));
        else if (times->first_good > times->last_bad) {
                time_words(times->first_good, to);
                disclosure_say(making->report, rows, _("It may have been there until %s."), to);
        }
}

static void say_intervals(struct making *making)
{
        for (size_t i = 0; i < making->intervals.count; i++)
                say_interval(making, i);
}

/* ---- to whom ---- */

static void say_upper_bound(struct making *making)
{
        const json_t *bound = json_object_get(making->exposure, "upper_bound");
        char text[COUNT_TEXT_SIZE];

        if (json_is_integer(bound))
                disclosure_say(making->report, "exposure", _("At the most %s accounts were served it."),
                           count_text((uint64_t)json_integer_value(bound), text));
        else
                disclosure_say(making->report, "exposure", "%s",
                           _("How many it were at the most is not known: records are missing, and it may be any "
                             "account."));
}

static const char *condition_by(const json_t *susceptible)
{
        const char *by = json_string_value(json_object_get(susceptible, "by"));

        return by ? by : "";
}

static void say_numbers(struct making *making)
{
        const json_t *exposure = making->exposure, *susceptible = json_object_get(exposure, "susceptible");
        char a[COUNT_TEXT_SIZE], b[COUNT_TEXT_SIZE], c[COUNT_TEXT_SIZE];

        if (!exposure) {
                disclosure_say(making->report, NULL, "%s", _("Under investigation."));
                return;
        }
        disclosure_say(making->report, "exposure",
                   _("By the logs it was served to %s accounts for certain, to %s in all likelihood, and to %s possibly."),
                   count_text((uint64_t)number(exposure, "accounts", "confirmed"), a),
                   count_text((uint64_t)number(exposure, "accounts", "probable"), b),
                   count_text((uint64_t)number(exposure, "accounts", "possible"), c));
        say_upper_bound(making);
        if (number(exposure, "unattributed", "responses"))
                disclosure_say(making->report, "exposure", _("%s answers more belong to nobody that is known."),
                           count_text((uint64_t)number(exposure, "unattributed", "responses"), a));
        if (susceptible)
                disclosure_say(making->report, "exposure",
                           _("Of those who were served it, %s accounts met the condition under which it could do harm "
                             "(%s)."),
                           count_text((uint64_t)number(susceptible, NULL, "accounts"), a),
                           json_string_value(json_object_get(susceptible, "condition")));
        if (making->report->with_rows && text_starts(condition_by(susceptible), "key "))
                disclosure_say(making->report, "exposure", _("The condition was signed with the %s."),
                               condition_by(susceptible));
        if (json_object_get(exposure, "payload"))
                disclosure_say(making->report, "exposure",
                           _("What it linked to was live from %s to %s: %s answers were in that time."),
                           json_string_value(json_object_get(json_object_get(exposure, "payload"), "from")),
                           json_string_value(json_object_get(json_object_get(exposure, "payload"), "to")),
                           count_text((uint64_t)number(exposure, "payload", "live_responses"), a));
}

/* ---- who told of it ---- */

static enum complaint_source source_of(const struct casebook_complaint *complaint)
{
        enum complaint_source source = COMPLAINT_OTHER;

        (void)complaint_source_parse(complaint->source, &source);
        return source;
}

/* What the comparison said that was made then. */
static void say_comparison(struct making *making, const struct casebook_complaint *complaint, const char *rows)
{
        json_t *comparison = *complaint->comparison ? json_loads(complaint->comparison, 0, NULL) : NULL;

        if (comparison)
                disclosure_say(making->report, rows, _("The comparison that was made at %s: %s."),
                               json_string_value(json_object_get(comparison, "time")),
                               complaint_verdict_words(complaint_verdict(comparison)));
        else
                disclosure_say(making->report, rows, "%s", _("It was not compared yet."));
        json_decref(comparison);
}

static int on_first_told(void *context, const struct casebook_complaint *complaint, struct error *err _unused_)
{
        struct making *making = context;
        char rows[ROWS_SIZE], time[CLOCK_TEXT_SIZE];

        if (making->told++)
                return 0;
        snprintf(rows, sizeof(rows), "complaint %" PRId64, complaint->number);
        time_words(complaint->came_us, time);
        disclosure_say(making->report, rows, _("We were first told of it from outside at %s, by %s."), time,
                       complaint_source_words(source_of(complaint)));
        say_comparison(making, complaint, rows);
        return 0;
}

/* When it was first told, and how many told of it. Nothing when nobody has. */
static void say_first_told(struct making *making)
{
        char count[COUNT_TEXT_SIZE];

        making->told = 0;
        if (making->r == 0)
                making->r = casebook_complaints(making->book, making->incident->number, on_first_told, making, making->err);
        if (making->told > 1)
                disclosure_say(making->report, "complaint", _("%s reports came from outside in all."),
                               count_text(making->told, count));
}

static int on_told(void *context, const struct casebook_complaint *complaint, struct error *err _unused_)
{
        struct making *making = context;
        char rows[ROWS_SIZE], time[CLOCK_TEXT_SIZE];

        making->told++;
        snprintf(rows, sizeof(rows), "complaint %" PRId64, complaint->number);
        time_words(complaint->came_us, time);
        disclosure_say(making->report, rows, _("At %s %s told of it."), time,
                       complaint_source_words(source_of(complaint)));
        say_comparison(making, complaint, rows);
        if (complaint->answered_us) {
                time_words(complaint->answered_us, time);
                disclosure_say(making->report, rows, _("It was answered at %s."), time);
        } else
                disclosure_say(making->report, rows, "%s", _("It was not answered yet."));
        return 0;
}

static void say_all_told(struct making *making)
{
        making->told = 0;
        if (making->r == 0)
                making->r = casebook_complaints(making->book, making->incident->number, on_told, making, making->err);
        if (!making->told)
                disclosure_say(making->report, NULL, "%s", _("No report from outside is entered."));
}

/* ---- the forms ---- */

static void make_public(struct making *making)
{
        disclosure_section(making->report, "what", _("Cause and course"));
        say_intervals(making);
        say_first_told(making);
        say_fact(making, "cause");
        disclosure_section(making->report, "who", _("Customers who may be affected"));
        say_numbers(making);
        fact_section(making, "consequences", _("What it could do"), "consequences");
        fact_section(making, "database", _("The database"), "database");
        fact_section(making, "response", _("What was done"), "response");
        fact_section(making, "measures", _("Measures against recurrence"), "measures");
        fact_section(making, "contact", _("Contact"), "contact");
}

static void say_aware(struct making *making)
{
        struct disclosure_deadline deadlines[DISCLOSURE_DEADLINES];
        char time[CLOCK_TEXT_SIZE];

        if (!making->incident->aware_us) {
                disclosure_say(making->report, NULL, "%s", _("When it became known is not entered yet."));
                return;
        }
        time_words(making->incident->aware_us, time);
        disclosure_say(making->report, "incident", _("It became known at %s."), time);
        disclosure_deadlines(making->incident->aware_us, deadlines);
        for (size_t i = 0; i < DISCLOSURE_DEADLINES; i++) {
                time_words(deadlines[i].due_us, time);
                disclosure_say(making->report, "incident", _("%s: until %s."), deadlines[i].what, time);
        }
}

static void make_regulator(struct making *making)
{
        disclosure_section(making->report, "aware", _("Time"));
        say_first_told(making);
        say_aware(making);
        say_fact(making, "delay");
        disclosure_section(making->report, "gdpr_a", _("GDPR 33(3)(a): nature of the breach, categories and numbers"));
        say_intervals(making);
        say_fact(making, "data");
        say_numbers(making);
        fact_section(making, "gdpr_b", _("GDPR 33(3)(b): contact point"), "contact");
        fact_section(making, "gdpr_c", _("GDPR 33(3)(c): likely consequences"), "consequences");
        disclosure_section(making->report, "gdpr_d", _("GDPR 33(3)(d): measures taken or proposed"));
        say_fact(making, "response");
        say_fact(making, "measures");
        disclosure_section(making->report, "appi_1", _("APPI 1: outline"));
        say_intervals(making);
        fact_section(making, "appi_2", _("APPI 2: items of personal data"), "data");
        disclosure_section(making->report, "appi_3", _("APPI 3: number of persons"));
        say_numbers(making);
        fact_section(making, "appi_4", _("APPI 4: cause"), "cause");
        fact_section(making, "appi_5", _("APPI 5: secondary damage, or the danger of it"), "secondary");
        fact_section(making, "appi_6", _("APPI 6: what was done towards the persons"), "told");
        fact_section(making, "appi_7", _("APPI 7: publication"), "published");
        fact_section(making, "appi_8", _("APPI 8: measures against recurrence"), "measures");
        fact_section(making, "appi_9", _("APPI 9: other matters"), "other");
}

static void say_sources(struct making *making)
{
        const json_t *sources = json_object_get(making->exposure, "sources"), *source;
        char lines[COUNT_TEXT_SIZE];
        size_t i;

        json_array_foreach(sources, i, source) {
                const char *path = json_string_value(json_object_get(source, "path"));
                const char *from = json_string_value(json_object_get(source, "from"));
                const char *to = json_string_value(json_object_get(source, "to"));

                if (text_equal(json_string_value(json_object_get(source, "kind")), "log"))
                        disclosure_say(making->report, "exposure", _("%s: %s lines of %s, from %s to %s"), path,
                                   count_text((uint64_t)number(source, NULL, "lines"), lines),
                                   json_string_value(json_object_get(source, "server")), from ? from : "-",
                                   to ? to : "-");
                else
                        disclosure_say(making->report, "exposure", _("%s: %s login records"), path,
                                   count_text((uint64_t)number(source, NULL, "rows"), lines));
        }
}

static void say_gaps(struct making *making)
{
        const json_t *gaps = json_object_get(making->exposure, "gaps"), *gap;
        char count[COUNT_TEXT_SIZE];
        size_t i;

        if (!json_array_size(gaps))
                disclosure_say(making->report, "exposure", "%s",
                           _("The logs have no gap in the time in question that could be seen."));
        if (number(making->exposure, NULL, "logins_without_request"))
                disclosure_say(making->report, "exposure",
                               _("%s logins are in no access log: lines were taken out of one, or it was not looked at."),
                               count_text(number(making->exposure, NULL, "logins_without_request"), count));
        json_array_foreach(gaps, i, gap) {
                const char *from = json_string_value(json_object_get(gap, "from"));
                const char *to = json_string_value(json_object_get(gap, "to"));

                disclosure_say(making->report, "exposure", _("Nothing tells of %s from %s to %s."),
                           json_string_value(json_object_get(gap, "server")), from ? from : "...", to ? to : "...");
        }
}

static void say_digests(struct making *making)
{
        for (size_t i = 0; i < making->intervals.count; i++) {
                const struct interval *interval = &making->intervals.list[i];
                char rows[ROWS_SIZE];

                snprintf(rows, sizeof(rows), "interval %zu", i + 1);
                disclosure_say(making->report, rows, _("%s of %s: SHA-256 %s; known from: %s"), interval->path,
                           interval->server, *interval->digest ? interval->digest : "?", interval->source);
        }
}

static void make_technical(struct making *making)
{
        making->report->with_rows = true;
        disclosure_section(making->report, "intervals", _("What was served"));
        say_intervals(making);
        say_digests(making);
        disclosure_section(making->report, "exposure", _("Who was served it"));
        say_numbers(making);
        disclosure_section(making->report, "sources", _("Evidence"));
        if (making->exposure) {
                say_sources(making);
                say_gaps(making);
        } else {
                disclosure_say(making->report, NULL, "%s", _("Under investigation."));
        }
        disclosure_section(making->report, "told", _("What was told from outside"));
        say_all_told(making);
        fact_section(making, "cause", _("How it came"), "cause");
        fact_section(making, "database", _("The database"), "database");
        fact_section(making, "indicators", _("Indicators"), "indicators");
        fact_section(making, "measures", _("Measures against recurrence"), "measures");
}

static int load_exposure(struct making *making)
{
        char *text = NULL;
        int r = casebook_exposure(making->book, making->incident->number, &text, making->err);

        if (text) {
                making->exposure = json_loads(text, 0, NULL);
                free(text);
        }
        return r;
}

int disclosure_make(struct casebook *book, const struct casebook_incident *incident, enum disclosure_form form,
                struct disclosure *ret_report, struct error *err)
{
        struct disclosure report = { .title = NULL };
        struct making making = { .book = book, .incident = incident, .report = &report, .err = err };
        _cleanup_(buffer_done) struct buffer title = BUFFER_INIT(8 * CASEBOOK_TEXT);

        making.r = casebook_intervals(book, incident->number, &making.intervals, err);
        if (making.r == 0)
                making.r = load_exposure(&making);
        if (text_escape(&title, incident->title, strlen(incident->title)) < 0 ||
            !(report.title = buffer_steal(&title)))
                report.code = -ENOMEM;
        if (making.r == 0 && form == DISCLOSURE_PUBLIC)
                make_public(&making);
        else if (making.r == 0 && form == DISCLOSURE_REGULATOR)
                make_regulator(&making);
        else if (making.r == 0)
                make_technical(&making);
        json_decref(making.exposure);
        intervals_done(&making.intervals);
        if (making.r == 0 && report.code)
                making.r = error_memory(err);
        if (making.r < 0) {
                disclosure_done(&report);
                return making.r;
        }
        *ret_report = report;
        return 0;
}
