/* postgres_private.h - shared by the connection (postgres.c) and what is done with the access rules (postgres_rules.c).
 */
#ifndef TRAFFIC_POSTGRES_PRIVATE_H
#define TRAFFIC_POSTGRES_PRIVATE_H

#include <limits.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/draft.h"
#include "late/pq.h"
#include "postgres.h"

/* Rules that are likely to be written next; see postgres_rules_prepare(). */
struct postgres_ahead {
        uint8_t canary[4];
        int asked;           /* a connection from the canary that has not been answered; -1: none */
        int64_t asked_ms;    /* what was asked long ago was answered by other rules than those of now */
        struct buffer text;  /* of the draft */
        struct draft *draft; /* NULL: none */
};

struct postgres {
        PGconn *connection;
        char *conninfo, *hba_file;
        struct peer_address listen;
        uint16_t port;
        uid_t uid; /* of the server */
        int timeout_ms;
        bool broken; /* a question was not answered */
        char hba_path[PATH_MAX];             /* found; "": not yet */
        enum postgres_answer usually;        /* what somebody from an address that no rule names is answered */
        struct postgres_ahead ahead;
};

void postgres_rules_forget(struct postgres *postgres);

/* Asks, with at most one parameter, and waits for the answer: rows. The caller clears the result. */
int postgres_query(struct postgres *postgres, const char *sql, const char *parameter, PGresult **ret_result,
                   struct error *err);

#endif
