/*
 * incident_mail.c - understudy incident mail: to each account that was identified, once.
 *
 * Before the mail server is spoken to, "sending" is in the casebook, synced; after it answered, what it said. So a kill
 * leaves one account of which nobody knows, and that one is not written to again unless a person says --again. One process
 * at a time sends: two would read the same states and write to everybody twice.
 *
 * What the server says of one recipient or mail is kept with it, and the next one is tried: "no such user" is what most of
 * them are refused with. A server that is away, says nothing, or refuses ten in a row for now ends the run.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/incident.h"
#include "incident/recipients.h"
#include "notify/letter.h"

#define FILE_MAXIMUM (256U << 20) /* of addresses: some million accounts */
#define LETTER_MS    60000
#define ROW_MAXIMUM  10 /* mails one after the other that are refused for now: the server wants a pause */

/* In the order of recipient.language. */
static const struct {
        const char *language, *subject_key, *body_key, *notice_key, *subject;
} words[] = {
        {"en",  "mail_subject_en", "mail_en", "notice_en", "Important notice about your account"                         },
        { "ja", "mail_subject_ja", "mail_ja", "notice_ja", "お客様のアカウントに関する重要なお知らせ"},
};

struct account {
        char *name; /* owned */
        char *said; /* owned: by the server, or what came back; NULL: nothing */
        char state[16];
        struct recipient recipient; /* address "": not known */
};

struct work {
        struct incident_request *request;
        struct casebook *book;
        struct account *accounts; /* by name */
        size_t count;
        struct casebook_fact subjects[LENGTH(words)], bodies[LENGTH(words)];
        struct buffer file;
        uint64_t invalid; /* lines of it */
        uint64_t sent, rejected, deferred, unsure, done_before, without_address;
        unsigned int row; /* deferred one after the other */
        int lock;
};

/* ---- who ---- */

static int by_name(const void *a, const void *b)
{
        return strcmp(((const struct account *)a)->name, ((const struct account *)b)->name);
}

/* Who was identified: not all who were possible, for those see the notice. */
static int on_account(void *context, const struct casebook_account *found, struct error *err)
{
        struct work *work = context;

        if (!text_equal(found->grade, "confirmed") && !text_equal(found->grade, "probable"))
                return 0;
        if (memory_grow(&work->accounts, work->count, sizeof(*work->accounts)) < 0)
                return error_memory(err);
        work->accounts[work->count] = (struct account){ .name = memory_string(found->account) };
        return work->accounts[work->count++].name ? 0 : error_memory(err);
}

static struct account *find(const struct work *work, const char *name, size_t length)
{
        _cleanup_(memory_freep) char *copy = memory_copy(name, length);
        const struct account wanted = { .name = copy };

        return copy && work->count ? bsearch(&wanted, work->accounts, work->count, sizeof(*work->accounts), by_name)
                                   : NULL;
}

static int on_mail(void *context, const struct casebook_mail *mail, struct error *err)
{
        struct account *account = find(context, mail->account, mail->account_length);

        if (!account)
                return 0;
        snprintf(account->state, sizeof(account->state), "%s", mail->state);
        free(account->said);
        account->said = memory_string(mail->words);
        return account->said ? 0 : error_memory(err);
}

static void take_addresses(struct work *work)
{
        const char *cursor = buffer_text(&work->file), *end = cursor + work->file.length, *line;
        struct recipient recipient;
        struct account *account;
        size_t length;

        while (text_next_line(&cursor, end, &line, &length)) {
                if (!recipient_parse(line, length, &recipient)) {
                        work->invalid += length > 0;
                        continue;
                }
                account = find(work, recipient.account, recipient.account_length);
                if (account)
                        account->recipient = recipient;
        }
}

/* The words that a person entered: its own for mail, else those of the notice. */
static int take_words(struct work *work, struct error *err)
{
        const int64_t number = work->request->number;
        int r = 0;

        for (size_t i = 0; i < LENGTH(words) && r == 0; i++) {
                r = casebook_fact(work->book, number, words[i].subject_key, &work->subjects[i], err);
                if (r == 0)
                        r = casebook_fact(work->book, number, words[i].body_key, &work->bodies[i], err);
                if (r == 0 && !work->bodies[i].text)
                        r = casebook_fact(work->book, number, words[i].notice_key, &work->bodies[i], err);
        }
        if (r == 0 && !work->bodies[0].text && !work->bodies[1].text)
                r = error_refuse(
                        err, _("incident %lld has no words for a mail; 'incident set %lld mail_en=...' enters them"),
                        (long long)number, (long long)number);
        return r;
}

