/* casebook.c - the file: opening, schema, and one short statement for each thing that is asked. */
#include "casebook.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"

#define SCHEMA_VERSION 1
#define BUSY_MS        5000

struct casebook {
        sqlite3 *database;
        sqlite3_stmt *find_notice; /* asked thousands of times a second */
        char path[PATH_MAX];
};

static const char schema[] =
        "CREATE TABLE incident(number INTEGER PRIMARY KEY, title TEXT NOT NULL, opened_us INTEGER NOT NULL,"
        " opened_by TEXT NOT NULL, aware_us INTEGER NOT NULL DEFAULT 0, closed_us INTEGER NOT NULL DEFAULT 0,"
        " closed_by TEXT NOT NULL DEFAULT '');"
        "CREATE TABLE interval(row INTEGER PRIMARY KEY, incident INTEGER NOT NULL, server TEXT NOT NULL,"
        " path BLOB NOT NULL, last_good INTEGER, first_bad INTEGER NOT NULL, last_bad INTEGER NOT NULL,"
        " first_good INTEGER, watched INTEGER NOT NULL, refused INTEGER NOT NULL, own_clock INTEGER NOT NULL,"
        " bad_bytes INTEGER NOT NULL, good_bytes INTEGER NOT NULL, digest TEXT NOT NULL, source TEXT NOT NULL);"
        "CREATE TABLE text(row INTEGER PRIMARY KEY, incident INTEGER NOT NULL, kind INTEGER NOT NULL,"
        " text BLOB NOT NULL, UNIQUE(incident, kind, text));"
        "CREATE TABLE fact(row INTEGER PRIMARY KEY, incident INTEGER NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL,"
        " by TEXT NOT NULL, time_us INTEGER NOT NULL);"
        "CREATE TABLE clock(incident INTEGER, server TEXT, offset_us INTEGER NOT NULL, error_us INTEGER NOT NULL,"
        " PRIMARY KEY(incident, server)) WITHOUT ROWID;"
        "CREATE TABLE source(row INTEGER PRIMARY KEY, incident INTEGER NOT NULL, path BLOB NOT NULL,"
        " server TEXT NOT NULL, last INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,"
        " lines INTEGER NOT NULL, UNIQUE(incident, path));"
        "CREATE TABLE exposure(incident INTEGER PRIMARY KEY, json TEXT NOT NULL);"
        "CREATE TABLE account(incident INTEGER, account BLOB, grade TEXT NOT NULL, basis TEXT NOT NULL,"
        " reason TEXT NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, responses INTEGER NOT NULL,"
        " susceptible INTEGER NOT NULL, PRIMARY KEY(incident, account)) WITHOUT ROWID;"
        "CREATE TABLE notice(account BLOB, incident INTEGER, shown_us INTEGER NOT NULL DEFAULT 0,"
        " acknowledged_us INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(account, incident)) WITHOUT ROWID;"
        "CREATE TABLE report(row INTEGER PRIMARY KEY, incident INTEGER NOT NULL, form TEXT NOT NULL,"
        " language TEXT NOT NULL, revision INTEGER NOT NULL, time_us INTEGER NOT NULL, text TEXT NOT NULL,"
        " UNIQUE(incident, form, language, revision));";

/* ---- errors and statements ---- */

static int fail(struct casebook *book, struct error *err)
{
        int code = book->database ? sqlite3_errcode(book->database) : SQLITE_NOMEM, result = -EIO;

        switch (code & 0xff) {
        case SQLITE_NOMEM: return error_memory(err);
        case SQLITE_FULL: result = -ENOSPC; break;
        case SQLITE_BUSY: result = -EBUSY; break;
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT: result = -EBADMSG; break;
        default: break;
        }
        return error_set(err, result, _("cannot read or write the casebook %s: %s"), book->path,
                         sqlite3_errmsg(book->database));
}

