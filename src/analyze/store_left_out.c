/* store_left_out.c - when this server did not take part. */
#include <string.h>

#include "analyze/store_private.h"
#include "base/i18n.h"
#include "base/memory.h"

int store_left_out(struct store *store, char **ret_reason, struct error *err)
{
        static const char text[] = "SELECT reason FROM left_out WHERE end IS NULL ORDER BY begin DESC LIMIT 1";
        sqlite3_stmt *statement = NULL;
        int step;

        *ret_reason = NULL;
        if (sqlite3_prepare_v2(store->database, text, -1, &statement, NULL) != SQLITE_OK)
                return store_fail(store, _("read"), err);
        step = sqlite3_step(statement);
        if (step == SQLITE_ROW)
                *ret_reason =
                        memory_copy(sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
        sqlite3_finalize(statement);
        if (step == SQLITE_ROW)
                return *ret_reason ? 0 : error_memory(err);
        return step == SQLITE_DONE ? 0 : store_fail(store, _("read"), err);
}

static int run(struct store *store, const char *text, int64_t now, const char *reason, struct error *err)
{
        sqlite3_stmt *statement = NULL;
        int r;

        if (sqlite3_prepare_v2(store->database, text, -1, &statement, NULL) != SQLITE_OK)
                return store_fail(store, _("write"), err);
        sqlite3_bind_int64(statement, 1, now);
        if (reason)
                sqlite3_bind_text(statement, 2, reason, -1, SQLITE_STATIC);
        r = sqlite3_step(statement) == SQLITE_DONE ? 0 : store_fail(store, _("write"), err);
        sqlite3_finalize(statement);
        return r;
}

int store_leave_out(struct store *store, const char *reason, int64_t now, struct error *err)
{
        _cleanup_(memory_freep) char *before = NULL;
        int r = store_left_out(store, &before, err);

        if (r < 0 || (!before && !reason) || (before && reason && strcmp(before, reason) == 0))
                return r;
        r = store_begin(store, err);
        if (r == 0)
                r = run(store, "UPDATE left_out SET end = ?1 WHERE end IS NULL", now, NULL, err);
        if (r == 0 && reason)
                r = run(store, "INSERT OR REPLACE INTO left_out VALUES(?1, NULL, ?2)", now, reason, err);
        if (r == 0)
                r = store_commit(store, err);
        if (r < 0)
                store_rollback(store);
        return r;
}
