#include "mariadb.h"

#include <errno.h>
#include <mysqld_error.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "mariadb_private.h"

#define TIMEOUT_MS     5000
#define ALIVE_MS       500
#define OLDEST_VERSION 100500
#define NUMBER_SIZE    32

void mariadb_result_clearp(MYSQL_RES **result)
{
        if (*result)
                mysql_free_result(*result);
}

static int tell(struct mariadb *mariadb, const char *doing, struct error *err)
{
        return error_set(err, -EIO, _("the database server: cannot %s: %s"), doing, mysql_error(mariadb->connection));
}

/* ---------------------------------------------------------------- asking */

/* The library's own limits are in seconds, and for each packet: the first one, which is what the server thinks about, is
 * waited for here. */
static int wait_answer(struct mariadb *mariadb, int64_t deadline, struct error *err)
{
        if (fd_wait(mysql_get_socket(mariadb->connection), POLLIN, deadline) == 0)
                return 0;
        mariadb->broken = true;
        return error_set(err, -ETIMEDOUT, _("the database server did not answer within %d ms"), mariadb->timeout_ms);
}

static int ask(struct mariadb *mariadb, MYSQL_RES **ret_result, const char *sql, size_t length, struct error *err)
{
        int64_t deadline = clock_monotonic_ms() + mariadb->timeout_ms;
        MYSQL_RES *result;
        int r;

        if (mariadb->broken)
                return error_set(err, -EIO, _("the database server did not answer an earlier question"));
        if (mysql_send_query(mariadb->connection, sql, length) != 0)
                return tell(mariadb, _("ask"), err);
        r = wait_answer(mariadb, deadline, err);
        if (r < 0)
                return r;
        if (mysql_read_query_result(mariadb->connection) != 0)
                return tell(mariadb, _("ask"), err);
        result = mysql_store_result(mariadb->connection);
        if (!result && mysql_errno(mariadb->connection) != 0)
                return tell(mariadb, _("ask"), err);
        if (ret_result)
                *ret_result = result;
        else
                mariadb_result_clearp(&result);
        return 0;
}

static int ask_formatted(struct mariadb *mariadb, MYSQL_RES **ret_result, struct error *err, const char *format,
                         va_list arguments)
{
        _cleanup_(memory_freep) char *sql = NULL;
        int length = vasprintf(&sql, format, arguments);

        return length < 0 ? error_memory(err) : ask(mariadb, ret_result, sql, (size_t)length, err);
}

int mariadb_ask(struct mariadb *mariadb, MYSQL_RES **ret_result, struct error *err, const char *format, ...)
{
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = ask_formatted(mariadb, ret_result, err, format, arguments);
        va_end(arguments);
        return r;
}

int mariadb_ask_number(struct mariadb *mariadb, size_t *ret_number, struct error *err, const char *format, ...)
{
        _cleanup_(mariadb_result_clearp) MYSQL_RES *result = NULL;
        uint64_t number = 0;
        va_list arguments;
        MYSQL_ROW row;
        int r;

        va_start(arguments, format);
        r = ask_formatted(mariadb, &result, err, format, arguments);
        va_end(arguments);
        if (r < 0)
                return r;
        row = result ? mysql_fetch_row(result) : NULL;
        if (!row || !row[0] || text_parse_u64(row[0], strlen(row[0]), SIZE_MAX, &number) < 0)
                return error_set(err, -EBADMSG, _("the database server gave an answer that is no number"));
        *ret_number = (size_t)number;
        return 0;
}

bool mariadb_lives(struct mariadb *mariadb)
{
        const int timeout_ms = mariadb->timeout_ms;
        bool lives;

        mariadb->timeout_ms = ALIVE_MS;
        lives = mariadb_ask(mariadb, NULL, NULL, "select 1") == 0;
        mariadb->timeout_ms = timeout_ms;
        return lives;
}

void mariadb_set_folder(struct mariadb *mariadb, int folder)
{
        mariadb->folder = folder;
}

/* ---------------------------------------------------------------- connecting */