static int execute(struct casebook *book, const char *text, struct error *err)
{
        return sqlite3_exec(book->database, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(book, err);
}

static void finalizep(sqlite3_stmt **statement)
{
        sqlite3_finalize(*statement);
}

static int prepare(struct casebook *book, const char *text, sqlite3_stmt **ret_statement, struct error *err)
{
        return sqlite3_prepare_v2(book->database, text, -1, ret_statement, NULL) == SQLITE_OK ? 0 : fail(book, err);
}

/*
 * Binds the arguments of a statement, one for each letter: i an int64_t, t a text (NUL-terminated, or NULL). A time that
 * nobody knows is NULL in the database: I is such a one.
 */
static void bind(sqlite3_stmt *statement, const char *types, va_list arguments)
{
        for (int at = 1; *types; types++, at++) {
                if (*types == 't') {
                        sqlite3_bind_text(statement, at, va_arg(arguments, const char *), -1, SQLITE_TRANSIENT);
                } else {
                        int64_t value = va_arg(arguments, int64_t);

                        if (*types == 'I' && (value == TIME_NEVER || value == TIME_OPEN))
                                sqlite3_bind_null(statement, at);
                        else
                                sqlite3_bind_int64(statement, at, value);
                }
        }
}

/* Runs a statement that gives no rows. */
static int run(struct casebook *book, struct error *err, const char *text, const char *types, ...)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        va_list arguments;
        int r = prepare(book, text, &statement, err);

        if (r < 0)
                return r;
        va_start(arguments, types);
        bind(statement, types, arguments);
        va_end(arguments);
        return sqlite3_step(statement) == SQLITE_DONE ? 0 : fail(book, err);
}

/* 1 a row, 0 no more, negative with words. */
static int step(struct casebook *book, sqlite3_stmt *statement, struct error *err)
{
        int r = sqlite3_step(statement);

        return r == SQLITE_ROW ? 1 : r == SQLITE_DONE ? 0 : fail(book, err);
}

/* A statement about one incident. */
static int ask(struct casebook *book, const char *text, int64_t number, sqlite3_stmt **ret_statement,
               struct error *err)
{
        int r = prepare(book, text, ret_statement, err);

        if (r == 0)
                sqlite3_bind_int64(*ret_statement, 1, number);
        return r;
}

static const char *column(sqlite3_stmt *statement, int at)
{
        const char *text = (const char *)sqlite3_column_text(statement, at);

        return text ? text : "";
}

static void copy_column(sqlite3_stmt *statement, int at, char text[static CASEBOOK_TEXT])
{
        snprintf(text, CASEBOOK_TEXT, "%s", column(statement, at));
}

/* ---- opening ---- */

static int64_t version_of(struct casebook *book)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;

        if (prepare(book, "PRAGMA user_version", &statement, NULL) < 0 || sqlite3_step(statement) != SQLITE_ROW)
                return -1;
        return sqlite3_column_int64(statement, 0);
}

static int migrate(struct casebook *book, bool writable, struct error *err)
{
        int64_t version = version_of(book);
        int r;

        if (version < 0)
                return fail(book, err);
        if (version == SCHEMA_VERSION)
                return 0;
        if (version > SCHEMA_VERSION || !writable)
                return error_set(err, -ENOTSUP, _("the casebook %s was made by another version of Understudy"),
                                 book->path);
        r = execute(book, "BEGIN IMMEDIATE", err);
        if (r == 0 && version_of(book) == 0) /* not made by somebody else meanwhile */
                r = execute(book, schema, err);
        if (r == 0)
                r = execute(book, "PRAGMA user_version = 1; COMMIT", err);
        return r;
}

static int open_file(struct casebook *book, const char *state_directory, bool writable, struct error *err)
{
        char folder[PATH_MAX], real[PATH_MAX];
        int r = 0, fd;

        if (snprintf(folder, sizeof(folder), "%s/incident", state_directory) >= (int)sizeof(folder))
                return error_usage(err, _("the path of the state is too long"));
        if (writable)
                r = directory_make(AT_FDCWD, folder, 0700, err);
        if (r < 0)
                return r;
        if (!realpath(folder, real)) /* SQLITE_OPEN_NOFOLLOW is about every part of it */
                return error_set(err, -errno, _("there is no casebook in %s: no incident was opened"), state_directory);
        if (snprintf(book->path, sizeof(book->path), "%s/casebook.db", real) >= (int)sizeof(book->path))
                return error_usage(err, _("the path of the state is too long"));
        fd = open(book->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (writable ? O_CREAT : 0), 0600);
        if (fd < 0 && errno == ENOENT)
                return error_set(err, -ENOENT, _("there is no casebook in %s: no incident was opened"), state_directory);
        if (fd < 0)
                return error_errno(err, errno, _("cannot open the casebook %s"), book->path);
        fd_close(&fd);
        return 0;
}

