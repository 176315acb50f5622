/* tally_finish_visitors.c - the pass over the visitors: whom each name had, and their visits. */
#include <stdlib.h>
#include <string.h>

#include "analyze/hash.h"
#include "analyze/tally_finish_private.h"
#include "base/memory.h"

/* A set of addresses: the records of the first visitor with each. */
struct addresses {
        uint32_t *slots; /* index + 1 */
        size_t mask;
};

static bool is_new_address(struct addresses *addresses, const struct visitors *shard, uint32_t index)
{
        const struct visitor *visitor = visitors_at(shard, index);
        uint8_t address[16], taken[16];
        size_t at;

        visitor_address(shard, visitor, address);
        at = (size_t)hash_address(address) & addresses->mask;
        for (; addresses->slots[at]; at = (at + 1) & addresses->mask) {
                const struct visitor *other = visitors_at(shard, addresses->slots[at] - 1);

                visitor_address(shard, other, taken);
                if (other->kind == visitor->kind && memcmp(taken, address, 16) == 0)
                        return false;
        }
        addresses->slots[at] = index + 1;
        return true;
}

static bool count_hosts(struct finish *finish, const struct visitors *shard)
{
        struct addresses addresses = { .mask = 1023 };

        while (addresses.mask < (size_t)visitors_count(shard) * 2)
                addresses.mask = addresses.mask * 2 + 1;
        addresses.slots = memory_new(addresses.mask + 1, sizeof(*addresses.slots));
        if (!addresses.slots)
                return false;
        for (uint32_t i = 0; i < visitors_count(shard); i++)
                finish->summary->hosts += is_new_address(&addresses, shard, i);
        free(addresses.slots);
        return true;
}

/* Whether no visit before this one in the visitor's list has the same page at the same end. */
static bool is_first_of(const struct visitors *shard, const struct visitor *visitor, const struct visit *visit,
                        bool entry)
{
        for (const struct visit *other = visitor_first(visitor); other != visit;
             other = visitors_next_visit(shard, other))
                if (other->pages && (entry ? other->entry == visit->entry : other->exit == visit->exit))
                        return false;
        return true;
}

static void count_visit(struct finish *finish, const struct visitors *shard, const struct visitor *visitor,
                        const struct visit *visit, bool bot)
{
        struct summary *summary = finish->summary;
        struct interval *hour = summary_hour(summary, (int64_t)visitor_day(visitor) * 24 + visit->start / 3600000);
        struct interval *day = summary_day(summary, visitor_day(visitor));
        struct seen *seen = finish->seen;
        uint32_t weight = finish->weight;

        summary->totals.visits += weight;
        summary->human_visits += bot ? 0 : weight;
        summary->bounces += visit->pages == 1 ? weight : 0;
        summary->human_bounces += visit->pages == 1 && !bot ? weight : 0;
        finish->visit_ms += (uint64_t)(visit->end - visit->start) * weight;
        finish->groups.hours[visit->start / 3600000].visits += weight;
        if (hour)
                hour->figures.visits += weight;
        if (day)
                day->figures.visits += weight;
        if (!visit->pages)
                return;
        seen[visit->entry].entries += weight;
        seen[visit->entry].entry_bots += bot ? weight : 0;
        seen[visit->entry].entry_visitors += is_first_of(shard, visitor, visit, true) ? weight : 0;
        seen[visit->exit].exits += weight;
        seen[visit->exit].exit_bots += bot ? weight : 0;
        seen[visit->exit].exit_visitors += is_first_of(shard, visitor, visit, false) ? weight : 0;
        if (visit->source) {
                const struct name *host = name_table_by_id(&finish->tally->names, visit->source);

                seen[visit->source].visits += weight;
                if (host->referrer.search)
                        seen[host->referrer.search].visits += weight;
        }
        if (visit->campaign)
                seen[visit->campaign].visits += weight;
}

static void count_group(const struct finish *finish, struct figures *group, uint32_t visits)
{
        group->visitors += finish->weight;
        group->visits += (uint64_t)visits * finish->weight;
}

static void count_visitor(struct finish *finish, const struct visitors *shard, const struct visitor *visitor)
{
        const struct name *agent = name_table_by_id(&finish->tally->names, visitor->agent);
        struct groups *groups = &finish->groups;
        struct interval *day = summary_day(finish->summary, visitor_day(visitor));
        bool bot = agent->agent.bot != 0;
        uint32_t visits = 0, hours, id;

        if (!visitor->visited)
                return;
        hours = visitor_hours(shard, visitor);
        finish->summary->totals.visitors += finish->weight;
        finish->summary->human_visitors += bot ? 0 : finish->weight;
        if (day) {
                day->figures.visitors += finish->weight;
                day->human_visitors += bot ? 0 : finish->weight;
        }
        for (unsigned int hour = 0; hour < 24; hour++) {
                struct interval *interval;

                if (!(hours >> hour & 1))
                        continue;
                groups->hours[hour].visitors += finish->weight;
                interval = summary_hour(finish->summary, (int64_t)visitor_day(visitor) * 24 + hour);
                if (interval) {
                        interval->figures.visitors += finish->weight;
                        interval->human_visitors += bot ? 0 : finish->weight;
                }
        }
        for (uint32_t at = 0; (id = visitor_seen(shard, visitor, &at));)
                finish->seen[id].visitors += finish->weight;
        for (const struct visit *visit = visitor_first(visitor); visit; visit = visitors_next_visit(shard, visit)) {
                count_visit(finish, shard, visitor, visit, bot);
                visits++;
        }
        count_group(finish, &groups->browsers[agent->agent.browser], visits);
        count_group(finish, &groups->systems[agent->agent.platform], visits);
        count_group(finish, &groups->devices[agent->agent.device], visits);
        if (bot)
                count_group(finish, &groups->bots[agent->agent.bot], visits);
}

bool finish_count_visitors(struct finish *finish)
{
        for (size_t i = 0; i < VISITOR_SHARDS; i++) {
                const struct visitors *shard = &finish->tally->shards[i];

                if (!count_hosts(finish, shard))
                        return false;
                for (uint32_t k = 0; k < visitors_count(shard); k++)
                        count_visitor(finish, shard, visitors_at(shard, k));
        }
        return true;
}
