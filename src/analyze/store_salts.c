/* store_salts.c - days that were counted, and whether the salt of a day is still the one that it was. */
#include <errno.h>
#include <string.h>

#include "analyze/store_private.h"
#include "analyze/summary_private.h"
#include "base/i18n.h"

int store_day_read(struct store *store, int32_t day, struct store_day *ret_day, struct error *err)
{
        sqlite3_stmt *statement = store_statement(store, STATEMENT_DAY, err);
        struct store_day found = { 0 };
        int step;

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, day);
        step = sqlite3_step(statement);
        found.known = step == SQLITE_ROW;
        found.closed = found.known && sqlite3_column_int(statement, 0) != 0;
        found.checked = found.known && sqlite3_column_bytes(statement, 1) == SALT_CHECK_SIZE;
        if (found.checked)
                memcpy(found.check, sqlite3_column_blob(statement, 1), SALT_CHECK_SIZE);
        sqlite3_reset(statement);
        if (step != SQLITE_ROW && step != SQLITE_DONE)
                return store_fail(store, _("read"), err);
        *ret_day = found;
        return 0;
}

int store_day_write(struct store *store, int32_t day, const uint8_t *check, int64_t replaced, struct error *err)
{
        sqlite3_stmt *statement = store_statement(store, STATEMENT_PUT_DAY, err);

        if (!statement)
                return -EIO;
        sqlite3_clear_bindings(statement);
        sqlite3_bind_int64(statement, 1, day);
        if (check)
                sqlite3_bind_blob(statement, 2, check, SALT_CHECK_SIZE, SQLITE_TRANSIENT);
        if (replaced)
                sqlite3_bind_int64(statement, 3, replaced);
        return store_run(store, statement, err);
}

int store_day_compare(const struct store_day *day, const uint8_t salt[static SALT_SIZE],
                      uint8_t ret_check[static SALT_CHECK_SIZE], bool *ret_replaced, struct error *err)
{
        int r = salt_check(salt, ret_check, err);

        if (r == 0)
                *ret_replaced = day->checked && memcmp(day->check, ret_check, SALT_CHECK_SIZE) != 0;
        return r;
}

int store_replaced_salts(struct store *store, int64_t from_day, int64_t until_day, struct summary *memory,
                         struct replaced_salts *ret_salts, struct error *err)
{
        static const char text[] = "SELECT day, salt_replaced FROM (SELECT day, salt_replaced FROM day WHERE day >= ?1 AND"
                                   " day < ?2 AND salt_replaced IS NOT NULL ORDER BY day DESC LIMIT ?3) ORDER BY day";
        struct replaced_salts found = { 0 };
        sqlite3_stmt *statement = NULL;
        int step;

        if (sqlite3_prepare_v2(store->database, text, -1, &statement, NULL) != SQLITE_OK)
                return store_fail(store, _("read"), err);
        sqlite3_bind_int64(statement, 1, from_day);
        sqlite3_bind_int64(statement, 2, until_day);
        sqlite3_bind_int(statement, 3, REPLACED_SALTS_MAXIMUM);
        while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
                if (!found.items &&
                    !(found.items = summary_allocate(memory, REPLACED_SALTS_MAXIMUM * sizeof(*found.items))))
                        break;
                found.items[found.count++] = (struct replaced_salt){ .day = sqlite3_column_int64(statement, 0),
                                                                     .time = sqlite3_column_int64(statement, 1) };
        }
        sqlite3_finalize(statement);
        if (step != SQLITE_DONE)
                return step == SQLITE_ROW ? error_memory(err) : store_fail(store, _("read"), err);
        *ret_salts = found;
        return 0;
}
