/* steps_relay.c - established connections: kept by the one that leaves, handed on to it by the one that comes (relay.h). */
#include <errno.h>

#include "base/i18n.h"
#include "base/text.h"
#include "steps_private.h"

#define READY_MS 5000
#define ACT_MS   10000
#define LOOK_MS  3000

static const char *other(const struct steps *steps, enum steps_side side)
{
        return steps_server(steps, side == STEPS_TO ? STEPS_FROM : STEPS_TO)->name;
}

static json_t *arguments(const struct steps *steps, enum steps_side side, const char *action)
{
        return json_pack("{s:s, s:s}", "action", action, "server", other(steps, side));
}

static int relay(struct steps *steps, enum steps_side side, const char *action, struct error *err)
{
        return steps_ask(steps, side, "relay", arguments(steps, side, action), ACT_MS, NULL, err);
}

/* The one that hands on ends it first: what it did not hand on any more would go round between the two. */
static int end(struct steps *steps, struct error *err)
{
        int r = relay(steps, STEPS_TO, "end", err);

        return r < 0 ? r : relay(steps, STEPS_FROM, "end", err);
}

int steps_relay(struct steps *steps, bool undo, struct error *err)
{
        int r;

        if (undo)
                return end(steps, err);
        r = relay(steps, STEPS_TO, "forward", err);
        return r < 0 ? r : relay(steps, STEPS_FROM, "keep", err);
}

int steps_relay_end(struct steps *steps, struct error *err)
{
        return end(steps, err);
}

struct sight {
        bool all, none; /* of what this side has to do */
};

static int look(struct steps *steps, enum steps_side side, struct sight *ret_sight, struct error *err)
{
        json_t *result = NULL;
        const char *forwards, *keeps, *own;
        int r = steps_ask(steps, side, "relay-look", json_pack("{s:s}", "server", other(steps, side)), LOOK_MS, &result, err);

        if (r < 0)
                return r;
        forwards = json_string_value(json_object_get(result, "forwards"));
        keeps = json_string_value(json_object_get(result, "keeps"));
        own = side == STEPS_TO ? forwards : keeps;
        ret_sight->all = own && text_equal(own, "all");
        ret_sight->none = forwards && keeps && text_equal(forwards, "none") && text_equal(keeps, "none");
        json_decref(result);
        return 0;
}

enum event steps_relay_look(struct steps *steps, bool set_up, struct error *err)
{
        struct sight to, from;

        if (look(steps, STEPS_TO, &to, err) < 0 || look(steps, STEPS_FROM, &from, err) < 0)
                return EVENT_SEEN_NOTHING;
        if (to.all && from.all)
                return set_up ? EVENT_SEEN_WANTED : EVENT_SEEN_BEFORE;
        if (to.none && from.none)
                return set_up ? EVENT_SEEN_BEFORE : EVENT_SEEN_WANTED;
        error_set(err, -EBUSY, _("what keeps established connections is there in part only, on %s or %s"), steps->from->name,
                  steps->to->name);
        return EVENT_SEEN_PART;
}

/* One that is powered off cannot be asked yet: should it turn out that it cannot hand packets on, the step relay fails, and
 * the move is taken back. */
int steps_keeps_connections(struct steps *steps, struct error *err)
{
        if (steps_is_off(steps))
                return steps_ask(steps, STEPS_FROM, "relay-ready", arguments(steps, STEPS_FROM, "keep"), READY_MS, NULL, err) < 0 ?
                               err->code : 1;
        return steps_ask_both(steps, "relay-ready", arguments(steps, STEPS_TO, "forward"), arguments(steps, STEPS_FROM, "keep"),
                              READY_MS, err);
}
