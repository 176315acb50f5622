/*
 * exposure.h - who was served what within an incident: intervals, access logs and login records in; grades of answers
 * and accounts out.
 *
 * What it promises: an account that was truly served a planted file is among the confirmed, probable and possible ones,
 * or belongs to one of the answers that are counted as unattributed, or `everybody` is true, since what would exclude
 * anybody is missing. Confirmed is only whose own session tag stands beside an answer that is confirmed. A source that
 * is missing never makes the result narrower.
 *
 * An answer belongs to an account
 *   - directly, by its session tag, when one account alone logged in with that tag;
 *   - by inference, when its address and browser logged in near that time: at most probable; with several accounts at
 *     the address each is possible;
 *   - to nobody that is known: unattributed.
 */
#ifndef INCIDENT_EXPOSURE_H
#define INCIDENT_EXPOSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "incident/gather.h"
#include "incident/grade.h"
#include "incident/interval.h"
#include "incident/susceptible.h"

struct json_t;

#define EXPOSURE_LOGS     4000
#define EXPOSURE_LOGINS   64
#define EXPOSURE_GAPS     1000
#define EXPOSURE_EVIDENCE 1000 /* answers of one account that are explained one by one */

/* A server's clock minus the true one. */
struct clock_offset {
        int64_t offset_us, error_us;
        bool known;
};

struct exposure_server {
        const char *name;
        struct clock_offset clock;
};

struct exposure_logins {
        const char *path;
        bool last; /* of each account the last login only */
        uint64_t known_bytes; /* so much of it was read before */
};

/* A file of login records, as it was read. */
struct exposure_login_file {
        uint64_t rows, bytes, hash, known_hash; /* of all of it, and of known_bytes */
};

/* A source that was there at an earlier run and is not now. */
struct exposure_missing {
        const char *path;
        unsigned int server; /* GATHER_SERVERS: login records */
        int64_t first_us, last_us;
};

struct exposure_options {
        const struct interval *intervals;
        size_t interval_count;
        const char *const *pages; /* paths that include what was planted */
        size_t page_count;
        const struct exposure_server *servers;
        size_t server_count;
        const struct gather_log *logs;
        size_t log_count;
        const char *const *login_paths; /* where one logs in ("/login"): for records without addresses */
        size_t login_path_count;
        const struct exposure_logins *logins;
        size_t login_count;
        struct clock_offset login_clock; /* of the database */
        const struct exposure_missing *missing;
        size_t missing_count;
        const struct susceptible *susceptible; /* NULL: no condition */
        const char *susceptible_by;            /* who says so: "key ID" if it was signed */
        int64_t payload_from_us, payload_to_us; /* when what the planted file linked to was live; both 0: not known */
        int64_t now_us;
        int64_t near_us;          /* a login explains answers that are so near; 0: 12 h */
        int64_t request_us;       /* longest request, where the log does not tell; 0: 60 s */
        int64_t clock_unknown_us; /* error of a clock that nobody measured; 0: 300 s */
        int64_t cache_us;         /* for how long caches in between hold a file; 0: 24 h */
        int64_t held_open_us;     /* nginx's open_file_cache: for how long it served on what it held open */
        bool shared_cache;        /* a cache stands in front of the servers, whose visitors are in no log */
        uint64_t key;             /* of hashes (linehash.h) */
        uint64_t universe;        /* how many accounts there are; 0: not known */
        const char *explain;      /* the account whose answers are wanted; NULL: none */
        unsigned int workers;
        void (*progress)(void *context, uint64_t done, uint64_t total);
        void *context;
};

enum basis { BASIS_NONE, BASIS_GAP, BASIS_INFERRED_SHARED, BASIS_INFERRED, BASIS_TAG_SHARED, BASIS_TAG };
const char *basis_name(enum basis basis); /* "tag", ...: never translated */

struct exposure_account {
        enum grade grade;
        enum basis basis; /* of the answer that gave the grade */
        enum grade_reason reason;
        uint32_t account; /* number in texts.accounts */
        uint32_t responses;
        int64_t first_us, last_us; /* of them, by the log */
        bool susceptible, payload_live, direct;
};

struct exposure_gap {
        unsigned int server; /* GATHER_SERVERS: login records */
        int64_t from_us, to_us;
        const char *path; /* of the source that is missing; NULL: the logs are silent; borrowed */
};

struct exposure_row {
        struct response response;
        struct verdict verdict;
        enum basis basis;
        size_t interval;
};

struct exposure_embedder {
        uint32_t embedder; /* number in texts.embedders */
        uint64_t responses[GRADES];
};

struct exposure {
        struct gather_texts texts;
        struct gathered gathered; /* its answers are gone when the exposure is there: only files and lines are left */
        uint64_t responses[GRADES], payload_live, susceptible_responses;
        struct exposure_account *accounts; /* those that are not GRADE_NOT; by grade, then by name; owned */
        size_t account_count;
        uint64_t by_grade[GRADES], susceptible, susceptible_payload;
        uint64_t visitors[GRADES]; /* a session's tag, else an address with a browser: by the worst that each was served */
        uint64_t unattributed_responses, unattributed_susceptible, unattributed_visitors;
        uint64_t direct_accounts, indirect_responses;
        struct exposure_login_file login_files[EXPOSURE_LOGINS];
        uint64_t login_invalid;         /* rows of all of them */
        uint64_t logins_without_request; /* that no log tells of (contradict.h) */
        struct exposure_gap *gaps; /* owned */
        size_t gap_count;
        bool everybody;       /* any account may have been exposed */
        bool bounded;         /* upper_bound is known */
        uint64_t upper_bound; /* accounts */
        struct exposure_embedder *embedders; /* owned; most answers first */
        size_t embedder_count;
        struct exposure_row *rows; /* of the account that was to be explained; owned */
        size_t row_count;
        uint64_t rows_left_out;
};

void exposure_done(struct exposure *exposure);

int exposure_find(const struct exposure_options *options, struct exposure *ret_exposure, struct error *err);

/*
 * The result without any account in it, as the casebook keeps it and reports are made from it: a new reference, NULL
 * without memory. What came from outside is escaped as text_escape() does.
 */
struct json_t *exposure_json(const struct exposure *exposure, const struct exposure_options *options);

/* Something turned out to be missing: a source that has less in it than before. */
int exposure_widen(struct exposure *exposure, const struct exposure_options *options, const struct exposure_gap *gap,
                   struct error *err);

/* The bounds of an answer's time by a true clock. Pure; for tests. */
void exposure_span(const struct response *response, const struct clock_offset *clock, int64_t request_us,
                   int64_t clock_unknown_us, int64_t *ret_from_us, int64_t *ret_to_us);

#endif
