/* controller_mover.c - the ledger, the steps and etcd brought together for a move. */
#include "cli/controller_mover.h"

#include <errno.h>
#include <stdio.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "cli/coordination.h"
#include "cli/site_file.h"
#include "probe/page.h"
#include "traffic/conductor.h"
#include "traffic/steps.h"

#define MOVING_MS 1000  /* a move that is under way is looked for again after this */
#define PAUSE_MS  10000 /* after a move that could not be made */

static void note(void *context _unused_, const char *sentence)
{
        fprintf(stderr, "understudy: %s\n", sentence);
}

/* ---- what the steps ask for ---- */

static void progress(void *context, const struct machine *machine, enum action action, const struct error *err)
{
        const struct controller_mover *mover = context;
        const double seconds = (double)(clock_monotonic_ms() - mover->began_ms) / 1000;

        if (mover->coordinator)
                coordinator_alive(mover->coordinator, MOVER_ACT_MS);
        if (err && err->code)
                fprintf(stderr, "understudy: %s: %s\n", step_name(machine->at), err->text);
        if (action == ACTION_RECORD_INTENT && mover->verbose)
                fprintf(stderr, "  %8.3f s  %s ...\n", seconds, step_name(machine->at));
        if (action == ACTION_RECORD_DONE || action == ACTION_RECORD_LEFT)
                fprintf(stderr, "  %8.3f s  %s%s\n", seconds, step_name(machine->at),
                        action == ACTION_RECORD_LEFT ? _(": left, the move goes on without it")
                        : machine->back              ? _(": undone")
                                                     : "");
}

/* The epoch is the revision of etcd in which this move wrote who is to be on stage. */
static int new_epoch(void *context, const char *holder, uint64_t seen, uint64_t *ret_epoch, struct error *err)
{
        const struct controller_mover *mover = context;

        return coordinator_epoch(mover->coordinator, mover->move, holder, seen, ret_epoch, err);
}

int controller_mover_probe(void *context _unused_, const struct config_check *check, const char *address,
                           struct error *err)
{
        const struct page_request page = { .url = check->url,
                                           .address = address,
                                           .status = check->status,
                                           .expect = check->expect,
                                           .timeout_ms = check->timeout_ms };

        return page_probe(&page, err);
}

static struct agent_client *lend(void *context, const struct config_server *server)
{
        const struct controller_mover *mover = context;

        return lookout_agent(mover->lookout, server);
}

static int standing(void *context, const json_t **ret_result)
{
        const struct controller_mover *mover = context;

        return lookout_standing(mover->lookout, ret_result);
}

/* ---- moving ---- */

/* With the move that is under way: 1, or 0 when there is none. -EBUSY: a person makes one just now. */
static int open_ledger(const struct controller_mover *mover, struct ledger **ret_ledger, struct move *move,
                       struct machine *machine, struct error *err)
{
        const struct ledger_options ledger_options = {
                .state = mover->state, .actor = "controller", .program = "/proc/self/exe", .note = note
        };
        int r = ledger_open(&ledger_options, ret_ledger, err);

        return r < 0 ? r : ledger_current(*ret_ledger, move, machine, err);
}

/* What stopped before anything was done is taken back at once: it must not be in the way of the next one. */
static bool is_harmless(const struct move *move, const struct machine *machine)
{
        return move->kind == MOVE_FAILOVER && !machine->back &&
               (machine->at == STEP_STILL_CLEAN || machine->at == STEP_CLAIM);
}

static void tell_end(struct controller_mover *mover, const struct move *move, const struct machine *machine,
                     enum action action, const struct error *why)
{
        char sentence[ALERT_WHAT_MAXIMUM], contacts[SITE_FILE_CONTACTS];
        const bool stopped = action == ACTION_STOP;

        site_file_contacts(mover->config, contacts);
        if (stopped)
                snprintf(sentence, sizeof(sentence),
                         _("the move stopped at %s, and a person is needed%s: %s. When that is "
                           "mended: 'understudy switch --resume', or '--undo'"),
                         step_name(machine->at), contacts, why->text);
        else
                snprintf(sentence, sizeof(sentence),
                         machine->back ? _("the move is undone: %s is on stage as before") : _("%s is on stage"),
                         machine->back ? move->from : move->to);
        note(NULL, sentence);
        controller_alerts_tell(mover->alerts, ALERT_CRITICAL,
                               stopped         ? "failover_stopped"
                               : machine->back ? "failover_undone"
                                               : "failover_done",
                               sentence);
}

static int prepare(struct controller_mover *mover, const struct move *move, struct steps **ret_steps, struct error *err)
{
        const struct steps_options choices = { .config = mover->config,
                                               .move = move,
                                               .agent = lend,
                                               .probe = controller_mover_probe,
                                               .standing = standing,
                                               .epoch = mover->coordinator ? new_epoch : NULL,
                                               .progress = progress,
                                               .context = mover };

        mover->move = move;
        mover->began_ms = clock_monotonic_ms();
        controller_carry_stop(mover->carry);
        controller_left_stop(mover->left);
        return steps_new(&choices, ret_steps, err);
}

