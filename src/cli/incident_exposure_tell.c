/* incident_exposure_tell.c - who was exposed, for people and as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/incident_exposure.h"
#include "incident/value.h"

/* ---- JSON ---- */

static json_t *name_of(const struct intern *texts, uint32_t number)
{
        size_t length;
        const char *text = intern_text(texts, number, &length);

        return command_json_name(text, length);
}

static json_t *account_json(const struct exposure *exposure, const struct exposure_account *account)
{
        bool seen = account->responses > 0;

        return json_pack("{s:o, s:s, s:s, s:s, s:I, s:o, s:o, s:b}", "account",
                         name_of(&exposure->texts.accounts, account->account), "grade", grade_name(account->grade),
                         "basis", basis_name(account->basis), "reason", grade_reason_name(account->reason), "responses",
                         (json_int_t)account->responses, "first", seen ? value_time(account->first_us) : json_null(),
                         "last", seen ? value_time(account->last_us) : json_null(), "susceptible", account->susceptible);
}

static json_t *list_json(const struct exposure *exposure)
{
        json_t *list = json_array();

        for (size_t i = 0; i < exposure->account_count; i++)
                json_array_append_new(list, account_json(exposure, &exposure->accounts[i]));
        return list;
}

static json_t *row_json(const struct exposure_work *work, const struct exposure_row *row)
{
        const struct response *response = &row->response;
        const struct gather_log *log = &work->logs[response->file];
        const struct interval *interval = &work->intervals.list[row->interval];

        return json_pack(
                "{s:o, s:o, s:I, s:o, s:i, s:I, s:o, s:s, s:s, s:s}", "server",
                command_json_name(work->servers[response->server].name, strlen(work->servers[response->server].name)),
                "log", command_json_name(log->path, strlen(log->path)), "byte", (json_int_t)response->offset, "time",
                value_time(response->time_us), "status", (int)response->status, "bytes", (json_int_t)response->bytes,
                "path", command_json_name(interval->path, strlen(interval->path)), "grade",
                grade_name(row->verdict.grade), "reason", grade_reason_name(row->verdict.reason), "basis",
                basis_name(row->basis));
}

static const struct exposure_account *find_account(const struct exposure *exposure, const char *name)
{
        uint32_t number = intern_find(&exposure->texts.accounts, name, strlen(name));

        for (size_t i = 0; i < exposure->account_count && number; i++)
                if (exposure->accounts[i].account == number)
                        return &exposure->accounts[i];
        return NULL;
}

static json_t *explained_json(const struct exposure_work *work, const struct exposure *exposure)
{
        const char *name = work->request->explain;
        const struct exposure_account *account = find_account(exposure, name);
        json_t *rows = json_array(), *json;

        for (size_t i = 0; i < exposure->row_count; i++)
                json_array_append_new(rows, row_json(work, &exposure->rows[i]));
        json = account ? account_json(exposure, account)
                       : json_pack("{s:o, s:s, s:s}", "account", command_json_name(name, strlen(name)), "grade",
                                   grade_name(exposure->everybody ? GRADE_POSSIBLE : GRADE_NOT), "reason",
                                   grade_reason_name(exposure->everybody ? REASON_GAP : REASON_OUTSIDE));
        if (json) {
                json_object_set_new(json, "rows", rows);
                json_object_set_new(json, "rows_left_out", json_integer((json_int_t)exposure->rows_left_out));
        }
        return json;
}

/* ---- words ---- */

static void print_text(const char *text, size_t length)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(64U << 10);

        if (text_escape(&out, text, length) == 0)
                fputs(buffer_text(&out), stdout);
}

static void print_name(const struct intern *texts, uint32_t number)
{
        size_t length;
        const char *name = intern_text(texts, number, &length);

        print_text(name, length);
}

static void print_gaps(const struct exposure_work *work, const struct exposure *exposure)
{
        for (size_t i = 0; i < exposure->gap_count && i < 10; i++) {
                const struct exposure_gap *gap = &exposure->gaps[i];
                char from[CLOCK_TEXT_SIZE] = "...", to[CLOCK_TEXT_SIZE];

                if (gap->from_us != TIME_NEVER)
                        incident_time(gap->from_us, from);
                incident_time(gap->to_us, to);
                if (gap->server == GATHER_SERVERS)
                        printf(_("  login records are missing, or were cut or edited: %s\n"), gap->path);
                else if (gap->path)
                        printf(_("  a log of %s from %s to %s is missing, or was cut or edited: %s\n"),
                               work->servers[gap->server].name, from, to, gap->path);
                else
                        printf(_("  no log of %s tells of %s to %s\n"), work->servers[gap->server].name, from, to);
        }
        if (exposure->gathered.incomplete)
                printf("  %s\n", exposure->gathered.damage.text);
        if (exposure->logins_without_request)
                printf(_("  %llu logins are in no log: lines were taken out, or logs of a server were not named\n"),
                       (unsigned long long)exposure->logins_without_request);
        if (work->options.shared_cache)
                printf("  %s\n", _("a cache in front of the servers answered visitors who are in no log"));
}

