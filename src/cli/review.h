/*
 * review.h - `publish --review`: shows what is about to be signed and asks.
 *
 *     struct review_request request = { .source = fd, .folder = "/srv/build", .web_uid = -1, .yes = yes };
 *     ...in the callback that store/publish.h offers, its context leading to the request:
 *     return review_before_signing(&request, release, manifest_fd, previous_manifest_fd, err);
 */
#ifndef CLI_REVIEW_H
#define CLI_REVIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "manifest/release.h"
#include "review/review.h"

struct review_request {
        int source;            /* descriptor of SRC, the docroot that is published; borrowed */
        const char *folder;    /* SRC as given, for words and for the distributor's checksums */
        const char *checksums; /* --checksums FILE; NULL: none */
        int64_t web_uid;       /* -1: www-data, when there is such a user */
        bool yes;              /* --yes: show it, and do not ask */
};

/*
 * Shows on standard error what differs from the release before (previous_manifest_fd -1: there is none), with new
 * scripts, new outside hosts, names that shadow a program and all else that looks planted, and asks on the terminal.
 * 0: sign it. -EPERM (status 4): the person said no, or there is no terminal to ask on and no --yes. Otherwise the
 * comparison could not be made, and nothing may be signed.
 */
int review_before_signing(const struct review_request *request, const struct release *release, int manifest_fd,
                          int previous_manifest_fd, struct error *err);

#endif
