/* tally_merge.c - two tallies into one: names by their text, visitors by what they are, visits by their times. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/hash.h"
#include "analyze/tally_private.h"
#include "base/memory.h"

/* What the ids of the tally that is taken in are in the other one. */
struct renaming {
        struct tally *into, *from;
        uint32_t *ids;
        uint64_t fold; /* names with up to so many hits are put together */
        bool *kept;    /* by id: agents that a followed visitor has; NULL when nothing is folded */
};

static void add_counts(struct name *into, const struct name *from)
{
        into->hits += from->hits;
        into->bytes += from->bytes;
        into->bot_hits += from->bot_hits;
        into->errors += from->errors;
}

/* The details of a name that the other tally did not have; ids in them are of the other tally already. */
static void take_details(struct renaming *renaming, struct name *into, const struct name *from)
{
        into->fresh = false;
        switch ((enum name_kind)from->kind) {
        case NAME_PATH:
                into->path.asset = from->path.asset;
                into->path.goals = from->path.goals;
                if (into->path.asset)
                        name_table_favour(&renaming->into->names, into);
                break;
        case NAME_AGENT: into->agent = from->agent; break;
        case NAME_REFERRER_HOST:
                name_table_favour(&renaming->into->names, into);
                into->referrer.search = renaming->ids[from->referrer.search];
                break;
        case NAME_REFERRER_PAGE: into->referrer.host = renaming->ids[from->referrer.host]; break;
        default: break;
        }
}

static void add_details(struct name *into, const struct name *from)
{
        if (from->kind == NAME_PATH) {
                into->path.missing += from->path.missing;
                into->path.missing_bots += from->path.missing_bots;
                into->path.missing_bytes += from->path.missing_bytes;
                into->path.people_views += from->path.people_views;
        } else if (from->kind == NAME_REFERRER_HOST) {
                into->referrer.asset_hits += from->referrer.asset_hits;
        }
}

/* Rare names of the kinds that clients choose; not those that visitors are told apart by. */
static bool is_folded(const struct renaming *renaming, const struct name *name)
{
        if (name->hits > renaming->fold || renaming->fold == 0)
                return false;
        switch ((enum name_kind)name->kind) {
        case NAME_SEARCH:
        case NAME_STATUS:
        case NAME_GOAL:
        case NAME_CLIENT:
        case NAME_COUNTRY: return false;
        case NAME_AGENT: return !renaming->kept[name->id];
        default: return true;
        }
}

/* The name that a folded one goes into; of agents one for each browser, system and so on, so that those stay exact. */
static struct name *folded_name(struct renaming *renaming, const struct name *name)
{
        char text[64] = NAME_OTHER;
        size_t length = strlen(text);

        if (name->kind == NAME_AGENT)
                length = (size_t)snprintf(text, sizeof(text), NAME_OTHER " %u %u %u %u", name->agent.browser,
                                          name->agent.platform, name->agent.device, name->agent.bot);
        else if (name->kind == NAME_PATH)
                length = (size_t)snprintf(text, sizeof(text), NAME_OTHER "%s %u", name->path.asset ? " assets" : "",
                                          name->path.goals);
        if (name->kind == NAME_PATH && name->path.goals == 0)
                length -= 2;
        return name_table_get(&renaming->into->names, (enum name_kind)name->kind, text, length);
}

static bool merge_name(struct renaming *renaming, const struct name *name)
{
        struct name *target =
                is_folded(renaming, name)
                        ? folded_name(renaming, name)
                        : name_table_get(&renaming->into->names, (enum name_kind)name->kind, name->text, name->length);

        if (!target)
                return false;
        if (target->fresh)
                take_details(renaming, target, name);
        renaming->ids[name->id] = target->id;
        add_counts(target, name);
        add_details(target, name);
        return true;
}

/* Names that others refer to come first: search engines before hosts, hosts before pages. */
static bool merge_names(struct renaming *renaming)
{
        static const enum name_kind first[] = { NAME_SEARCH, NAME_REFERRER_HOST };
        const struct name_table *names = &renaming->from->names;
        const struct name *name;

        for (size_t i = 0; i < LENGTH(first); i++)
                for (uint32_t id = 0; (name = name_table_next(names, &id));)
                        if (name->kind == first[i] && !merge_name(renaming, name))
                                return false;
        for (uint32_t id = 0; (name = name_table_next(names, &id));)
                if (name->kind != NAME_SEARCH && name->kind != NAME_REFERRER_HOST && !merge_name(renaming, name))
                        return false;
        return true;
}

uint64_t visitor_address_hash(const struct tally *tally, const struct visitors *shard, const struct visitor *visitor)
{
        uint8_t address[16];

        if (visitor->kind == CLIENT_NAMED)
                return name_table_by_id(&tally->names, visitor->address)->hash;
        visitor_address(shard, visitor, address);
        return hash_address(address);
}

