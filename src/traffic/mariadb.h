/*
 * mariadb.h - the database's own side of the fence: MariaDB's accounts, and its sessions.
 *
 * MariaDB has no list of rules that is read from the top. Who may enter is a row 'user'@'host', and of the rows that fit
 * a connection the one with the most exact host counts. So for an address that is shut out
 *
 *     ''@'192.0.2.77' ACCOUNT LOCK          is made, without a name: it comes before every row whose host is a pattern
 *                                           ('%', '192.0.2.%'), whoever asks
 *     'app'@'192.0.2.77' ACCOUNT LOCK       each account of that very address is locked, for it comes before the one
 *                                           without a name
 *
 * Which of them are our doing is in accounts.json in the fence's folder, written before the first is touched: only those
 * are unlocked or dropped when the server is let in again. An account that its administrator has locked stays locked.
 *
 * What this cannot shut out are hosts as a netmask ('192.0.2.0/255.255.255.0'), which count as much as an address:
 * mariadb_remarks() names them. For those the packet filter alone is the fence.
 *
 * That it is in force is seen in three ways: the table says so, the server's memory says so (SHOW CREATE USER; a table
 * that was edited by hand is not what the server goes by), and a canary, a locked account for an address of the loopback
 * network that is drawn each time, is refused because it is locked when it connects with its right password.
 *
 * ACCOUNT LOCK ends no session, and one who has said his name before it may enter after it. What closes that hole is the
 * order in fence.h: the sockets are ended before, the sessions are killed after, twice.
 *
 * The connection for questions is by the Unix socket. The server must be run with skip_name_resolve: else its list of
 * sessions has names that DNS gave it, and a host's name decides who may enter. MariaDB 10.5 or newer; not MySQL.
 *
 * Everything here has a deadline: a database that hangs is not waited for, it is an error.
 */
#ifndef TRAFFIC_MARIADB_H
#define TRAFFIC_MARIADB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "peer.h"

struct mariadb_options {
        const char *connection; /* see struct mariadb_where */
        int folder;             /* of the fence's state; -1: nothing of the accounts is changed */
        struct peer_address listen; /* an IPv4 address of this host at which the server listens */
        uint16_t port;
        int timeout_ms; /* for each question; 0: 5,000 */
};

struct mariadb;

/* Connects. -ENOTSUP: this build has no MariaDB. -EACCES: the user is not allowed what is needed. */
int mariadb_open(const struct mariadb_options *options, struct mariadb **ret_mariadb, struct error *err);
void mariadb_close(struct mariadb *mariadb); /* NULL is fine */
void mariadb_closep(struct mariadb **mariadb); /* for _cleanup_() */

/* Whether a connection that was made some time ago still works; asks the server, for half a second at the most. */
bool mariadb_lives(struct mariadb *mariadb);

/* For one that was opened by an earlier call: the folder's descriptor is another one in each. */
void mariadb_set_folder(struct mariadb *mariadb, int folder);

/*
 * Locks out these servers and lets in all others that were locked out by this call before, and comes back when that is
 * seen in force. On failure some of it may be: the same call again is what helps.
 */
int mariadb_rules(struct mariadb *mariadb, const struct peer *const *out, size_t out_count, struct error *err);

/* How many sessions the server has from there, those that have not said who they are included. */
int mariadb_sessions(struct mariadb *mariadb, const struct peer *peer, size_t *ret_count, struct error *err);

/* Has them killed, without waiting; *ret_count is how many were told to. */
int mariadb_terminate(struct mariadb *mariadb, const struct peer *peer, size_t *ret_count, struct error *err);

/* The server's process; 0: not known. */
pid_t mariadb_server(struct mariadb *mariadb);

/* Calls `tell` with a sentence for each account that lets one of these servers in and that its own address cannot shut out. */
int mariadb_remarks(struct mariadb *mariadb, const struct peer *peers, size_t peer_count,
                    void (*tell)(void *context, const char *sentence), void *context, struct error *err);

/* Calls `each` for every account that may enter over the network: not locked, and no role. */
int mariadb_accounts(struct mariadb *mariadb, void (*each)(void *context, const char *user, const char *host), void *context,
                     struct error *err);

/* ---------------------------------------------------------------- pure */

/*
 * `connection` of the configuration: words KEY=VALUE, of which there are
 *
 *     socket=/run/mysqld/mysqld.sock      the default
 *     user=root                           the default
 *     defaults_file=/etc/mysql/us.cnf     as my.cnf; its section [client] has what is not said here, and may have a
 *                                         password
 */
#define MARIADB_SOCKET_SIZE 108 /* unix(7) */
#define MARIADB_USER_SIZE   (128 * 4 + 1)
#define MARIADB_HOST_SIZE   (255 * 4 + 1)
struct mariadb_where {
        char socket[MARIADB_SOCKET_SIZE]; /* "", as the next one: the defaults file says it */
        char user[MARIADB_USER_SIZE];
        char defaults_file[512]; /* "": none */
};
int mariadb_where_parse(const char *words, struct mariadb_where *ret_where, struct error *err);

#endif