/* With the accounts went who was written to: nobody could be spared a second letter. */
static int check_not_forgotten(struct work *work, struct error *err)
{
        struct casebook_fact fact;
        int r = casebook_fact(work->book, work->request->number, INCIDENT_FORGOTTEN, &fact, err);

        if (r == 0 && fact.text)
                r = error_refuse(err, _("the accounts of incident %lld were forgotten, and with them who was written to"),
                                 (long long)work->request->number);
        casebook_fact_done(&fact);
        return r;
}

static int prepare(struct work *work, struct error *err)
{
        int r = incident_book(work->request, true, &work->book, &(struct casebook_incident){ 0 }, err);

        if (r == 0)
                r = check_not_forgotten(work, err);
        if (r == 0)
                r = take_words(work, err);
        if (r == 0)
                r = casebook_accounts(work->book, work->request->number, on_account, work, err);
        if (r == 0 && work->count)
                qsort(work->accounts, work->count, sizeof(*work->accounts), by_name);
        if (r == 0)
                r = casebook_mails(work->book, work->request->number, on_mail, work, err);
        if (r == 0)
                r = file_read(AT_FDCWD, work->request->address_file, &work->file, err);
        if (r == 0)
                take_addresses(work);
        return r;
}

/* ---- one letter ---- */

static size_t language_of(const struct work *work, const struct account *account)
{
        size_t at = text_equal(account->recipient.language, words[1].language) ? 1 : 0;

        return work->bodies[at].text ? at : !at;
}

static int make_letter(const struct work *work, const struct account *account, char id[static DIGEST_HEX_SIZE],
                       struct letter *ret_letter, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(1U << 20);
        const size_t at = language_of(work, account);
        struct digest digest;
        int r = buffer_printf(&text, "mail %lld %lld %s", (long long)work->request->number,
                              (long long)work->bodies[at].time_us, account->name);

        r = r < 0 ? error_memory(err) : digest_of_bytes(buffer_text(&text), text.length, &digest, err);
        if (r < 0)
                return r;
        digest_hex(&digest, id);
        *ret_letter = (struct letter){ .id = id,
                                       .subject = work->subjects[at].text ? work->subjects[at].text : words[at].subject,
                                       .body = work->bodies[at].text,
                                       .time_us = incident_now_us() };
        return 0;
}

static int make_target(const struct work *work, const struct account *account, struct notify_target *ret_target,
                       struct error *err)
{
        char text[TARGET_TEXT_MAXIMUM];

        if ((size_t)snprintf(text, sizeof(text), "mailto:%s?from=%s&server=%s", account->recipient.address,
                             work->request->sender, work->request->smtp) >= sizeof(text))
                return error_usage(err, _("--smtp is too long"));
        return notify_target_parse(text, ret_target, err);
}

static int keep(struct work *work, const struct account *account, const char *state, const char *what,
                struct error *err)
{
        const struct casebook_mail mail = { .account = account->name,
                                            .account_length = strlen(account->name),
                                            .address = account->recipient.address,
                                            .state = state,
                                            .words = what,
                                            .time_us = incident_now_us() };

        return casebook_put_mail(work->book, work->request->number, &mail, err);
}

static int keep_end(struct work *work, const struct account *account, enum letter_end end, const char *said,
                    struct error *err)
{
        static const char *const states[] = { [LETTER_SENT] = CASEBOOK_MAIL_SENT,
                                              [LETTER_REFUSED] = CASEBOOK_MAIL_REJECTED,
                                              [LETTER_LATER] = CASEBOOK_MAIL_DEFERRED,
                                              [LETTER_AWAY] = CASEBOOK_MAIL_DEFERRED,
                                              [LETTER_UNSURE] = CASEBOOK_MAIL_UNSURE };
        const bool later = end == LETTER_LATER || end == LETTER_AWAY;

        work->sent += end == LETTER_SENT;
        work->rejected += end == LETTER_REFUSED;
        work->deferred += later;
        work->unsure += end == LETTER_UNSURE;
        work->row = later ? work->row + 1 : 0;
        return keep(work, account, states[end], said, err);
}

