/* store_summary.c - rollups of a span of time as the summary that all reports are made from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accesslog/beacon.h"
#include "analyze/classify.h"
#include "analyze/reconcile.h"
#include "analyze/sketch.h"
#include "analyze/store_ask.h"
#include "analyze/summary_private.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"

/* ---------------------------------------------------------------- dimensions */

struct taking {
        enum dimension_kind kind;
        struct rows rows;
        uint64_t other_hits;
};

static bool take_row(struct ask *ask, void *context, const char *text, size_t length, const struct figures *figures)
{
        struct taking *taking = context;
        const char *copy;

        if (!figures->hits)
                return true;
        if (taking->kind == DIMENSION_PAGES && ask->question->answered_only && !figures->visitors)
                return true;
        if (ask_is_own_row(ask->summary, taking->kind, text, length))
                return true;
        if (length == strlen(NAME_OTHER) && memcmp(text, NAME_OTHER, length) == 0)
                taking->other_hits += figures->hits;
        copy = summary_text(ask->summary, text, length);
        return copy && rows_add(&taking->rows, copy, length, figures);
}

struct of_hours {
        struct figures figures[24];
};

static void take_hour_of_day(void *context, uint32_t id, int64_t start, const struct figures *figures)
{
        struct of_hours *hours = context;

        (void)id;
        figures_add(&hours->figures[(start % 24 + 24) % 24], figures);
}

static bool take_named_hour(struct ask *ask, void *context, const char *text, size_t length,
                            const struct figures *figures)
{
        struct of_hours *hours = context;
        unsigned int hour = length == 2 ? (unsigned int)(text[0] - '0') * 10 + (unsigned int)(text[1] - '0') : 24;

        (void)ask;
        if (hour < 24)
                figures_add(&hours->figures[hour], figures);
        return true;
}

/* Days and months have rows for it; of parts of days they are the hours themselves. */
static int take_hours_of_day(struct ask *ask)
{
        struct of_hours hours = { 0 };
        struct rows rows = { 0 };
        int r = ask_names(ask, DIMENSION_HOURS, take_named_hour, &hours);

        for (size_t i = 0; i < ask->pieces.count && r == 0; i++)
                if (ask->pieces.pieces[i].span == SPAN_HOUR)
                        r = ask_rows(ask, STORE_TOTAL, &ask->pieces.pieces[i], take_hour_of_day, &hours);
        for (unsigned int i = 0; i < 24 && r == 0; i++) {
                const char text[3] = { (char)('0' + i / 10), (char)('0' + i % 10), '\0' };
                const char *copy = hours.figures[i].hits ? summary_text(ask->summary, text, 2) : NULL;

                if (hours.figures[i].hits && (!copy || !rows_add(&rows, copy, 2, &hours.figures[i])))
                        r = error_memory(ask->err);
        }
        if (r == 0 && !summary_take_rows(ask->summary, DIMENSION_HOURS, &rows, ask->question->top))
                r = error_memory(ask->err);
        rows_done(&rows);
        return r;
}

/* How many different names were put together, over all pieces that have a sketch. */
static int others_of(struct ask *ask, unsigned int dimension, bool days_apart, uint64_t *ret_names)
{
        static const char text[] = "SELECT sketch FROM other WHERE site = ?1 AND span = ?2 AND dimension = ?3 AND"
                                   " start >= ?4 AND start < ?5";
        _cleanup_(memory_freep) struct sketch *all = memory_new(1, sizeof(*all));
        bool any = false;
        int r = 0;

        *ret_names = 0;
        if (!all)
                return error_memory(ask->err);
        for (size_t i = 0; i < ask->pieces.count && r == 0; i++) {
                struct store_piece piece = ask->pieces.pieces[i];
                sqlite3_stmt *statement = NULL;
                int step;

                if (piece.span == SPAN_MONTH)
                        piece = (struct store_piece){ SPAN_DAY, store_month_begin(piece.first),
                                                      store_month_begin(piece.until) };
                if (sqlite3_prepare_v2(ask->store->database, text, -1, &statement, NULL) != SQLITE_OK)
                        return store_fail(ask->store, _("read"), ask->err);
                ask_bind(ask, statement, dimension, &piece);
                while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
                        const struct sketch *one = sqlite3_column_blob(statement, 0);

                        if (sqlite3_column_bytes(statement, 0) != sizeof(*one))
                                continue;
                        any = true;
                        if (days_apart)
                                *ret_names += sketch_estimate(one);
                        else
                                sketch_join(all, one);
                }
                if (step != SQLITE_DONE)
                        r = store_fail(ask->store, _("read"), ask->err);
                sqlite3_finalize(statement);
        }
        if (any && !days_apart)
                *ret_names = sketch_estimate(all);
        return r;
}

