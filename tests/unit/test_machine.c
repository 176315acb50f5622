/*
 * machine.c - every move, with every fault at every action, against a world that keeps its own books: the database never
 * accepts two writers outside the planned overlap, nobody is on stage who was not proven and let in, and every end, also
 * after a crash, is a good one that `resume` or `undo` reaches.
 */
#include <string.h>

#include "tests.h"

#include "base/attributes.h"
#include "traffic/machine.h"

/* ---- the world, and what the steps do to it ---- */

enum side { NOBODY, OLD, NEW };

struct world {
        bool claimed, low_ttl, old_proven, proven, prepared, carried, accepts_new, shut_out_old, old_stopped, drained, carried_last,
                relayed;
        enum side address, name, led;
};

static const struct world at_first = { .address = OLD, .name = OLD, .led = OLD };

static bool same(const struct world *one, const struct world *other)
{
        return one->claimed == other->claimed && one->low_ttl == other->low_ttl && one->old_proven == other->old_proven &&
                one->proven == other->proven && one->prepared == other->prepared &&
                one->carried == other->carried && one->carried_last == other->carried_last &&
                one->accepts_new == other->accepts_new && one->shut_out_old == other->shut_out_old &&
                one->old_stopped == other->old_stopped && one->drained == other->drained && one->relayed == other->relayed &&
                one->address == other->address && one->name == other->name && one->led == other->led;
}

/* Forwards and back; `half` is what is left when the power goes in the middle. */
static void change(struct world *world, enum step step, bool back, bool half)
{
        switch (step) {
        case STEP_CLAIM: world->claimed = !back; break;
        case STEP_LOWER_TTL: world->low_ttl = !back; break;
        case STEP_PROVE_OLD: world->old_proven = !back; break;
        case STEP_PROVE_NEW: world->proven = !back; break;
        case STEP_PREPARE: world->prepared = !back; break;
        case STEP_CARRY: world->carried = !back; break;
        case STEP_ADMIT: world->accepts_new = !back; break;
        case STEP_STOP_OLD: world->old_stopped = !back; break;
        case STEP_RELAY: world->relayed = !back; break;
        case STEP_ADDRESS: world->address = half ? NOBODY : back ? OLD : NEW; break;
        case STEP_DNS: world->name = back ? OLD : NEW; break;
        case STEP_EXEC: world->led = half ? NOBODY : back ? OLD : NEW; break;
        case STEP_DRAIN: world->drained = !back; break;
        case STEP_FENCE: world->shut_out_old = !back; break;
        case STEP_RELAY_END: world->relayed = back; break;
        case STEP_CARRY_LAST: world->carried_last = !back; break;
        case STEP_RESTORE_TTL: world->low_ttl = false; break;
        case STEP_REST: world->claimed = false; break;
        default: fail_msg("%s does not act", step_name(step));
        }
}

static bool holds(const struct world *world, const struct machine *machine, enum step step)
{
        const bool on_stage = (!machine_has(machine, STEP_ADDRESS) || world->address == NEW) &&
                (!machine_has(machine, STEP_DNS) || world->name == NEW) &&
                (!machine_has(machine, STEP_EXEC) || world->led == NEW);

        switch (step) {
        case STEP_CLAIM: return world->claimed;
        case STEP_LOWER_TTL: return world->low_ttl;
        case STEP_PROVE_OLD: return world->old_proven;
        case STEP_PROVE_NEW: return world->proven;
        case STEP_PREPARE: return world->prepared;
        case STEP_CARRY: return world->carried;
        case STEP_ADMIT: return world->accepts_new;
        case STEP_PROBE_NEW: return world->accepts_new;
        case STEP_STILL_CLEAN: return world->proven;
        case STEP_STOP_OLD: return world->old_stopped;
        case STEP_RELAY: return world->relayed;
        case STEP_ADDRESS: return world->address == NEW;
        case STEP_DNS: return world->name == NEW;
        case STEP_EXEC: return world->led == NEW;
        case STEP_PROBE_SITE: return on_stage;
        case STEP_DRAIN: return world->drained;
        case STEP_FENCE: return world->shut_out_old;
        case STEP_RELAY_END: return !world->relayed;
        case STEP_CARRY_LAST: return world->carried_last;
        case STEP_RESTORE_TTL: return !world->low_ttl;
        case STEP_REST: return !world->claimed;
        default: return false;
        }
}

