/* casebook_complaints.c - what was told from outside, what was compared then, and what was answered. */
#include "incident/casebook_private.h"

#include "base/i18n.h"

int casebook_add_complaint(struct casebook *book, int64_t number, const struct casebook_complaint *complaint,
                           int64_t *ret_complaint, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int64_t next = 0;
        int r = sql_ask(&book->sql, err, &statement,
                        "SELECT ifnull(max(complaint), 0) + 1 FROM complaint WHERE incident = ?1", "i", number);

        if (r == 0)
                r = sql_step(&book->sql, statement, err);
        if (r < 0)
                return r;
        next = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement); /* it would hold a lock of the file */
        r = sql_run(&book->sql, err,
                    "INSERT INTO complaint(incident, complaint, came_us, entered_us, source, who, text, paths, by)"
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                    "iiiittttt", number, next, complaint->came_us, complaint->entered_us, complaint->source,
                    complaint->who, complaint->text, complaint->paths, complaint->by);
        if (r == 0)
                *ret_complaint = next;
        return r;
}

/* Changes one that is there. */
static int changed(struct casebook *book, int64_t number, int64_t complaint, struct error *err)
{
        if (sqlite3_changes(book->sql.database) == 1)
                return 0;
        return error_usage(err, _("incident %lld has no complaint %lld that waits for this"), (long long)number,
                           (long long)complaint);
}

int casebook_compared(struct casebook *book, int64_t number, int64_t complaint, const char *json, struct error *err)
{
        int r = sql_run(&book->sql, err,
                        "UPDATE complaint SET comparison = ?3 WHERE incident = ?1 AND complaint = ?2 AND"
                        " comparison IS NULL",
                        "iit", number, complaint, json);

        return r < 0 ? r : changed(book, number, complaint, err);
}

int casebook_answer_complaint(struct casebook *book, int64_t number, int64_t complaint, const char *answer,
                              const char *by, int64_t time_us, struct error *err)
{
        int r = sql_run(&book->sql, err,
                        "UPDATE complaint SET answer = ?3, answered_by = ?4, answered_us = ?5 WHERE incident = ?1 AND"
                        " complaint = ?2 AND answered_us = 0",
                        "iitti", number, complaint, answer, by, time_us);

        return r < 0 ? r : changed(book, number, complaint, err);
}

int casebook_complaints(struct casebook *book, int64_t number,
                        int (*each)(void *context, const struct casebook_complaint *complaint, struct error *err),
                        void *context, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&book->sql, err, &statement,
                        "SELECT complaint, came_us, entered_us, source, who, text, paths, by, comparison, answer,"
                        " answered_by, answered_us FROM complaint WHERE incident = ?1 ORDER BY came_us, complaint",
                        "i", number);

        while (r == 0 && (r = sql_step(&book->sql, statement, err)) > 0) {
                const struct casebook_complaint complaint = {
                        .number = sqlite3_column_int64(statement, 0),
                        .came_us = sqlite3_column_int64(statement, 1),
                        .entered_us = sqlite3_column_int64(statement, 2),
                        .source = sql_text(statement, 3),
                        .who = sql_text(statement, 4),
                        .text = sql_text(statement, 5),
                        .paths = sql_text(statement, 6),
                        .by = sql_text(statement, 7),
                        .comparison = sql_text(statement, 8),
                        .answer = sql_text(statement, 9),
                        .answered_by = sql_text(statement, 10),
                        .answered_us = sqlite3_column_int64(statement, 11),
                };

                r = each(context, &complaint, err);
        }
        return r;
}
