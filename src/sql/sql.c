/* sql.c - opening, and statements. */
#include "sql/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"

#define BUSY_MS 5000

/* ---- errors and statements ---- */

int sql_fail(struct sql *sql, struct error *err)
{
        int code = sql->database ? sqlite3_errcode(sql->database) : SQLITE_NOMEM, result = -EIO;

        switch (code & 0xff) {
        case SQLITE_NOMEM: return error_memory(err);
        case SQLITE_FULL: result = -ENOSPC; break;
        case SQLITE_BUSY: result = -EBUSY; break;
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT: result = -EBADMSG; break;
        default: break;
        }
        return error_set(err, result, _("cannot read or write %s: %s"), sql->path, sqlite3_errmsg(sql->database));
}

static int execute(struct sql *sql, const char *text, struct error *err)
{
        return sqlite3_exec(sql->database, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : sql_fail(sql, err);
}

void sql_finalizep(sqlite3_stmt **statement)
{
        sqlite3_finalize(*statement);
}

static void bind(sqlite3_stmt *statement, const char *types, va_list arguments)
{
        for (int at = 1; *types; types++, at++) {
                if (*types == 't') {
                        sqlite3_bind_text(statement, at, va_arg(arguments, const char *), -1, SQLITE_TRANSIENT);
                } else {
                        int64_t value = va_arg(arguments, int64_t);

                        if (*types == 'I' && (value == INT64_MIN || value == INT64_MAX))
                                sqlite3_bind_null(statement, at);
                        else
                                sqlite3_bind_int64(statement, at, value);
                }
        }
}

static int prepare(struct sql *sql, struct error *err, sqlite3_stmt **ret_statement, const char *text,
                   const char *types, va_list arguments)
{
        if (sqlite3_prepare_v2(sql->database, text, -1, ret_statement, NULL) != SQLITE_OK)
                return sql_fail(sql, err);
        bind(*ret_statement, types, arguments);
        return 0;
}

int sql_run(struct sql *sql, struct error *err, const char *text, const char *types, ...)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        va_list arguments;
        int r;

        va_start(arguments, types);
        r = prepare(sql, err, &statement, text, types, arguments);
        va_end(arguments);
        if (r < 0)
                return r;
        return sqlite3_step(statement) == SQLITE_DONE ? 0 : sql_fail(sql, err);
}

int sql_ask(struct sql *sql, struct error *err, sqlite3_stmt **ret_statement, const char *text, const char *types, ...)
{
        va_list arguments;
        int r;

        va_start(arguments, types);
        r = prepare(sql, err, ret_statement, text, types, arguments);
        va_end(arguments);
        return r;
}

int sql_step(struct sql *sql, sqlite3_stmt *statement, struct error *err)
{
        int r = sqlite3_step(statement);

        return r == SQLITE_ROW ? 1 : r == SQLITE_DONE ? 0 : sql_fail(sql, err);
}

const char *sql_text(sqlite3_stmt *statement, int at)
{
        const char *text = (const char *)sqlite3_column_text(statement, at);

        return text ? text : "";
}

int64_t sql_number_or(sqlite3_stmt *statement, int at, int64_t otherwise)
{
        return sqlite3_column_type(statement, at) == SQLITE_NULL ? otherwise : sqlite3_column_int64(statement, at);
}

int sql_begin(struct sql *sql, struct error *err)
{
        return execute(sql, "BEGIN IMMEDIATE", err);
}

int sql_commit(struct sql *sql, struct error *err)
{
        return execute(sql, "COMMIT", err);
}

void sql_rollback(struct sql *sql)
{
        (void)execute(sql, "ROLLBACK", NULL);
}

/* ---- opening ---- */

static int version_of(struct sql *sql)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;

        if (sql_ask(sql, NULL, &statement, "PRAGMA user_version", "") < 0 || sqlite3_step(statement) != SQLITE_ROW)
                return -1;
        return sqlite3_column_int(statement, 0);
}

static int set_version(struct sql *sql, int version, struct error *err)
{
        char text[64];

        snprintf(text, sizeof(text), "PRAGMA user_version = %d", version);
        return execute(sql, text, err);
}

/* An older file becomes this version, a newer one is left alone. All of it, or nothing, also when two do it at once. */
static int migrate(struct sql *sql, const struct sql_options *options, struct error *err)
{
        int version = version_of(sql), r;

        if (version < 0)
                return sql_fail(sql, err);
        if (version == options->version)
                return 0;
        if (version > options->version)
                return error_set(err, -ENOTSUP, _("%s was made by another version of Understudy"), sql->path);
        r = sql_begin(sql, err);
        version = version_of(sql);
        if (r == 0 && version == 0) {
                r = execute(sql, options->schema, err);
                version = 1;
        }
        for (; r == 0 && version < options->version; version++)
                r = execute(sql, options->upgrades[version - 1], err);
        if (r == 0)
                r = set_version(sql, options->version, err);
        if (r == 0)
                r = sql_commit(sql, err);
        if (r < 0)
                sql_rollback(sql);
        return r;
}

static int open_file(struct sql *sql, const struct sql_options *options, struct error *err)
{
        char folder[PATH_MAX], real[PATH_MAX];
        int r = 0, fd;

        if (snprintf(folder, sizeof(folder), "%s/%s", options->state, options->folder) >= (int)sizeof(folder))
                return error_usage(err, _("the path of the state is too long"));
        if (options->writable)
                r = directory_make(AT_FDCWD, folder, 0700, err);
        if (r < 0)
                return r;
        if (!realpath(folder, real)) /* SQLITE_OPEN_NOFOLLOW is about every part of it */
                return error_set(err, -errno, options->missing, options->state);
        if (snprintf(sql->path, sizeof(sql->path), "%s/%s", real, options->name) >= (int)sizeof(sql->path))
                return error_usage(err, _("the path of the state is too long"));
        fd = open(sql->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (options->writable ? O_CREAT : 0), 0600);
        if (fd < 0 && errno == ENOENT)
                return error_set(err, -ENOENT, options->missing, options->state);
        if (fd < 0)
                return error_errno(err, errno, _("cannot open %s"), sql->path);
        fd_close(&fd);
        return 0;
}

int sql_open(struct sql *sql, const struct sql_options *options, struct error *err)
{
        int r = open_file(sql, options, err);

        if (r == 0 &&
            sqlite3_open_v2(sql->path, &sql->database,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK)
                r = sql_fail(sql, err);
        if (r == 0) {
                sqlite3_busy_timeout(sql->database, BUSY_MS);
                r = execute(sql, "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON", err);
        }
        return r < 0 ? r : migrate(sql, options, err);
}

void sql_close(struct sql *sql)
{
        sqlite3_close(sql->database);
        sql->database = NULL;
}