static struct visitor *find_target(struct renaming *renaming, unsigned int shard, const struct visitor *visitor)
{
        uint32_t agent = renaming->ids[visitor->agent];
        bool named = visitor->kind == CLIENT_NAMED;
        int32_t day = visitor_day(visitor);
        uint8_t address[16];

        visitor_address(&renaming->from->shards[shard], visitor, address);
        if (named)
                memcpy(address, &renaming->ids[visitor->address], sizeof(uint32_t));
        return visitors_get(&renaming->into->shards[shard], address, named, agent, day,
                            visitors_hash(address, named, agent, day));
}

static bool merge_visits(struct renaming *renaming, unsigned int shard, struct visitor *into,
                         const struct visitor *from)
{
        const struct visitors *source = &renaming->from->shards[shard];

        for (const struct visit *visit = visitor_first(from); visit; visit = visitors_next_visit(source, visit)) {
                struct visit renamed = *visit;

                renamed.next = 0;
                renamed.entry = renaming->ids[visit->entry];
                renamed.exit = renaming->ids[visit->exit];
                renamed.source = renaming->ids[visit->source];
                renamed.campaign = renaming->ids[visit->campaign];
                if (!visitor_visit(&renaming->into->shards[shard], into, &renamed))
                        return false;
        }
        return true;
}

static bool merge_visitor(struct renaming *renaming, unsigned int shard, const struct visitor *visitor)
{
        const struct visitors *source = &renaming->from->shards[shard];
        struct visitor *target = find_target(renaming, shard, visitor);
        uint32_t id;

        if (!target)
                return false;
        for (uint32_t at = 0; (id = visitor_seen(source, visitor, &at));)
                if (!visitor_saw(&renaming->into->shards[shard], target, renaming->ids[id]))
                        return false;
        return merge_visits(renaming, shard, target, visitor);
}

static bool is_kept(const struct renaming *renaming, const struct visitors *shard, const struct visitor *visitor)
{
        const struct tally *from = renaming->from;
        unsigned int level = renaming->into->level;

        return level == from->level ||
               is_followed(visitor_key(visitor_address_hash(from, shard, visitor),
                                       name_table_by_id(&from->names, visitor->agent)->hash, visitor_day(visitor)),
                           level);
}

/* Leaves nothing of the shard behind: memory that was taken for both at once would be more than either needs. */
static bool merge_shard(struct renaming *renaming, unsigned int shard)
{
        struct visitors *source = &renaming->from->shards[shard];

        for (uint32_t i = 0; i < visitors_count(source); i++) {
                const struct visitor *visitor = visitors_at(source, i);

                if (is_kept(renaming, source, visitor) && !merge_visitor(renaming, shard, visitor))
                        return false;
                visitors_drop(source, i);
        }
        visitors_done(source);
        return true;
}

static bool merge_hours(struct hours *into, const struct hours *from)
{
        for (size_t i = 0; from->slots && i <= from->mask; i++) {
                const struct hour *hour = &from->slots[i];
                struct hour *target = hour->used ? hours_at(into, hour->hour) : NULL;

                if (!hour->used)
                        continue;
                if (!target)
                        return false;
                target->figures.hits += hour->figures.hits;
                target->figures.bytes += hour->figures.bytes;
                target->figures.bot_hits += hour->figures.bot_hits;
                target->figures.errors += hour->figures.errors;
        }
        return true;
}

static void merge_totals(struct tally *into, struct tally *from)
{
        if (from->hits && (into->hits == 0 || from->first_us < into->first_us))
                into->first_us = from->first_us;
        if (from->hits && (into->hits == 0 || from->last_us > into->last_us))
                into->last_us = from->last_us;
        into->lines += from->lines;
        into->invalid += from->invalid;
        into->empty += from->empty;
        into->outside += from->outside;
        into->hits += from->hits;
        into->bytes += from->bytes;
        into->errors += from->errors;
        into->bot_hits += from->bot_hits;
        into->page_views += from->page_views;
        into->bot_page_views += from->bot_page_views;
        into->navigations += from->navigations;
        into->bot_navigations += from->bot_navigations;
        into->pixels += from->pixels;
        into->bot_pixels += from->bot_pixels;
        into->durations |= from->durations;
        into->formats |= from->formats;
        into->folded += from->folded;
        histogram_join(into->histogram, from->histogram);
        for (size_t i = 0; i < VITAL_COUNT; i++) {
                if (into->vitals[i] && from->vitals[i]) {
                        histogram_join(into->vitals[i], from->vitals[i]);
                } else if (from->vitals[i]) {
                        into->vitals[i] = from->vitals[i];
                        from->vitals[i] = NULL;
                }
        }
        for (size_t i = 0; i < from->sample_count; i++)
                tally_sample(into, &from->samples[i]);
}

