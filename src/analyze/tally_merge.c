/* tally_merge.c - two tallies into one: names by their text, visitors by what they are, visits by their times. */
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
        uint64_t fold;    /* names with up to so many hits are put together */
        const bool *kept; /* by id: agents that a followed visitor has; NULL when nothing is folded */
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
                break;
        case NAME_AGENT: into->agent = from->agent; break;
        case NAME_REFERRER_HOST: into->referrer.search = renaming->ids[from->referrer.search]; break;
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
        case NAME_CLIENT: return false;
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
        renaming->ids[name->id] = target->id;
        if (target->fresh)
                take_details(renaming, target, name);
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

uint64_t visitor_address_hash(const struct tally *tally, const struct visitor *visitor)
{
        uint32_t id;

        if (!visitor->named)
                return hash_address(visitor->address);
        memcpy(&id, visitor->address, sizeof(id));
        return name_table_by_id(&tally->names, id)->hash;
}

static struct visitor *find_target(struct renaming *renaming, unsigned int shard, const struct visitor *visitor)
{
        uint64_t hash = visitor_address_hash(renaming->from, visitor);
        uint32_t agent = renaming->ids[visitor->agent];
        uint8_t address[16];

        memcpy(address, visitor->address, sizeof(address));
        if (visitor->named) {
                uint32_t id;

                memcpy(&id, visitor->address, sizeof(id));
                id = renaming->ids[id];
                memcpy(address, &id, sizeof(id));
        }
        return visitors_get(&renaming->into->shards[shard], address, visitor->named, agent, visitor->day,
                            visitor_key(hash, name_table_by_id(&renaming->into->names, agent)->hash, visitor->day));
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
        struct visitor *target = find_target(renaming, shard, visitor);
        uint32_t id;

        if (!target)
                return false;
        target->hours |= visitor->hours;
        for (uint32_t at = 0; (id = visitor_seen(visitor, &at));)
                if (!visitor_saw(&renaming->into->shards[shard], target, renaming->ids[id]))
                        return false;
        return merge_visits(renaming, shard, target, visitor);
}

static bool is_kept(const struct renaming *renaming, const struct visitor *visitor)
{
        const struct tally *from = renaming->from;
        unsigned int level = renaming->into->level;

        return level == from->level ||
               is_followed(visitor_key(visitor_address_hash(from, visitor),
                                       name_table_by_id(&from->names, visitor->agent)->hash, visitor->day),
                           level);
}

static bool merge_visitors(struct renaming *renaming)
{
        for (unsigned int shard = 0; shard < VISITOR_SHARDS; shard++) {
                const struct visitors *source = &renaming->from->shards[shard];

                for (uint32_t i = 0; i < source->count; i++)
                        if (is_kept(renaming, visitors_at(source, i)) &&
                            !merge_visitor(renaming, shard, visitors_at(source, i)))
                                return false;
                visitors_done(&renaming->from->shards[shard]);
        }
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

static void merge_totals(struct tally *into, const struct tally *from)
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
        into->durations |= from->durations;
        into->formats |= from->formats;
        into->folded += from->folded;
        histogram_join(into->histogram, from->histogram);
        for (size_t i = 0; i < from->sample_count; i++)
                tally_sample(into, &from->samples[i]);
}

/* Which agents must keep their names because a visitor who stays is told apart by them. */
static bool *find_kept(const struct renaming *renaming)
{
        bool *kept = memory_new(renaming->from->names.next, sizeof(*kept));

        for (size_t shard = 0; kept && shard < VISITOR_SHARDS; shard++) {
                const struct visitors *visitors = &renaming->from->shards[shard];

                for (uint32_t i = 0; i < visitors->count; i++)
                        if (is_kept(renaming, visitors_at(visitors, i)))
                                kept[visitors_at(visitors, i)->agent] = true;
        }
        return kept;
}

int tally_take(struct tally *into, struct tally *from, uint64_t fold, struct error *err)
{
        struct renaming renaming = { into, from, memory_new(from->names.next, sizeof(uint32_t)), fold, NULL };
        bool *kept = fold ? find_kept(&renaming) : NULL;
        bool good;

        renaming.kept = kept;
        good = renaming.ids && (kept || !fold) && merge_names(&renaming) && merge_visitors(&renaming) &&
               merge_hours(&into->hours, &from->hours);
        if (good)
                merge_totals(into, from);
        free(renaming.ids);
        free(kept);
        return good ? 0 : error_memory(err);
}

int tally_merge(struct tally *into, struct tally *from, struct error *err)
{
        int r = 0;

        if (into->level || from->level) {
                r = tally_sketch(into, err);
                if (r == 0)
                        r = tally_sketch(from, err);
                if (r < 0)
                        return r;
                sketch_join(&into->sketches->visitors, &from->sketches->visitors);
                sketch_join(&into->sketches->people, &from->sketches->people);
                sketch_join(&into->sketches->hosts, &from->sketches->hosts);
                if (from->level > into->level)
                        r = tally_shrink(into, from->level, 0, err);
        }
        return r < 0 ? r : tally_take(into, from, 0, err);
}
