/*
 * casebook.h - what is known of incidents, in STATE/incident/casebook.db (SQLite, 0600 in a folder with 0700).
 *
 * The casebook is the working copy: what must be provable stands in the journal as well, and the commands write it there
 * before they write it here. It holds accounts, which are personal data: casebook_forget() removes them of one incident.
 *
 *     _cleanup_(casebook_closep) struct casebook *book = NULL;
 *     r = casebook_open(state_directory, true, &book, err);
 *     r = casebook_add(book, &incident, &number, err);
 */
#ifndef INCIDENT_CASEBOOK_H
#define INCIDENT_CASEBOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "incident/exposure.h"
#include "incident/interval.h"

#define CASEBOOK_TEXT 1000 /* bytes of a title or a name */

struct casebook;

/* -ENOENT when there is none and it is only to be read. */
int casebook_open(const char *state_directory, bool writable, struct casebook **ret_book, struct error *err);
void casebook_close(struct casebook *book);
void casebook_closep(struct casebook **book);

/* What follows stands together or not at all. */
int casebook_begin(struct casebook *book, struct error *err);
int casebook_commit(struct casebook *book, struct error *err);

/* ---- incidents ---- */

struct casebook_incident {
        int64_t number;
        char title[CASEBOOK_TEXT];
        int64_t opened_us, aware_us, closed_us; /* 0: not */
        char opened_by[CASEBOOK_TEXT], closed_by[CASEBOOK_TEXT];
};

/* Gives it the next number. */
int casebook_add(struct casebook *book, const struct casebook_incident *incident, int64_t *ret_number,
                 struct error *err);

/* Usage error with words when there is no such incident. */
int casebook_get(struct casebook *book, int64_t number, struct casebook_incident *ret_incident, struct error *err);
int casebook_list(struct casebook *book, int (*each)(void *context, const struct casebook_incident *incident),
                  void *context, struct error *err);
int casebook_aware(struct casebook *book, int64_t number, int64_t time_us, struct error *err);
int casebook_close_incident(struct casebook *book, int64_t number, int64_t time_us, const char *by, struct error *err);

/* ---- what belongs to one ---- */

int casebook_add_interval(struct casebook *book, int64_t number, const struct interval *interval, struct error *err);
/* The end of one that is there, in whatever incident: the same server, path and first bad time. */
int casebook_update_interval(struct casebook *book, const struct interval *interval, struct error *err);
int casebook_intervals(struct casebook *book, int64_t number, struct intervals *ret_intervals, struct error *err);

/* Lists of names by kind, each text once, in the order in which they were added. */
enum casebook_list_kind { CASEBOOK_PAGE, CASEBOOK_LOGIN_PATH };
int casebook_add_text(struct casebook *book, int64_t number, enum casebook_list_kind kind, const char *text,
                      struct error *err);
struct casebook_texts {
        char **list; /* owned, as its members */
        size_t count;
};
void casebook_texts_done(struct casebook_texts *texts);
int casebook_texts(struct casebook *book, int64_t number, enum casebook_list_kind kind,
                   struct casebook_texts *ret_texts, struct error *err);

/* Facts by key ("cause", "susceptible", "contact" ...): entered by a person, the newest counts, all are kept. */
struct casebook_fact {
        int64_t row; /* what a technical report refers to */
        int64_t time_us;
        char by[CASEBOOK_TEXT];
        char *text; /* owned */
};
void casebook_fact_done(struct casebook_fact *fact);
int casebook_put_fact(struct casebook *book, int64_t number, const char *key, const char *text, const char *by,
                      int64_t time_us, struct error *err);
/* ret_fact->text is NULL when there is none. */
int casebook_fact(struct casebook *book, int64_t number, const char *key, struct casebook_fact *ret_fact,
                  struct error *err);

/* Clocks, with "" for the login records'. */
int casebook_put_clock(struct casebook *book, int64_t number, const char *server, const struct clock_offset *clock,
                       struct error *err);
int casebook_clock(struct casebook *book, int64_t number, const char *server, struct clock_offset *ret_clock,
                   struct error *err);

/* Sources of evidence: what was read at the last exposure, so that one that goes missing is noticed. */
struct casebook_source {
        char *path;   /* owned when it comes from the casebook */
        char *server; /* "": login records */
        bool last;    /* login records with the last login only */
        int64_t first_us, last_us;
        uint64_t lines;
        uint64_t bytes, sum; /* how much of it was read, and what that was; bytes 0: not known */
};
struct casebook_sources {
        struct casebook_source *list;
        size_t count;
};
void casebook_sources_done(struct casebook_sources *sources);
int casebook_put_source(struct casebook *book, int64_t number, const struct casebook_source *source, struct error *err);
int casebook_sources(struct casebook *book, int64_t number, struct casebook_sources *ret_sources, struct error *err);
/* The key of those sums (linehash.h), made when it is first asked for. */
int casebook_key(struct casebook *book, uint64_t *ret_key, struct error *err);

