/* casebook_results.c - what was found of an incident: from which sources, who was exposed, and the reports on it. */
#include "incident/casebook_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/i18n.h"
#include "base/memory.h"

/* ---- clocks and sources ---- */

int casebook_put_clock(struct casebook *book, int64_t number, const char *server, const struct clock_offset *clock,
                       struct error *err)
{
        return sql_run(&book->sql, err, "INSERT OR REPLACE INTO clock VALUES(?1, ?2, ?3, ?4)", "itii", number, server,
                       clock->offset_us, clock->error_us);
}

int casebook_clock(struct casebook *book, int64_t number, const char *server, struct clock_offset *ret_clock,
                   struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement,
                        "SELECT offset_us, error_us FROM clock WHERE incident = ?1 AND server = ?2", "i", number);

        *ret_clock = (struct clock_offset){ 0 };
        if (r < 0)
                return r;
        sqlite3_bind_text(statement, 2, server, -1, SQLITE_TRANSIENT);
        r = sql_step(&book->sql, statement, err);
        if (r > 0)
                *ret_clock = (struct clock_offset){ sqlite3_column_int64(statement, 0),
                                                    sqlite3_column_int64(statement, 1), true };
        return r < 0 ? r : 0;
}

int casebook_put_source(struct casebook *book, int64_t number, const struct casebook_source *source, struct error *err)
{
        return sql_run(&book->sql, err,
                       "INSERT INTO source(incident, path, server, last, first_us, last_us, lines, bytes, sum)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                       " ON CONFLICT(incident, path) DO UPDATE SET server = ?3, last = ?4, first_us = ?5, last_us = ?6,"
                       " lines = ?7, bytes = ?8, sum = ?9",
                       "ittiiiiii", number, source->path, source->server, (int64_t)source->last, source->first_us,
                       source->last_us, (int64_t)source->lines, (int64_t)source->bytes, (int64_t)source->sum);
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
        *source = (struct casebook_source){
                memory_string(sql_text(statement, 0)), memory_string(sql_text(statement, 1)),
                sqlite3_column_int(statement, 2) != 0, sqlite3_column_int64(statement, 3),
                sqlite3_column_int64(statement, 4),    (uint64_t)sqlite3_column_int64(statement, 5),
                (uint64_t)sqlite3_column_int64(statement, 6), (uint64_t)sqlite3_column_int64(statement, 7)
        };
        return source->path && source->server ? 0 : error_memory(err);
}

int casebook_sources(struct casebook *book, int64_t number, struct casebook_sources *ret_sources, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        struct casebook_sources sources = { 0 };
        int r = sql_ask(&book->sql, err, &statement,
                        "SELECT path, server, last, first_us, last_us, lines, bytes, sum FROM source WHERE incident = ?1"
                        " ORDER BY row",
                        "i", number);

        while (r == 0 && (r = sql_step(&book->sql, statement, err)) > 0)
                r = add_source(&sources, statement, err);
        if (r < 0) {
                casebook_sources_done(&sources);
                return r;
        }
        *ret_sources = sources;
        return 0;
}

int casebook_key(struct casebook *book, uint64_t *ret_key, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int64_t fresh = 0;
        int r;

        if (getrandom(&fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh))
                return error_errno(err, errno, _("cannot make a random key"));
        r = sql_run(&book->sql, err, "INSERT OR IGNORE INTO secret VALUES('lines', ?1)", "i", fresh);
        if (r == 0)
                r = sql_ask(&book->sql, err, &statement, "SELECT value FROM secret WHERE name = 'lines'", "");
        if (r == 0)
                r = sql_step(&book->sql, statement, err);
        if (r <= 0)
                return r;
        *ret_key = (uint64_t)sqlite3_column_int64(statement, 0);
        return 0;
}

/* ---- results ---- */

