/* steps_fence.c - the epoch, and who may write: asked of the database's host. */
#include <errno.h>

#include "base/i18n.h"
#include "base/text.h"
#include "steps_private.h"

#define LOOK_MS    5000
#define ARBITER_MS 5000 /* connecting included */
#define FENCE_MS 20000

static int look(struct steps *steps, json_t **ret_view, struct error *err)
{
        return steps_ask(steps, STEPS_DATABASE, "fence-look", NULL, LOOK_MS, ret_view, err);
}

/* What the host's own rules know, without a look at the database. */
static int consult(struct steps *steps, json_t **ret_view, struct error *err)
{
        return steps_ask(steps, STEPS_DATABASE, "arbiter", NULL, ARBITER_MS, ret_view, err);
}

/* What the view says of a server; "" when it does not know it. */
static const json_t *member(const json_t *view, const char *server)
{
        const json_t *members = json_object_get(view, "members");

        for (size_t i = 0; i < json_array_size(members); i++) {
                const json_t *one = json_array_get(members, i);
                const char *name = json_string_value(json_object_get(one, "server"));

                if (name && text_equal(name, server))
                        return one;
        }
        return NULL;
}

static bool holds(const json_t *view, const struct config_server *server)
{
        const char *holder = json_string_value(json_object_get(view, "holder"));

        return holder && text_equal(holder, server->name);
}

static int act(struct steps *steps, const char *action, const struct config_server *server, bool overlap, struct error *err)
{
        return steps_ask(steps, STEPS_DATABASE, "fence",
                         json_pack("{s:s, s:s, s:I, s:b}", "action", action, "server", server->name, "epoch",
                                   (json_int_t)steps->epoch, "overlap", overlap),
                         FENCE_MS, NULL, err);
}

static int refuse_others(struct error *err)
{
        return error_refuse(err, _("the database's host says that another server is to be on stage: somebody else moves the site"));
}

/*
 * The epoch in whose name this move acts: what the database's host has, as long as it is ours to move. From claim on, and until
 * that is undone, it is the epoch of the one that comes; an epoch that gave the stage to anybody else is somebody else's.
 */
static int refresh(struct steps *steps, struct error *err)
{
        json_t *view = NULL;
        int r = steps->epoch ? 0 : consult(steps, &view, err);

        if (r == 0 && !steps->epoch) {
                if (holds(view, steps->to))
                        steps->epoch = (uint64_t)json_integer_value(json_object_get(view, "epoch"));
                else
                        r = refuse_others(err);
        }
        json_decref(view);
        return r;
}

/* Not even asked for: a move whose database's host could not be reached when it began. */
static bool never_claimed(const struct steps *steps)
{
        return steps->options.begins && !steps->claimed;
}

int steps_arbiter_answers(struct steps *steps, struct error *err)
{
        json_t *view = NULL;
        int r = -ETIMEDOUT;

        for (int i = 0; i < MACHINE_TRIES && r < 0; i++) /* a busy machine may be slow to connect */
                r = consult(steps, &view, err);
        json_decref(view);
        return r;
}

/* Names and programs know no epochs: so it is looked at before they are changed. The way back leads to where somebody else wants
 * visitors, too, when he has given the stage to the one that was there before. Silence is no refusal: a failover must not wait for a
 * host that let its server in a moment ago, and whoever writes is the fence's. */
int steps_still_ours(struct steps *steps, bool undo, struct error *err)
{
        json_t *view = NULL;
        const bool known = consult(steps, &view, NULL) == 0;
        const uint64_t epoch = (uint64_t)json_integer_value(json_object_get(view, "epoch"));
        const bool ours = holds(view, steps->to) && (!steps->epoch || epoch == steps->epoch);
        int r = 0;

        if (known && !ours && !(undo && holds(view, steps->from)))
                r = refuse_others(err);
        json_decref(view);
        return r;
}

int steps_overtaken(struct steps *steps, const struct machine *machine, struct error *err)
{
        json_t *view = NULL;
        enum step step = machine_before(machine, machine->at);
        bool overtaken;

        while (step != STEPS && step != STEP_CLAIM)
                step = machine_before(machine, step);
        /* Not claimed yet, or not known: each act names its epoch all the same. */
        if (step == STEPS || consult(steps, &view, NULL) < 0)
                return 0;
        overtaken = !holds(view, steps->to);
        json_decref(view);
        if (overtaken)
                refuse_others(err);
        return overtaken;
}