/* Whether the rest is to be tried; an error with the words of the last answer if not. */
static int go_on(const struct work *work, enum letter_end end, const char *said, struct error *err)
{
        if (end == LETTER_UNSURE)
                return error_set(err, -EIO,
                                 _("the mail server did not say whether it took a mail: %s; nobody else was written to. "
                                   "When it is mended: the same again, and --again to write to that one once more"),
                                 said);
        if (end == LETTER_AWAY || work->row == ROW_MAXIMUM)
                return error_set(err, -EIO,
                                 _("the mail server did not take a mail: %s; nobody else was written to. When it is "
                                   "mended: the same again"),
                                 said);
        return 0;
}

static int send_one(struct work *work, const struct account *account, struct error *err)
{
        enum letter_end end = LETTER_AWAY;
        char id[DIGEST_HEX_SIZE], said[SENDER_WORDS] = "";
        struct notify_target target;
        struct letter letter;
        int r = make_target(work, account, &target, err);

        if (r == 0)
                r = make_letter(work, account, id, &letter, err);
        if (r == 0)
                r = keep(work, account, CASEBOOK_MAIL_SENDING, "", err);
        if (r < 0)
                return r;
        r = letter_send(&letter, &target, LETTER_MS, &end, said, err);
        if (r < 0) /* nothing was sent */
                (void)keep_end(work, account, LETTER_AWAY, "", NULL);
        else
                r = keep_end(work, account, end, said, err);
        return r < 0 ? r : go_on(work, end, said, err);
}

static bool is_wanted(struct work *work, const struct account *account)
{
        if (!*account->recipient.address) {
                work->without_address++;
                return false;
        }
        if (text_equal(account->state, CASEBOOK_MAIL_SENDING) || text_equal(account->state, CASEBOOK_MAIL_UNSURE)) {
                work->unsure += !work->request->again;
                return work->request->again;
        }
        if (!*account->state || text_equal(account->state, CASEBOOK_MAIL_DEFERRED))
                return true;
        work->done_before++;
        return false;
}

/* In the journal how many, and on whose word; no account, no address. */
static void note(struct work *work, const char *kind, const char *what)
{
        journal_sink_add(&work->request->journal, kind, NULL,
                         json_pack("{s:I, s:o, s:I, s:I, s:I, s:I, s:I}", "incident", (json_int_t)work->request->number,
                                   "approved_by", command_json_name(work->request->name, strlen(work->request->name)),
                                   "accounts", (json_int_t)work->count, "sent", (json_int_t)work->sent, "rejected",
                                   (json_int_t)work->rejected, "deferred", (json_int_t)work->deferred, "unsure",
                                   (json_int_t)work->unsure),
                         "incident %lld: %s", (long long)work->request->number, what);
        journal_sink_commit(&work->request->journal);
}

