/* tally_beacon.c - what a beacon tells besides page views. It belongs to a visit, and is no request for a page. */
#include <string.h>

#include "accesslog/scan.h"
#include "analyze/tally_private.h"
#include "base/memory.h"

#define PROPERTIES_MAXIMUM 16 /* of an event; further ones are not looked at */
#define GOAL_PREFIX        "event:"
#define SHORT(length)      ((length) < BEACON_VALUE_MAXIMUM ? (length) : BEACON_VALUE_MAXIMUM)

static bool count_text(struct tally *tally, const struct hit *hit, enum name_kind kind, const char *text, size_t length)
{
        return hit_count_seen(name_table_get(&tally->names, kind, text, length), hit);
}

/* --goal NAME=event:EVENT */
static bool count_goals(struct tally *tally, const struct hit *hit, struct span event)
{
        char text[sizeof(GOAL_PREFIX) + BEACON_VALUE_MAXIMUM] = GOAL_PREFIX;
        size_t length = strlen(GOAL_PREFIX);
        uint32_t goals;

        memcpy(text + length, event.text, event.length);
        goals = tally_goals_of(tally, text, length + event.length);
        return !goals || hit_count_goals(tally, hit, goals);
}

/* "event: key=value" */
static bool count_property(struct tally *tally, const struct hit *hit, struct span event, struct span key,
                           struct span value)
{
        char text[3 * BEACON_VALUE_MAXIMUM + 8];
        size_t length = event.length;

        memcpy(text, event.text, length);
        memcpy(text + length, ": ", 2);
        length += 2;
        length += scan_decode(key, text + length, BEACON_VALUE_MAXIMUM);
        text[length++] = '=';
        length += scan_decode(value, text + length, BEACON_VALUE_MAXIMUM);
        return count_text(tally, hit, NAME_PROPERTY, text, length);
}

static bool count_event(struct tally *tally, const struct hit *hit)
{
        struct span event = { hit->line->event.text, SHORT(hit->line->event.length) }, key, value;
        unsigned int left = PROPERTIES_MAXIMUM;

        if (!count_text(tally, hit, NAME_EVENT, event.text, event.length) || !count_goals(tally, hit, event))
                return false;
        for (struct span rest = hit->line->details; left && beacon_next(&rest, &key, &value);) {
                if (key.length < 2) /* the beacon's own */
                        continue;
                if (!count_property(tally, hit, event, key, value))
                        return false;
                left--;
        }
        return true;
}

static bool count_vitals(struct tally *tally, const struct hit *hit)
{
        for (unsigned int vital = 0; !hit->bot && vital < VITAL_COUNT; vital++) {
                uint64_t value;

                if (!beacon_vital(hit->line, (enum beacon_vital)vital, &value) || (!value && vital != VITAL_CLS))
                        continue; /* nothing was painted, nobody touched anything */
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
                return count_text(tally, hit, NAME_OUTBOUND, hit->line->event.text, SHORT(hit->line->event.length)) &&
                       prolong_visit(hit);
        default: return count_vitals(tally, hit);
        }
}
