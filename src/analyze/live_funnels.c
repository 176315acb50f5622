/*
 * live_funnels.c - how far visitors get in funnels, while their day is open.
 *
 * Which goals a visitor reached, and when, is kept by goal's name until the salt of the day goes. A transaction that
 * brings more of it takes the visitor's steps before and after: what was gained is added to the day's figures. So the
 * order in which lines come is of no matter, nor is a restart in between.
 */
#include <errno.h>
#include <string.h>

#include "analyze/live_private.h"
#include "base/i18n.h"

/* Bits of the goals that this name is: the command may be started with other goals than those that are kept. */
static int goal_bits(struct live *live, uint32_t id, uint32_t *ret_goals, struct error *err)
{
        *ret_goals = 0;
        for (size_t i = 0; i < live->options.goal_count; i++) {
                const char *name = live->options.goals[i].name;
                uint32_t found = 0;
                int r = store_name(live->store, DIMENSION_GOALS, name, strlen(name), false, &found, err);

                if (r < 0)
                        return r;
                if (found == id)
                        *ret_goals |= UINT32_C(1) << i;
        }
        return 0;
}

static int read_reached(struct live *live, const struct live_day *day, const uint8_t key[static BOOK_KEY_SIZE],
                        struct reached_list *list, struct error *err)
{
        sqlite3_stmt *statement = store_statement(live->store, STATEMENT_REACHED, err);
        int step = SQLITE_DONE, r = 0;

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, day->site);
        sqlite3_bind_int64(statement, 2, day->day);
        sqlite3_bind_blob(statement, 3, key, BOOK_KEY_SIZE, SQLITE_STATIC);
        while (r == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW) {
                struct reached one = { .time = (uint32_t)sqlite3_column_int64(statement, 0) & ((1U << 27) - 1),
                                       .position = (uint64_t)sqlite3_column_int64(statement, 1) };
                struct reached *last = list->count ? &list->list[list->count - 1] : NULL;

                r = goal_bits(live, (uint32_t)sqlite3_column_int64(statement, 2), &one.goals, err);
                if (r == 0 && last && last->time == one.time && last->position == one.position)
                        last->goals |= one.goals;
                else if (r == 0 && !reached_add(list, &one))
                        r = error_memory(err);
        }
        if (r == 0 && step != SQLITE_DONE)
                r = store_fail(live->store, _("read"), err);
        sqlite3_reset(statement);
        return r;
}

static int put_goal(struct live *live, const struct live_day *day, const uint8_t key[static BOOK_KEY_SIZE],
                    const struct reached *one, size_t goal, struct error *err)
{
        const char *name = live->options.goals[goal].name;
        sqlite3_stmt *statement;
        uint32_t id = 0;
        int r = store_name(live->store, DIMENSION_GOALS, name, strlen(name), true, &id, err);

        if (r < 0)
                return r;
        statement = store_statement(live->store, STATEMENT_PUT_REACHED, err);
        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, day->site);
        sqlite3_bind_int64(statement, 2, day->day);
        sqlite3_bind_blob(statement, 3, key, BOOK_KEY_SIZE, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 4, one->time);
        sqlite3_bind_int64(statement, 5, (int64_t)one->position);
        sqlite3_bind_int64(statement, 6, id);
        return store_run(live->store, statement, err);
}

static int put_reached(struct live *live, const struct live_day *day, const uint8_t key[static BOOK_KEY_SIZE],
                       const struct reached *one, struct error *err)
{
        int r = 0;

        for (size_t goal = 0; r == 0 && goal < live->options.goal_count; goal++)
                if (one->goals >> goal & 1)
                        r = put_goal(live, day, key, one, goal, err);
        return r;
}

/* All steps get a row, also those that nobody reached yet. */
static int add_steps(struct live *live, const struct live_day *day, const struct funnel *funnel, size_t before,
                     size_t after, bool bot, struct error *err)
{
        for (size_t step = 0; step < funnel->count; step++) {
                sqlite3_stmt *statement = store_statement(live->store, STATEMENT_ADD_FUNNEL, err);
                const char *goal = live->options.goals[funnel->steps[step]].name;
                int more = (step < after) - (step < before), r;

                if (!statement)
                        return -EIO;
                sqlite3_bind_int64(statement, 1, day->site);
                sqlite3_bind_int64(statement, 2, day->day);
                sqlite3_bind_blob64(statement, 3, funnel->name, strlen(funnel->name), SQLITE_STATIC);
                sqlite3_bind_int64(statement, 4, (int64_t)step);
                sqlite3_bind_blob64(statement, 5, goal, strlen(goal), SQLITE_STATIC);
                sqlite3_bind_int(statement, 6, more);
                sqlite3_bind_int(statement, 7, bot ? 0 : more);
                r = store_run(live->store, statement, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static size_t steps_of(const struct funnel *funnel, const struct reached_list *list)
{
        size_t at = 0;

        return list->count ? funnel_steps(funnel, list, &at) : 0;
}

int live_funnels_add(struct live *live, const struct live_day *day, const uint8_t key[static BOOK_KEY_SIZE],
                     const struct reached *more, size_t count, struct error *err)
{
        _cleanup_(reached_done) struct reached_list list = { 0 };
        size_t before[FUNNELS_MAXIMUM];
        int r = read_reached(live, day, key, &list, err);

        for (size_t i = 0; i < live->options.funnel_count && r == 0; i++)
                before[i] = steps_of(&live->options.funnels[i], &list);
        for (size_t i = 0; i < count && r == 0; i++) {
                struct reached one = more[i];

                one.visitor = 0; /* as of those that were read: all are this one's */
                r = put_reached(live, day, key, &one, err);
                if (r == 0 && !reached_add(&list, &one))
                        r = error_memory(err);
        }
        reached_sort(&list);
        for (size_t i = 0; i < live->options.funnel_count && r == 0; i++)
                r = add_steps(live, day, &live->options.funnels[i], before[i],
                              steps_of(&live->options.funnels[i], &list), more->bot, err);
        return r;
}
