/*
 * survey.h - what this server is built of, who may enter it, and whom it names: gathered for the controller.
 *
 * On the server, in the agent's worker, as root. Reads files of the system and asks dpkg, sshd and nft; changes
 * nothing. What could not be looked at is in "problems", and missing: the rules count it against the server.
 */
#ifndef FLEET_SURVEY_H
#define FLEET_SURVEY_H

#include <jansson.h>

#include "base/error.h"

struct survey_options {
        const char *hba_file; /* of the database that runs here, a pattern for glob(3); NULL: none does */
        int timeout_ms;       /* for verifying the packages, which reads all of their files */
};

/* Fills the members of facts.h but "trees" and "addresses" into `result`, an object. */
int survey(const struct survey_options *options, json_t *result, struct error *err);

/* A file with the build's name in one line, that whoever builds the servers puts there. */
#define SURVEY_BUILD_FILE "/etc/understudy/build"

#endif
