/* casebook.c - the file, and what a person enters of an incident: itself, its intervals, names and facts. */
#include "incident/casebook_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"

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

/* Version 2: mail to accounts. 3: what was told from outside. 4: what a source had in it, not only how much. */
static const char *const upgrades[] = {
        "CREATE TABLE mail(incident INTEGER, account BLOB, address TEXT NOT NULL, state TEXT NOT NULL, words TEXT NOT NULL,"
        " time_us INTEGER NOT NULL, PRIMARY KEY(incident, account)) WITHOUT ROWID;",
        "CREATE TABLE complaint(incident INTEGER, complaint INTEGER, came_us INTEGER NOT NULL,"
        " entered_us INTEGER NOT NULL, source TEXT NOT NULL, who TEXT NOT NULL, text TEXT NOT NULL,"
        " paths TEXT NOT NULL, by TEXT NOT NULL, comparison TEXT, answer TEXT NOT NULL DEFAULT '',"
        " answered_by TEXT NOT NULL DEFAULT '', answered_us INTEGER NOT NULL DEFAULT 0,"
        " PRIMARY KEY(incident, complaint)) WITHOUT ROWID;",
        "ALTER TABLE source ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE source ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
        "CREATE TABLE secret(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;",
};

/* ---- opening ---- */

int casebook_open(const char *state_directory, bool writable, struct casebook **ret_book, struct error *err)
{
        const struct sql_options options = { .state = state_directory,
                                             .folder = "incident",
                                             .name = "casebook.db",
                                             .schema = schema,
                                             .upgrades = upgrades,
                                             .version = 4,
                                             .writable = writable,
                                             .missing = _("there is no casebook in %s: no incident was opened") };
        struct casebook *book = memory_new(1, sizeof(*book));
        int r;

        if (!book)
                return error_memory(err);
        r = sql_open(&book->sql, &options, err);
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
        sql_close(&book->sql);
        free(book);
}

void casebook_closep(struct casebook **book)
{
        casebook_close(*book);
}

int casebook_begin(struct casebook *book, struct error *err)
{
        return sql_begin(&book->sql, err);
}

int casebook_commit(struct casebook *book, struct error *err)
{
        return sql_commit(&book->sql, err);
}

static void copy_column(sqlite3_stmt *statement, int at, char text[static CASEBOOK_TEXT])
{
        snprintf(text, CASEBOOK_TEXT, "%s", sql_text(statement, at));
}

/* ---- incidents ---- */

#define INCIDENT_COLUMNS "number, title, opened_us, opened_by, aware_us, closed_us, closed_by"

int casebook_add(struct casebook *book, const struct casebook_incident *incident, int64_t *ret_number,
                 struct error *err)
{
        int r = sql_run(&book->sql, err, "INSERT INTO incident(title, opened_us, opened_by) VALUES(?1, ?2, ?3)", "tit",
                        incident->title, incident->opened_us, incident->opened_by);

        if (r == 0)
                *ret_number = sqlite3_last_insert_rowid(book->sql.database);
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
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement, "SELECT " INCIDENT_COLUMNS " FROM incident WHERE number = ?1", "i",
                        number);

        if (r == 0)
                r = sql_step(&book->sql, statement, err);
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
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement, "SELECT " INCIDENT_COLUMNS " FROM incident ORDER BY number", "");

        while (r == 0 && (r = sql_step(&book->sql, statement, err)) > 0) {
                struct casebook_incident incident;

                fill_incident(statement, &incident);
                r = each(context, &incident);
        }
        return r;
}

int casebook_aware(struct casebook *book, int64_t number, int64_t time_us, struct error *err)
{
        return sql_run(&book->sql, err, "UPDATE incident SET aware_us = ?2 WHERE number = ?1", "ii", number, time_us);
}

int casebook_close_incident(struct casebook *book, int64_t number, int64_t time_us, const char *by, struct error *err)
{
        return sql_run(&book->sql, err, "UPDATE incident SET closed_us = ?2, closed_by = ?3 WHERE number = ?1", "iit",
                       number, time_us, by);
}

/* ---- intervals ---- */