int casebook_open(const char *state_directory, bool writable, struct casebook **ret_book, struct error *err)
{
        struct casebook *book = memory_new(1, sizeof(*book));
        int r;

        if (!book)
                return error_memory(err);
        r = open_file(book, state_directory, writable, err);
        if (r == 0 && sqlite3_open_v2(book->path, &book->database,
                                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
                                      NULL) != SQLITE_OK)
                r = fail(book, err);
        if (r == 0) {
                sqlite3_busy_timeout(book->database, BUSY_MS);
                r = execute(book, "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON", err);
        }
        if (r == 0)
                r = migrate(book, true, err);
        if (r < 0) {
                casebook_close(book);
                return r;
        }
        *ret_book = book;
        return 0;
}

void casebook_close(struct casebook *book)
{
        if (!book)
                return;
        sqlite3_finalize(book->find_notice);
        sqlite3_close(book->database);
        free(book);
}

void casebook_closep(struct casebook **book)
{
        casebook_close(*book);
}

int casebook_begin(struct casebook *book, struct error *err)
{
        return execute(book, "BEGIN IMMEDIATE", err);
}

int casebook_commit(struct casebook *book, struct error *err)
{
        return execute(book, "COMMIT", err);
}

/* ---- incidents ---- */

#define INCIDENT_COLUMNS "number, title, opened_us, opened_by, aware_us, closed_us, closed_by"

int casebook_add(struct casebook *book, const struct casebook_incident *incident, int64_t *ret_number,
                 struct error *err)
{
        int r = run(book, err, "INSERT INTO incident(title, opened_us, opened_by) VALUES(?1, ?2, ?3)", "tit",
                    incident->title, incident->opened_us, incident->opened_by);

        if (r == 0)
                *ret_number = sqlite3_last_insert_rowid(book->database);
        return r;
}

static void fill_incident(sqlite3_stmt *statement, struct casebook_incident *incident)
{
        *incident = (struct casebook_incident){ .number = sqlite3_column_int64(statement, 0),
                                                .opened_us = sqlite3_column_int64(statement, 2),
                                                .aware_us = sqlite3_column_int64(statement, 4),
                                                .closed_us = sqlite3_column_int64(statement, 5) };
        copy_column(statement, 1, incident->title);
        copy_column(statement, 3, incident->opened_by);
        copy_column(statement, 6, incident->closed_by);
}

int casebook_get(struct casebook *book, int64_t number, struct casebook_incident *ret_incident, struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        int r = ask(book, "SELECT " INCIDENT_COLUMNS " FROM incident WHERE number = ?1", number, &statement, err);

        if (r == 0)
                r = step(book, statement, err);
        if (r == 0)
                return error_usage(err, _("there is no incident %lld; 'understudy incident list' shows them"),
                                   (long long)number);
        if (r < 0)
                return r;
        fill_incident(statement, ret_incident);
        return 0;
}

int casebook_list(struct casebook *book, int (*each)(void *context, const struct casebook_incident *incident),
                  void *context, struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        int r = prepare(book, "SELECT " INCIDENT_COLUMNS " FROM incident ORDER BY number", &statement, err);

        while (r == 0 && (r = step(book, statement, err)) > 0) {
                struct casebook_incident incident;

                fill_incident(statement, &incident);
                r = each(context, &incident);
        }
        return r;
}

int casebook_aware(struct casebook *book, int64_t number, int64_t time_us, struct error *err)
{
        return run(book, err, "UPDATE incident SET aware_us = ?2 WHERE number = ?1", "ii", number, time_us);
}

int casebook_close_incident(struct casebook *book, int64_t number, int64_t time_us, const char *by, struct error *err)
{
        return run(book, err, "UPDATE incident SET closed_us = ?2, closed_by = ?3 WHERE number = ?1", "iit", number,
                   time_us, by);
}

/* ---- intervals ---- */

