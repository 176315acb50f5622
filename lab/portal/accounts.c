/* accounts.c - the portal's questions to PostgreSQL. Everything from outside goes in as a parameter. */
#include "accounts.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/attributes.h"
#include "base/text.h"

struct accounts {
        const char *conninfo;
        PGconn *connection;
        char error[256];
};

struct accounts *accounts_new(const char *conninfo)
{
        struct accounts *accounts = calloc(1, sizeof(*accounts));

        if (accounts)
                accounts->conninfo = conninfo;
        return accounts;
}

void accounts_free(struct accounts *accounts)
{
        if (!accounts)
                return;
        PQfinish(accounts->connection);
        free(accounts);
}

const char *accounts_error(const struct accounts *accounts)
{
        return accounts->error;
}

/* libpq ends its words with a newline. */
static void keep_error(struct accounts *accounts)
{
        snprintf(accounts->error, sizeof(accounts->error), "%s", PQerrorMessage(accounts->connection));
        accounts->error[strcspn(accounts->error, "\n")] = '\0';
}

static bool connected(struct accounts *accounts)
{
        if (accounts->connection && PQstatus(accounts->connection) == CONNECTION_OK)
                return true;
        PQfinish(accounts->connection);
        accounts->connection = PQconnectdb(accounts->conninfo);
        if (PQstatus(accounts->connection) == CONNECTION_OK)
                return true;
        keep_error(accounts);
        return false;
}

/* NULL when the database is away. A connection that was lost is made anew and asked once more: each question here may be
 * asked twice without harm but accounts_write(), of which a note may come twice. */
static PGresult *ask(struct accounts *accounts, const char *sql, int count, const char *const values[])
{
        for (int again = 0; again < 2 && connected(accounts); again++) {
                PGresult *result = PQexecParams(accounts->connection, sql, count, NULL, values, NULL, NULL, 0);
                ExecStatusType status = PQresultStatus(result);

                if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
                        accounts->error[0] = '\0';
                        return result;
                }
                keep_error(accounts);
                PQclear(result);
                if (PQstatus(accounts->connection) == CONNECTION_OK)
                        break; /* it refuses the question itself */
        }
        return NULL;
}

static bool random_hex(char *hex, size_t size)
{
        unsigned char bytes[32];
        const size_t length = (size - 1) / 2;

        if (length > sizeof(bytes) || getrandom(bytes, length, 0) != (ssize_t)length)
                return false;
        text_hex(bytes, length, hex);
        return true;
}

static void copy_field(char *to, size_t size, const PGresult *result, int column)
{
        snprintf(to, size, "%s", PQgetvalue(result, 0, column));
}

enum accounts_answer accounts_login(struct accounts *accounts, const char *name, const char *password,
                                    const char *address, const char *agent, struct session *ret_session)
{
        struct session session = { 0 };
        const char *const asked[] = { name, password };
        const char *const kept[] = { session.id, session.tag, name, address, agent };
        PGresult *result = ask(accounts,
                               "SELECT language, to_char(last_login AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM account "
                               "WHERE name = $1 AND password = encode(sha256(convert_to(salt || $2, 'UTF8')), 'hex')",
                               LENGTH(asked), asked);
        bool known;

        if (!result)
                return ACCOUNTS_AWAY;
        known = PQntuples(result) == 1;
        if (known) {
                snprintf(session.account, sizeof(session.account), "%s", name);
                copy_field(session.language, sizeof(session.language), result, 0);
                copy_field(session.last_login, sizeof(session.last_login), result, 1);
        }
        PQclear(result);
        if (!known)
                return ACCOUNTS_NO;
        if (!random_hex(session.id, sizeof(session.id)) || !random_hex(session.tag, sizeof(session.tag)))
                return ACCOUNTS_AWAY;
        result = ask(accounts,
                     "WITH a AS (UPDATE account SET last_login = now() WHERE name = $3 RETURNING name), "
                     "s AS (INSERT INTO session (id, tag, account) SELECT $1, $2, name FROM a RETURNING account) "
                     "INSERT INTO login (account, tag, address, agent) SELECT account, $2, $4, $5 FROM s",
                     LENGTH(kept), kept);
        if (!result)
                return ACCOUNTS_AWAY;
        PQclear(result);
        *ret_session = session;
        return ACCOUNTS_YES;
}

enum accounts_answer accounts_session(struct accounts *accounts, const char *id, struct session *ret_session)
{
        const char *const values[] = { id };
        PGresult *result = ask(accounts,
                               "SELECT a.name, s.id, s.tag, a.language, to_char(a.last_login AT TIME ZONE 'UTC', "
                               "'YYYY-MM-DD HH24:MI') FROM session s JOIN account a ON a.name = s.account WHERE s.id = $1",
                               LENGTH(values), values);
        bool known;

        if (!result)
                return ACCOUNTS_AWAY;
        known = PQntuples(result) == 1;
        if (known) {
                copy_field(ret_session->account, sizeof(ret_session->account), result, 0);
                copy_field(ret_session->id, sizeof(ret_session->id), result, 1);
                copy_field(ret_session->tag, sizeof(ret_session->tag), result, 2);
                copy_field(ret_session->language, sizeof(ret_session->language), result, 3);
                copy_field(ret_session->last_login, sizeof(ret_session->last_login), result, 4);
        }
        PQclear(result);
        return known ? ACCOUNTS_YES : ACCOUNTS_NO;
}

static enum accounts_answer command(struct accounts *accounts, const char *sql, int count, const char *const values[])
{
        PGresult *result = ask(accounts, sql, count, values);

        PQclear(result);
        return result ? ACCOUNTS_YES : ACCOUNTS_AWAY;
}

enum accounts_answer accounts_logout(struct accounts *accounts, const char *id)
{
        const char *const values[] = { id };

        return command(accounts, "DELETE FROM session WHERE id = $1", LENGTH(values), values);
}

enum accounts_answer accounts_write(struct accounts *accounts, const char *account, const char *server, const char *words)
{
        const char *const values[] = { account, server, words };

        return command(accounts, "INSERT INTO note (account, server, words) VALUES ($1, $2, $3)", LENGTH(values), values);
}

enum accounts_answer accounts_probe(struct accounts *accounts)
{
        /* Locks and changes nothing that stays, and is refused where one may only read. */
        return command(accounts, "UPDATE account SET language = language WHERE false", 0, NULL);
}
