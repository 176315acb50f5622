/* postgres_private.h - shared by the connection (postgres.c) and what is done with the access rules (postgres_rules.c).
 */
#ifndef TRAFFIC_POSTGRES_PRIVATE_H
#define TRAFFIC_POSTGRES_PRIVATE_H

#include <sys/types.h>

#include "late/pq.h"
#include "postgres.h"

struct postgres {
        PGconn *connection;
        char *conninfo, *hba_file;
        struct peer_address listen;
        uint16_t port;
        uid_t uid; /* of the server */
        int timeout_ms;
};

/* Asks, with at most one parameter, and waits for the answer: rows. The caller clears the result. */
int postgres_query(struct postgres *postgres, const char *sql, const char *parameter, PGresult **ret_result,
                   struct error *err);

#endif