int casebook_add_interval(struct casebook *book, int64_t number, const struct interval *interval, struct error *err)
{
        const struct interval_times *times = &interval->times;

        return run(book, err,
                   "INSERT INTO interval(incident, server, path, last_good, first_bad, last_bad, first_good, watched,"
                   " refused, own_clock, bad_bytes, good_bytes, digest, source)"
                   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
                   "ittIiiIiiiiitt", number, interval->server, interval->path, times->last_good, times->first_bad,
                   times->last_bad, times->first_good, (int64_t)times->watched, (int64_t)times->refused,
                   (int64_t)interval->own_clock, (int64_t)times->bad_bytes, (int64_t)times->good_bytes,
                   interval->digest, interval->source);
}

static int64_t time_or(sqlite3_stmt *statement, int at, int64_t otherwise)
{
        return sqlite3_column_type(statement, at) == SQLITE_NULL ? otherwise : sqlite3_column_int64(statement, at);
}

int casebook_intervals(struct casebook *book, int64_t number, struct intervals *ret_intervals, struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        struct intervals intervals = { 0 };
        int r = ask(book,
                    "SELECT server, path, last_good, first_bad, last_bad, first_good, watched, refused, own_clock,"
                    " bad_bytes, good_bytes, digest, source FROM interval WHERE incident = ?1 ORDER BY row",
                    number, &statement, err);

        while (r == 0 && (r = step(book, statement, err)) > 0) {
                struct interval interval = {
                        /* intervals_add() only copies them */
                        .server = (char *)(uintptr_t)column(statement, 0),
                        .path = (char *)(uintptr_t)column(statement, 1),
                        .source = (char *)(uintptr_t)column(statement, 12),
                        .own_clock = sqlite3_column_int(statement, 8) != 0,
                        .times = { .last_good = time_or(statement, 2, TIME_NEVER),
                                   .first_bad = sqlite3_column_int64(statement, 3),
                                   .last_bad = sqlite3_column_int64(statement, 4),
                                   .first_good = time_or(statement, 5, TIME_OPEN),
                                   .watched = sqlite3_column_int(statement, 6) != 0,
                                   .refused = sqlite3_column_int(statement, 7) != 0,
                                   .bad_bytes = (uint64_t)sqlite3_column_int64(statement, 9),
                                   .good_bytes = (uint64_t)sqlite3_column_int64(statement, 10) },
                };

                snprintf(interval.digest, sizeof(interval.digest), "%s", column(statement, 11));
                r = intervals_add(&intervals, &interval, err);
        }
        if (r < 0) {
                intervals_done(&intervals);
                return r;
        }
        *ret_intervals = intervals;
        return 0;
}

/* ---- texts and facts ---- */

int casebook_add_text(struct casebook *book, int64_t number, enum casebook_list_kind kind, const char *text,
                      struct error *err)
{
        return run(book, err, "INSERT OR IGNORE INTO text(incident, kind, text) VALUES(?1, ?2, ?3)", "iit", number,
                   (int64_t)kind, text);
}

void casebook_texts_done(struct casebook_texts *texts)
{
        for (size_t i = 0; i < texts->count; i++)
                free(texts->list[i]);
        free(texts->list);
        *texts = (struct casebook_texts){ 0 };
}

static int add_text(struct casebook_texts *texts, const char *text, struct error *err)
{
        if (memory_grow(&texts->list, texts->count, sizeof(*texts->list)) < 0)
                return error_memory(err);
        texts->list[texts->count] = memory_string(text);
        return texts->list[texts->count] ? (texts->count++, 0) : error_memory(err);
}

int casebook_texts(struct casebook *book, int64_t number, enum casebook_list_kind kind,
                   struct casebook_texts *ret_texts, struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        struct casebook_texts texts = { 0 };
        int r = ask(book, "SELECT text FROM text WHERE incident = ?1 AND kind = ?2 ORDER BY row", number, &statement,
                    err);

        if (r == 0)
                sqlite3_bind_int64(statement, 2, kind);
        while (r == 0 && (r = step(book, statement, err)) > 0)
                r = add_text(&texts, column(statement, 0), err);
        if (r < 0) {
                casebook_texts_done(&texts);
                return r;
        }
        *ret_texts = texts;
        return 0;
}