/* What may never be so, at any moment. */
static void check(const struct world *world, const struct machine *machine)
{
        const bool both = world->accepts_new && !world->shut_out_old;

        assert_false(both && (machine->kind == MOVE_FAILOVER || !world->claimed));
        if (world->address == NEW || world->name == NEW || world->led == NEW)
                assert_true(world->accepts_new && world->proven && (machine->kind == MOVE_FAILOVER || world->carried));
        if (world->carried_last)
                assert_true(world->shut_out_old); /* nobody writes there any more */
        if (machine_has(machine, STEP_RELAY) && world->address != OLD && !world->shut_out_old)
                assert_true(world->relayed);
        if (machine->kind == MOVE_PLANNED && (world->address == OLD || world->name == OLD) &&
            (machine->by & (MOVE_BY_ADDRESS | MOVE_BY_DNS)) == (MOVE_BY_ADDRESS | MOVE_BY_DNS))
                assert_true(!world->shut_out_old);
}

/* ---- a run with faults ---- */

enum fault {
        FAULT_NONE,
        FAULT_LIE,        /* the act does nothing, whatever it says */
        FAULT_HALF,       /* the act does half of its work */
        FAULT_BLIND,      /* it cannot be looked */
        FAULT_STUCK,      /* from here on no act of this step does anything, until somebody comes */
        FAULT_DARK,       /* from here on nothing can be looked at, until somebody comes */
        FAULT_CRASH,      /* before the action */
        FAULT_CRASH_AFTER,
        FAULT_CRASH_LOSE, /* before it, and the records that did not have to be on the disk are gone */
        FAULTS
};

struct log {
        enum record record;
        enum step step;
};

struct run {
        struct world world;
        struct machine machine;
        struct log log[400];
        size_t logged, durable, actions;
        struct { size_t at; enum fault fault; } faults[2];
        enum step stuck;
        bool dark, crashed;
};

static enum fault fault_now(const struct run *run)
{
        for (size_t i = 0; i < LENGTH(run->faults); i++)
                if (run->faults[i].fault != FAULT_NONE && run->faults[i].at == run->actions)
                        return run->faults[i].fault;
        return FAULT_NONE;
}

static enum event record(struct run *run, enum action action)
{
        const struct machine *machine = &run->machine;
        struct log *log = &run->log[run->logged++];

        assert_true(run->logged < LENGTH(run->log));
        log->step = machine->at;
        log->record = action == ACTION_RECORD_LEFT ? RECORD_LEFT :
                action == ACTION_RECORD_DONE       ? (machine->back ? RECORD_UNDONE : RECORD_DONE) :
                machine->back                      ? RECORD_UNDO_INTENT :
                                                     RECORD_INTENT;
        if (action == ACTION_RECORD_INTENT && machine_binds(machine))
                run->durable = run->logged;
        return EVENT_RECORDED;
}

static enum event act(struct run *run, enum action action, enum fault fault)
{
        const enum step step = run->machine.at;

        assert_int_equal(run->machine.back, action == ACTION_UNDO);
        if (fault == FAULT_STUCK)
                run->stuck = step;
        if (fault != FAULT_LIE && run->stuck != step)
                change(&run->world, step, run->machine.back, fault == FAULT_HALF);
        return EVENT_ACTED;
}

static enum event look(struct run *run, enum fault fault)
{
        struct world before = run->world;
        const enum step step = run->machine.at;

        if (fault == FAULT_DARK)
                run->dark = true;
        if (run->dark || fault == FAULT_BLIND)
                return EVENT_SEEN_NOTHING;
        if (holds(&run->world, &run->machine, step) && !(run->machine.back && (step == STEP_RESTORE_TTL || step == STEP_RELAY_END || step == STEP_REST)))
                return EVENT_SEEN_WANTED;
        if (!machine_acts(step))
                return EVENT_SEEN_BEFORE;
        change(&before, step, true, false);
        return same(&before, &run->world) ? EVENT_SEEN_BEFORE : EVENT_SEEN_PART;
}

/* One go of the program: until the move has ended, stopped, or the power went. */
static enum action go(struct run *run, enum event event)
{
        run->crashed = false;
        for (;;) {
                enum action action = machine_next(&run->machine, event);
                enum fault fault = fault_now(run);

                if (action == ACTION_FINISH || action == ACTION_STOP || action == ACTION_REFUSE) {
                        run->durable = run->logged;
                        return action;
                }
                run->crashed = fault == FAULT_CRASH || fault == FAULT_CRASH_AFTER || fault == FAULT_CRASH_LOSE;
                if (fault == FAULT_CRASH || fault == FAULT_CRASH_LOSE) {
                        run->logged = fault == FAULT_CRASH_LOSE ? run->durable : run->logged;
                        run->actions++;
                        return ACTION_STOP;
                }
                if (action == ACTION_ACT || action == ACTION_UNDO)
                        event = act(run, action, fault);
                else
                        event = action == ACTION_LOOK ? look(run, fault) : record(run, action);
                check(&run->world, &run->machine);
                run->actions++;
                if (run->crashed)
                        return ACTION_STOP;
                assert_true(run->actions < 1000); /* it comes to an end */
        }
}