static int take_dimension(struct ask *ask, enum dimension_kind kind)
{
        struct taking taking = { .kind = kind };
        uint64_t others = 0;
        int r = ask_names(ask, store_dimension(kind), take_row, &taking);

        if (r == 0 && !summary_take_rows(ask->summary, kind, &taking.rows, ask->question->top))
                r = error_memory(ask->err);
        rows_done(&taking.rows);
        if (r < 0 || !taking.other_hits)
                return r;
        r = others_of(ask, store_dimension(kind), false, &others);
        if (r < 0 || !others)
                return r;
        ask->summary->dimensions[kind].total += others - 1; /* "(other)" itself is no name */
        return summary_approximate(ask->summary, dimension_name(kind),
                                   (double)taking.other_hits / (double)(ask->summary->totals.hits + 1),
                                   N_("the list was full: names that came then were put together as (other); the error "
                                      "is of all requests"))
                       ? 0
                       : error_memory(ask->err);
}

/* ---------------------------------------------------------------- intervals */

struct interval_list {
        struct hour *hours;
        size_t count;
        bool failed;
};

static void list_interval(void *context, uint32_t id, int64_t start, const struct figures *figures)
{
        struct interval_list *list = context;

        (void)id;
        if (!figures->hits)
                return;
        if (memory_grow(&list->hours, list->count, sizeof(*list->hours)) < 0) {
                list->failed = true;
                return;
        }
        list->hours[list->count++] = (struct hour){ .hour = start, .used = true, .figures = *figures };
}

static struct store_piece piece_of(const struct ask *ask, int span)
{
        int64_t by = span == SPAN_HOUR ? 1 : 24;

        return (struct store_piece){ span, clock_floor(ask->from_hour, by),
                                     (ask->until_hour + by - 1) / by };
}

static int read_list(struct ask *ask, int span, struct interval_list *list)
{
        const struct store_piece piece = piece_of(ask, span);
        int r = ask_rows(ask, STORE_TOTAL, &piece, list_interval, list);

        return r == 0 && list->failed ? error_memory(ask->err) : r;
}

static void set_people_of_hour(void *summary, uint32_t id, int64_t start, const struct figures *figures)
{
        struct interval *interval = summary_hour(summary, start);

        (void)id;
        if (interval)
                interval->human_visitors = figures->visitors;
}

static void set_people_of_day(void *summary, uint32_t id, int64_t start, const struct figures *figures)
{
        struct interval *interval = summary_day(summary, start);

        (void)id;
        if (interval)
                interval->human_visitors = figures->visitors;
}

/* Intervals from the first to the last of the list: hours, or days (as their first hour). */
static int make_intervals(struct ask *ask, const struct interval_list *hours, const struct interval_list *days)
{
        struct summary *summary = ask->summary;
        const struct store_piece hour_piece = piece_of(ask, SPAN_HOUR), day_piece = piece_of(ask, SPAN_DAY);
        int r;

        if (!summary_make_intervals(summary, hours->count ? hours->hours : days->hours,
                                    hours->count ? hours->count : days->count))
                return error_memory(ask->err);
        for (size_t i = 0; i < hours->count; i++)
                summary_hour(summary, hours->hours[i].hour)->figures = hours->hours[i].figures;
        for (size_t i = 0; i < days->count; i++) {
                struct interval *day = summary_day(summary, days->hours[i].hour / 24);

                if (day)
                        day->figures = days->hours[i].figures;
        }
        r = ask_rows(ask, STORE_PEOPLE, &day_piece, set_people_of_day, summary);
        if (r == 0 && hours->count)
                r = ask_rows(ask, STORE_PEOPLE, &hour_piece, set_people_of_hour, summary);
        if (!hours->count)
                summary->hour_count = 0;
        return r;
}

/* Days from their own rows. Hours only where those of all days are still kept: a gap would look like a quiet time. */
static int take_intervals(struct ask *ask)
{
        struct interval_list hours = { 0 }, days = { 0 };
        int r = read_list(ask, SPAN_HOUR, &hours);

        if (r == 0)
                r = read_list(ask, SPAN_DAY, &days);
        for (size_t i = 0; r == 0 && i < days.count; i++)
                days.hours[i].hour *= 24;
        if (r == 0 && hours.count && days.count && hours.hours[0].hour >= days.hours[0].hour + 24)
                hours.count = 0;
        if (r == 0)
                r = make_intervals(ask, &hours, &days);
        free(hours.hours);
        free(days.hours);
        return r;
}

/* ---------------------------------------------------------------- the rest */

