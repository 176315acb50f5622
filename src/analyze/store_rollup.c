/* store_rollup.c - spans of time, histograms, and what is too old. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "accesslog/scan.h"
#include "analyze/book.h"
#include "analyze/store_private.h"
#include "base/clock.h"
#include "base/i18n.h"

/* ---------------------------------------------------------------- months */

int64_t store_month_begin(int64_t month)
{
        int64_t year = clock_floor(month, 12);

        return scan_days(1970 + (int)year, (unsigned int)(month - year * 12) + 1, 1);
}

int64_t store_month_of(int64_t day)
{
        int64_t month = (int64_t)((double)day / 30.436875) - 2; /* a little too early */

        while (store_month_begin(month + 1) <= day)
                month++;
        return month;
}

/* ---------------------------------------------------------------- spans of time */

static void add_piece(struct store_pieces *pieces, int span, int64_t first, int64_t until)
{
        if (first < until)
                pieces->pieces[pieces->count++] = (struct store_piece){ span, first, until };
}

void store_cut(int64_t from_hour, int64_t until_hour, struct store_pieces *ret_pieces)
{
        int64_t first_day = clock_floor(from_hour + 23, 24), last_day = clock_floor(until_hour, 24);
        int64_t first_month, last_month;

        ret_pieces->count = 0;
        if (first_day >= last_day) { /* no whole day in it */
                add_piece(ret_pieces, SPAN_HOUR, from_hour, until_hour);
                return;
        }
        add_piece(ret_pieces, SPAN_HOUR, from_hour, first_day * 24);
        first_month = store_month_of(first_day - 1) + 1;
        last_month = store_month_of(last_day);
        if (first_month < last_month) {
                add_piece(ret_pieces, SPAN_DAY, first_day, store_month_begin(first_month));
                add_piece(ret_pieces, SPAN_MONTH, first_month, last_month);
                add_piece(ret_pieces, SPAN_DAY, store_month_begin(last_month), last_day);
        } else {
                add_piece(ret_pieces, SPAN_DAY, first_day, last_day);
        }
        add_piece(ret_pieces, SPAN_HOUR, last_day * 24, until_hour);
}

/* min(start) or max(start) of a span's totals; false when there is none. */
static bool edge(struct store *store, int64_t site, int span, bool last, int64_t *ret_start)
{
        sqlite3_stmt *statement = NULL;
        bool any = false;

        if (sqlite3_prepare_v2(store->database,
                               last ? "SELECT max(start) FROM rollup WHERE site = ?1 AND span = ?2 AND dimension = ?3"
                                    : "SELECT min(start) FROM rollup WHERE site = ?1 AND span = ?2 AND dimension = ?3",
                               -1, &statement, NULL) == SQLITE_OK) {
                sqlite3_bind_int64(statement, 1, site);
                sqlite3_bind_int(statement, 2, span);
                sqlite3_bind_int(statement, 3, STORE_TOTAL);
                any = sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_INTEGER;
                if (any)
                        *ret_start = sqlite3_column_int64(statement, 0);
        }
        sqlite3_finalize(statement);
        return any;
}

int store_bounds(struct store *store, int64_t site, int64_t from_us, int64_t until_us, int64_t *ret_from_hour,
                 int64_t *ret_until_hour, struct error *err)
{
        const int64_t hour_us = INT64_C(3600000000);
        int64_t first = 0, last = -1, from, until, hours = INT64_MAX;

        if (!edge(store, site, SPAN_DAY, false, &first) || !edge(store, site, SPAN_DAY, true, &last))
                last = first - 1;
        from = first * 24;
        until = (last + 1) * 24;
        if (from_us && clock_floor(from_us, hour_us) > from)
                from = clock_floor(from_us, hour_us);
        if (until_us && clock_floor(until_us + hour_us - 1, hour_us) < until)
                until = clock_floor(until_us + hour_us - 1, hour_us);
        if (until < from)
                until = from;
        edge(store, site, SPAN_HOUR, false, &hours);
        if (until > from && ((from % 24 && from < hours - hours % 24) || (until % 24 && until < hours)))
                return error_usage(err, _("the hours of these days are not kept any more; ask for whole days"));
        *ret_from_hour = from;
        *ret_until_hour = until;
        return 0;
}

