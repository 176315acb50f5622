/* mariadb_private.h - shared by the connection (mariadb.c) and what is done with the accounts (mariadb_rules.c). */
#ifndef TRAFFIC_MARIADB_PRIVATE_H
#define TRAFFIC_MARIADB_PRIVATE_H

#include "base/attributes.h"
#include "base/buffer.h"
#include "late/mariadb.h"
#include "mariadb.h"

#define MARIADB_STATEMENT 16384 /* bytes: lists of 256 addresses */

struct mariadb {
        MYSQL *connection;
        struct peer_address listen;
        uint16_t port;
        int folder, timeout_ms;
        bool broken;      /* a question was given up: its answer may still come */
        bool secure_only; /* the server takes no connection over the network without TLS */
};

/* Asks and waits for the answer. *ret_result is NULL for a statement without rows; the caller frees it. ret_result may be
 * NULL. */
int mariadb_ask(struct mariadb *mariadb, MYSQL_RES **ret_result, struct error *err, const char *format, ...) _printf_(4, 5);
/* The same for one whose answer is a number. */
int mariadb_ask_number(struct mariadb *mariadb, size_t *ret_number, struct error *err, const char *format, ...)
        _printf_(4, 5);
void mariadb_result_clearp(MYSQL_RES **result);

/* Adds "'192.0.2.77','2001:db8::77'": what IN takes. */
int mariadb_list(struct buffer *list, const struct peer *peer);

#endif