int casebook_add_interval(struct casebook *book, int64_t number, const struct interval *interval, struct error *err)
{
        const struct interval_times *times = &interval->times;

        return sql_run(
                &book->sql, err,
                "INSERT INTO interval(incident, server, path, last_good, first_bad, last_bad, first_good, watched,"
                " refused, own_clock, bad_bytes, good_bytes, digest, source)"
                " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
                "ittIiiIiiiiitt", number, interval->server, interval->path, times->last_good, times->first_bad,
                times->last_bad, times->first_good, (int64_t)times->watched, (int64_t)times->refused,
                (int64_t)interval->own_clock, (int64_t)times->bad_bytes, (int64_t)times->good_bytes, interval->digest,
                interval->source);
}

int casebook_update_interval(struct casebook *book, const struct interval *interval, struct error *err)
{
        return sql_run(&book->sql, err,
                       "UPDATE interval SET last_bad = ?4, first_good = ?5 WHERE server = ?1 AND path = ?2 AND"
                       " first_bad = ?3",
                       "ttiiI", interval->server, interval->path, interval->times.first_bad, interval->times.last_bad,
                       interval->times.first_good);
}

int casebook_intervals(struct casebook *book, int64_t number, struct intervals *ret_intervals, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        struct intervals intervals = { 0 };
        int r = sql_ask(&book->sql, err, &statement,
                        "SELECT server, path, last_good, first_bad, last_bad, first_good, watched, refused, own_clock,"
                        " bad_bytes, good_bytes, digest, source FROM interval WHERE incident = ?1 ORDER BY row",
                        "i", number);

        while (r == 0 && (r = sql_step(&book->sql, statement, err)) > 0) {
                struct interval interval = {
  /* intervals_add() only copies them */
                        .server = (char *)(uintptr_t)sql_text(statement, 0),
                        .path = (char *)(uintptr_t)sql_text(statement, 1),
                        .source = (char *)(uintptr_t)sql_text(statement, 12),
                        .own_clock = sqlite3_column_int(statement, 8) != 0,
                        .times = {.last_good = sql_number_or(statement, 2, TIME_NEVER),
                                  .first_bad = sqlite3_column_int64(statement, 3),
                                  .last_bad = sqlite3_column_int64(statement, 4),
                                  .first_good = sql_number_or(statement, 5, TIME_OPEN),
                                  .watched = sqlite3_column_int(statement, 6) != 0,
                                  .refused = sqlite3_column_int(statement, 7) != 0,
                                  .bad_bytes = (uint64_t)sqlite3_column_int64(statement, 9),
                                  .good_bytes = (uint64_t)sqlite3_column_int64(statement, 10)},
                };

                snprintf(interval.digest, sizeof(interval.digest), "%s", sql_text(statement, 11));
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
        return sql_run(&book->sql, err, "INSERT OR IGNORE INTO text(incident, kind, text) VALUES(?1, ?2, ?3)", "iit",
                       number, (int64_t)kind, text);
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
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        struct casebook_texts texts = { 0 };
        int r = sql_ask(&book->sql, err, &statement,
                        "SELECT text FROM text WHERE incident = ?1 AND kind = ?2 ORDER BY row", "i", number);

        if (r == 0)
                sqlite3_bind_int64(statement, 2, kind);
        while (r == 0 && (r = sql_step(&book->sql, statement, err)) > 0)
                r = add_text(&texts, sql_text(statement, 0), err);
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
        return sql_run(&book->sql, err, "INSERT INTO fact(incident, key, text, by, time_us) VALUES(?1, ?2, ?3, ?4, ?5)",
                       "ittti", number, key, text, by, time_us);
}

int casebook_fact(struct casebook *book, int64_t number, const char *key, struct casebook_fact *ret_fact,
                  struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement,
                        "SELECT row, text, by, time_us FROM fact WHERE incident = ?1 AND key = ?2 ORDER BY row DESC"
                        " LIMIT 1",
                        "i", number);

        *ret_fact = (struct casebook_fact){ 0 };
        if (r < 0)
                return r;
        sqlite3_bind_text(statement, 2, key, -1, SQLITE_TRANSIENT);
        r = sql_step(&book->sql, statement, err);
        if (r <= 0)
                return r;
        ret_fact->row = sqlite3_column_int64(statement, 0);
        ret_fact->text = memory_string(sql_text(statement, 1));
        copy_column(statement, 2, ret_fact->by);
        ret_fact->time_us = sqlite3_column_int64(statement, 3);
        return ret_fact->text ? 0 : error_memory(err);
}
