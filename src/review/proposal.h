/*
 * proposal.h - which folders of a grown site the application writes itself: what a first release should leave out.
 *
 * A guess by name (uploads, cache, sessions) and by owner (the web server may write here, and not above), for a person
 * to correct.
 */
#ifndef REVIEW_PROPOSAL_H
#define REVIEW_PROPOSAL_H

#include "base/error.h"
#include "manifest/policy.h"
#include "review/review.h"

#define PROPOSAL_MAXIMUM 64 /* folders */

struct proposed {
        char *path;   /* raw bytes */
        char *target; /* of the link that takes its place, as in ../mutable/uploads; NULL: better ignored */
        uint64_t files;
        uint64_t breaches[BREACH_EXECUTE + 1]; /* files in it that its rules would not allow, by kind */
        char *example;                         /* one of them; NULL: none */
};

struct proposal {
        struct proposed *folders; /* sorted by path */
        size_t count;
};

/* web_uid -1: names only. */
int proposal_make(int directory, int64_t web_uid, struct proposal *ret_proposal, struct error *err);
void proposal_done(struct proposal *proposal);

#endif
