#include "cli/left.h"

#include <errno.h>
#include <stdio.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "cli/coordination.h"
#include "traffic/steps.h"
#include "tree/state.h"

bool left_behind(const char *state)
{
        struct move move;

        return ledger_left_in(state, STEP_RESTORE_TTL, &move, NULL) > 0;
}

const char *left_words(void)
{
        return _("the last move could not give the usual TTL of the site's names back, so resolvers ask more often than they need to; "
                 "a controller that runs here does it when the name servers answer, or 'understudy switch --finish'");
}

int left_make_up(struct ledger *ledger, const struct config *config, struct error *err)
{
        _cleanup_(steps_freep) struct steps *steps = NULL;
        struct move move;
        int r = ledger_left(ledger, STEP_RESTORE_TTL, &move, err);

        if (r <= 0)
                return r;
        r = steps_new(&(struct steps_options){ .config = config, .move = &move }, &steps, err);
        if (r == 0)
                r = steps_restore_ttl(steps, err);
        if (r == 0)
                r = ledger_made_up(ledger, &move, STEP_RESTORE_TTL, err);
        return r < 0 ? r : 1;
}

/* Among several controllers another one's move may have lowered it just now. */
static int refuse_beside(const struct config *config, struct error *err)
{
        _cleanup_(coordinator_freep) struct coordinator *coordinator = NULL;
        struct move move;
        int r = coordination_open(config, false, &coordinator, err);

        if (r < 0 || !coordinator)
                return r;
        r = coordinator_move(coordinator, &move, NULL, err);
        return r <= 0 ? r : error_refuse(err, _("the move from %s to %s has not ended"), move.from, move.to);
}

static void note(void *context, const char *sentence)
{
        (void)context;
        fprintf(stderr, "understudy: %s\n", sentence);
}

static int finish(const struct common *common, const struct config *config, struct error *err)
{
        const struct ledger_options options = { .state = state_directory(common->state), .actor = "switch",
                                                .program = "/proc/self/exe", .note = note };
        _cleanup_(ledger_closep) struct ledger *ledger = NULL;
        struct machine machine;
        struct move move;
        int r = refuse_beside(config, err);

        if (r == 0)
                r = ledger_open(&options, &ledger, err);
        if (r == 0)
                r = ledger_current(ledger, &move, &machine, err);
        if (r == 1)
                return error_refuse(err, _("the move from %s to %s has not ended; 'understudy switch --resume' goes on with it, "
                                           "'--undo' takes it back"), move.from, move.to);
        return r < 0 ? r : left_make_up(ledger, config, err);
}

int left_finish(const struct common *common, const struct config *config)
{
        struct error error = ERROR_NONE;
        int r = finish(common, config, &error);

        if (r < 0)
                return command_fail(&error);
        if (common->json)
                return command_print_json(json_pack("{s:s}", "outcome", r ? "finished" : "nothing"));
        if (!common->quiet)
                printf("%s\n", r ? _("the site's names have their usual TTL again") : _("the last move left nothing to be done"));
        return EXIT_DONE;
}