/* The last result: its numbers as JSON, and the accounts. */
int casebook_put_exposure(struct casebook *book, int64_t number, const char *json, const struct exposure *exposure,
                          struct error *err);
/* NULL when there is none; the caller frees. */
int casebook_exposure(struct casebook *book, int64_t number, char **ret_json, struct error *err);
struct casebook_account {
        const char *account, *grade, *basis, *reason; /* valid until the callback returns */
        int64_t first_us, last_us;
        uint64_t responses;
        bool susceptible;
};
int casebook_accounts(struct casebook *book, int64_t number,
                      int (*each)(void *context, const struct casebook_account *account, struct error *err),
                      void *context, struct error *err);
/* Removes the accounts of an incident, their notices and mail, and who complained with what words: what is left is
 * about nobody. */
int casebook_forget(struct casebook *book, int64_t number, struct error *err);

/* Notices: which account sees one at its next login, until it acknowledges it. An account that has one keeps it. */
int casebook_put_notice(struct casebook *book, int64_t number, const char *account, size_t length, struct error *err);
/* The oldest that is not acknowledged: 1 and its incident, whether it was shown before, or 0. */
int casebook_find_notice(struct casebook *book, const char *account, size_t length, int64_t *ret_number,
                         bool *ret_shown, struct error *err);
/* Calls back for each account that has one which is not acknowledged. */
int casebook_noticed(struct casebook *book,
                     int (*each)(void *context, const char *account, size_t length, struct error *err), void *context,
                     struct error *err);
/* Another number when somebody else has written to the casebook since; negative with words. */
int64_t casebook_version(struct casebook *book, struct error *err);
int casebook_notice_shown(struct casebook *book, int64_t number, const char *account, size_t length, int64_t time_us,
                          struct error *err);
/* All that the account has seen; *ret_count is how many. */
int casebook_acknowledge(struct casebook *book, const char *account, size_t length, int64_t time_us, int *ret_count,
                         struct error *err);
struct casebook_notices {
        int64_t all, shown, acknowledged;
};
int casebook_count_notices(struct casebook *book, int64_t number, struct casebook_notices *ret_counts,
                           struct error *err);

/*
 * Mail: one to an account for an incident, and never two. `sending` stands there before the mail server is spoken to; a
 * crash leaves it so, and then nobody knows whether it was sent.
 */
#define CASEBOOK_MAIL_SENDING  "sending"
#define CASEBOOK_MAIL_SENT     "sent"
#define CASEBOOK_MAIL_REJECTED "rejected"
#define CASEBOOK_MAIL_DEFERRED "deferred" /* certainly not sent: tried again by the next run */
#define CASEBOOK_MAIL_UNSURE   "unsure"   /* the server may have it, and did not say so */
struct casebook_mail {
        const char *account; /* valid until the callback returns */
        size_t account_length;
        const char *address, *state, *words;
        int64_t time_us;
};
int casebook_put_mail(struct casebook *book, int64_t number, const struct casebook_mail *mail, struct error *err);
/* What came of it later: a bounce, a reply. Usage error when the account has none. */
int casebook_answer_mail(struct casebook *book, int64_t number, const char *account, const char *words, struct error *err);
int casebook_mails(struct casebook *book, int64_t number,
                   int (*each)(void *context, const struct casebook_mail *mail, struct error *err), void *context,
                   struct error *err);

/*
 * What was told from outside, in the order in which it came. It is entered first and compared then, so that it is not
 * lost when the comparison is cut short; one comparison and one answer each.
 */
struct casebook_complaint { /* texts are valid until the callback returns; "": there is none */
        int64_t number;                            /* within its incident, from 1 */
        int64_t came_us, entered_us, answered_us; /* answered_us 0: not yet */
        const char *source;                        /* complaint_source_name() */
        const char *who, *text, *answer;           /* personal data: casebook_forget() removes them */
        const char *paths, *comparison;            /* JSON; see incident/complaint.h */
        const char *by, *answered_by;
};
int casebook_add_complaint(struct casebook *book, int64_t number, const struct casebook_complaint *complaint,
                           int64_t *ret_complaint, struct error *err);
/* Usage error when there is no such complaint, or it has its comparison, its answer already. */
int casebook_compared(struct casebook *book, int64_t number, int64_t complaint, const char *json, struct error *err);
int casebook_answer_complaint(struct casebook *book, int64_t number, int64_t complaint, const char *answer,
                              const char *by, int64_t time_us, struct error *err);
int casebook_complaints(struct casebook *book, int64_t number,
                        int (*each)(void *context, const struct casebook_complaint *complaint, struct error *err),
                        void *context, struct error *err);

/* Reports, each revision of each form and language. *ret_revision begins with 1. */
int casebook_put_report(struct casebook *book, int64_t number, const char *form, const char *language,
                        const char *text, int64_t time_us, int64_t *ret_revision, struct error *err);
/* One that was kept; usage error when there is none. The caller frees the text. */
int casebook_report(struct casebook *book, int64_t number, const char *form, const char *language, int64_t revision,
                    char **ret_text, int64_t *ret_time_us, struct error *err);

#endif
