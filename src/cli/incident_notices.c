/* incident_notices.c - understudy incident notices and serve: who sees a notice at the next login. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/incident.h"
#include "incident/logins.h"
#include "incident/service.h"
#include "journal/journal.h"

/* ---- notices ---- */

struct choosing {
        struct casebook *book;
        int64_t number;
        const struct intervals *intervals;
        struct clock_offset clock;
};

/* All who newly logged in while it was there, or may have been. */
static int on_login(void *context, const struct login_row *row, struct error *err)
{
        const struct choosing *choosing = context;
        int64_t early = row->time_us - choosing->clock.offset_us - choosing->clock.error_us;
        int64_t late = row->time_us - choosing->clock.offset_us + choosing->clock.error_us;

        for (size_t i = 0; i < choosing->intervals->count; i++) {
                const struct interval_times *times = &choosing->intervals->list[i].times;

                if (late >= times->last_good && early <= times->first_good)
                        return casebook_put_notice(choosing->book, choosing->number, row->account.text,
                                                   row->account.length, err);
        }
        return 0;
}

static int on_account(void *context, const struct casebook_account *account, struct error *err)
{
        const struct choosing *choosing = context;

        return casebook_put_notice(choosing->book, choosing->number, account->account, strlen(account->account), err);
}

static int choose_from_file(struct choosing *choosing, const char *path, struct error *err)
{
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        uint64_t rows, invalid;
        struct stat st;
        char *bytes;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_errno(err, errno, _("cannot read the login records %s"), path);
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
                return error_errno(err, errno, _("cannot read the login records %s"), path);
        r = logins_parse(bytes, (size_t)st.st_size, path, on_login, choosing, &rows, &invalid, err);
        munmap(bytes, (size_t)st.st_size);
        return r;
}

static int choose(struct casebook *book, int64_t number, struct error *err)
{
        struct casebook_sources sources = { 0 };
        struct intervals intervals = { 0 };
        struct choosing choosing = { .book = book, .number = number, .intervals = &intervals };
        int r = casebook_intervals(book, number, &intervals, err);

        if (r == 0)
                r = casebook_sources(book, number, &sources, err);
        if (r == 0)
                r = casebook_clock(book, number, "", &choosing.clock, err);
        if (r == 0 && !choosing.clock.known)
                choosing.clock.error_us = INT64_C(300000000);
        if (r == 0)
                r = casebook_accounts(book, number, on_account, &choosing, err);
        for (size_t i = 0; i < sources.count && r == 0; i++)
                if (!*sources.list[i].server)
                        r = choose_from_file(&choosing, sources.list[i].path, err);
        casebook_sources_done(&sources);
        intervals_done(&intervals);
        return r;
}

static int tell_counts(const struct incident_request *request, const struct casebook_notices *counts)
{
        if (request->common.json)
                return command_print_json(json_pack("{s:I, s:I, s:I, s:I}", "incident", (json_int_t)request->number,
                                                    "notices", (json_int_t)counts->all, "shown",
                                                    (json_int_t)counts->shown, "acknowledged",
                                                    (json_int_t)counts->acknowledged));
        printf(_("%lld accounts have a notice; %lld have seen it, %lld acknowledged it\n"), (long long)counts->all,
               (long long)counts->shown, (long long)counts->acknowledged);
        return EXIT_DONE;
}

/* Without words there is nothing to show. */
static int check_words(struct casebook *book, int64_t number, struct error *err)
{
        static const char *const keys[] = { "notice_en", "notice_ja" };
        bool any = false;
        int r = 0;

        for (size_t i = 0; i < LENGTH(keys) && r == 0; i++) {
                struct casebook_fact fact;

                r = casebook_fact(book, number, keys[i], &fact, err);
                any = any || fact.text;
                casebook_fact_done(&fact);
        }
        return r < 0 || any ? r
                            : error_usage(err, _("enter what the notice says first: set %lld notice_en=TEXT "
                                                 "notice_ja=TEXT"),
                                          (long long)number);
}

int incident_notices(struct incident_request *request)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct casebook_incident incident;
        struct casebook_notices counts = { 0 };
        struct error error = ERROR_NONE;
        int r = incident_book(request, true, &book, &incident, &error);

        if (r == 0 && request->name)
                r = check_words(book, request->number, &error);
        if (r == 0 && request->name)
                r = casebook_begin(book, &error);
        if (r == 0 && request->name)
                r = choose(book, request->number, &error);
        if (r == 0)
                r = casebook_count_notices(book, request->number, &counts, &error);
        if (r == 0 && request->name) {
                journal_sink_add(&request->journal, "incident_notices", NULL,
                                 json_pack("{s:I, s:o, s:I}", "incident", (json_int_t)request->number, "approved_by",
                                           command_json_name(request->name, strlen(request->name)), "accounts",
                                           (json_int_t)counts.all),
                                 "incident %lld: notices were approved", (long long)request->number);
                journal_sink_commit(&request->journal);
                r = casebook_commit(book, &error);
        }
        return r < 0 ? command_fail(&error) : tell_counts(request, &counts);
}

/* ---- serve ---- */

static void on_ready(void *context _unused_)
{
        puts("ready");
        fflush(stdout);
}

static void on_news(void *context, const char *kind, int64_t number)
{
        struct incident_request *request = context;

        journal_sink_add(&request->journal, kind, NULL, json_pack("{s:I}", "incident", (json_int_t)number),
                         "incident %lld: %s", (long long)number,
                         text_equal(kind, "incident_notice_shown") ? "a notice was shown" : "a notice was acknowledged");
}

static void on_note(void *context _unused_, const char *sentence)
{
        fprintf(stderr, "understudy: %s\n", sentence);
}

/* Commits beside the answers; no signal is for its thread. */
static int start_journal(struct incident_request *request, struct error *err)
{
        sigset_t all;

        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        return request->journal.journal ? journal_start(request->journal.journal, err) : 0;
}

int incident_serve(struct incident_request *request)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct service_options options = { .path = request->socket, .ready = on_ready, .news = on_news, .note = on_note,
                                           .context = request };
        struct error error = ERROR_NONE;
        int r;

        if (!request->socket)
                return command_usage(&command_incident, _("say where to listen: --socket PATH"));
        r = incident_book(request, true, &book, NULL, &error);
        if (r == 0) /* between an end, or a kill, and the next beginning nobody was shown a notice */
                journal_sink_add(&request->journal, "incident_serve_began", NULL, NULL, "login pages can ask for notices");
        if (r == 0)
                r = start_journal(request, &error);
        if (r == 0)
                r = service_run(book, &options, &error);
        if (r == 0)
                journal_sink_add(&request->journal, "incident_serve_ended", NULL, NULL,
                                 "login pages cannot ask for notices any more");
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}
