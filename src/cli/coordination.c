#include "coordination.h"

#include <errno.h>
#include <stdio.h>

#include "base/i18n.h"

int coordination_open(const struct config *config, bool leads, struct coordinator **ret_coordinator, struct error *err)
{
        const struct coordinator_options options = { .config = config, .leads = leads };

        *ret_coordinator = NULL;
        return config->etcd.present ? coordinator_start(&options, ret_coordinator, err) : 0;
}

/* The ledger's move is over without a step of it. */
static void close_move(struct ledger *ledger, const struct move *move, struct machine *machine, const char *what)
{
        struct error error = ERROR_NONE;

        machine->back = true;
        if (ledger_end(ledger, move, machine, ACTION_FINISH, what, &error) < 0)
                fprintf(stderr, "understudy: %s\n", error.text);
}

int coordination_begin(struct coordinator *coordinator, struct ledger *ledger, const struct move *move, struct machine *machine,
                       const struct move *old, struct error *err)
{
        int r = 0;

        if (coordinator)
                r = old ? coordinator_take_over(coordinator, old, move, err) : coordinator_begin(coordinator, move, err);
        if (r < 0)
                close_move(ledger, move, machine, "the move was not made: etcd did not take it down");
        return r;
}

int coordination_resume(struct coordinator *coordinator, struct ledger *ledger, const struct move *move, struct machine *machine,
                        struct error *err)
{
        int r = coordinator ? coordinator_resume(coordinator, move, err) : 0;

        if (r == -ESTALE)
                close_move(ledger, move, machine, "the move was ended by another controller");
        return r;
}

void coordination_end(struct coordinator *coordinator, const struct move *move, enum action action)
{
        struct error error = ERROR_NONE;

        if (coordinator && action != ACTION_REFUSE && coordinator_end(coordinator, move, action == ACTION_STOP, &error) < 0)
                fprintf(stderr, "understudy: %s\n", error.text);
}