void casebook_fact_done(struct casebook_fact *fact)
{
        free(fact->text);
        *fact = (struct casebook_fact){ 0 };
}

int casebook_put_fact(struct casebook *book, int64_t number, const char *key, const char *text, const char *by,
                      int64_t time_us, struct error *err)
{
        return run(book, err, "INSERT INTO fact(incident, key, text, by, time_us) VALUES(?1, ?2, ?3, ?4, ?5)", "ittti",
                   number, key, text, by, time_us);
}

int casebook_fact(struct casebook *book, int64_t number, const char *key, struct casebook_fact *ret_fact,
                  struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        int r = ask(book, "SELECT row, text, by, time_us FROM fact WHERE incident = ?1 AND key = ?2 ORDER BY row DESC"
                          " LIMIT 1",
                    number, &statement, err);

        *ret_fact = (struct casebook_fact){ 0 };
        if (r < 0)
                return r;
        sqlite3_bind_text(statement, 2, key, -1, SQLITE_TRANSIENT);
        r = step(book, statement, err);
        if (r <= 0)
                return r;
        ret_fact->row = sqlite3_column_int64(statement, 0);
        ret_fact->text = memory_string(column(statement, 1));
        copy_column(statement, 2, ret_fact->by);
        ret_fact->time_us = sqlite3_column_int64(statement, 3);
        return ret_fact->text ? 0 : error_memory(err);
}

/* ---- clocks and sources ---- */

int casebook_put_clock(struct casebook *book, int64_t number, const char *server, const struct clock_offset *clock,
                       struct error *err)
{
        return run(book, err, "INSERT OR REPLACE INTO clock VALUES(?1, ?2, ?3, ?4)", "itii", number, server,
                   clock->offset_us, clock->error_us);
}

int casebook_clock(struct casebook *book, int64_t number, const char *server, struct clock_offset *ret_clock,
                   struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        int r = ask(book, "SELECT offset_us, error_us FROM clock WHERE incident = ?1 AND server = ?2", number,
                    &statement, err);

        *ret_clock = (struct clock_offset){ 0 };
        if (r < 0)
                return r;
        sqlite3_bind_text(statement, 2, server, -1, SQLITE_TRANSIENT);
        r = step(book, statement, err);
        if (r > 0)
                *ret_clock = (struct clock_offset){ sqlite3_column_int64(statement, 0),
                                                    sqlite3_column_int64(statement, 1), true };
        return r < 0 ? r : 0;
}

int casebook_put_source(struct casebook *book, int64_t number, const struct casebook_source *source, struct error *err)
{
        return run(book, err,
                   "INSERT INTO source(incident, path, server, last, first_us, last_us, lines)"
                   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                   " ON CONFLICT(incident, path) DO UPDATE SET server = ?3, last = ?4, first_us = ?5, last_us = ?6,"
                   " lines = ?7",
                   "ittiiii", number, source->path, source->server, (int64_t)source->last, source->first_us,
                   source->last_us, (int64_t)source->lines);
}

void casebook_sources_done(struct casebook_sources *sources)
{
        for (size_t i = 0; i < sources->count; i++) {
                free(sources->list[i].path);
                free(sources->list[i].server);
        }
        free(sources->list);
        *sources = (struct casebook_sources){ 0 };
}

static int add_source(struct casebook_sources *sources, sqlite3_stmt *statement, struct error *err)
{
        struct casebook_source *source;

        if (memory_grow(&sources->list, sources->count, sizeof(*sources->list)) < 0)
                return error_memory(err);
        source = &sources->list[sources->count++];
        *source = (struct casebook_source){ memory_string(column(statement, 0)),
                                            memory_string(column(statement, 1)),
                                            sqlite3_column_int(statement, 2) != 0,
                                            sqlite3_column_int64(statement, 3),
                                            sqlite3_column_int64(statement, 4),
                                            (uint64_t)sqlite3_column_int64(statement, 5) };
        return source->path && source->server ? 0 : error_memory(err);
}

