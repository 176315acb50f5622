/*
 * alert.h - what the operator is told: one event in one sentence, and its form on the disk.
 *
 * Words that come from outside (a file's name, a process's command line) may hold any byte; what is stored is valid
 * UTF-8 without control characters (\ooo as in base/text.h), cut to its maximum at a letter. What is cut or left out
 * is in the journal whole.
 */
#ifndef NOTIFY_ALERT_H
#define NOTIFY_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"

/* The numbers are OCSF's severity_id. */
enum alert_severity {
        ALERT_INFORMATIONAL = 1,
        ALERT_LOW = 2,
        ALERT_MEDIUM = 3,
        ALERT_HIGH = 4,
        ALERT_CRITICAL = 5,
};

#define ALERT_WHAT_MAXIMUM    1024  /* bytes of the sentence that are kept */
#define ALERT_DETAILS_MAXIMUM 16384 /* bytes of the details as JSON; larger ones are left out, and that is said */

struct alert {
        int64_t time_us; /* microseconds since 1970; 0: now */
        enum alert_severity severity;
        const char *server;    /* NULL: as given to notify_open() */
        const char *site;      /* NULL: as given to notify_open(), or none */
        const char *dest;      /* the tree, NULL when it concerns none */
        const char *kind;      /* as in the journal: [a-z0-9_]+, at most 64 */
        const char *what;      /* one sentence */
        const char *group;     /* alerts of equal groups are collected into one message; NULL: server, dest and kind */
        const json_t *details; /* an object with members as in the journal's record (path, difference, process,
                                  evidence, address ...), or NULL; borrowed */
};

const char *alert_severity_name(enum alert_severity severity); /* "critical"; not translated */

/*
 * As a JSON object, members in a fixed order; NULL when there is no memory. Without details, and with a shorter
 * sentence, where it has to fit.
 */
json_t *alert_to_json(const struct alert *alert, size_t what_maximum, bool with_details);

/* The inverse; the strings are borrowed from `json`. -EBADMSG without words. */
int alert_from_json(const json_t *json, struct alert *ret_alert);

/* -EINVAL with words for an alert that a programmer made wrong: no kind, no sentence, details that are no object. */
int alert_check(const struct alert *alert, struct error *err);

#endif
