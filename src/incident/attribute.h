/*
 * attribute.h - whose answer was that: login records, found by session tag, address and account (private to incident).
 */
#ifndef INCIDENT_ATTRIBUTE_H
#define INCIDENT_ATTRIBUTE_H

#include "incident/exposure.h"

#define LOGINS_MAXIMUM (32U << 20)

struct login {
        int64_t time_us; /* by a true clock, as far as it is known */
        uint32_t account, address, agent, tag;
        bool last; /* it may hide earlier ones of its account */
};

struct login_index {
        struct login *list; /* owned; by time */
        size_t count;
        size_t ordered; /* how many the lists below have */
        uint32_t *by_tag, *by_address, *by_account; /* owned; indices, each list by its key and then by time */
};

void login_index_done(struct login_index *index);

/* Reads a file of login records (at most 4 GiB) into the list. */
int login_index_read(struct login_index *index, const struct exposure_logins *logins, const struct clock_offset *clock,
                     uint64_t key, struct gather_texts *texts, struct exposure_login_file *file, uint64_t *invalid,
                     struct error *err);

int login_index_add(struct login_index *index, const struct login *login, struct error *err);

/* When all are there. May be called again after more were added. */
int login_index_build(struct login_index *index, struct error *err);

/* Adds what a request to the login tells: of each record without an address that is within `tolerance_us` a copy with
 * the request's address and browser. login_index_build() must be called before and after. */
int login_index_derive(struct login_index *index, const struct response *request, int64_t time_us,
                       int64_t tolerance_us, struct error *err);

struct candidate {
        uint32_t account;
        enum basis basis;
};

struct candidates {
        struct candidate *list; /* owned */
        size_t count, capacity;
};

void candidates_done(struct candidates *candidates);

/* All accounts whose answer this may be, best first; none: unattributed. */
int login_index_candidates(const struct login_index *index, const struct response *response, int64_t time_us,
                           int64_t near_us, struct candidates *candidates, struct error *err);

/* Whether the account logged in after that time, and not before it, within `near_us`. */
bool login_index_logged_out(const struct login_index *index, uint32_t account, int64_t time_us, int64_t near_us);

#endif
