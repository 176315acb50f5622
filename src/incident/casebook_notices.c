/* casebook_notices.c - who sees a notice at the next login, and who was written to. */
#include "incident/casebook_private.h"

#include <errno.h>
#include <string.h>

#include "base/i18n.h"

/* ---- notices ---- */

/* A statement about an account, which is its first parameter. */
static int run_account(struct casebook *book, const char *text, const char *account, size_t length, int64_t number,
                       int64_t time_us, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement, text, "");

        if (r < 0)
                return r;
        sqlite3_bind_blob64(statement, 1, account, length, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, number);
        sqlite3_bind_int64(statement, 3, time_us);
        return sqlite3_step(statement) == SQLITE_DONE ? 0 : sql_fail(&book->sql, err);
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
                                  : sql_ask(&book->sql, err, &book->find_notice,
                                            "SELECT incident, shown_us FROM notice WHERE account = ?1 AND"
                                            " acknowledged_us = 0 ORDER BY incident LIMIT 1",
                                            "");

        if (r < 0)
                return r;
        sqlite3_reset(book->find_notice);
        sqlite3_bind_blob64(book->find_notice, 1, account, length, SQLITE_STATIC);
        r = sql_step(&book->sql, book->find_notice, err);
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
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement, "SELECT account FROM notice WHERE acknowledged_us = 0", "");

        while (r == 0 && (r = sql_step(&book->sql, statement, err)) > 0) {
                const char *account = sqlite3_column_blob(statement, 0);

                r = each(context, account ? account : "", (size_t)sqlite3_column_bytes(statement, 0), err);
        }
        return r;
}

int64_t casebook_version(struct casebook *book, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement, "PRAGMA data_version", "");

        if (r == 0)
                r = sql_step(&book->sql, statement, err);
        return r > 0 ? sqlite3_column_int64(statement, 0) : r < 0 ? r : -EIO;
}

int casebook_notice_shown(struct casebook *book, int64_t number, const char *account, size_t length, int64_t time_us,
                          struct error *err)
{
        return run_account(book,
                           "UPDATE notice SET shown_us = ?3 WHERE account = ?1 AND incident = ?2 AND shown_us = 0",
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
                *ret_count = sqlite3_changes(book->sql.database);
        return r;
}

int casebook_count_notices(struct casebook *book, int64_t number, struct casebook_notices *ret_counts,
                           struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(
                &book->sql, err, &statement,
                "SELECT count(*), total(shown_us > 0), total(acknowledged_us > 0) FROM notice WHERE incident = ?1", "i",
                number);

        if (r == 0)
                r = sql_step(&book->sql, statement, err);
        if (r > 0)
                *ret_counts = (struct casebook_notices){ sqlite3_column_int64(statement, 0),
                                                         sqlite3_column_int64(statement, 1),
                                                         sqlite3_column_int64(statement, 2) };
        return r < 0 ? r : 0;
}

/* ---- mail ---- */

int casebook_put_mail(struct casebook *book, int64_t number, const struct casebook_mail *mail, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement, "INSERT OR REPLACE INTO mail VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                        "ittttI", number, "", mail->address, mail->state, mail->words, mail->time_us);

        if (r < 0)
                return r;
        sqlite3_bind_blob64(statement, 2, mail->account, mail->account_length, SQLITE_STATIC);
        return sqlite3_step(statement) == SQLITE_DONE ? 0 : sql_fail(&book->sql, err);
}

int casebook_answer_mail(struct casebook *book, int64_t number, const char *account, const char *words,
                         struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement, "UPDATE mail SET words = ?3 WHERE incident = ?1 AND account = ?2",
                        "itt", number, "", words);

        if (r < 0)
                return r;
        sqlite3_bind_blob64(statement, 2, account, strlen(account), SQLITE_STATIC);
        if (sqlite3_step(statement) != SQLITE_DONE)
                return sql_fail(&book->sql, err);
        return sqlite3_changes(book->sql.database) == 1 ? 0 : error_usage(err, _("no mail was sent to that account"));
}

int casebook_mails(struct casebook *book, int64_t number,
                   int (*each)(void *context, const struct casebook_mail *mail, struct error *err), void *context,
                   struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement,
                        "SELECT account, address, state, words, time_us FROM mail WHERE incident = ?1 ORDER BY account",
                        "i", number);

        while (r == 0 && (r = sql_step(&book->sql, statement, err)) > 0) {
                const char *account = sqlite3_column_blob(statement, 0);
                const struct casebook_mail mail = { .account = account ? account : "",
                                                    .account_length = (size_t)sqlite3_column_bytes(statement, 0),
                                                    .address = sql_text(statement, 1),
                                                    .state = sql_text(statement, 2),
                                                    .words = sql_text(statement, 3),
                                                    .time_us = sqlite3_column_int64(statement, 4) };

                r = each(context, &mail, err);
        }
        return r;
}
