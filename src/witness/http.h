/*
 * http.h - a witness behind an address: POST ADDRESS/add-checkpoint (request.h).
 *
 * The request is made by a helper of its own without rights (ipc/sandbox.h), with limits: five seconds to connect,
 * eight for everything, 16 KB of headers and of an answer, no redirects. What it hands back is a status and those
 * bytes.
 */
#ifndef WITNESS_HTTP_H
#define WITNESS_HTTP_H

#include <sys/types.h>

#include "witness/witness.h"

struct witness_http {
        const char *address;        /* borrowed; without REQUEST_PATH */
        const struct note_key *key; /* that it cosigns with, borrowed; NULL: not known, its cosignatures are dropped */
        pid_t pid;                  /* the helper's, once something was asked; witness_http_done() */
        int socket;
};

/* The state is borrowed as context. Only in a process without threads: the helper is forked. */
struct witness witness_http(struct witness_http *http);
void witness_http_done(struct witness_http *http);

/* ---- http_helper.c ---- */

enum http_verb {
        HTTP_POST = 1, /* body: the request's. Answered by one of: */
        HTTP_ANSWER,   /* argument: status; body: the answer's */
        HTTP_FAILED,   /* argument: errno; body: words */
};

#define HTTP_TOTAL_MS   8000
#define HTTP_CONNECT_MS 5000

/* In the forked child. */
void http_helper_run(int socket, const char *address) __attribute__((noreturn));

#endif
