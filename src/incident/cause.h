/*
 * cause.h - how a file came to be on a server: a conclusion, with all that speaks for it and against it. Pure.
 *
 *     uploaded   by hand: by ftp or sftp, with this account, from this address
 *     web        by the web application
 *     root       by root
 *     unknown    nothing speaks clearly, or two things do
 *
 * Evidence has a weight. What names the file itself, or what the guard saw of the process, is strong; that somebody
 * was logged in at the time is weak. Only strong evidence makes a conclusion, and only if none of another cause is as
 * strong. A log that was not read, or does not reach over the time, speaks against every conclusion: what is not known
 * never counts as not having been.
 */
#ifndef INCIDENT_CAUSE_H
#define INCIDENT_CAUSE_H

#include "incident/timeline.h"

#define CAUSE_WORDS    600
#define CAUSE_EVIDENCE 200 /* pieces for one interval */

enum cause { CAUSE_UNKNOWN, CAUSE_UPLOADED, CAUSE_WEB, CAUSE_ROOT };
const char *cause_name(enum cause cause);

enum cause_weight {
        CAUSE_WEAK = 1,    /* it could have */
        CAUSE_NEAR = 10,   /* it could have, moments before */
        CAUSE_STRONG = 50, /* it names the file */
        CAUSE_SEEN = 100   /* the guard saw the process */
};

struct cause_piece {
        enum cause cause; /* for which it speaks; CAUSE_UNKNOWN: against knowing */
        enum cause_weight weight;
        uint32_t file, line;    /* of the log; line 0: of none */
        char what[CAUSE_WORDS]; /* translated, escaped */
};

/* Whether the database was reached from the server. */
enum cause_reach { CAUSE_NOT_KNOWN, CAUSE_REACHED, CAUSE_NOT_REACHED };
const char *cause_reach_name(enum cause_reach reach);

struct cause_finding {
        enum cause cause;
        struct cause_piece *pieces; /* owned; oldest first */
        size_t count;
        enum cause_reach reach;
        char reach_how[CAUSE_WORDS]; /* translated: how that is known */
};
void cause_done(struct cause_finding *finding);

/* Another host as logs write it: "192.0.2.1". */
struct cause_host {
        const char *server, *address;
};

/*
 * Of one interval. `from_us` is the earliest time at which the file can have come: when it was last known to be good,
 * or where the timeline begins. `hosts` says under which addresses the servers come to the database.
 */
int cause_find(const struct timeline *timeline, const struct interval *interval, const struct cause_host *hosts,
               size_t host_count, struct cause_finding *ret_finding, struct error *err);

#endif
