/* summary.c - the plain data that reports are made from: names of dimensions, sorted rows, intervals, its memory. */
#include "summary.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/arena.h"
#include "analyze/summary_private.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"

#define INTERVALS_MAXIMUM (50U * 366 * 24) /* hours; beyond, those without a hit are left out */

#define APPROXIMATE_MAXIMUM 32

static const char *const names[DIMENSION_COUNT] = {
        [DIMENSION_PAGES] = "pages",
        [DIMENSION_ASSETS] = "assets",
        [DIMENSION_NOT_FOUND] = "not_found",
        [DIMENSION_ENTRY] = "entry_pages",
        [DIMENSION_EXIT] = "exit_pages",
        [DIMENSION_REFERRERS] = "referrers",
        [DIMENSION_REFERRER_PAGES] = "referrer_pages",
        [DIMENSION_CAMPAIGNS] = "campaigns",
        [DIMENSION_SEARCH] = "search_engines",
        [DIMENSION_BROWSERS] = "browsers",
        [DIMENSION_SYSTEMS] = "systems",
        [DIMENSION_DEVICES] = "devices",
        [DIMENSION_BOTS] = "bots",
        [DIMENSION_COUNTRIES] = "countries",
        [DIMENSION_HOSTS] = "virtual_hosts",
        [DIMENSION_STATUS] = "status_codes",
        [DIMENSION_METHODS] = "methods",
        [DIMENSION_HOURS] = "hours_of_day",
        [DIMENSION_GOALS] = "goals",
        [DIMENSION_EVENTS] = "events",
        [DIMENSION_PROPERTIES] = "event_properties",
        [DIMENSION_OUTBOUND] = "outbound_links",
};

const char *dimension_name(enum dimension_kind kind)
{
        return names[kind];
}

bool dimension_has_visits(enum dimension_kind kind)
{
        switch (kind) {
        case DIMENSION_ENTRY:
        case DIMENSION_EXIT:
        case DIMENSION_REFERRERS:
        case DIMENSION_CAMPAIGNS:
        case DIMENSION_SEARCH:
        case DIMENSION_BROWSERS:
        case DIMENSION_SYSTEMS:
        case DIMENSION_DEVICES:
        case DIMENSION_BOTS:
        case DIMENSION_HOURS: return true;
        default: return false;
        }
}

/* ---------------------------------------------------------------- memory */

void *summary_allocate(struct summary *summary, size_t size)
{
        void *block;

        if (!summary->arena)
                summary->arena = memory_new(1, sizeof(struct arena));
        block = summary->arena ? arena_take(summary->arena, size ? size : 1) : NULL;
        if (block)
                memset(block, 0, size);
        return block;
}

const char *summary_text(struct summary *summary, const char *text, size_t length)
{
        char *copy = summary_allocate(summary, length + 1);

        if (copy && length)
                memcpy(copy, text, length);
        return copy;
}

void summary_done(struct summary *summary)
{
        if (summary->beacon)
                summary_done(summary->beacon);
        free(summary->beacon);
        if (summary->arena)
                arena_done(summary->arena);
        free(summary->arena);
        memset(summary, 0, sizeof(*summary));
}

bool summary_approximate(struct summary *summary, const char *figure, double error, const char *reason)
{
        if (!summary->approximate)
                summary->approximate = summary_allocate(summary, APPROXIMATE_MAXIMUM * sizeof(*summary->approximate));
        if (!summary->approximate)
                return false;
        assert(summary->approximate_count < APPROXIMATE_MAXIMUM);
        summary->approximate[summary->approximate_count++] = (struct approximate){ figure, error, reason };
        return true;
}

void summary_replaced_words(const struct replaced_salt *salt, char words[static REPLACED_WORDS_SIZE])
{
        char day[CLOCK_TEXT_SIZE], time[CLOCK_TEXT_SIZE];

        clock_format_utc(salt->day * 86400, day);
        clock_format_utc(salt->time, time);
        time[10] = ' ';
        /* TRANSLATORS: a day, and when it was found: 2026-11-27 14:05 */
        snprintf(words, REPLACED_WORDS_SIZE,
                 _("Visitors of %.10s may be counted twice: its salt was replaced, which was found at %.16s (UTC)"), day, time);
}

