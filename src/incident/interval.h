/*
 * interval.h - when a path of a server was not what it should be: from sightings, each of which knows one moment.
 *
 * Pure: data in, data out. Four times make an interval, all of a true clock, microseconds since 1970 UTC:
 *
 *        last_good      first_bad          last_bad      first_good
 *     ------|~~~~~~~~~~~~~~|###################|~~~~~~~~~~~~~~~|------
 *      good    may be bad       known bad         may be bad      good
 *
 * Nothing else starts or ends one: a modification time is written by whoever plants the file. What nobody looked at is
 * not known: without a good sighting before, last_good is TIME_NEVER; without one after, first_good is TIME_OPEN.
 * Between two bad sightings it counts as known bad only if it was `watched` all the time: who comes and goes is seen by
 * a guard, and not by a comparison every hour.
 */
#ifndef INCIDENT_INTERVAL_H
#define INCIDENT_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/digest.h"

#define TIME_NEVER INT64_MIN
#define TIME_OPEN  INT64_MAX

/* What a grade needs of an interval. */
struct interval_times {
        int64_t last_good, first_bad, last_bad, first_good;
        bool watched;                   /* between first_bad and last_bad */
        bool refused;                   /* a gate refused it from first_bad on */
        uint64_t bad_bytes, good_bytes; /* sizes of what was there and of what belongs there; 0: not known */
};

struct interval {
        char *server, *path;  /* owned; the path as visitors ask for it ("/login.html"); with '*' at its end: all below */
        char *source;         /* owned: where it is known from, for people */
        char digest[DIGEST_HEX_SIZE]; /* SHA-256 of what was there first; "": not known */
        bool own_clock;               /* its times are by the server's clock, as those of its logs are */
        struct interval_times times;
};

struct intervals {
        struct interval *list; /* owned */
        size_t count;
};

void intervals_done(struct intervals *intervals);

/* Adds a copy. */
int intervals_add(struct intervals *intervals, const struct interval *interval, struct error *err);

/* Somebody, or something, looked. The state held at some moment between `from` and `to`. */
struct sighting {
        const char *server, *dest; /* borrowed */
        const char *path;          /* borrowed, as in struct interval; NULL: all paths of dest (for good ones) */
        int64_t from, to;
        int64_t watched_since; /* from when on a guard has watched without a gap; TIME_OPEN: none does */
        bool good, refused;
        char digest[DIGEST_HEX_SIZE];
        uint64_t number; /* of the record that tells it */
};

/* The intervals of all paths that were seen bad, by server and path, oldest first. */
int intervals_from_sightings(const struct sighting *sightings, size_t count, struct intervals *ret_intervals,
                             struct error *err);

#endif
