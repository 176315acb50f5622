/* steps_address.c - the service's address: dropped there, then taken here, never at both. */
#include <errno.h>

#include "base/i18n.h"
#include "base/text.h"
#include "steps_private.h"

#define LOOK_MS 2000
#define ACT_MS  5000

enum holding { HOLDS_ALL, HOLDS_NONE, HOLDS_SOME, HOLDS_UNKNOWN };

static enum holding holding(struct steps *steps, enum steps_side side, struct error *err)
{
        const bool keeps = steps->options.move->by & MOVE_KEEPS;
        size_t here = 0, nowhere = 0, count;
        json_t *result = NULL;
        const json_t *list;

        if (steps_ask(steps, side, "address-look", NULL, LOOK_MS, &result, err) < 0)
                return HOLDS_UNKNOWN;
        list = json_object_get(result, "addresses");
        count = json_array_size(list);
        for (size_t i = 0; i < count; i++) {
                const char *place = json_string_value(json_object_get(json_array_get(list, i), "place"));

                here += place && text_equal(place, "here");
                /* where connections are kept it lies on the loopback interface, which the segment does not hear of */
                nowhere += place && (text_equal(place, "nowhere") || (keeps && text_equal(place, "elsewhere")));
        }
        json_decref(result);
        if (count == 0)
                return HOLDS_UNKNOWN;
        return here == count ? HOLDS_ALL : nowhere == count ? HOLDS_NONE : HOLDS_SOME;
}

static int address(struct steps *steps, enum steps_side side, const char *action, struct error *err)
{
        return steps_ask(steps, side, "address", json_pack("{s:s}", "action", action), ACT_MS, NULL, err);
}

/*
 * The lease goes first: from then on the keeper of the one that leaves lets go, too. In a planned move he drops it when he
 * is told, which is seen; in a failover he was told, may not have heard it, and the arbiter waits until his lease is over.
 */
int steps_address(struct steps *steps, bool undo, struct error *err)
{
        const enum steps_side leaves = undo ? STEPS_TO : STEPS_FROM, comes = undo ? STEPS_FROM : STEPS_TO;
        const bool planned = steps->options.move->kind == MOVE_PLANNED || undo;
        int r = steps_lease(steps, comes, err);

        if (r == 0 && planned)
                r = address(steps, leaves, "drop", err);
        return r < 0 ? r : address(steps, comes, "take", err);
}

enum event steps_address_look(struct steps *steps, struct error *err)
{
        const enum holding to = holding(steps, STEPS_TO, err), from = holding(steps, STEPS_FROM, err);

        if (to == HOLDS_UNKNOWN || (from == HOLDS_UNKNOWN && steps->options.move->kind == MOVE_PLANNED))
                return EVENT_SEEN_NOTHING;
        if (to == HOLDS_ALL && (from == HOLDS_NONE || from == HOLDS_UNKNOWN))
                return EVENT_SEEN_WANTED;
        if (to == HOLDS_NONE && from == HOLDS_ALL)
                return EVENT_SEEN_BEFORE;
        if (to == HOLDS_NONE && from == HOLDS_UNKNOWN)
                return EVENT_SEEN_BEFORE; /* a dead server's is nobody's */
        error_set(err, -EBUSY, _("the service's address is between %s and %s: neither all at the one nor all at the other"),
                  steps->from->name, steps->to->name);
        return EVENT_SEEN_PART;
}
