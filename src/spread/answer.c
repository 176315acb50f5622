#include "answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "spread/row.h"

#define DAY_HOURS      24
#define DAY_MS         UINT64_C(86400000)
#define MONTHS_MAXIMUM 2160 /* the 65,536 days of a Date of ClickHouse are fewer */

void answer_rows_done(struct answer_rows *rows)
{
        free(rows->rows);
        *rows = (struct answer_rows)ANSWER_ROWS_INIT;
}

/* ---------------------------------------------------------------- reading */

static bool take_row(const char **at, const char *end, struct answer_row *row)
{
        uint64_t start;

        if (!row_take_text(at, end, &row->name, &row->name_length) || !row_take_u64(at, end, &start) ||
            !row_take_u64(at, end, &row->figures.hits) || !row_take_u64(at, end, &row->figures.visitors) ||
            !row_take_u64(at, end, &row->figures.bytes) || !row_take_u64(at, end, &row->figures.bot_hits) ||
            !row_take_u64(at, end, &row->figures.errors) || !row_take_u16(at, end, &row->first_day) ||
            !row_take_u16(at, end, &row->last_day))
                return false;
        row->start = (int64_t)start;
        return true;
}

bool answer_add(uint64_t *sum, uint64_t figure)
{
        if (figure > ANSWER_COUNT_MAXIMUM - *sum)
                return false;
        *sum += figure;
        return true;
}

bool answer_times(uint64_t first_ms, uint64_t last_ms)
{
        return first_ms <= last_ms && last_ms < (UINT16_MAX + 1) * DAY_MS;
}

/* Of the hours, days or months since 1970 one that the row's days can have; they are what the question grouped by. */
static bool can_start(const struct answer_row *row, int span)
{
        if (row->start < 0 || row->first_day > row->last_day)
                return false;
        switch (span) {
        case SPAN_HOUR: return row->start / DAY_HOURS >= row->first_day && row->start / DAY_HOURS <= row->last_day;
        case SPAN_DAY: return row->start >= row->first_day && row->start <= row->last_day;
        case SPAN_MONTH: return row->start < MONTHS_MAXIMUM;
        default: return row->start == 0;
        }
}

static bool can_add(struct figures *sums, const struct figures *figures)
{
        return answer_add(&sums->hits, figures->hits) && answer_add(&sums->visitors, figures->visitors) &&
               answer_add(&sums->bytes, figures->bytes) && answer_add(&sums->bot_hits, figures->bot_hits) &&
               answer_add(&sums->errors, figures->errors);
}

int answer_take(struct answer_rows *rows, const struct buffer *bytes, int span)
{
        const char *at = buffer_text(bytes), *end = at + bytes->length;
        struct figures sums = { 0 };
        size_t before = rows->count;

        while (at < end) {
                struct answer_row row = { 0 };

                if (!take_row(&at, end, &row)) {
                        rows->count = before;
                        return -EBADMSG;
                }
                if (!row.figures.hits) /* "nothing" of a query without names */
                        continue;
                if (!can_start(&row, span) || !can_add(&sums, &row.figures)) {
                        rows->count = before;
                        return -EBADMSG;
                }
                if (memory_grow(&rows->rows, rows->count, sizeof(*rows->rows)) < 0) {
                        rows->count = before;
                        return -ENOMEM;
                }
                rows->rows[rows->count++] = row;
        }
        return 0;
}

int answer_take_visits(struct answer_rows *rows, const struct buffer *bytes, int span, bool ends)
{
        size_t before = rows->count;
        int r = answer_take(rows, bytes, span);

        for (size_t i = before; i < rows->count; i++) {
                struct figures *figures = &rows->rows[i].figures;

                figures->visits = figures->hits;
                if (!ends)
                        *figures = (struct figures){ .visits = figures->visits };
        }
        return r;
}

void answer_drop(struct answer_rows *rows, const struct buffer *bytes)
{
        const char *begin = buffer_text(bytes);
        size_t kept = 0;

        for (size_t i = 0; i < rows->count; i++)
                if (rows->rows[i].name < begin || rows->rows[i].name >= begin + bytes->length)
                        rows->rows[kept++] = rows->rows[i];
        rows->count = kept;
}

/* ---------------------------------------------------------------- adding up */

static int compare_names(const struct answer_row *a, const struct answer_row *b)
{
        size_t length = a->name_length < b->name_length ? a->name_length : b->name_length;
        int r = length ? memcmp(a->name, b->name, length) : 0;

        return r ? r : (a->name_length > b->name_length) - (a->name_length < b->name_length);
}

static int compare_rows(const void *a, const void *b)
{
        const struct answer_row *first = a, *second = b;
        int r = compare_names(first, second);

        return r ? r : (first->start > second->start) - (first->start < second->start);
}

static void fold(struct answer_rows *rows)
{
        size_t count = 0;

        for (size_t i = 0; i < rows->count; i++) {
                struct answer_row *row = &rows->rows[i];

                if (row->first_day < rows->first_day)
                        rows->first_day = row->first_day;
                if (row->last_day > rows->last_day)
                        rows->last_day = row->last_day;
                if (count && compare_rows(&rows->rows[count - 1], row) == 0)
                        figures_add(&rows->rows[count - 1].figures, &row->figures);
                else
                        rows->rows[count++] = *row;
        }
        rows->count = count;
}

/* A name with all of its rows. */
struct group {
        size_t first, count; /* of the rows */
        uint64_t total;
        const struct answer_row *row;
};

static int compare_groups(const void *a, const void *b)
{
        const struct group *first = a, *second = b;

        if (first->total != second->total)
                return first->total < second->total ? 1 : -1;
        return compare_names(first->row, second->row);
}

static size_t find_groups(const struct answer_rows *rows, enum store_metric order, struct group *groups)
{
        size_t count = 0;

        for (size_t i = 0; i < rows->count; i++) {
                const struct answer_row *row = &rows->rows[i];

                if (!count || compare_names(groups[count - 1].row, row) != 0)
                        groups[count++] = (struct group){ .first = i, .row = row };
                groups[count - 1].count++;
                groups[count - 1].total += store_metric(&row->figures, order);
        }
        return count;
}

int answer_settle(struct answer_rows *rows, enum store_metric order, size_t top)
{
        _cleanup_(memory_freep) struct group *groups = NULL;
        struct answer_row *chosen;
        size_t count, taken = 0;

        if (!rows->count)
                return 0;
        qsort(rows->rows, rows->count, sizeof(*rows->rows), compare_rows);
        fold(rows);
        groups = memory_new(rows->count, sizeof(*groups));
        chosen = memory_new(rows->count, sizeof(*chosen));
        if (!groups || !chosen) {
                free(chosen);
                return -ENOMEM;
        }
        count = rows->names = find_groups(rows, order, groups);
        qsort(groups, count, sizeof(*groups), compare_groups);
        if (top && top < count)
                count = top;
        for (size_t i = 0; i < count; i++) {
                memcpy(&chosen[taken], &rows->rows[groups[i].first], groups[i].count * sizeof(*chosen));
                taken += groups[i].count;
        }
        free(rows->rows);
        rows->rows = chosen;
        rows->count = taken;
        return 0;
}
