/* interval.c - sightings, sorted, become intervals. */
#include "interval.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define SOURCE_SIZE 400

static void interval_done(struct interval *interval)
{
        free(interval->server);
        free(interval->path);
        free(interval->source);
}

void intervals_done(struct intervals *intervals)
{
        for (size_t i = 0; i < intervals->count; i++)
                interval_done(&intervals->list[i]);
        free(intervals->list);
        *intervals = (struct intervals){ 0 };
}

int intervals_add(struct intervals *intervals, const struct interval *interval, struct error *err)
{
        struct interval copy = *interval;

        copy.server = memory_string(interval->server);
        copy.path = memory_string(interval->path);
        copy.source = memory_string(interval->source ? interval->source : "");
        if (!copy.server || !copy.path || !copy.source ||
            memory_grow(&intervals->list, intervals->count, sizeof(*intervals->list)) < 0) {
                interval_done(&copy);
                return error_memory(err);
        }
        intervals->list[intervals->count++] = copy;
        return 0;
}

/* ---- from sightings ---- */

static int compare_place(const struct sighting *a, const struct sighting *b)
{
        int r = strcmp(a->server, b->server);

        return r ? r : strcmp(a->dest, b->dest);
}

/* By server and dest; what is about all paths first; then by path and time. */
static int compare(const void *left, const void *right)
{
        const struct sighting *a = left, *b = right;
        int r = compare_place(a, b);

        if (r)
                return r;
        r = strcmp(a->path ? a->path : "", b->path ? b->path : "");
        if (r)
                return r;
        if (a->to != b->to)
                return a->to < b->to ? -1 : 1;
        return a->number < b->number ? -1 : a->number > b->number;
}

struct building {
        struct intervals *out;
        struct interval now; /* borrows its texts */
        bool open;
        int64_t last_good;
        uint64_t first_number, last_number;
};

static int finish(struct building *building, struct error *err)
{
        char source[SOURCE_SIZE];
        int r;

        if (!building->open)
                return 0;
        building->open = false;
        snprintf(source, sizeof(source), "journal of %.200s, records %" PRIu64 " to %" PRIu64, building->now.server,
                 building->first_number, building->last_number);
        building->now.source = source;
        r = intervals_add(building->out, &building->now, err); /* copies the texts */
        building->now.source = NULL;
        return r;
}

static void begin(struct building *building, const struct sighting *seen)
{
        /* The sighting borrows constant texts; intervals_add() only copies them. */
        building->now = (struct interval){
                .server = (char *)(uintptr_t)seen->server,
                .path = (char *)(uintptr_t)seen->path,
                .own_clock = true,
                .times = { .last_good = building->last_good, .first_bad = seen->to, .last_bad = seen->from,
                           .first_good = TIME_OPEN, .watched = true, .refused = seen->refused },
        };
        memcpy(building->now.digest, seen->digest, sizeof(seen->digest));
        building->first_number = building->last_number = seen->number;
        building->open = true;
}

static int take(struct building *building, const struct sighting *seen, struct error *err)
{
        struct interval_times *times = &building->now.times;

        if (!seen->good && !building->open) {
                begin(building, seen);
                return 0;
        }
        if (building->open)
                building->last_number = seen->number;
        if (!seen->good) {
                if (seen->watched_since > times->last_bad)
                        times->watched = false;
                if (seen->from > times->last_bad)
                        times->last_bad = seen->from;
                times->refused = times->refused && seen->refused;
                return 0;
        }
        if (seen->from > building->last_good)
                building->last_good = seen->from;
        if (!building->open)
                return 0;
        times->first_good = seen->to;
        return finish(building, err);
}

/* One path: its own sightings and those that are about all paths, in the order of time. */
static int build_path(const struct sighting *all, size_t all_count, const struct sighting *own, size_t own_count,
                      struct intervals *out, struct error *err)
{
        struct building building = { .out = out, .last_good = TIME_NEVER };
        size_t a = 0, o = 0;
        int r = 0;

        while (r == 0 && (a < all_count || o < own_count)) {
                bool own_next = o < own_count && (a == all_count || own[o].to < all[a].to ||
                                                  (own[o].to == all[a].to && own[o].number < all[a].number));

                r = take(&building, own_next ? &own[o++] : &all[a++], err);
        }
        return r < 0 ? r : finish(&building, err);
}

static bool is_same_path(const struct sighting *a, const struct sighting *b)
{
        return compare_place(a, b) == 0 && (a->path == NULL) == (b->path == NULL) &&
               (!a->path || text_equal(a->path, b->path));
}

int intervals_from_sightings(const struct sighting *sightings, size_t count, struct intervals *ret_intervals,
                             struct error *err)
{
        struct sighting *sorted = memory_new(count ? count : 1, sizeof(*sorted));
        struct intervals out = { 0 };
        const struct sighting *all = sorted;
        size_t all_count = 0;
        int r = 0;

        if (!sorted)
                return error_memory(err);
        if (count) {
                memcpy(sorted, sightings, count * sizeof(*sorted));
                qsort(sorted, count, sizeof(*sorted), compare);
        }
        for (size_t i = 0, next; i < count && r == 0; i = next) {
                for (next = i + 1; next < count && is_same_path(&sorted[i], &sorted[next]); next++)
                        ;
                if (!sorted[i].path) {
                        all = &sorted[i];
                        all_count = next - i;
                        continue;
                }
                if (!all_count || compare_place(all, &sorted[i]) != 0)
                        all_count = 0;
                r = build_path(all, all_count, &sorted[i], next - i, &out, err);
        }
        free(sorted);
        if (r < 0) {
                intervals_done(&out);
                return r;
        }
        *ret_intervals = out;
        return 0;
}