/* ---------------------------------------------------------------- durations */

int store_write_took(const struct histogram *histogram, struct buffer *bytes)
{
        uint64_t empty = 0;
        int r = 0;

        for (size_t i = 0; i < HISTOGRAM_CLASSES && r == 0; i++) {
                if (!histogram->classes[i]) {
                        empty++;
                        continue;
                }
                r = book_page_number(bytes, empty);
                if (r == 0)
                        r = book_page_number(bytes, histogram->classes[i]);
                empty = 0;
        }
        return r;
}

void store_read_took(const void *bytes, size_t length, struct histogram *into)
{
        const uint8_t *at = bytes, *end = at + length;
        uint64_t number[2], class = 0;

        while (at < end) {
                for (unsigned int i = 0; i < 2; i++) {
                        number[i] = 0;
                        for (unsigned int shift = 0; shift < 64 && at < end; shift += 7) {
                                number[i] |= (uint64_t)(*at & 127) << shift;
                                if (!(*at++ & 128))
                                        break;
                        }
                }
                if (number[0] >= HISTOGRAM_CLASSES || (class += number[0]) >= HISTOGRAM_CLASSES)
                        return;
                into->classes[class ++] += number[1];
                into->total += number[1];
        }
}

/* ---------------------------------------------------------------- retention */

static int execute(struct store *store, const char *text, struct error *err)
{
        return sqlite3_exec(store->database, text, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                                  : store_fail(store, _("write"), err);
}

static int newest_day(struct store *store, int64_t *ret_day, struct error *err)
{
        sqlite3_stmt *statement = NULL;
        int64_t us;
        bool any;

        if (sqlite3_prepare_v2(store->database, "SELECT max(last_us) FROM site", -1, &statement, NULL) != SQLITE_OK ||
            sqlite3_step(statement) != SQLITE_ROW) {
                sqlite3_finalize(statement);
                return store_fail(store, _("read"), err);
        }
        any = sqlite3_column_type(statement, 0) == SQLITE_INTEGER;
        us = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        *ret_day = any ? us / INT64_C(86400000000) - (us < 0) : INT64_MIN;
        return 0;
}

int store_retain(struct store *store, uint64_t hour_days, uint64_t day_days, struct error *err)
{
        char text[1200];
        int64_t day = INT64_MIN, hours, days;
        int r = newest_day(store, &day, err);

        if (r < 0 || day == INT64_MIN)
                return r;
        hours = day - (int64_t)hour_days;
        days = day - (int64_t)day_days;
        snprintf(
                text, sizeof(text),
                "DELETE FROM rollup WHERE site IN (SELECT id FROM site) AND span = 0 AND dimension BETWEEN 0 AND 63 AND"
                " start < %" PRId64 ";"
                "DELETE FROM other WHERE span = 0 AND start < %" PRId64 ";"
                "DELETE FROM rollup WHERE site IN (SELECT id FROM site) AND span = 1 AND start < %" PRId64 ";"
                "DELETE FROM other WHERE span = 1 AND start < %" PRId64 ";"
                "DELETE FROM took WHERE day < %" PRId64 ";"
                "DELETE FROM vital WHERE day < %" PRId64 ";"
                "DELETE FROM funnel WHERE day < %" PRId64 ";"
                "DELETE FROM embedder WHERE day < %" PRId64 ";"
                "DELETE FROM rollup WHERE site IN (SELECT id FROM site) AND span = 2 AND start < %" PRId64 ";"
                "DELETE FROM name WHERE id NOT IN (SELECT DISTINCT name FROM rollup);",
                hours * 24, hours * 24, days, days, days, days, days, days, store_month_of(days));
        r = store_begin(store, err);
        if (r == 0)
                r = execute(store, text, err);
        if (r == 0)
                r = store_commit(store, err);
        if (r < 0)
                store_rollback(store);
        store_forget_names(store);
        store->name_gap = 0;
        return r;
}
