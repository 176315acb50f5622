/*
 * incident_exposure.h - what the files of `understudy incident exposure` share: the work, its sources of evidence, and
 * telling what came of it.
 */
#ifndef CLI_INCIDENT_EXPOSURE_H
#define CLI_INCIDENT_EXPOSURE_H

#include "cli/incident.h"

/* All that an exposure needs, from the casebook and the command line. */
struct exposure_work {
        struct incident_request *request;
        struct casebook *book;
        struct casebook_incident incident;
        struct intervals intervals;
        struct casebook_texts pages, login_paths;
        struct casebook_sources sources; /* remembered */
        struct casebook_sources named;   /* of the command line */
        struct casebook_fact facts[3];   /* susceptible, payload, accounts: they hold the texts */
        struct susceptible susceptible;
        struct exposure_server servers[GATHER_SERVERS];
        struct gather_log logs[EXPOSURE_LOGS];
        const struct casebook_source *log_sources[EXPOSURE_LOGS]; /* NULL: named now */
        struct exposure_logins logins[EXPOSURE_LOGINS];
        const struct casebook_source *login_sources[EXPOSURE_LOGINS];
        struct exposure_missing missing[EXPOSURE_LOGS];
        struct exposure_options options;
};

/* Fills the options' logs, login records, clocks and missing sources from the command line and the casebook. */
int exposure_sources_name(struct exposure_work *work, struct error *err);

/* A source that has less in it than at an earlier run, or something else, was cut or edited: that widens the result. */
int exposure_sources_cut(struct exposure_work *work, struct exposure *exposure, struct error *err);

/* Remembers what was read; of a source that was cut, what it had in it once. */
int exposure_sources_put(struct exposure_work *work, const struct exposure *exposure, struct error *err);

/* Prints it, as words or as JSON with what was asked for beside it. Returns the exit status. */
int incident_exposure_tell(const struct exposure_work *work, const struct exposure *exposure, json_t *json);

#endif
