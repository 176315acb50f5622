/*
 * affected.h - which requests are about an incident, and by which of its intervals (private to incident).
 */
#ifndef INCIDENT_AFFECTED_H
#define INCIDENT_AFFECTED_H

#include "incident/exposure.h"

struct affected_link {
        uint32_t interval;
        bool page; /* the path includes what the interval is about */
};

struct affected_path {
        struct affected_link *links; /* owned */
        size_t count;
};

struct affected {
        struct targets targets; /* its values are indices into paths */
        struct affected_path *paths;
        size_t count;
};

int affected_init(struct affected *affected, const struct exposure_options *options, struct error *err);
void affected_done(struct affected *affected);

#endif