int casebook_sources(struct casebook *book, int64_t number, struct casebook_sources *ret_sources, struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        struct casebook_sources sources = { 0 };
        int r = ask(book, "SELECT path, server, last, first_us, last_us, lines FROM source WHERE incident = ?1"
                          " ORDER BY row",
                    number, &statement, err);

        while (r == 0 && (r = step(book, statement, err)) > 0)
                r = add_source(&sources, statement, err);
        if (r < 0) {
                casebook_sources_done(&sources);
                return r;
        }
        *ret_sources = sources;
        return 0;
}

/* ---- results ---- */

static int put_accounts(struct casebook *book, int64_t number, const struct exposure *exposure, struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        int r = ask(book, "INSERT OR REPLACE INTO account VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", number,
                    &statement, err);

        for (size_t i = 0; i < exposure->account_count && r == 0; i++) {
                const struct exposure_account *account = &exposure->accounts[i];
                size_t length;
                const char *name = intern_text(&exposure->texts.accounts, account->account, &length);

                sqlite3_bind_text(statement, 2, name, (int)length, SQLITE_STATIC);
                sqlite3_bind_text(statement, 3, grade_name(account->grade), -1, SQLITE_STATIC);
                sqlite3_bind_text(statement, 4, basis_name(account->basis), -1, SQLITE_STATIC);
                sqlite3_bind_text(statement, 5, grade_reason_name(account->reason), -1, SQLITE_STATIC);
                sqlite3_bind_int64(statement, 6, account->first_us);
                sqlite3_bind_int64(statement, 7, account->last_us);
                sqlite3_bind_int64(statement, 8, account->responses);
                sqlite3_bind_int(statement, 9, account->susceptible);
                if (sqlite3_step(statement) != SQLITE_DONE)
                        r = fail(book, err);
                sqlite3_reset(statement);
        }
        return r;
}

int casebook_put_exposure(struct casebook *book, int64_t number, const char *json, const struct exposure *exposure,
                          struct error *err)
{
        int r = run(book, err, "INSERT OR REPLACE INTO exposure VALUES(?1, ?2)", "it", number, json);

        if (r == 0)
                r = run(book, err, "DELETE FROM account WHERE incident = ?1", "i", number);
        return r < 0 ? r : put_accounts(book, number, exposure, err);
}

int casebook_exposure(struct casebook *book, int64_t number, char **ret_json, struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        int r = ask(book, "SELECT json FROM exposure WHERE incident = ?1", number, &statement, err);

        *ret_json = NULL;
        if (r == 0)
                r = step(book, statement, err);
        if (r <= 0)
                return r;
        *ret_json = memory_string(column(statement, 0));
        return *ret_json ? 0 : error_memory(err);
}

int casebook_accounts(struct casebook *book, int64_t number,
                      int (*each)(void *context, const struct casebook_account *account, struct error *err),
                      void *context, struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        int r = ask(book,
                    "SELECT account, grade, basis, reason, first_us, last_us, responses, susceptible FROM account"
                    " WHERE incident = ?1 ORDER BY account",
                    number, &statement, err);

        while (r == 0 && (r = step(book, statement, err)) > 0) {
                const struct casebook_account account = { column(statement, 0),
                                                          column(statement, 1),
                                                          column(statement, 2),
                                                          column(statement, 3),
                                                          sqlite3_column_int64(statement, 4),
                                                          sqlite3_column_int64(statement, 5),
                                                          (uint64_t)sqlite3_column_int64(statement, 6),
                                                          sqlite3_column_int(statement, 7) != 0 };

                r = each(context, &account, err);
        }
        return r;
}

int casebook_forget(struct casebook *book, int64_t number, struct error *err)
{
        int r = run(book, err, "DELETE FROM account WHERE incident = ?1", "i", number);

        return r < 0 ? r : run(book, err, "DELETE FROM notice WHERE incident = ?1", "i", number);
}

