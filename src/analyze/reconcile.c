/* reconcile.c - what a log and a beacon each saw of the same visits. */
#include "reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/summary_private.h"
#include "analyze/tally_private.h"
#include "base/memory.h"

static void swap(struct summary *a, struct summary *b)
{
        struct summary kept = *a;

        *a = *b;
        *b = kept;
}

int reconcile_summaries(struct summary *log, struct summary *beacon, struct error *err)
{
        uint64_t lines = log->lines, invalid = log->invalid, empty = log->empty;
        struct reconciled *reconciled;

        beacon->from_beacon = true;
        if (!log->totals.hits) {
                struct invalid_sample *samples = NULL;

                swap(log, beacon);
                /* The samples are in the other one's memory. */
                samples = summary_allocate(log, beacon->sample_count * sizeof(*samples));
                for (size_t i = 0; samples && i < beacon->sample_count; i++) {
                        samples[i].file = beacon->samples[i].file;
                        samples[i].line = summary_text(log, beacon->samples[i].line, strlen(beacon->samples[i].line));
                        if (!samples[i].line)
                                return error_memory(err);
                }
                if (!samples)
                        return error_memory(err);
                log->samples = samples;
                log->sample_count = beacon->sample_count;
                summary_done(beacon);
        } else {
                reconciled = summary_allocate(log, sizeof(*reconciled));
                log->beacon = memory_new(1, sizeof(*log->beacon));
                if (!reconciled || !log->beacon)
                        return error_memory(err);
                reconciled->log_views = log->human_page_views;
                reconciled->beacon_views = beacon->human_page_views - beacon->navigations;
                reconciled->navigations = beacon->navigations;
                reconciled->pixels = beacon->pixels;
                log->reconciled = reconciled;
                *log->beacon = *beacon;
                memset(beacon, 0, sizeof(*beacon));
        }
        log->lines = lines;
        log->invalid = invalid;
        log->empty = empty;
        return 0;
}

/* ---------------------------------------------------------------- visitors */

static int compare_keys(const void *a, const void *b)
{
        const uint64_t *first = a, *second = b;

        return (*first > *second) - (*first < *second);
}

/* The keys of the people, sorted. Both tallies are of this process, so equal visitors have equal ones. */
static uint64_t *people(const struct tally *tally, size_t *ret_count)
{
        size_t most = 0, count = 0;
        uint64_t *keys;

        for (size_t shard = 0; shard < VISITOR_SHARDS; shard++)
                most += visitors_count(&tally->shards[shard]);
        keys = memory_new(most + 1, sizeof(*keys));
        for (size_t shard = 0; keys && shard < VISITOR_SHARDS; shard++) {
                const struct visitors *visitors = &tally->shards[shard];

                for (uint32_t i = 0; i < visitors_count(visitors); i++) {
                        const struct visitor *visitor = visitors_at(visitors, i);
                        const struct name *agent = name_table_by_id(&tally->names, visitor->agent);

                        if (visitor->visited && !agent->agent.bot)
                                keys[count++] = visitor_key(visitor_address_hash(tally, visitors, visitor), agent->hash,
                                                            visitor_day(visitor));
                }
        }
        if (keys)
                qsort(keys, count, sizeof(*keys), compare_keys);
        *ret_count = count;
        return keys;
}

static bool match_visitors(struct reconciled *reconciled, const struct tally *log, const struct tally *beacon)
{
        size_t log_count, beacon_count, i = 0, k = 0;
        _cleanup_(memory_freep) uint64_t *log_keys = people(log, &log_count);
        _cleanup_(memory_freep) uint64_t *beacon_keys = people(beacon, &beacon_count);

        if (!log_keys || !beacon_keys)
                return false;
        while (i < log_count && k < beacon_count) {
                int order = compare_keys(&log_keys[i], &beacon_keys[k]);

                reconciled->both_visitors += order == 0;
                i += order <= 0;
                k += order >= 0;
        }
        reconciled->log_visitors = log_count - reconciled->both_visitors;
        reconciled->beacon_visitors = beacon_count - reconciled->both_visitors;
        reconciled->matched = true;
        return true;
}

/* ---------------------------------------------------------------- pages */

static uint64_t larger(const struct reconciled_page *page)
{
        return page->log_views > page->beacon_views ? page->log_views : page->beacon_views;
}

static int compare_pages(const void *a, const void *b)
{
        const struct reconciled_page *first = a, *second = b;
        uint64_t one = larger(first), other = larger(second);

        if (one != other)
                return one < other ? 1 : -1;
        return strcmp(first->name, second->name);
}

/* Those of one tally; of the other only those that this one has not. */
static bool list_pages(struct summary *summary, const struct tally *log, const struct tally *beacon,
                       struct reconciled_page **pages, size_t *count)
{
        for (unsigned int side = 0; side < 2; side++) {
                const struct name_table *names = side ? &beacon->names : &log->names;
                const struct name_table *others = side ? &log->names : &beacon->names;
                const struct name *name, *other;

                for (uint32_t id = 0; (name = name_table_next(names, &id));) {
                        uint64_t views, more;

                        if (name->kind != NAME_PATH || !(views = name->path.people_views))
                                continue;
                        other = name_table_find(others, NAME_PATH, name->text, name->length);
                        more = other ? other->path.people_views : 0;
                        if (side && more) /* listed already */
                                continue;
                        if (memory_grow(pages, *count, sizeof(**pages)) < 0)
                                return false;
                        (*pages)[(*count)++] = (struct reconciled_page){
                                .name = summary_text(summary, name->text, name->length),
                                .name_length = name->length,
                                .log_views = side ? more : views,
                                .beacon_views = side ? views : more,
                        };
                        if (!(*pages)[*count - 1].name)
                                return false;
                }
        }
        return true;
}

static bool take_pages(struct summary *summary, const struct tally *log, const struct tally *beacon)
{
        struct reconciled *reconciled = summary->reconciled;
        _cleanup_(memory_freep) struct reconciled_page *pages = NULL;
        size_t count = 0;

        if (!list_pages(summary, log, beacon, &pages, &count))
                return false;
        if (count)
                qsort(pages, count, sizeof(*pages), compare_pages);
        if (log->options.top && count > log->options.top)
                count = log->options.top;
        reconciled->pages = summary_allocate(summary, count * sizeof(*pages));
        if (!reconciled->pages)
                return false;
        if (count)
                memcpy(reconciled->pages, pages, count * sizeof(*pages));
        reconciled->page_count = count;
        return true;
}

int reconcile_tallies(struct summary *log, const struct tally *log_tally, const struct tally *beacon_tally,
                      struct error *err)
{
        if (!log->reconciled)
                return 0;
        /* When memory was short, only a part of the visitors is in the tables, and names are put together. */
        if (!log_tally->level && !beacon_tally->level && !match_visitors(log->reconciled, log_tally, beacon_tally))
                return error_memory(err);
        if (!log_tally->folded && !beacon_tally->folded && !take_pages(log, log_tally, beacon_tally))
                return error_memory(err);
        return 0;
}
