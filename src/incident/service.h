/*
 * service.h - "has this account a notice?", for a login page: lines over a Unix socket, answered at once.
 *
 *     > notice taro%40example.org        < {"notice":{"incident":1,"en":"...","ja":"..."}}
 *     > notice jiro                      < {"notice":null}
 *     > acknowledge taro%40example.org   < {"acknowledged":1}
 *
 * Account names are percent-encoded (RFC 3986); what is no request is answered with {"error":"..."}. Each request of a
 * connection is answered in order. The socket is its owner's and group's (0660): whoever can connect may ask about any
 * account, as the login page must. A login never waits for it: the page gives up after some milliseconds and goes on
 * (data/notice.php).
 *
 * One thread; at most SERVICE_CONNECTIONS at a time, one that sends nothing for a minute is closed, or sooner when they are full.
 */
#ifndef INCIDENT_SERVICE_H
#define INCIDENT_SERVICE_H

#include "incident/casebook.h"

#define SERVICE_CONNECTIONS  512
#define SERVICE_LINE_MAXIMUM 4096

struct service_options {
        const char *path; /* of the socket; one that is there and nobody listens on is replaced */
        void (*ready)(void *context);
        /* A notice was shown for the first time, or acknowledged: for the journal. `account` is not to be kept. */
        void (*news)(void *context, const char *kind, int64_t incident);
        void (*note)(void *context, const char *sentence); /* for the operator's log */
        void *context;
};

/* Serves until SIGTERM or SIGINT: 0. */
int service_run(struct casebook *book, const struct service_options *options, struct error *err);

/* ---- one request: pure ---- */

enum service_verb { SERVICE_NONE, SERVICE_NOTICE, SERVICE_ACKNOWLEDGE };

/* A line without its newline. SERVICE_NONE when it is no request; the account is decoded into `account`. */
enum service_verb service_parse(const char *line, size_t length, char account[static SERVICE_LINE_MAXIMUM],
                                size_t *ret_length);

#endif
