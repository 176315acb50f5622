/* store_days.c - what the store has of whole days only, for the summary: how long answers took, web vitals, funnels. */
#include <errno.h>
#include <string.h>

#include "analyze/store_ask.h"
#include "analyze/summary_private.h"
#include "base/i18n.h"
#include "base/memory.h"

#define FUNNELS_SHOWN 64 /* of all that were ever named */

/* A question about the site's days that the span of time touches: parameters 1 to 3. NULL: the error is told. */
static sqlite3_stmt *of_days(struct ask *ask, const char *text)
{
        sqlite3_stmt *statement = NULL;

        if (sqlite3_prepare_v2(ask->store->database, text, -1, &statement, NULL) != SQLITE_OK) {
                store_fail(ask->store, _("read"), ask->err);
                return NULL;
        }
        sqlite3_bind_int64(statement, 1, ask->site);
        sqlite3_bind_int64(statement, 2, ask->from_hour / 24);
        sqlite3_bind_int64(statement, 3, (ask->until_hour + 23) / 24);
        return statement;
}

/* Adds up the histograms that the statement gives, and ends it. */
static int add_histograms(struct ask *ask, sqlite3_stmt *statement, struct histogram *all)
{
        int step;

        while ((step = sqlite3_step(statement)) == SQLITE_ROW)
                store_read_took(sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0), all);
        sqlite3_finalize(statement);
        return step == SQLITE_DONE ? 0 : store_fail(ask->store, _("read"), ask->err);
}

static int take_durations(struct ask *ask)
{
        _cleanup_(memory_freep) struct histogram *all = memory_new(1, sizeof(*all));
        sqlite3_stmt *statement;
        int r;

        if (!all)
                return error_memory(ask->err);
        statement = of_days(ask, "SELECT histogram FROM took WHERE site = ?1 AND day >= ?2 AND day < ?3");
        if (!statement)
                return -EIO;
        r = add_histograms(ask, statement, all);
        if (r < 0)
                return r;
        return summary_take_durations(ask->summary, all) ? 0 : error_memory(ask->err);
}

static int take_vital(struct ask *ask, unsigned int vital)
{
        _cleanup_(memory_freep) struct histogram *all = memory_new(1, sizeof(*all));
        sqlite3_stmt *statement;
        int r;

        if (!all)
                return error_memory(ask->err);
        statement = of_days(ask, "SELECT histogram FROM vital WHERE site = ?1 AND day >= ?2 AND day < ?3 AND vital = ?4");
        if (!statement)
                return -EIO;
        sqlite3_bind_int(statement, 4, (int)vital);
        r = add_histograms(ask, statement, all);
        if (r < 0)
                return r;
        return summary_take_vital(ask->summary, vital, all) ? 0 : error_memory(ask->err);
}

/* Rows of one funnel and its steps follow each other. */
static int take_funnel_step(struct ask *ask, sqlite3_stmt *statement)
{
        struct summary *summary = ask->summary;
        struct funnel_result *funnel = summary->funnel_count ? &summary->funnels[summary->funnel_count - 1] : NULL;
        const char *name = summary_text(summary, sqlite3_column_blob(statement, 0),
                                        (size_t)sqlite3_column_bytes(statement, 0));
        const char *goal = summary_text(summary, sqlite3_column_blob(statement, 1),
                                        (size_t)sqlite3_column_bytes(statement, 1));

        if (!name || !goal)
                return error_memory(ask->err);
        if (!funnel || strcmp(funnel->name, name) != 0) {
                if (summary->funnel_count == FUNNELS_SHOWN)
                        return 0;
                funnel = &summary->funnels[summary->funnel_count++];
                funnel->name = name;
                funnel->steps = summary_allocate(summary, FUNNEL_STEPS_MAXIMUM * sizeof(*funnel->steps));
                if (!funnel->steps)
                        return error_memory(ask->err);
        }
        if (funnel->count < FUNNEL_STEPS_MAXIMUM)
                funnel->steps[funnel->count++] =
                        (struct funnel_step){ .goal = goal,
                                              .visitors = (uint64_t)sqlite3_column_int64(statement, 2),
                                              .human_visitors = (uint64_t)sqlite3_column_int64(statement, 3) };
        return 0;
}

/* A visitor is one of a day. */
static int take_funnels(struct ask *ask)
{
        sqlite3_stmt *statement;
        int step = SQLITE_DONE, r = 0;

        ask->summary->funnels = summary_allocate(ask->summary, FUNNELS_SHOWN * sizeof(*ask->summary->funnels));
        if (!ask->summary->funnels)
                return error_memory(ask->err);
        statement = of_days(ask, "SELECT funnel, goal, sum(visitors), sum(human_visitors) FROM funnel"
                                 " WHERE site = ?1 AND day >= ?2 AND day < ?3 GROUP BY funnel, step"
                                 " ORDER BY funnel, step");
        if (!statement)
                return -EIO;
        while (r == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW)
                r = take_funnel_step(ask, statement);
        if (r == 0 && step != SQLITE_DONE)
                r = store_fail(ask->store, _("read"), ask->err);
        sqlite3_finalize(statement);
        return r;
}

int ask_days(struct ask *ask)
{
        int r = take_durations(ask);

        for (unsigned int vital = 0; vital < VITAL_COUNT && r == 0; vital++)
                r = take_vital(ask, vital);
        return r < 0 ? r : take_funnels(ask);
}

int ask_replaced_salts(struct ask *ask, struct replaced_salts *ret_salts)
{
        return store_replaced_salts(ask->store, ask->from_hour / 24, (ask->until_hour + 23) / 24, ask->summary, ret_salts,
                                    ask->err);
}
