/*
 * incident.h - what the verbs of `understudy incident` share (private to src/cli/incident*.c).
 */
#ifndef CLI_INCIDENT_H
#define CLI_INCIDENT_H

#include "base/clock.h"
#include "cli/command.h"
#include "cli/journal_sink.h"
#include "incident/casebook.h"
#include "incident/susceptible.h"

struct incident_request {
        struct common common;
        const char *state; /* folder */
        int64_t number;    /* of the incident; 0: none was said */
        char *const *arguments;
        int argument_count; /* behind the number */
        const char *title, *name, *susceptible, *susceptible_from, *explain, *form, *format, *pages_from, *digest, *socket, *address_file, *smtp, *sender,
                *answer, *source, *who, *tree, *pub_path, *url, *agent, *referrer, *compare;
        struct command_texts servers, paths, pages, login_paths, journals, logs, logins, last_logins, clocks, alerts, traces, addresses, connects;
        int64_t from_us, to_us, last_good_us, first_good_us, at_us, payload_from_us, payload_to_us;
        bool has_last_good, has_first_good;
        int64_t near_us, cache_us, request_us, clock_unknown_us, held_open_us;
        uint64_t size, genuine_size, universe, threads, revision;
        bool unwatched, refused, shared_cache, list_accounts, once, dry_run, again;
        char condition[SUSCEPTIBLE_TEXT], susceptible_by[CASEBOOK_TEXT]; /* of susceptible_from; who has signed it */
        struct journal_sink journal;
};

/* Reads --susceptible-from, if it was given: only what the key of --pub has signed. */
int incident_condition_take(struct incident_request *request, struct error *err);

/* The condition as a fact, in the journal first. */
int incident_condition_put(struct incident_request *request, struct casebook *book, int64_t number, struct error *err);

/* The casebook, and the incident that was named. Writers have the journal open, too, and must write to it first. */
int incident_book(struct incident_request *request, bool writable, struct casebook **ret_book,
                  struct casebook_incident *ret_incident, struct error *err);

int64_t incident_now_us(void);
void incident_time(int64_t time_us, char text[static CLOCK_TEXT_SIZE]);

/* A record of an interval that an incident gets. */
void incident_journal_interval(struct journal_sink *journal, int64_t number, const struct interval *interval);

/* Opens one without an interval; its journal record is written, not yet committed. */
int incident_add_new(struct incident_request *request, struct casebook *book, const char *title, int64_t *ret_number,
                     struct error *err);

/* Facts: until when an incident's accounts are kept; that they were forgotten. */
#define INCIDENT_RETAIN    "retain_until"
#define INCIDENT_FORGOTTEN "forgotten"

/* Removes accounts, notices, mail and the words of complaints, on this person's word: in the journal first. */
int incident_forget_all(struct incident_request *request, struct casebook *book, int64_t number, const char *by,
                        struct error *err);

/* Destroys the key of what the journal has of an incident's persons. */
int incident_forget_complaints(const struct incident_request *request, int64_t number, struct error *err);

/* The verbs. */
int incident_open(struct incident_request *request);
int incident_add(struct incident_request *request);
int incident_list(struct incident_request *request);
int incident_show(struct incident_request *request);
int incident_set(struct incident_request *request);
int incident_aware(struct incident_request *request);
int incident_close(struct incident_request *request);
int incident_task(struct incident_request *request);
int incident_exposure(struct incident_request *request);
int incident_forget(struct incident_request *request);
int incident_report(struct incident_request *request);
int incident_notices(struct incident_request *request);
int incident_serve(struct incident_request *request);
int incident_watch(struct incident_request *request);
int incident_timeline(struct incident_request *request);
int incident_mail(struct incident_request *request);
int incident_complaint(struct incident_request *request);

#endif