static void print_numbers(const struct exposure_work *work, const struct exposure *exposure)
{
        char a[COUNT_TEXT_SIZE], b[COUNT_TEXT_SIZE], c[COUNT_TEXT_SIZE], d[COUNT_TEXT_SIZE];

        printf(_("answers:  %s confirmed, %s probable, %s possible, %s not exposed\n"),
               count_text(exposure->responses[GRADE_CONFIRMED], a), count_text(exposure->responses[GRADE_PROBABLE], b),
               count_text(exposure->responses[GRADE_POSSIBLE], c), count_text(exposure->responses[GRADE_NOT], d));
        printf(_("visitors: %s confirmed, %s probable, %s possible (a visitor is a session, or an address with a browser)\n"),
               count_text(exposure->visitors[GRADE_CONFIRMED], a), count_text(exposure->visitors[GRADE_PROBABLE], b),
               count_text(exposure->visitors[GRADE_POSSIBLE], c));
        printf(_("accounts: %s confirmed, %s probable, %s possible; %s answers belong to nobody that is known\n"),
               count_text(exposure->by_grade[GRADE_CONFIRMED], a), count_text(exposure->by_grade[GRADE_PROBABLE], b),
               count_text(exposure->by_grade[GRADE_POSSIBLE], c), count_text(exposure->unattributed_responses, d));
        if (exposure->bounded)
                printf(_("confirmed: %s accounts; at the most: %s\n"),
                       count_text(exposure->by_grade[GRADE_CONFIRMED], a), count_text(exposure->upper_bound, b));
        else
                printf(_("confirmed: %s accounts; at the most: not known, it may be any account\n"),
                       count_text(exposure->by_grade[GRADE_CONFIRMED], a));
        if (work->options.susceptible)
                printf(_("susceptible (%s): %s accounts\n"), work->options.susceptible->text,
                       count_text(exposure->susceptible, a));
        if (work->options.payload_to_us)
                printf(_("while what it linked to was live: %s answers\n"), count_text(exposure->payload_live, a));
        if (exposure->everybody)
                printf("%s\n", _("any account may have been exposed:"));
        print_gaps(work, exposure);
}

static void print_accounts(const struct exposure *exposure)
{
        for (size_t i = 0; i < exposure->account_count; i++) {
                const struct exposure_account *account = &exposure->accounts[i];

                printf("%-10s ", grade_name(account->grade));
                print_name(&exposure->texts.accounts, account->account);
                printf(" (%s; %s)%s\n", basis_name(account->basis), grade_reason_words(account->reason),
                       account->susceptible ? _(" susceptible") : "");
        }
}

/* A path comes from a journal or from whoever opened the incident: it goes to the terminal as names do. */
static void print_row(const struct exposure_work *work, const struct exposure_row *row)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(64U << 10);
        const char *raw = work->intervals.list[row->interval].path;
        char time[CLOCK_TEXT_SIZE];

        (void)text_escape(&path, raw, strlen(raw));
        incident_time(row->response.time_us, time);
        printf(_("  %s %s %s status %u, %u bytes: %s, %s (%s; %s, byte %llu)\n"), time,
               work->servers[row->response.server].name, buffer_text(&path), row->response.status, row->response.bytes,
               grade_name(row->verdict.grade), grade_reason_words(row->verdict.reason), basis_name(row->basis),
               work->logs[row->response.file].path, (unsigned long long)row->response.offset);
}

static void print_explained(const struct exposure_work *work, const struct exposure *exposure)
{
        const struct exposure_account *account = find_account(exposure, work->request->explain);

        print_text(work->request->explain, strlen(work->request->explain));
        printf(": %s\n", grade_name(account               ? account->grade
                                    : exposure->everybody ? GRADE_POSSIBLE
                                                          : GRADE_NOT));
        for (size_t i = 0; i < exposure->row_count; i++)
                print_row(work, &exposure->rows[i]);
}

int incident_exposure_tell(const struct exposure_work *work, const struct exposure *exposure, json_t *json)
{
        uint64_t found = exposure->account_count + exposure->unattributed_responses;

        progress_end();
        if (work->request->common.json) {
                json_object_set_new(json, "incident", json_integer(work->incident.number));
                if (work->request->list_accounts)
                        json_object_set_new(json, "list", list_json(exposure));
                if (work->request->explain)
                        json_object_set_new(json, "explained", explained_json(work, exposure));
                if (command_print_json(json_incref(json)) != EXIT_DONE)
                        return EXIT_FAILED;
        } else {
                print_numbers(work, exposure);
                if (work->request->list_accounts)
                        print_accounts(exposure);
                if (work->request->explain)
                        print_explained(work, exposure);
        }
        return found || exposure->everybody ? EXIT_FOUND : EXIT_DONE;
}