/* ---------------------------------------------------------------- durations */

/* Classes for people: 100 us, 200 us, 500 us, 1 ms ... up to the longest. */
static bool take_duration_classes(struct summary *summary, const struct histogram *histogram)
{
        static const unsigned int steps[] = { 1, 2, 5 };
        uint64_t power = 100, before = 0;
        size_t most = 3 * 6 + 1;

        summary->duration_classes = summary_allocate(summary, most * sizeof(*summary->duration_classes));
        if (!summary->duration_classes)
                return false;
        for (size_t i = 0; i < most && before < histogram->total; i++) {
                struct duration_class *class = &summary->duration_classes[summary->duration_class_count];

                class->upto_us = i + 1 < most ? steps[i % 3] * power : UINT64_MAX;
                class->hits = histogram_upto(histogram, class->upto_us) - before;
                before += class->hits;
                summary->duration_class_count += before > 0; /* those below the shortest are left out */
                power *= i % 3 == 2 ? 10 : 1;
        }
        return true;
}

bool summary_take_durations(struct summary *summary, const struct histogram *histogram)
{
        summary->durations = histogram->total > 0;
        if (!summary->durations)
                return true;
        summary->duration_p50_us = histogram_quantile(histogram, 0.50);
        summary->duration_p95_us = histogram_quantile(histogram, 0.95);
        summary->duration_p99_us = histogram_quantile(histogram, 0.99);
        return take_duration_classes(summary, histogram) &&
               summary_approximate(summary, "durations", HISTOGRAM_ERROR,
                                   N_("durations are counted in classes, not one by one"));
}

bool summary_take_vital(struct summary *summary, unsigned int vital, const struct histogram *histogram)
{
        bool first = true;

        for (size_t i = 0; i < LENGTH(summary->vitals); i++)
                first = first && !summary->vitals[i].count;
        summary->vitals[vital] = (struct vital){ histogram_quantile(histogram, 0.75), histogram->total };
        return !first || !histogram->total ||
               summary_approximate(summary, "web_vitals", HISTOGRAM_ERROR,
                                   N_("web vitals are counted in classes, not one by one"));
}

bool summary_vital_words(const struct summary *summary, unsigned int vital, char words[static VITAL_WORDS_SIZE])
{
        double value = (double)summary->vitals[vital].p75;

        if (!summary->vitals[vital].count)
                return false;
        switch (vital) {
        case 0:
                snprintf(words, VITAL_WORDS_SIZE, _("LCP: three of four pages were painted within %.1f s."),
                         value / 1000);
                return true;
        case 1:
                snprintf(words, VITAL_WORDS_SIZE, _("CLS: the layout of three of four pages shifted by at most %.2f."),
                         value / 1000);
                return true;
        default:
                snprintf(words, VITAL_WORDS_SIZE, _("INP: three of four pages answered to input within %.0f ms."),
                         value);
                return true;
        }
}

/* ---------------------------------------------------------------- rows */

void rows_done(struct rows *rows)
{
        free(rows->rows);
        memset(rows, 0, sizeof(*rows));
}

bool rows_add(struct rows *rows, const char *name, size_t length, const struct figures *figures)
{
        if (rows->count == rows->capacity) {
                size_t capacity = rows->capacity ? rows->capacity * 2 : 64;
                struct row *grown = memory_resize(rows->rows, capacity, sizeof(*grown));

                if (!grown)
                        return false;
                rows->rows = grown;
                rows->capacity = capacity;
        }
        rows->rows[rows->count++] = (struct row){ name, length, *figures };
        return true;
}

static int compare_rows(const void *a, const void *b)
{
        const struct row *first = a, *second = b;
        size_t length = first->name_length < second->name_length ? first->name_length : second->name_length;
        int order;

        if (first->figures.hits != second->figures.hits)
                return first->figures.hits < second->figures.hits ? 1 : -1;
        order = length ? memcmp(first->name, second->name, length) : 0;
        if (order != 0)
                return order;
        return (first->name_length > second->name_length) - (first->name_length < second->name_length);
}

/* Moves the `top` greatest to the front: a heap of them whose root is the least. A site has a million paths, and ten
 * are shown. */