/* Which agents must keep their names because a visitor who stays is told apart by them. */
static bool *find_kept(const struct renaming *renaming)
{
        bool *kept = memory_new(renaming->from->names.next, sizeof(*kept));

        for (size_t shard = 0; kept && shard < VISITOR_SHARDS; shard++) {
                const struct visitors *visitors = &renaming->from->shards[shard];

                for (uint32_t i = 0; i < visitors_count(visitors); i++)
                        if (is_kept(renaming, visitors, visitors_at(visitors, i)))
                                kept[visitors_at(visitors, i)->agent] = true;
        }
        return kept;
}

/* Puts the names together, so that the visitors can follow, shard by shard. */
static bool renaming_init(struct renaming *renaming, struct tally *into, struct tally *from, uint64_t fold)
{
        *renaming = (struct renaming){ .into = into, .from = from, .fold = fold };
        renaming->ids = memory_new(from->names.next, sizeof(uint32_t));
        renaming->kept = fold ? find_kept(renaming) : NULL;
        for (unsigned int shard = 0; shard < VISITOR_SHARDS; shard++)
                visitors_unfind(&from->shards[shard]);
        return renaming->ids && (renaming->kept || !fold) && merge_names(renaming);
}

static void renaming_done(struct renaming *renaming)
{
        free(renaming->ids);
        free(renaming->kept);
}

static bool merge_reached(struct tally *into, const struct tally *from)
{
        for (size_t i = 0; i < from->reached.count; i++)
                if (is_followed(from->reached.list[i].visitor, into->level) &&
                    !reached_add(&into->reached, &from->reached.list[i]))
                        return false;
        return true;
}

int tally_take(struct tally *into, struct tally *from, uint64_t fold, struct error *err)
{
        struct renaming renaming;
        bool good = renaming_init(&renaming, into, from, fold);

        for (unsigned int shard = 0; good && shard < VISITOR_SHARDS; shard++)
                good = merge_shard(&renaming, shard);
        good = good && merge_hours(&into->hours, &from->hours) && merge_reached(into, from);
        if (good)
                merge_totals(into, from);
        renaming_done(&renaming);
        return good ? 0 : error_memory(err);
}

/* ---------------------------------------------------------------- several at once */

/* What the threads of a merge share. */
struct merge {
        struct renaming *renamings;
        size_t count;
        atomic_uint next; /* shard that nobody has taken yet */
        atomic_bool failed;
};

static void *merge_shards(void *context)
{
        struct merge *merge = context;
        unsigned int shard;

        while ((shard = atomic_fetch_add(&merge->next, 1)) < VISITOR_SHARDS && !atomic_load(&merge->failed))
                for (size_t i = 0; i < merge->count; i++)
                        if (!merge_shard(&merge->renamings[i], shard))
                                atomic_store(&merge->failed, true);
        return NULL;
}

/* With so many threads as tallies, for that is what there was to count them; a thread that cannot be started is done
 * without. */
static bool merge_in_threads(struct merge *merge)
{
        pthread_t threads[VISITOR_SHARDS];
        size_t started = 0;

        while (started < merge->count && started < LENGTH(threads) &&
               pthread_create(&threads[started], NULL, merge_shards, merge) == 0)
                started++;
        merge_shards(merge);
        while (started > 0)
                pthread_join(threads[--started], NULL);
        return !atomic_load(&merge->failed);
}

/* All follow the same part of the visitors then. */
static int level_out(struct tally *into, struct tally *from, struct error *err)
{
        int r;

        if (!into->level && !from->level)
                return 0;
        r = tally_sketch(into, err);
        if (r == 0)
                r = tally_sketch(from, err);
        if (r < 0)
                return r;
        sketch_join(&into->sketches->visitors, &from->sketches->visitors);
        sketch_join(&into->sketches->people, &from->sketches->people);
        sketch_join(&into->sketches->hosts, &from->sketches->hosts);
        return from->level > into->level ? tally_shrink(into, from->level, 0, err) : 0;
}

static bool merge_others(struct tally *into, struct tally *const others[], struct merge *merge)
{
        for (size_t i = 0; i < merge->count; i++)
                if (!renaming_init(&merge->renamings[i], into, others[i], 0))
                        return false;
        if (!merge_in_threads(merge))
                return false;
        for (size_t i = 0; i < merge->count; i++) {
                if (!merge_hours(&into->hours, &others[i]->hours) || !merge_reached(into, others[i]))
                        return false;
                merge_totals(into, others[i]);
        }
        return true;
}

int tally_merge_all(struct tally *into, struct tally *const others[], size_t count, struct error *err)
{
        struct merge merge = { .count = count };
        bool good;

        for (size_t i = 0; i < count; i++) {
                int r = level_out(into, others[i], err);

                if (r < 0)
                        return r;
        }
        merge.renamings = memory_new(count, sizeof(*merge.renamings));
        good = merge.renamings && merge_others(into, others, &merge);
        for (size_t i = 0; merge.renamings && i < count; i++)
                renaming_done(&merge.renamings[i]);
        free(merge.renamings);
        return good ? 0 : error_memory(err);
}

int tally_merge(struct tally *into, struct tally *from, struct error *err)
{
        return tally_merge_all(into, &from, 1, err);
}
