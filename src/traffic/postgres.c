#include "postgres.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "postgres_private.h"

#define TIMEOUT_MS 5000

static void result_clearp(PGresult **result)
{
        PQclear(*result);
}

/* libpq's words end with a newline, and may be of several lines; the first says it. */
static int first_line(const char *words)
{
        return (int)strcspn(words, "\n");
}

static int tell(struct postgres *postgres, const char *doing, struct error *err)
{
        const char *words = PQerrorMessage(postgres->connection);

        return error_set(err, -EIO, _("the database server: cannot %s: %.*s"), doing, first_line(words), words);
}

/* Waits until libpq's socket can be read or written; false at the deadline. */
static bool wait_socket(PGconn *connection, short events, int64_t deadline)
{
        struct pollfd one = { .fd = PQsocket(connection), .events = events };
        int64_t left = deadline - clock_monotonic_ms();

        if (left <= 0 || one.fd < 0)
                return false;
        return poll(&one, 1, (int)left) >= 0 || errno == EINTR;
}

/* ---------------------------------------------------------------- connecting */

/*
 * This thread alone: seteuid(3) changes every thread's user, and one that writes a draft (draft.h) meanwhile would be refused
 * its own file.
 */
static bool set_user(uid_t uid)
{
        return syscall(SYS_setresuid, -1, uid, -1) == 0;
}

static bool set_group(gid_t gid)
{
        return syscall(SYS_setresgid, -1, gid, -1) == 0;
}

/* Becomes another user for the other side of a Unix socket, which sees who connected; false when it cannot. */
static bool become(uid_t uid, gid_t gid)
{
        return set_group(gid) && set_user(uid);
}

static bool become_again(uid_t uid, gid_t gid)
{
        return set_user(uid) && set_group(gid);
}

