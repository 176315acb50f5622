/*
 * sql.h - a small SQLite file of the state: opened safely, and one short statement for each thing that is asked.
 *
 * The file is STATE/FOLDER/NAME, 0600 in a folder with 0700, no part of the path a symbolic link. Writes are synced
 * when they return. What is deleted is overwritten, for such a file may hold personal data.
 *
 *     r = sql_open(&sql, &(struct sql_options){ state, "fleet", "register.db", schema, 1, true, ... }, err);
 *     r = sql_run(&sql, err, "UPDATE server SET owner = ?2 WHERE name = ?1", "tt", name, owner);
 *     r = sql_ask(&sql, err, &statement, "SELECT ... WHERE name = ?1", "t", name);
 *     while (r == 0 && (r = sql_step(&sql, statement, err)) > 0) ... sql_text(statement, 0) ...
 */
#ifndef SQL_SQL_H
#define SQL_SQL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/error.h"

struct sql {
        sqlite3 *database;
        char path[PATH_MAX];
};

struct sql_options {
        const char *state, *folder, *name;
        const char *schema;          /* statements that make an empty file version 1 */
        const char *const *upgrades; /* [i] makes version i + 1 of it version i + 2; NULL: there is none */
        int version;                 /* PRAGMA user_version */
        bool writable;               /* made when it is not there */
        const char *missing;         /* the sentence for -ENOENT, translated; "%s" is the state */
};

/* -ENOENT when there is none and it is only to be read; -ENOTSUP when another version made it. */
int sql_open(struct sql *sql, const struct sql_options *options, struct error *err);
void sql_close(struct sql *sql);

/* What follows stands together or not at all. */
int sql_begin(struct sql *sql, struct error *err);
int sql_commit(struct sql *sql, struct error *err);
void sql_rollback(struct sql *sql);

/*
 * The arguments of a statement, one for each letter of `types`: i an int64_t, I one that is NULL in the database when
 * it is INT64_MIN or INT64_MAX, t a text (NULL is NULL). sql_run() is for what gives no rows.
 */
int sql_run(struct sql *sql, struct error *err, const char *text, const char *types, ...);
int sql_ask(struct sql *sql, struct error *err, sqlite3_stmt **ret_statement, const char *text, const char *types, ...);

/* 1 a row, 0 no more, negative with words. */
int sql_step(struct sql *sql, sqlite3_stmt *statement, struct error *err);

/* A column; "" for NULL. Valid until the next step. */
const char *sql_text(sqlite3_stmt *statement, int at);
int64_t sql_number_or(sqlite3_stmt *statement, int at, int64_t otherwise);

/* The words of what SQLite said last. */
int sql_fail(struct sql *sql, struct error *err);

/* For _cleanup_(). */
void sql_finalizep(sqlite3_stmt **statement);

#endif