static int put_accounts(struct casebook *book, int64_t number, const struct exposure *exposure, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement,
                        "INSERT OR REPLACE INTO account VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", "i", number);

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
                        r = sql_fail(&book->sql, err);
                sqlite3_reset(statement);
        }
        return r;
}

int casebook_put_exposure(struct casebook *book, int64_t number, const char *json, const struct exposure *exposure,
                          struct error *err)
{
        int r = sql_run(&book->sql, err, "INSERT OR REPLACE INTO exposure VALUES(?1, ?2)", "it", number, json);

        if (r == 0)
                r = sql_run(&book->sql, err, "DELETE FROM account WHERE incident = ?1", "i", number);
        return r < 0 ? r : put_accounts(book, number, exposure, err);
}

int casebook_exposure(struct casebook *book, int64_t number, char **ret_json, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement, "SELECT json FROM exposure WHERE incident = ?1", "i", number);

        *ret_json = NULL;
        if (r == 0)
                r = sql_step(&book->sql, statement, err);
        if (r <= 0)
                return r;
        *ret_json = memory_string(sql_text(statement, 0));
        return *ret_json ? 0 : error_memory(err);
}

int casebook_accounts(struct casebook *book, int64_t number,
                      int (*each)(void *context, const struct casebook_account *account, struct error *err),
                      void *context, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement,
                        "SELECT account, grade, basis, reason, first_us, last_us, responses, susceptible FROM account"
                        " WHERE incident = ?1 ORDER BY account",
                        "i", number);

        while (r == 0 && (r = sql_step(&book->sql, statement, err)) > 0) {
                const struct casebook_account account = { sql_text(statement, 0),
                                                          sql_text(statement, 1),
                                                          sql_text(statement, 2),
                                                          sql_text(statement, 3),
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
        int r = sql_run(&book->sql, err, "DELETE FROM account WHERE incident = ?1", "i", number);

        if (r == 0)
                r = sql_run(&book->sql, err, "DELETE FROM mail WHERE incident = ?1", "i", number);
        if (r == 0)
                r = sql_run(&book->sql, err,
                            "UPDATE complaint SET who = '', text = '', answer = '' WHERE incident = ?1", "i", number);
        return r < 0 ? r : sql_run(&book->sql, err, "DELETE FROM notice WHERE incident = ?1", "i", number);
}

int casebook_put_report(struct casebook *book, int64_t number, const char *form, const char *language, const char *text,
                        int64_t time_us, int64_t *ret_revision, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int64_t revision;
        int r = sql_ask(&book->sql, err, &statement,
                        "SELECT ifnull(max(revision), 0) + 1 FROM report WHERE incident = ?1 AND form = ?2 AND"
                        " language = ?3",
                        "i", number);

        if (r < 0)
                return r;
        sqlite3_bind_text(statement, 2, form, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(statement, 3, language, -1, SQLITE_TRANSIENT);
        r = sql_step(&book->sql, statement, err);
        if (r < 0)
                return r;
        revision = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
        r = sql_run(
                &book->sql, err,
                "INSERT INTO report(incident, form, language, revision, time_us, text) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                "ittiit", number, form, language, revision, time_us, text);
        if (r == 0)
                *ret_revision = revision;
        return r;
}

int casebook_report(struct casebook *book, int64_t number, const char *form, const char *language, int64_t revision,
                    char **ret_text, int64_t *ret_time_us, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement,
                        "SELECT text, time_us FROM report WHERE incident = ?1 AND form = ?2 AND language = ?3 AND"
                        " revision = ?4",
                        "itti", number, form, language, revision);

        if (r == 0)
                r = sql_step(&book->sql, statement, err);
        if (r == 0)
                return error_usage(err, _("there is no revision %lld of that form in that language"), (long long)revision);
        if (r < 0)
                return r;
        *ret_text = memory_string(sql_text(statement, 0));
        *ret_time_us = sqlite3_column_int64(statement, 1);
        return *ret_text ? 0 : error_memory(err);
}