static int take_totals(struct ask *ask)
{
        struct summary *summary = ask->summary;
        struct figures people, views, bounces, visits, addresses, late, navigations, pixels;
        int r = ask_total(ask, STORE_TOTAL, &summary->totals);

        if (r < 0 || (r = ask_total(ask, STORE_PEOPLE, &people)) < 0 || (r = ask_total(ask, STORE_VIEWS, &views)) < 0 ||
            (r = ask_total(ask, STORE_BOUNCES, &bounces)) < 0 || (r = ask_total(ask, STORE_VISIT_MS, &visits)) < 0 ||
            (r = ask_total(ask, STORE_ADDRESSES, &addresses)) < 0 || (r = ask_total(ask, STORE_LATE, &late)) < 0 ||
            (r = ask_total(ask, STORE_NAVIGATIONS, &navigations)) < 0 ||
            (r = ask_total(ask, STORE_PIXELS, &pixels)) < 0)
                return r;
        summary->hosts = addresses.visitors;
        summary->human_visitors = people.visitors;
        summary->human_visits = people.visits;
        summary->human_hits = summary->totals.hits - summary->totals.bot_hits;
        summary->page_views = views.hits;
        summary->human_page_views = views.hits - views.bot_hits;
        summary->bounces = bounces.hits;
        summary->human_bounces = bounces.hits - bounces.bot_hits;
        summary->visit_seconds = visits.hits / 1000;
        summary->navigations = navigations.hits - navigations.bot_hits;
        summary->pixels = pixels.hits - pixels.bot_hits;
        ask->late = late.hits;
        return 0;
}

/* What is kept of a site as a whole. Lines that fit no format have no time: they belong to the whole alone. */
static int take_site(struct ask *ask)
{
        static const char text[] = "SELECT first_us, last_us, lines, invalid, empty, formats FROM site WHERE id = ?1";
        struct summary *summary = ask->summary;
        sqlite3_stmt *statement = NULL;
        uint64_t formats;

        if (sqlite3_prepare_v2(ask->store->database, text, -1, &statement, NULL) != SQLITE_OK)
                return store_fail(ask->store, _("read"), ask->err);
        sqlite3_bind_int64(statement, 1, ask->site);
        if (sqlite3_step(statement) != SQLITE_ROW) {
                sqlite3_finalize(statement);
                return store_fail(ask->store, _("read"), ask->err);
        }
        summary->first_us = sqlite3_column_int64(statement, 0);
        summary->last_us = sqlite3_column_int64(statement, 1);
        summary->lines = (uint64_t)sqlite3_column_int64(statement, 2);
        summary->invalid = (uint64_t)sqlite3_column_int64(statement, 3);
        summary->empty = (uint64_t)sqlite3_column_int64(statement, 4);
        formats = (uint64_t)sqlite3_column_int64(statement, 5);
        sqlite3_finalize(statement);
        if (summary->first_us < ask->from_hour * INT64_C(3600000000))
                summary->first_us = ask->from_hour * INT64_C(3600000000);
        if (summary->last_us >= ask->until_hour * INT64_C(3600000000))
                summary->last_us = ask->until_hour * INT64_C(3600000000) - 1;
        if (!summary->lines)
                summary->lines = summary->totals.hits;
        summary->formats = summary_allocate(summary, 32 * sizeof(*summary->formats));
        for (unsigned int kind = 0; summary->formats && kind < LOG_FORMATS; kind++)
                if (formats >> kind & 1)
                        summary->formats[summary->format_count++] = log_format_name((enum log_format_kind)kind);
        return summary->formats ? 0 : error_memory(ask->err);
}

static int take_statuses(struct ask *ask)
{
        struct summary *summary = ask->summary;
        const struct dimension *dimension = &summary->dimensions[DIMENSION_STATUS];

        summary->statuses = summary_allocate(summary, 1000 * sizeof(*summary->statuses));
        if (!summary->statuses)
                return error_memory(ask->err);
        for (unsigned int code = 0; code < 1000; code++) {
                const char text[4] = { (char)('0' + code / 100), (char)('0' + code / 10 % 10),
                                       (char)('0' + code % 10) };

                for (size_t i = 0; i < dimension->count; i++)
                        if (dimension->rows[i].name_length == 3 && memcmp(dimension->rows[i].name, text, 3) == 0)
                                summary->statuses[summary->status_count++] =
                                        (struct status_hits){ code, dimension->rows[i].figures.hits };
        }
        return 0;
}