static int lock(struct work *work, struct error *err)
{
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%.3900s/incident/mail.lock", work->request->state);
        work->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (work->lock < 0 && errno == ENOENT)
                return 0; /* there is no casebook, as prepare() will say */
        if (work->lock < 0)
                return error_errno(err, errno, _("cannot open %s"), path);
        if (flock(work->lock, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? error_refuse(err, _("another 'incident mail' is sending; wait for its end"))
                                            : error_errno(err, errno, _("cannot lock %s"), path);
        return 0;
}

static int send_all(struct work *work, struct error *err)
{
        int r = 0;

        note(work, "incident_mail_began", "mail to its accounts was approved");
        for (size_t i = 0; i < work->count && r == 0; i++)
                if (is_wanted(work, &work->accounts[i]))
                        r = send_one(work, &work->accounts[i], err);
        note(work, "incident_mail", "mail was sent to its accounts");
        if (r == 0 && work->deferred)
                r = error_set(err, -EIO, _("%llu mails were not taken for now; the same again tries them once more"),
                              (unsigned long long)work->deferred);
        return r;
}

/* ---- telling ---- */

static int dry_run(struct work *work, struct error *err)
{
        json_t *list = json_array();
        bool shown = false;
        int r = 0;

        journal_sink_add(&work->request->journal, "incident_accounts_read", NULL,
                         json_pack("{s:I}", "incident", (json_int_t)work->request->number),
                         "accounts of incident %lld were read", (long long)work->request->number);
        journal_sink_commit(&work->request->journal);
        for (size_t i = 0; i < work->count && r == 0; i++) {
                const struct account *account = &work->accounts[i];
                const char *said = account->said ? account->said : "";
                const bool wanted = is_wanted(work, account);
                _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(2 * LETTER_BODY_MAXIMUM + 8192);
                char id[DIGEST_HEX_SIZE];
                struct notify_target target;
                struct letter letter;

                json_array_append_new(list,
                                      json_pack("{s:o, s:s, s:s, s:o, s:b}", "account",
                                                command_json_name(account->name, strlen(account->name)), "address",
                                                account->recipient.address, "state", account->state, "said",
                                                command_json_name(said, strlen(said)), "wanted", wanted));
                if (!wanted || shown || work->request->common.json)
                        continue;
                r = make_target(work, account, &target, err);
                if (r == 0)
                        r = make_letter(work, account, id, &letter, err);
                if (r == 0)
                        r = letter_render(&letter, &target, &text, err);
                if (r == 0)
                        fputs(buffer_text(&text), stdout);
                shown = true;
        }
        if (r == 0 && work->request->common.json)
                return command_print_json(
                        json_pack("{s:I, s:o}", "incident", (json_int_t)work->request->number, "mails", list));
        json_decref(list);
        return r;
}

static int tell(const struct work *work)
{
        if (work->request->common.json)
                return command_print_json(json_pack(
                        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "incident", (json_int_t)work->request->number,
                        "identified", (json_int_t)work->count, "sent", (json_int_t)work->sent, "rejected",
                        (json_int_t)work->rejected, "deferred", (json_int_t)work->deferred, "unsure", (json_int_t)work->unsure, "done_before",
                        (json_int_t)work->done_before, "without_address", (json_int_t)work->without_address,
                        "invalid_lines", (json_int_t)work->invalid));
        printf(_("%zu accounts: %llu mails sent now, %llu done before, %llu refused, %llu to be tried again, %llu not known "
                 "to be sent, %llu without an address\n"),
               work->count, (unsigned long long)work->sent, (unsigned long long)work->done_before,
               (unsigned long long)work->rejected, (unsigned long long)work->deferred, (unsigned long long)work->unsure,
               (unsigned long long)work->without_address);
        return EXIT_DONE;
}

/* ---- the verb ---- */

/* "ACCOUNT=WORDS": a bounce or a reply. */
static int take_answer(struct incident_request *request)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        _cleanup_(memory_freep) char *account = NULL;
        const char *equals = strrchr(request->answer, '=');
        struct casebook_incident incident;
        struct error error = ERROR_NONE;
        int r = incident_book(request, true, &book, &incident, &error);

        if (r == 0 && (!equals || equals == request->answer))
                r = error_usage(&error, _("'%s' is not ACCOUNT=WORDS"), request->answer);
        if (r == 0) {
                account = memory_copy(request->answer, (size_t)(equals - request->answer));
                r = account ? casebook_answer_mail(book, request->number, account, equals + 1, &error)
                            : error_memory(&error);
        }
        if (r == 0) {
                journal_sink_add(&request->journal, "incident_mail_answered", NULL,
                                 json_pack("{s:I}", "incident", (json_int_t)request->number),
                                 "incident %lld: an answer to a mail was entered", (long long)request->number);
                journal_sink_commit(&request->journal);
        }
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}

static void work_done(struct work *work)
{
        for (size_t i = 0; i < work->count; i++) {
                free(work->accounts[i].name);
                free(work->accounts[i].said);
        }
        free(work->accounts);
        for (size_t i = 0; i < LENGTH(words); i++) {
                casebook_fact_done(&work->subjects[i]);
                casebook_fact_done(&work->bodies[i]);
        }
        buffer_done(&work->file);
        casebook_close(work->book);
        fd_close(&work->lock);
}

int incident_mail(struct incident_request *request)
{
        struct work work = { .request = request, .file = BUFFER_INIT(FILE_MAXIMUM), .lock = -1 };
        struct error error = ERROR_NONE;
        int r, status;

        if (request->answer)
                return take_answer(request);
        if (!request->dry_run == !request->name)
                return command_usage(&command_incident, _("say --dry-run, or who approves it: --approve NAME"));
        if (!request->address_file || !request->smtp || !request->sender)
                return command_usage(&command_incident,
                                     _("say where accounts get mail (--addresses FILE), through which server (--smtp "
                                       "smtp://HOST:PORT) and from whom (--sender ADDRESS)"));
        r = request->dry_run ? 0 : lock(&work, &error); /* before the states are read */
        if (r == 0)
                r = prepare(&work, &error);
        if (r == 0)
                r = request->dry_run ? dry_run(&work, &error) : send_all(&work, &error);
        status = r < 0 ? command_fail(&error) : r;
        if (!request->dry_run && (r == 0 || work.sent + work.rejected + work.deferred))
                (void)tell(&work);
        work_done(&work);
        return status;
}