static void sift_down(struct row *heap, size_t count, size_t at)
{
        for (;;) {
                size_t worst = at;
                struct row kept;

                for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
                        if (compare_rows(&heap[child], &heap[worst]) > 0)
                                worst = child;
                if (worst == at)
                        return;
                kept = heap[at];
                heap[at] = heap[worst];
                heap[worst] = kept;
                at = worst;
        }
}

static void select_rows(struct row *rows, size_t count, size_t top)
{
        for (size_t i = top / 2 + 1; i-- > 0;)
                sift_down(rows, top, i);
        for (size_t i = top; i < count; i++) {
                if (compare_rows(&rows[i], &rows[0]) < 0) {
                        struct row kept = rows[0];

                        rows[0] = rows[i];
                        rows[i] = kept;
                        sift_down(rows, top, 0);
                }
        }
}

bool summary_take_rows(struct summary *summary, enum dimension_kind kind, struct rows *rows, size_t top)
{
        struct dimension *dimension = &summary->dimensions[kind];
        size_t count = rows->count;

        if (top && top < count) {
                select_rows(rows->rows, count, top);
                count = top;
        }
        if (count)
                qsort(rows->rows, count, sizeof(*rows->rows), compare_rows);
        dimension->rows = summary_allocate(summary, count * sizeof(*dimension->rows));
        if (!dimension->rows)
                return false;
        for (size_t i = 0; i < count; i++) {
                dimension->rows[i] = rows->rows[i];
                dimension->rows[i].name = summary_text(summary, rows->rows[i].name, rows->rows[i].name_length);
                if (!dimension->rows[i].name)
                        return false;
        }
        dimension->count = count;
        dimension->total = rows->count;
        return true;
}

/* ---------------------------------------------------------------- intervals */

static int64_t day_of(int64_t hour)
{
        return clock_floor(hour, 24);
}

static void fill(struct interval *intervals, int64_t first, size_t count, int64_t seconds)
{
        for (size_t i = 0; i < count; i++)
                intervals[i].start = (first + (int64_t)i) * seconds;
}

bool summary_make_intervals(struct summary *summary, const struct hour *hours, size_t count)
{
        int64_t first = count ? hours[0].hour : 0, last = count ? hours[count - 1].hour : -1;
        bool whole = last - first < (int64_t)INTERVALS_MAXIMUM;
        size_t hour_count = whole ? (size_t)(last - first + 1) : count;
        size_t day_count = whole && count ? (size_t)(day_of(last) - day_of(first) + 1) : count;

        summary->hours = summary_allocate(summary, hour_count * sizeof(struct interval));
        summary->days = summary_allocate(summary, day_count * sizeof(struct interval));
        if (!summary->hours || !summary->days)
                return false;
        if (whole) {
                fill(summary->hours, first, hour_count, 3600);
                fill(summary->days, day_of(first), day_count, 86400);
        } else {
                day_count = 0;
                for (size_t i = 0; i < count; i++) {
                        summary->hours[i].start = hours[i].hour * 3600;
                        if (day_count == 0 || summary->days[day_count - 1].start != day_of(hours[i].hour) * 86400)
                                summary->days[day_count++].start = day_of(hours[i].hour) * 86400;
                }
        }
        summary->hour_count = hour_count;
        summary->day_count = day_count;
        return true;
}

static struct interval *find(struct interval *intervals, size_t count, int64_t start)
{
        size_t low = 0, high = count;
        int64_t step = count > 1 ? intervals[1].start - intervals[0].start : 0;

        if (count && step > 0 && intervals[count - 1].start - intervals[0].start == step * (int64_t)(count - 1)) {
                int64_t at = (start - intervals[0].start) / step; /* without gaps: no need to search */

                low = at < 0 || at >= (int64_t)count ? count : (size_t)at;
                high = low;
        }
        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (intervals[middle].start < start)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < count && intervals[low].start == start ? &intervals[low] : NULL;
}

struct interval *summary_hour(struct summary *summary, int64_t hour)
{
        return find(summary->hours, summary->hour_count, hour * 3600);
}

struct interval *summary_day(struct summary *summary, int64_t day)
{
        return find(summary->days, summary->day_count, day * 86400);
}