static int take_limits(struct ask *ask)
{
        struct summary *summary = ask->summary;
        uint64_t unfollowed, hits = summary->totals.hits + 1;
        bool part = false;
        int r = others_of(ask, STORE_UNFOLLOWED, true, &unfollowed);

        if (r < 0)
                return r;
        for (size_t i = 0; i < ask->pieces.count; i++)
                part |= ask->pieces.pieces[i].span == SPAN_HOUR;
        if (part && !summary_approximate(summary, "visitors", 1,
                                         N_("of parts of a day visitors are those of each hour, added "
                                            "up: at most so many")))
                return error_memory(ask->err);
        if (summary->replaced_salts.count &&
            !summary_approximate(summary, "visitors", 1,
                                 N_("the salt of a day was replaced: who came before and after is counted twice")))
                return error_memory(ask->err);
        if (ask->late && !summary_approximate(summary, "visits", (double)ask->late / (double)hits,
                                              N_("some requests came when their day was closed: they are not in "
                                                 "visitors and visits; the error is of all requests")))
                return error_memory(ask->err);
        if (!unfollowed)
                return 0;
        summary->totals.visitors += unfollowed;
        return summary_approximate(summary, "visitors", SKETCH_ERROR,
                                   N_("not all visitors could be followed for lack of memory (--memory): those beyond "
                                      "are estimated by HyperLogLog, and are not in visits and in visitors of lists"))
                       ? 0
                       : error_memory(ask->err);
}

static int answer(struct ask *ask)
{
        int r = take_totals(ask);

        if (r == 0)
                r = take_site(ask);
        if (r == 0)
                r = ask_find_own(ask);
        for (unsigned int kind = 0; kind < DIMENSION_COUNT && r == 0; kind++)
                r = kind == DIMENSION_HOURS ? take_hours_of_day(ask) : take_dimension(ask, (enum dimension_kind)kind);
        if (r == 0)
                r = take_statuses(ask);
        if (r == 0)
                r = take_intervals(ask);
        if (r == 0)
                r = ask_days(ask);
        if (r == 0)
                r = ask_replaced_salts(ask, &ask->summary->replaced_salts);
        return r < 0 ? r : take_limits(ask);
}

static int summary_of(struct store *store, const struct store_question *question, struct summary *ret_summary,
                      struct error *err)
{
        struct summary summary = { 0 };
        struct ask ask = {
                .store = store, .own_hosts = question->own_hosts, .summary = &summary, .question = question, .err = err
        };
        int r = ask_begin(&ask, question->site, question->from_us, question->until_us, question->last_days);

        if (r < 0)
                return r;
        r = answer(&ask);
        if (r < 0) {
                summary_done(&summary);
                return r;
        }
        *ret_summary = summary;
        return 0;
}

/* The beacon's figures of the same site and, when the log has figures, of the same time. */
static int add_beacon(struct store *store, const struct store_question *question, struct summary *log,
                      struct error *err)
{
        _cleanup_(buffer_done) struct buffer site = BUFFER_INIT(LOG_LINE_MAXIMUM);
        struct store_question asked = *question;
        struct summary beacon = { 0 };
        int r;

        if (buffer_printf(&site, STORE_BEACON "%s", question->site ? question->site : "") < 0)
                return error_memory(err);
        asked.site = buffer_text(&site);
        if (log->day_count && question->last_days) {
                asked.last_days = 0;
                asked.from_us = log->days[0].start * 1000000;
                asked.until_us = (log->days[log->day_count - 1].start + 86400) * 1000000;
        }
        r = summary_of(store, &asked, &beacon, err);
        if (r < 0)
                return r;
        if (beacon.totals.hits)
                r = reconcile_summaries(log, &beacon, err);
        summary_done(&beacon);
        return r;
}

static int log_and_beacon(struct store *store, const struct store_question *question, struct summary *ret_summary,
                          struct error *err)
{
        struct summary summary = { 0 };
        struct error other = ERROR_NONE;
        int r = summary_of(store, question, &summary, err), b;

        if (r < 0 && r != -ENOENT)
                return r;
        b = add_beacon(store, question, &summary, &other);
        if (b < 0 && b != -ENOENT) {
                summary_done(&summary);
                *err = other;
                return b;
        }
        if (r < 0 && b < 0) /* neither has figures of this site */
                return r;
        *ret_summary = summary;
        return 0;
}

/* All of it from one moment, and with one lock instead of one for each of dozens of questions. */
int store_summary(struct store *store, const struct store_question *question, struct summary *ret_summary,
                  struct error *err)
{
        int r;

        if (sqlite3_exec(store->database, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
                return store_fail(store, _("read"), err);
        r = log_and_beacon(store, question, ret_summary, err);
        if (!sqlite3_get_autocommit(store->database))
                sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
        return r;
}
