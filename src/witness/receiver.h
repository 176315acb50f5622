/*
 * receiver.h - a witness as a server: understudy journal witness. Checkpoints come by POST (request.h), are kept in a
 * folder (folder.h) when they continue what was seen, and are cosigned with a key of its own.
 *
 *     FOLDER/witness.key      its secret key (0600), made on first use; signs what folder_take() took and nothing else
 *     FOLDER/witness.pub      the public half, for the `witnesses` of those who are witnessed
 *
 * Two processes: receiver_http.c speaks HTTP (libmicrohttpd) without any right but to accept connections, and cuts a
 * request into its parts; receiver.c has folder and key, takes one request at a time from the other, checks all of it
 * again, and answers with a status. Only logs are taken that were introduced before, so a stranger can fill no disk.
 */
#ifndef WITNESS_RECEIVER_H
#define WITNESS_RECEIVER_H

#include <stdint.h>

#include "journal/note.h"

struct receiver_options {
        const char *folder;
        const char *listen; /* "ADDRESS:PORT", "[ADDRESS]:PORT" or "unix:PATH" */
        const struct note_key *logs;
        size_t log_count;
        void (*ready)(void *context, const char *key, const char *where); /* the public key, and where it listens */
        void (*note)(void *context, const char *sentence);                /* what an operator should know */
        void *context;
};

/* Serves until SIGTERM or SIGINT, then returns 0. */
int receiver_run(const struct receiver_options *options, struct error *err);

/* ---- receiver_http.c ---- */

enum receiver_verb {
        RECEIVER_READY = 1, /* it listens and has no rights any more; argument 0, or an errno with words */
        RECEIVER_ADD,       /* argument: old size; body: number of hashes (one byte), hashes, note. Answered by: */
        RECEIVER_STATUS,    /* argument: HTTP status; body: the answer's */
};

/* In the forked child: serves on a listening socket and asks through the other one. */
void receiver_http_run(int socket, int listening) __attribute__((noreturn));

#endif
