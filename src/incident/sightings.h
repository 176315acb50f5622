/*
 * sightings.h - what a journal tells about the trees of its server: who looked when, and what was found.
 *
 * A finding of the guard, and each difference that a pull or a verification wrote down, is a bad sighting of its path;
 * an examination or verification that found a tree genuine, and a pull that has ended, are good ones of all its paths.
 * Only what can change a page that visitors get counts: content, extra files, types, links, mounts. What was found in
 * another root than the docroot (a web server's configuration) may have changed any page.
 */
#ifndef INCIDENT_SIGHTINGS_H
#define INCIDENT_SIGHTINGS_H

#include "incident/interval.h"

#define SIGHTINGS_MAXIMUM 1000000

struct sightings {
        struct sighting *list;
        size_t count;
        struct sighting_reader *reader; /* the state between two records, and the texts */
};

void sightings_done(struct sightings *sightings);

/* One record more, in the order of the journal: its parsed JSON is only looked at. For tests; see sightings_read(). */
struct json_t;
int sightings_take(struct sightings *sightings, const struct json_t *record, struct error *err);

/* All records of a journal; may be called for several journals (of several servers, one after the other). */
int sightings_read(struct sightings *sightings, const char *journal, struct error *err);

#endif