/* The program is started again and knows what the journal has. */
static void restart(struct run *run)
{
        enum move_kind kind = run->machine.kind;
        unsigned int by = run->machine.by;

        machine_begin(&run->machine, kind, by);
        for (size_t i = 0; i < run->logged; i++)
                assert_true(machine_restore(&run->machine, run->log[i].record, run->log[i].step));
        run->stuck = STEPS;
        run->dark = false;
}

static void begin(struct run *run, enum move_kind kind, unsigned int by)
{
        memset(run, 0, sizeof(*run));
        run->world = at_first;
        run->world.proven = kind == MOVE_FAILOVER; /* lately, by policy */
        run->stuck = STEPS;
        machine_begin(&run->machine, kind, by);
}

static void check_end(const struct run *run, unsigned int by)
{
        const struct world *world = &run->world;

        if (run->machine.back) {
                struct world first = at_first;

                first.proven = run->machine.kind == MOVE_FAILOVER;
                assert_true(same(world, &first));
                return;
        }
        assert_true(world->shut_out_old && world->accepts_new && world->proven);
        assert_int_equal(world->address, by & MOVE_BY_ADDRESS ? NEW : OLD);
        assert_int_equal(world->name, by & MOVE_BY_DNS ? NEW : OLD);
        assert_int_equal(world->led, by & MOVE_BY_EXEC ? NEW : OLD);
        assert_true(run->machine.kind == MOVE_FAILOVER || !world->claimed);
}

/* Until a good end: whoever is called resumes, or undoes and, when that is refused, resumes. */
static void to_the_end(struct run *run, unsigned int by, enum event wish)
{
        enum action action = go(run, EVENT_BEGIN);

        for (int i = 0; action != ACTION_FINISH; i++) {
                assert_true(i < 4);
                restart(run);
                action = go(run, wish);
                if (action == ACTION_REFUSE)
                        action = go(run, EVENT_BEGIN);
        }
        check_end(run, by);
}

static const struct { enum move_kind kind; unsigned int by; } moves[] = {
        { MOVE_PLANNED, MOVE_BY_ADDRESS }, { MOVE_PLANNED, MOVE_BY_DNS }, { MOVE_PLANNED, MOVE_BY_ADDRESS | MOVE_BY_DNS },
        { MOVE_PLANNED, MOVE_BY_ADDRESS | MOVE_KEEPS }, { MOVE_PLANNED, MOVE_BY_ADDRESS | MOVE_BY_DNS | MOVE_KEEPS },
        { MOVE_PLANNED, MOVE_BY_EXEC }, { MOVE_FAILOVER, MOVE_BY_EXEC },
        { MOVE_FAILOVER, MOVE_BY_ADDRESS }, { MOVE_FAILOVER, MOVE_BY_DNS }, { MOVE_FAILOVER, MOVE_BY_ADDRESS | MOVE_BY_DNS },
};

static void nothing_fails(void **state _unused_)
{
        for (size_t m = 0; m < LENGTH(moves); m++) {
                struct run run;

                begin(&run, moves[m].kind, moves[m].by);
                assert_int_equal(go(&run, EVENT_BEGIN), ACTION_FINISH);
                assert_false(run.machine.back);
                check_end(&run, moves[m].by);
        }
}

static void any_one_fault(void **state _unused_)
{
        for (size_t m = 0; m < LENGTH(moves); m++)
                for (size_t at = 0; at < 90; at++)
                        for (int fault = FAULT_LIE; fault < FAULTS; fault++)
                                for (int wish = EVENT_BEGIN; wish <= EVENT_UNDO; wish++) {
                                        struct run run;

                                        begin(&run, moves[m].kind, moves[m].by);
                                        run.faults[0].at = at;
                                        run.faults[0].fault = (enum fault)fault;
                                        to_the_end(&run, moves[m].by, (enum event)wish);
                                }
}

static void any_two_faults(void **state _unused_)
{
        for (size_t m = 0; m < LENGTH(moves); m++)
                for (size_t pair = 0; pair < 78 * 24; pair++)
                        for (int kinds = 0; kinds < (FAULTS - 1) * (FAULTS - 1); kinds++) {
                                struct run run;

                                begin(&run, moves[m].kind, moves[m].by);
                                run.faults[0].at = pair / 24;
                                run.faults[0].fault = (enum fault)(FAULT_LIE + kinds % (FAULTS - 1));
                                run.faults[1].at = pair / 24 + 1 + pair % 24;
                                run.faults[1].fault = (enum fault)(FAULT_LIE + kinds / (FAULTS - 1));
                                to_the_end(&run, moves[m].by, pair % 2 ? EVENT_UNDO : EVENT_BEGIN);
                        }
}