int steps_claim(struct steps *steps, bool undo, struct error *err)
{
        const struct config_server *wanted = undo ? steps->from : steps->to;
        json_t *view = NULL;
        json_int_t seen;
        uint64_t epoch;
        int r;

        if (undo && never_claimed(steps))
                return 0;
        r = consult(steps, &view, err);
        if (r < 0)
                return r;
        steps->claimed = true;
        seen = json_integer_value(json_object_get(view, "epoch"));
        epoch = (uint64_t)seen + 1;
        /* Among several controllers, also when another one has claimed it already: his epoch is over then. */
        if (steps->options.epoch)
                r = steps->options.epoch(steps->options.context, wanted->name, (uint64_t)seen, &epoch, err);
        if (r == 0 && !steps->options.epoch && holds(view, wanted))
                epoch = (uint64_t)seen;
        else if (r == 0)
                r = steps_ask(steps, STEPS_DATABASE, "fence",
                              json_pack("{s:s, s:s, s:I, s:I, s:b}", "action", "claim", "server", wanted->name, "seen", seen,
                                        "epoch", (json_int_t)epoch, "planned",
                                        undo || steps->options.move->kind == MOVE_PLANNED),
                              LOOK_MS, NULL, err);
        json_decref(view);
        steps->epoch = r == 0 && undo ? epoch : 0; /* else what is so is looked at */
        /* A failover's claim ended the old one's lease. */
        return r == 0 && undo ? steps_lease(steps, STEPS_FROM, err) : r;
}

enum event steps_claim_look(struct steps *steps, bool undo, struct error *err)
{
        json_t *view = NULL;
        enum event event = EVENT_SEEN_PART;

        if (undo && never_claimed(steps))
                return EVENT_SEEN_BEFORE;
        if (consult(steps, &view, err) < 0) {
                if (undo)
                        error_prefix(err, _("everything else is as it was before the move; only whether the database's host %s means %s "
                                            "to be on stage could not be asked, and until it does no failover is possible"),
                                     steps->database->name, steps->from->name);
                return EVENT_SEEN_NOTHING;
        }
        steps->epoch = (uint64_t)json_integer_value(json_object_get(view, "epoch"));
        if (holds(view, steps->to))
                event = EVENT_SEEN_WANTED;
        else if (holds(view, steps->from))
                event = EVENT_SEEN_BEFORE;
        else
                error_set(err, -EPERM, _("the database's host says that another server is to be on stage"));
        json_decref(view);
        return event;
}

int steps_lease(struct steps *steps, enum steps_side side, struct error *err)
{
        int r;

        if (!steps->options.config->service.present)
                return 0;
        r = refresh(steps, err);
        return r < 0 ? r : act(steps, "stage", steps_server(steps, side), false, err);
}

int steps_open(struct steps *steps, enum steps_side side, struct error *err)
{
        const bool overlap = steps->options.move->kind == MOVE_PLANNED || side == STEPS_FROM;
        int r = refresh(steps, err);

        return r < 0 ? r : act(steps, "open", steps_server(steps, side), overlap, err);
}

int steps_close(struct steps *steps, enum steps_side side, struct error *err)
{
        int r = refresh(steps, err);

        return r < 0 ? r : act(steps, "close", steps_server(steps, side), false, err);
}

enum event steps_fence_look(struct steps *steps, enum steps_side side, bool in, struct error *err)
{
        const char *name = steps_server(steps, side)->name, *place;
        enum event event = EVENT_SEEN_PART;
        json_t *view = NULL;
        const json_t *one;
        bool filter, gone;

        if (look(steps, &view, err) < 0)
                return EVENT_SEEN_NOTHING;
        one = member(view, name);
        place = json_string_value(json_object_get(one, "place"));
        filter = json_is_true(json_object_get(view, "filter"));
        gone = json_integer_value(json_object_get(one, "sockets")) == 0 &&
                json_integer_value(json_object_get(one, "sessions")) == 0;
        if (place && filter && text_equal(place, "in"))
                event = in ? EVENT_SEEN_WANTED : EVENT_SEEN_BEFORE;
        else if (place && filter && gone && text_equal(place, "out"))
                event = in ? EVENT_SEEN_BEFORE : EVENT_SEEN_WANTED;
        else
                error_set(err, -EBUSY, _("at the database %s is neither let in nor proven out"), name);
        json_decref(view);
        return event;
}