static int make(struct controller_mover *mover, struct ledger *ledger, struct steps *steps, const struct move *move,
                struct machine *machine, struct error *err)
{
        const struct stage stage = steps_stage(steps);
        enum action action;
        int r = conduct(ledger, move, machine, EVENT_BEGIN, &stage, &action, err);

        if (r == 0 && action == ACTION_STOP && !mover->heir && is_harmless(move, machine)) {
                fprintf(stderr, "understudy: %s\n", err->text);
                r = conduct(ledger, move, machine, EVENT_UNDO, &stage, &action, err);
        }
        if (r < 0)
                return r;
        coordination_end(mover->coordinator, move, action);
        tell_end(mover, move, machine, action, err);
        return action == ACTION_FINISH && !machine->back ? 0 : -EAGAIN;
}

/* `old`: a move whose controller is gone, which this one takes the place of; NULL: none. */
static void fail_over(struct controller_mover *mover, const struct move *old)
{
        _cleanup_(ledger_closep) struct ledger *ledger = NULL;
        _cleanup_(steps_freep) struct steps *steps = NULL;
        struct error error = ERROR_NONE;
        struct machine machine;
        struct move move, other;
        int r;

        if (mover->coordinator && !old && coordinator_move(mover->coordinator, &other, NULL, &error) == 1) {
                mover->moving_until = clock_monotonic_ms() + MOVING_MS;
                return;
        }
        r = steps_plan(mover->config, MOVE_FAILOVER, old ? old->to : lookout_standby(mover->lookout)->name, &move,
                       &error);
        if (r == 0)
                r = prepare(mover, &move, &steps, &error);
        if (r == 0)
                r = open_ledger(mover, &ledger, &other, &machine, &error);
        if (r == 1 || r == -EBUSY) { /* whoever makes it decides */
                mover->moving_until = clock_monotonic_ms() + MOVING_MS;
                return;
        }
        if (r == 0) {
                machine_begin(&machine, move.kind, move.by);
                r = ledger_begin(ledger, &move, &error);
        }
        if (r == 0)
                r = coordination_begin(mover->coordinator, ledger, &move, &machine, old, &error);
        mover->heir = old != NULL;
        if (r == 0)
                r = make(mover, ledger, steps, &move, &machine, &error);
        if (r == 0)
                lookout_moved(mover->lookout);
        if (r < 0 && r != -EAGAIN)
                fprintf(stderr, "understudy: %s\n", error.text);
        if (r < 0)
                mover->pause_until = clock_monotonic_ms() + PAUSE_MS;
}

void controller_mover_fail_over(struct controller_mover *mover)
{
        fail_over(mover, NULL);
}

void controller_mover_resume(struct controller_mover *mover)
{
        _cleanup_(ledger_closep) struct ledger *ledger = NULL;
        _cleanup_(steps_freep) struct steps *steps = NULL;
        struct error error = ERROR_NONE;
        struct machine machine;
        struct move move;
        int r = open_ledger(mover, &ledger, &move, &machine, &error);

        mover->heir = false;
        if (r == 1 && move.kind == MOVE_FAILOVER &&
            coordination_resume(mover->coordinator, ledger, &move, &machine, &error) < 0) {
                fprintf(stderr, "understudy: %s\n", error.text);
                return;
        }
        if (r == 1 && move.kind == MOVE_FAILOVER && !machine.back) {
                fprintf(stderr, _("understudy: the failover from %s to %s goes on\n"), move.from, move.to);
                r = prepare(mover, &move, &steps, &error);
                if (r == 0 && !mover->coordinator && steps_overtaken(steps, &machine, &error) == 1) {
                        coordination_overtaken(ledger, &move, &machine);
                        r = error.code;
                }
                if (r == 0)
                        r = make(mover, ledger, steps, &move, &machine, &error);
        }
        if (r < 0 && r != -EBUSY && r != -EAGAIN)
                fprintf(stderr, "understudy: %s\n", error.text);
}

void controller_mover_heal(struct controller_mover *mover)
{
        _cleanup_(ledger_closep) struct ledger *ledger = NULL;
        struct machine machine;
        struct move move;

        if (open_ledger(mover, &ledger, &move, &machine, NULL) == 0)
                lookout_heal(mover->lookout);
        else
                mover->moving_until = clock_monotonic_ms() + MOVING_MS;
}

bool controller_mover_inherit(struct controller_mover *mover)
{
        struct error error = ERROR_NONE;
        struct move move;
        bool waits = false;
        int r = coordinator_move(mover->coordinator, &move, &waits, &error);

        if (r < 0)
                fprintf(stderr, "understudy: %s\n", error.text);
        if (r <= 0 || waits || move.kind != MOVE_FAILOVER)
                return r >= 0;
        fprintf(stderr, _("understudy: the failover from %s to %s, whose controller is gone, goes on here\n"),
                move.from, move.to);
        fail_over(mover, &move);
        return true;
}
