#include "machine.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

#define BY_ANY (MOVE_BY_ADDRESS | MOVE_BY_DNS | MOVE_BY_EXEC)

struct trait {
        const char *name;
        unsigned int by;  /* the step belongs to moves by one of these */
        bool acts;
        bool may_fail;    /* the move goes on without it */
};

static const struct trait traits[STEPS] = {
        [STEP_CLAIM] = { "claim", BY_ANY, true, false },
        [STEP_LOWER_TTL] = { "lower-ttl", MOVE_BY_DNS, true, false },
        [STEP_PROVE_OLD] = { "prove-old", BY_ANY, true, false },
        [STEP_PROVE_NEW] = { "prove-new", BY_ANY, true, false },
        [STEP_PREPARE] = { "prepare", BY_ANY, true, false },
        [STEP_CARRY] = { "carry", BY_ANY, true, false },
        [STEP_ADMIT] = { "admit", BY_ANY, true, false },
        [STEP_PROBE_NEW] = { "probe-new", BY_ANY, false, false },
        [STEP_RELAY] = { "relay", MOVE_KEEPS, true, false },
        [STEP_STILL_CLEAN] = { "still-clean", BY_ANY, false, false },
        [STEP_STOP_OLD] = { "stop-old", BY_ANY, true, true },
        [STEP_ADDRESS] = { "address", MOVE_BY_ADDRESS, true, false },
        [STEP_DNS] = { "dns", MOVE_BY_DNS, true, false },
        [STEP_EXEC] = { "exec", MOVE_BY_EXEC, true, false },
        [STEP_PROBE_SITE] = { "probe-site", BY_ANY, false, false },
        [STEP_DRAIN] = { "drain", BY_ANY, true, false },
        [STEP_FENCE] = { "fence", BY_ANY, true, false },
        /* The site is there, and a move that stops keeps it from failing over: the next one clears what was left. */
        [STEP_RELAY_END] = { "relay-end", MOVE_KEEPS, true, true },
        [STEP_CARRY_LAST] = { "carry-last", BY_ANY, true, true },
        [STEP_RESTORE_TTL] = { "restore-ttl", MOVE_BY_DNS, true, true },
        [STEP_REST] = { "rest", BY_ANY, true, false },
};

static const enum step planned[] = { STEP_CLAIM,      STEP_LOWER_TTL,  STEP_PROVE_OLD,  STEP_PROVE_NEW, STEP_PREPARE,
                                     STEP_CARRY,      STEP_ADMIT,      STEP_PROBE_NEW,  STEP_RELAY,     STEP_STILL_CLEAN,
                                     STEP_ADDRESS,    STEP_DNS,        STEP_EXEC,       STEP_PROBE_SITE, STEP_DRAIN,
                                     STEP_FENCE,      STEP_RELAY_END,   STEP_CARRY_LAST,
                                     STEP_RESTORE_TTL, STEP_REST,      STEPS };
static const enum step failover[] = { STEP_STILL_CLEAN, STEP_CLAIM,    STEP_FENCE,   STEP_ADMIT, STEP_PREPARE,
                                      STEP_PROBE_NEW,   STEP_STOP_OLD, STEP_ADDRESS, STEP_DNS,   STEP_EXEC,
                                      STEP_PROBE_SITE,  STEPS };

static const enum step *order(const struct machine *machine)
{
        return machine->kind == MOVE_PLANNED ? planned : failover;
}

/* Where in the kind's order; the order's length for a step that is not in it. */
static size_t place(const struct machine *machine, enum step step)
{
        size_t i = 0;

        while (order(machine)[i] != STEPS && order(machine)[i] != step)
                i++;
        return i;
}

bool machine_has(const struct machine *machine, enum step step)
{
        return step < STEPS && (traits[step].by & machine->by) && order(machine)[place(machine, step)] == step;
}

enum step machine_after(const struct machine *machine, enum step step)
{
        const enum step *steps = order(machine);

        for (size_t i = step == STEPS ? 0 : place(machine, step) + 1; steps[i] != STEPS; i++)
                if (machine_has(machine, steps[i]))
                        return steps[i];
        return STEPS;
}

enum step machine_before(const struct machine *machine, enum step step)
{
        const enum step *steps = order(machine);

        for (size_t i = place(machine, step); i-- > 0;)
                if (machine_has(machine, steps[i]))
                        return steps[i];
        return STEPS;
}

bool machine_undoable(const struct machine *machine, enum step step)
{
        return place(machine, step) < place(machine, machine->kind == MOVE_PLANNED ? STEP_FENCE : STEP_ADMIT);
}

bool machine_acts(enum step step)
{
        return traits[step].acts;
}

bool machine_binds(const struct machine *machine)
{
        const enum step before = machine_before(machine, machine->at);

        if (!traits[machine->at].acts)
                return false;
        return machine->back || before == STEPS || machine_undoable(machine, before);
}

void machine_begin(struct machine *machine, enum move_kind kind, unsigned int by)
{
        *machine = (struct machine){ .kind = kind, .by = by };
        machine->at = machine_after(machine, STEPS);
}

/* ---- the transition ---- */

static enum action stop(struct machine *machine)
{
        machine->phase = PHASE_STOPPED;
        return ACTION_STOP;
}

static enum action look(struct machine *machine)
{
        machine->phase = PHASE_LOOK;
        machine->looks++;
        return ACTION_LOOK;
}

