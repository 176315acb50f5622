#include "conductor.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/i18n.h"

struct conductor {
        struct ledger *ledger;
        const struct move *move;
        struct machine *machine;
        const struct stage *stage;
        struct error last; /* what an act or a look complained of last, in this step */
};

static int record(struct conductor *conductor, enum action action, struct error *err)
{
        const struct machine *machine = conductor->machine;
        const char *step = step_name(machine->at);
        char what[sizeof(conductor->last.text) + 128];

        if (action == ACTION_RECORD_INTENT)
                snprintf(what, sizeof(what), "%s: %s is about to be %s", conductor->move->to, step,
                         machine->back ? "undone" : "done");
        else if (action == ACTION_RECORD_LEFT)
                snprintf(what, sizeof(what), "%s: %s could not be done, and the move goes on without it: %s",
                         conductor->move->to, step, conductor->last.text);
        else
                snprintf(what, sizeof(what), "%s: %s is %s, and was seen to be", conductor->move->to, step,
                         machine->back ? "undone" : "done");
        conductor->last = ERROR_NONE;
        return ledger_step(conductor->ledger, conductor->move, machine, action, what, err);
}

static enum event perform(struct conductor *conductor, enum action action)
{
        const struct stage *stage = conductor->stage;
        const enum step step = conductor->machine->at;
        const bool undo = conductor->machine->back;
        struct error error = ERROR_NONE;
        enum event event;

        if (action != ACTION_LOOK) {
                if (stage->act(stage->context, step, undo, &error) < 0)
                        conductor->last = error;
                return EVENT_ACTED;
        }
        event = stage->look(stage->context, step, undo, &error);
        if (event == (undo ? EVENT_SEEN_BEFORE : EVENT_SEEN_WANTED))
                return event;
        if (error.code)
                conductor->last = error;
        stage->progress(stage->context, conductor->machine, action, &conductor->last);
        return event;
}

static int finish(struct conductor *conductor, enum action action, struct error *err)
{
        const struct machine *machine = conductor->machine;
        char what[sizeof(conductor->last.text) + 256];

        if (action == ACTION_STOP)
                snprintf(what, sizeof(what), "the move from %s to %s stopped at %s, a person is needed: %s",
                         conductor->move->from, conductor->move->to, step_name(machine->at), conductor->last.text);
        else
                snprintf(what, sizeof(what), "the move from %s to %s is %s", conductor->move->from, conductor->move->to,
                         machine->back ? "undone" : "done");
        return ledger_end(conductor->ledger, conductor->move, machine, action, what, err);
}

int conduct(struct ledger *ledger, const struct move *move, struct machine *machine, enum event event,
            const struct stage *stage, enum action *ret_action, struct error *err)
{
        struct conductor conductor = { ledger, move, machine, stage, ERROR_NONE };

        for (;;) {
                enum action action = machine_next(machine, event);
                int r;

                stage->progress(stage->context, machine, action, NULL);
                switch (action) {
                case ACTION_ACT:
                case ACTION_UNDO:
                case ACTION_LOOK: event = perform(&conductor, action); break;
                case ACTION_RECORD_INTENT:
                case ACTION_RECORD_DONE:
                case ACTION_RECORD_LEFT:
                        r = record(&conductor, action, err);
                        if (r < 0)
                                return r;
                        event = EVENT_RECORDED;
                        break;
                case ACTION_FINISH:
                case ACTION_STOP:
                        r = finish(&conductor, action, err);
                        *ret_action = action;
                        if (r == 0 && action == ACTION_STOP)
                                *err = conductor.last;
                        return r;
                case ACTION_REFUSE: *ret_action = action; return 0;
                }
        }
}