/* A driver that always says that it did it, and does nothing: the look finds it out. */
static void a_liar_is_found_out(void **state _unused_)
{
        for (size_t m = 0; m < LENGTH(moves); m++) {
                struct machine all;

                machine_begin(&all, moves[m].kind, moves[m].by);
                for (enum step step = machine_after(&all, STEPS); step != STEPS; step = machine_after(&all, step)) {
                        struct run run;
                        enum action action;

                        if (!machine_acts(step))
                                continue;
                        begin(&run, moves[m].kind, moves[m].by);
                        run.stuck = step;
                        action = go(&run, EVENT_BEGIN);
                        if (step == STEP_STOP_OLD || step == STEP_RELAY_END || step == STEP_CARRY_LAST ||
                            step == STEP_RESTORE_TTL) { /* goes on, and the journal says so */
                                bool left = false;

                                for (size_t i = 0; i < run.logged; i++)
                                        left = left || (run.log[i].record == RECORD_LEFT && run.log[i].step == step);
                                assert_int_equal(action, ACTION_FINISH);
                                assert_true(left);
                        } else if (moves[m].kind == MOVE_PLANNED && machine_undoable(&all, step)) {
                                assert_int_equal(action, ACTION_FINISH);
                                assert_true(run.machine.back);
                                check_end(&run, moves[m].by);
                        } else {
                                assert_int_equal(action, ACTION_STOP);
                        }
                }
        }
}

static void too_late_to_undo(void **state _unused_)
{
        struct run run;

        begin(&run, MOVE_PLANNED, MOVE_BY_ADDRESS);
        run.stuck = STEP_FENCE;
        assert_int_equal(go(&run, EVENT_BEGIN), ACTION_STOP);
        assert_int_equal(machine_next(&run.machine, EVENT_UNDO), ACTION_REFUSE);
        run.stuck = STEPS;
        assert_int_equal(go(&run, EVENT_BEGIN), ACTION_FINISH);
        assert_int_equal(machine_next(&run.machine, EVENT_UNDO), ACTION_REFUSE);
        check_end(&run, MOVE_BY_ADDRESS);
}

/* A failover goes nowhere while the old server may still write. */
static void an_unfenced_server_stops_a_failover(void **state _unused_)
{
        struct run run;

        begin(&run, MOVE_FAILOVER, MOVE_BY_ADDRESS | MOVE_BY_DNS);
        run.stuck = STEP_FENCE;
        assert_int_equal(go(&run, EVENT_BEGIN), ACTION_STOP);
        assert_false(run.world.accepts_new);
        assert_int_equal(run.world.address, OLD);
        assert_int_equal(run.world.name, OLD);
}

/* Records that no run of this program leaves: of another move, out of order, twice. */
static void foreign_records(void **state _unused_)
{
        struct machine machine;

        machine_begin(&machine, MOVE_PLANNED, MOVE_BY_ADDRESS);
        assert_false(machine_restore(&machine, RECORD_DONE, STEP_CLAIM));
        assert_false(machine_restore(&machine, RECORD_INTENT, STEP_FENCE));
        assert_false(machine_restore(&machine, RECORD_INTENT, STEP_DNS));
        assert_false(machine_restore(&machine, RECORD_INTENT, STEPS));
        assert_false(machine_restore(&machine, RECORD_UNDONE, STEP_CLAIM));
        assert_true(machine_restore(&machine, RECORD_INTENT, STEP_CLAIM));
        assert_false(machine_restore(&machine, RECORD_LEFT, STEP_CLAIM));
        assert_true(machine_restore(&machine, RECORD_DONE, STEP_CLAIM));
        assert_false(machine_restore(&machine, RECORD_DONE, STEP_CLAIM));
        assert_true(machine_restore(&machine, RECORD_UNDO_INTENT, STEP_CLAIM));
        assert_false(machine_restore(&machine, RECORD_INTENT, STEP_PROVE_OLD));
}

static void names(void **state _unused_)
{
        for (int step = 0; step < STEPS; step++)
                assert_int_equal(step_of(step_name((enum step)step)), step);
        assert_int_equal(step_of("no-such-step"), STEPS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_fails),
                cmocka_unit_test(any_one_fault),
                cmocka_unit_test(any_two_faults),
                cmocka_unit_test(a_liar_is_found_out),
                cmocka_unit_test(too_late_to_undo),
                cmocka_unit_test(an_unfenced_server_stops_a_failover),
                cmocka_unit_test(foreign_records),
                cmocka_unit_test(names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