static enum action act(struct machine *machine)
{
        if (!machine->back && !traits[machine->at].acts)
                return look(machine);
        machine->phase = PHASE_ACT;
        machine->acts++;
        machine->looks = 0;
        return machine->back ? ACTION_UNDO : ACTION_ACT;
}

/* The step `at` comes next. Backwards, what only looks has nothing to be undone. */
static enum action next(struct machine *machine)
{
        while (machine->back && machine->at != STEPS && !traits[machine->at].acts)
                machine->at = machine_before(machine, machine->at);
        machine->acts = machine->looks = 0;
        if (machine->at == STEPS) {
                machine->phase = PHASE_ENDED;
                return ACTION_FINISH;
        }
        machine->phase = PHASE_INTENT;
        return ACTION_RECORD_INTENT;
}

static enum action record(struct machine *machine, enum action action)
{
        machine->phase = PHASE_DONE;
        return action;
}

static enum action turn_back(struct machine *machine)
{
        machine->back = true;
        return next(machine);
}

/* The step cannot be brought to where it should be. */
static enum action fail(struct machine *machine)
{
        if (machine->back)
                return stop(machine);
        if (traits[machine->at].may_fail)
                return record(machine, ACTION_RECORD_LEFT);
        if (machine->kind == MOVE_PLANNED && machine_undoable(machine, machine->at))
                return turn_back(machine);
        return stop(machine);
}

static enum action seen(struct machine *machine, enum event event)
{
        const bool wanted = event == (machine->back ? EVENT_SEEN_BEFORE : EVENT_SEEN_WANTED);

        if (wanted)
                return record(machine, ACTION_RECORD_DONE);
        if (event == EVENT_SEEN_NOTHING || (!machine->back && !traits[machine->at].acts))
                return machine->looks < MACHINE_TRIES ? look(machine) : fail(machine);
        return machine->acts < MACHINE_TRIES ? act(machine) : fail(machine);
}

/* After a start, a restore, or a stop: what is in flight is looked at before anything is done to it. */
static enum action go_on(struct machine *machine)
{
        if (machine->phase == PHASE_NEXT)
                return next(machine);
        machine->acts = machine->looks = 0;
        return look(machine);
}

static enum action undo(struct machine *machine)
{
        if (machine->phase == PHASE_ENDED || (!machine->back && !machine_undoable(machine, machine->at)))
                return ACTION_REFUSE;
        if (machine->back)
                return go_on(machine);
        if (machine->phase == PHASE_NEXT) /* the one before is the last that was done */
                machine->at = machine_before(machine, machine->at);
        return turn_back(machine);
}

enum action machine_next(struct machine *machine, enum event event)
{
        assert(machine->phase != PHASE_ENDED || event == EVENT_UNDO);
        switch (event) {
        case EVENT_BEGIN:
                return go_on(machine);
        case EVENT_UNDO:
                return undo(machine);
        case EVENT_RECORDED:
                assert(machine->phase == PHASE_INTENT || machine->phase == PHASE_DONE);
                if (machine->phase == PHASE_INTENT)
                        return act(machine);
                machine->at = machine->back ? machine_before(machine, machine->at) : machine_after(machine, machine->at);
                return next(machine);
        case EVENT_ACTED:
                assert(machine->phase == PHASE_ACT);
                return look(machine);
        case EVENT_SEEN_WANTED:
        case EVENT_SEEN_BEFORE:
        case EVENT_SEEN_PART:
        case EVENT_SEEN_NOTHING:
                assert(machine->phase == PHASE_LOOK);
                return seen(machine, event);
        }
        assert(false);
        return ACTION_STOP;
}

/* ---- from the journal ---- */

static bool restore_forwards(struct machine *machine, enum record record, enum step step)
{
        if (machine->back || step != machine->at)
                return false;
        if (record == RECORD_INTENT) {
                machine->phase = PHASE_STOPPED; /* in flight */
                return true;
        }
        if (machine->phase != PHASE_STOPPED || (record == RECORD_LEFT && !traits[step].may_fail))
                return false;
        machine->at = machine_after(machine, step);
        machine->phase = PHASE_NEXT;
        return true;
}

/* Going back begins at the step in flight, or at the last that was done. */
static bool restore_backwards(struct machine *machine, enum record record, enum step step)
{
        if (!machine->back) {
                if (record != RECORD_UNDO_INTENT || !machine_undoable(machine, machine->at))
                        return false;
                if (machine->phase == PHASE_NEXT)
                        machine->at = machine_before(machine, machine->at);
                machine->back = true;
        }
        while (machine->at != STEPS && !traits[machine->at].acts)
                machine->at = machine_before(machine, machine->at);
        if (step != machine->at)
                return false;
        if (record == RECORD_UNDONE) {
                if (machine->phase != PHASE_STOPPED)
                        return false;
                machine->at = machine_before(machine, step);
                machine->phase = PHASE_NEXT;
        } else {
                machine->phase = PHASE_STOPPED;
        }
        return true;
}

bool machine_restore(struct machine *machine, enum record record, enum step step)
{
        if (step >= STEPS || !machine_has(machine, step))
                return false;
        if (record == RECORD_UNDO_INTENT || record == RECORD_UNDONE)
                return restore_backwards(machine, record, step);
        return restore_forwards(machine, record, step);
}

/* ---- names ---- */

const char *step_name(enum step step)
{
        return traits[step].name;
}

enum step step_of(const char *name)
{
        for (int step = 0; step < STEPS; step++)
                if (text_equal(name, traits[step].name))
                        return (enum step)step;
        return STEPS;
}
