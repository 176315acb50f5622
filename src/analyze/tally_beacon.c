/* tally_beacon.c - what a beacon tells besides page views. It belongs to a visit, and is no request for a page. */
#include <string.h>

#include "analyze/tally_private.h"
#include "base/memory.h"


static bool count_text(struct tally *tally, const struct hit *hit, enum name_kind kind, const char *text, size_t length)
{
        return hit_count_seen(name_table_get(&tally->names, kind, text, length), hit);
}

static bool count_event(struct tally *tally, const struct hit *hit)
{
        struct span event = { hit->line->event.text, BEACON_SHORT(hit->line->event.length) };
        uint32_t goals = goals_of_event(tally->options.goals, tally->options.goal_count, event);
        char property[BEACON_PROPERTY_MAXIMUM];
        struct span rest = hit->line->details;
        size_t length;

        if (!count_text(tally, hit, NAME_EVENT, event.text, event.length) ||
            (goals && !hit_count_goals(tally, hit, goals)))
                return false;
        for (unsigned int i = 0; i < BEACON_PROPERTIES_MAXIMUM && beacon_property(&rest, event, property, &length); i++)
                if (!count_text(tally, hit, NAME_PROPERTY, property, length))
                        return false;
        return true;
}

static bool count_vitals(struct tally *tally, const struct hit *hit)
{
        for (unsigned int vital = 0; !hit->bot && vital < VITAL_COUNT; vital++) {
                uint64_t value;

                if (!beacon_vital(hit->line, (enum beacon_vital)vital, &value))
                        continue;
                if (!tally->vitals[vital] && !(tally->vitals[vital] = memory_new(1, sizeof(struct histogram))))
                        return false;
                histogram_add(tally->vitals[vital], value);
        }
        return true;
}

/* A visit goes on while its visitor does things on a page. */
static bool prolong_visit(const struct hit *hit)
{
        const struct visit_request request = { .time = hit->time, .position = hit->position };

        return !hit->visitor || visitor_request(hit->shard, hit->visitor, &request);
}

bool hit_count_action(struct tally *tally, struct hit *hit)
{
        if (!hit_find_visitor(tally, hit))
                return false;
        switch ((enum log_beacon)hit->line->beacon) {
        case BEACON_EVENT: return count_event(tally, hit) && prolong_visit(hit);
        case BEACON_OUTBOUND:
                return count_text(tally, hit, NAME_OUTBOUND, hit->line->event.text, BEACON_SHORT(hit->line->event.length)) &&
                       prolong_visit(hit);
        default: return count_vitals(tally, hit);
        }
}