static int connect_to(struct postgres *postgres, struct error *err)
{
        int64_t deadline = clock_monotonic_ms() + postgres->timeout_ms;
        PostgresPollingStatusType status = PGRES_POLLING_WRITING;
        int r = late_load(&late_pq, err);

        if (r < 0)
                return r;
        postgres->connection = PQconnectStart(postgres->conninfo);
        if (!postgres->connection)
                return error_memory(err);
        while (status != PGRES_POLLING_OK && PQstatus(postgres->connection) != CONNECTION_BAD) {
                if (!wait_socket(postgres->connection, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
                        return error_set(err, -ETIMEDOUT, _("the database server did not answer within %d ms"),
                                         postgres->timeout_ms);
                status = PQconnectPoll(postgres->connection);
                if (status == PGRES_POLLING_FAILED)
                        break;
        }
        if (PQstatus(postgres->connection) != CONNECTION_OK)
                return tell(postgres, _("connect"), err);
        return 0;
}

static int connect_as(struct postgres *postgres, const char *run_as, struct error *err)
{
        uid_t uid = geteuid();
        gid_t gid = getegid();
        const struct passwd *user = NULL;
        int r;

        if (run_as) {
                user = getpwnam(run_as);
                if (!user)
                        return error_usage(err, _("there is no user %s on this machine, as whom the database runs"),
                                           run_as);
                postgres->uid = user->pw_uid;
        }
        if (!user || user->pw_uid == uid)
                return connect_to(postgres, err);
        if (!become(user->pw_uid, user->pw_gid)) {
                r = error_errno(err, errno, _("cannot connect to the database as %s"), run_as);
                become_again(uid, gid);
                return r;
        }
        r = connect_to(postgres, err);
        if (!become_again(uid, gid))
                abort(); /* a process that lost its rights halfway must not go on */
        return r;
}

static int prepare(struct postgres *postgres, struct error *err)
{
        _cleanup_(result_clearp) PGresult *result = NULL;
        const char *superuser = PQparameterStatus(postgres->connection, "is_superuser");

        if (!superuser || !text_equal(superuser, "on"))
                return error_set(err, -EACCES,
                                 _("the database user %s is no superuser and does not see whose sessions there are; "
                                   "name one that is in the configuration"),
                                 PQuser(postgres->connection));
        /* Nobody's own functions and operators come before the system's. */
        return postgres_query(postgres, "select pg_catalog.set_config('search_path', 'pg_catalog', false)", NULL,
                              &result, err);
}

int postgres_open(const struct postgres_options *options, struct postgres **ret_postgres, struct error *err)
{
        _cleanup_(postgres_closep) struct postgres *postgres = memory_new(1, sizeof(*postgres));
        int r;

        if (!postgres)
                return error_memory(err);
        postgres->timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
        postgres->listen = options->listen;
        postgres->port = options->port;
        postgres->uid = geteuid();
        postgres->usually = POSTGRES_UNCLEAR;
        postgres->ahead = (struct postgres_ahead){ .asked = -1, .text = BUFFER_INIT(HBA_MAXIMUM) };
        postgres->conninfo = memory_string(options->conninfo);
        if (options->hba_file)
                postgres->hba_file = memory_string(options->hba_file);
        if (!postgres->conninfo || (options->hba_file && !postgres->hba_file))
                return error_memory(err);
        r = connect_as(postgres, options->run_as, err);
        if (r == 0)
                r = prepare(postgres, err);
        if (r < 0)
                return r;
        *ret_postgres = postgres;
        postgres = NULL;
        return 0;
}

void postgres_close(struct postgres *postgres)
{
        if (!postgres)
                return;
        postgres_rules_forget(postgres);
        buffer_done(&postgres->ahead.text);
        if (postgres->connection)
                PQfinish(postgres->connection);
        free(postgres->conninfo);
        free(postgres->hba_file);
        free(postgres);
}

void postgres_closep(struct postgres **postgres)
{
        postgres_close(*postgres);
}

/* ---------------------------------------------------------------- asking */

static int query(struct postgres *postgres, const char *sql, const char *parameter, PGresult **ret_result, struct error *err)
{
        int64_t deadline = clock_monotonic_ms() + postgres->timeout_ms;
        _cleanup_(result_clearp) PGresult *result = NULL;
        PGresult *next;

        if (!PQsendQueryParams(postgres->connection, sql, parameter ? 1 : 0, NULL, &parameter, NULL, NULL, 0))
                return tell(postgres, _("ask"), err);
        for (;;) {
                while (PQisBusy(postgres->connection)) {
                        if (!wait_socket(postgres->connection, POLLIN, deadline))
                                return error_set(err, -ETIMEDOUT, _("the database server did not answer within %d ms"),
                                                 postgres->timeout_ms);
                        if (!PQconsumeInput(postgres->connection))
                                return tell(postgres, _("ask"), err);
                }
                next = PQgetResult(postgres->connection);
                if (!next)
                        break;
                PQclear(result);
                result = next;
        }
        if (!result || PQresultStatus(result) != PGRES_TUPLES_OK)
                return tell(postgres, _("ask"), err);
        *ret_result = result;
        result = NULL;
        return 0;
}

/* A question without its answer makes the connection useless: that answer would be taken for the next one's. */
int postgres_query(struct postgres *postgres, const char *sql, const char *parameter, PGresult **ret_result,
                   struct error *err)
{
        int r = query(postgres, sql, parameter, ret_result, err);

        postgres->broken = postgres->broken || r < 0;
        return r;
}

bool postgres_lives(struct postgres *postgres)
{
        struct pollfd one = { .fd = PQsocket(postgres->connection), .events = POLLIN };

        if (postgres->broken || PQstatus(postgres->connection) != CONNECTION_OK)
                return false;
        return poll(&one, 1, 0) <= 0 || (PQconsumeInput(postgres->connection) && PQstatus(postgres->connection) == CONNECTION_OK);
}

void postgres_be_patient(struct postgres *postgres, int timeout_ms)
{
        postgres->timeout_ms = timeout_ms ? timeout_ms : TIMEOUT_MS;
}

/* A query whose answer is one number. */
static int query_count(struct postgres *postgres, const char *sql, const struct peer *peer, size_t *ret_count,
                       struct error *err)
{
        _cleanup_(buffer_done) struct buffer list = BUFFER_INIT(PEER_ADDRESSES * PEER_ADDRESS_TEXT + 2);
        _cleanup_(result_clearp) PGresult *result = NULL;
        uint64_t count = 0;
        const char *value;
        int r = 0;

        for (size_t i = 0; r == 0 && i < peer->address_count; i++) {
                char text[PEER_ADDRESS_TEXT];

                peer_address_text(&peer->addresses[i], text);
                r = buffer_printf(&list, "%c%s", i == 0 ? '{' : ',', text);
        }
        if (r == 0)
                r = buffer_append_text(&list, peer->address_count == 0 ? "{}" : "}");
        if (r < 0)
                return error_memory(err);
        r = postgres_query(postgres, sql, buffer_text(&list), &result, err);
        if (r < 0)
                return r;
        value = PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : "";
        if (text_parse_u64(value, strlen(value), SIZE_MAX, &count) < 0)
                return error_set(err, -EBADMSG, _("the database server gave an answer that is no number"));
        *ret_count = (size_t)count;
        return 0;
}

int postgres_sessions(struct postgres *postgres, const struct peer *peer, size_t *ret_count, struct error *err)
{
        return query_count(postgres, "select count(*) from pg_stat_activity where client_addr = any ($1::inet[])", peer,
                           ret_count, err);
}

int postgres_terminate(struct postgres *postgres, const struct peer *peer, size_t *ret_count, struct error *err)
{
        return query_count(postgres,
                           "select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity "
                           "where client_addr = any ($1::inet[])",
                           peer, ret_count, err);
}

/* Of a Unix socket the kernel says who listens at it. */
pid_t postgres_server(struct postgres *postgres)
{
        struct ucred peer = { 0 };
        socklen_t length = sizeof(peer);

        if (getsockopt(PQsocket(postgres->connection), SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
                return 0;
        return peer.pid;
}