int casebook_put_report(struct casebook *book, int64_t number, const char *form, const char *language,
                        const char *text, int64_t time_us, int64_t *ret_revision, struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        int64_t revision;
        int r = ask(book, "SELECT ifnull(max(revision), 0) + 1 FROM report WHERE incident = ?1 AND form = ?2 AND"
                          " language = ?3",
                    number, &statement, err);

        if (r < 0)
                return r;
        sqlite3_bind_text(statement, 2, form, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(statement, 3, language, -1, SQLITE_TRANSIENT);
        r = step(book, statement, err);
        if (r < 0)
                return r;
        revision = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
        r = run(book, err,
                "INSERT INTO report(incident, form, language, revision, time_us, text) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                "ittiit", number, form, language, revision, time_us, text);
        if (r == 0)
                *ret_revision = revision;
        return r;
}

/* ---- notices ---- */

/* A statement about an account, which is its first parameter. */
static int run_account(struct casebook *book, const char *text, const char *account, size_t length, int64_t number,
                       int64_t time_us, struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        int r = prepare(book, text, &statement, err);

        if (r < 0)
                return r;
        sqlite3_bind_blob64(statement, 1, account, length, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, number);
        sqlite3_bind_int64(statement, 3, time_us);
        return sqlite3_step(statement) == SQLITE_DONE ? 0 : fail(book, err);
}

int casebook_put_notice(struct casebook *book, int64_t number, const char *account, size_t length, struct error *err)
{
        return run_account(book, "INSERT OR IGNORE INTO notice(account, incident) VALUES(?1, ?2)", account, length,
                           number, 0, err);
}

int casebook_find_notice(struct casebook *book, const char *account, size_t length, int64_t *ret_number,
                         bool *ret_shown, struct error *err)
{
        int r = book->find_notice ? 0
                                  : prepare(book,
                                            "SELECT incident, shown_us FROM notice WHERE account = ?1 AND"
                                            " acknowledged_us = 0 ORDER BY incident LIMIT 1",
                                            &book->find_notice, err);

        if (r < 0)
                return r;
        sqlite3_reset(book->find_notice);
        sqlite3_bind_blob64(book->find_notice, 1, account, length, SQLITE_STATIC);
        r = step(book, book->find_notice, err);
        if (r > 0) {
                *ret_number = sqlite3_column_int64(book->find_notice, 0);
                *ret_shown = sqlite3_column_int64(book->find_notice, 1) != 0;
        }
        sqlite3_reset(book->find_notice);
        return r;
}

int casebook_noticed(struct casebook *book,
                     int (*each)(void *context, const char *account, size_t length, struct error *err), void *context,
                     struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        int r = prepare(book, "SELECT account FROM notice WHERE acknowledged_us = 0", &statement, err);

        while (r == 0 && (r = step(book, statement, err)) > 0) {
                const char *account = sqlite3_column_blob(statement, 0);

                r = each(context, account ? account : "", (size_t)sqlite3_column_bytes(statement, 0), err);
        }
        return r;
}

int64_t casebook_version(struct casebook *book, struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        int r = prepare(book, "PRAGMA data_version", &statement, err);

        if (r == 0)
                r = step(book, statement, err);
        return r > 0 ? sqlite3_column_int64(statement, 0) : r < 0 ? r : -EIO;
}

int casebook_notice_shown(struct casebook *book, int64_t number, const char *account, size_t length, int64_t time_us,
                          struct error *err)
{
        return run_account(book, "UPDATE notice SET shown_us = ?3 WHERE account = ?1 AND incident = ?2 AND shown_us = 0",
                           account, length, number, time_us, err);
}

int casebook_acknowledge(struct casebook *book, const char *account, size_t length, int64_t time_us, int *ret_count,
                         struct error *err)
{
        int r = run_account(book,
                            "UPDATE notice SET acknowledged_us = ?3 WHERE account = ?1 AND shown_us > ?2 AND"
                            " acknowledged_us = 0",
                            account, length, 0, time_us, err);

        if (r == 0)
                *ret_count = sqlite3_changes(book->database);
        return r;
}

int casebook_count_notices(struct casebook *book, int64_t number, struct casebook_notices *ret_counts,
                           struct error *err)
{
        _cleanup_(finalizep) sqlite3_stmt *statement = NULL;
        int r = ask(book,
                    "SELECT count(*), total(shown_us > 0), total(acknowledged_us > 0) FROM notice WHERE incident = ?1",
                    number, &statement, err);

        if (r == 0)
                r = step(book, statement, err);
        if (r > 0)
                *ret_counts = (struct casebook_notices){ sqlite3_column_int64(statement, 0),
                                                         sqlite3_column_int64(statement, 1),
                                                         sqlite3_column_int64(statement, 2) };
        return r < 0 ? r : 0;
}