static int connect_to(struct mariadb *mariadb, const struct mariadb_where *where, struct error *err)
{
        const unsigned int seconds = (unsigned int)(mariadb->timeout_ms + 999) / 1000, off = 0;
        int r = late_load(&late_mariadb, err);

        if (r < 0)
                return r;
        mariadb->connection = mysql_init(NULL);
        if (!mariadb->connection)
                return error_memory(err);
        mysql_options(mariadb->connection, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
        mysql_options(mariadb->connection, MYSQL_OPT_READ_TIMEOUT, &seconds);
        mysql_options(mariadb->connection, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
        mysql_options(mariadb->connection, MYSQL_OPT_LOCAL_INFILE, &off); /* no server gets a file of ours */
        mysql_options(mariadb->connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
        if (where->defaults_file[0])
                mysql_options(mariadb->connection, MYSQL_READ_DEFAULT_FILE, where->defaults_file);
        if (!mysql_real_connect(mariadb->connection, "localhost", where->user[0] ? where->user : NULL, NULL, NULL, 0,
                                where->socket[0] ? where->socket : NULL, 0))
                return tell(mariadb, _("connect"), err);
        return 0;
}

static int check_rights(struct mariadb *mariadb, struct error *err)
{
        size_t rights = 0;
        int r = mariadb_ask_number(
                mariadb, &rights, err,
                "select count(distinct privilege_type) from information_schema.user_privileges where grantee = "
                "concat('''', substring_index(current_user(), '@', 1), '''@''', substring_index(current_user(), '@', -1), "
                "'''') and privilege_type in ('PROCESS', 'CREATE USER', 'CONNECTION ADMIN', 'RELOAD')");

        if (r == 0 && rights < 4)
                return error_set(err, -EACCES,
                                 _("the database user has not all of the rights PROCESS, CREATE USER, CONNECTION ADMIN and "
                                   "RELOAD, and does not see whose sessions there are; name one that has in the "
                                   "configuration"));
        return r;
}

static int prepare(struct mariadb *mariadb, struct error *err)
{
        _cleanup_(mariadb_result_clearp) MYSQL_RES *result = NULL;
        MYSQL_ROW row;
        int r = mariadb_ask(mariadb, &result, err,
                            "select version() like '%%mariadb%%', @@skip_name_resolve, @@require_secure_transport");

        row = r == 0 && result ? mysql_fetch_row(result) : NULL;
        if (!row || !row[0] || !row[1] || !row[2] || !text_equal(row[0], "1") ||
            mysql_get_server_version(mariadb->connection) < OLDEST_VERSION)
                return r == -ETIMEDOUT ? r : error_set(err, -ENOTSUP, _("the database server is not MariaDB 10.5 or newer"));
        if (!text_equal(row[1], "1"))
                return error_usage(err, _("the database server asks DNS who connects; write skip_name_resolve = ON below [mysqld] "
                                          "in its configuration, give accounts addresses instead of names, and restart it"));
        mariadb->secure_only = text_equal(row[2], "1");
        r = mariadb_ask(mariadb, NULL, err, "set session sql_mode = ''"); /* how quotes are written */
        return r < 0 ? r : check_rights(mariadb, err);
}

int mariadb_open(const struct mariadb_options *options, struct mariadb **ret_mariadb, struct error *err)
{
        _cleanup_(mariadb_closep) struct mariadb *mariadb = memory_new(1, sizeof(*mariadb));
        struct mariadb_where where;
        int r;

        if (!mariadb)
                return error_memory(err);
        mariadb->timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
        mariadb->folder = options->folder;
        mariadb->listen = options->listen;
        mariadb->port = options->port;
        r = mariadb_where_parse(options->connection, &where, err);
        if (r == 0)
                r = connect_to(mariadb, &where, err);
        if (r == 0)
                r = prepare(mariadb, err);
        if (r < 0)
                return r;
        mariadb->timeout_ms = TIMEOUT_MS;
        *ret_mariadb = mariadb;
        mariadb = NULL;
        return 0;
}

void mariadb_close(struct mariadb *mariadb)
{
        if (!mariadb)
                return;
        if (mariadb->connection)
                mysql_close(mariadb->connection);
        free(mariadb);
}

void mariadb_closep(struct mariadb **mariadb)
{
        mariadb_close(*mariadb);
}

/* ---------------------------------------------------------------- sessions */

int mariadb_list(struct buffer *list, const struct peer *peer)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < peer->address_count; i++) {
                char text[PEER_ADDRESS_TEXT];

                peer_address_text(&peer->addresses[i], text);
                r = buffer_printf(list, "%s'%s'", list->length ? "," : "", text);
        }
        return r;
}

/* The list of sessions has ADDRESS:PORT, also of an IPv6 address, and of those that have not said who they are. */
#define FROM_THERE                                                                                                     \
        "from information_schema.processlist where "                                                                  \
        "left(host, char_length(host) - char_length(substring_index(host, ':', -1)) - 1) in ('-'%s%s)"

int mariadb_sessions(struct mariadb *mariadb, const struct peer *peer, size_t *ret_count, struct error *err)
{
        _cleanup_(buffer_done) struct buffer list = BUFFER_INIT(MARIADB_STATEMENT);

        if (mariadb_list(&list, peer) < 0)
                return error_memory(err);
        return mariadb_ask_number(mariadb, ret_count, err, "select count(*) " FROM_THERE, list.length ? "," : "",
                                  buffer_text(&list));
}

int mariadb_terminate(struct mariadb *mariadb, const struct peer *peer, size_t *ret_count, struct error *err)
{
        _cleanup_(buffer_done) struct buffer list = BUFFER_INIT(MARIADB_STATEMENT);
        _cleanup_(mariadb_result_clearp) MYSQL_RES *result = NULL;
        size_t count = 0;
        MYSQL_ROW row;
        int r = mariadb_list(&list, peer);

        if (r < 0)
                return error_memory(err);
        r = mariadb_ask(mariadb, &result, err, "select id " FROM_THERE, list.length ? "," : "", buffer_text(&list));
        while (r == 0 && result && (row = mysql_fetch_row(result))) {
                r = mariadb_ask(mariadb, NULL, err, "kill hard connection %s", row[0]);
                if (r < 0 && mysql_errno(mariadb->connection) == ER_NO_SUCH_THREAD)
                        r = 0; /* it has just ended */
                else
                        count++;
        }
        if (r == 0)
                *ret_count = count;
        return r;
}

/* Of a Unix socket the kernel says who listens at it. */
pid_t mariadb_server(struct mariadb *mariadb)
{
        struct ucred peer = { 0 };
        socklen_t length = sizeof(peer);

        if (getsockopt(mysql_get_socket(mariadb->connection), SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
                return 0;
        return peer.pid;
}
