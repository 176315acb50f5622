#include "coordination.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/io.h"

#define LOCK_NAME "controller.lock"

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

void coordination_overtaken(struct ledger *ledger, const struct move *move, struct machine *machine)
{
        close_move(ledger, move, machine, "the move was overtaken: somebody else has given the stage to another server since");
}

void coordination_end(struct coordinator *coordinator, const struct move *move, enum action action)
{
        struct error error = ERROR_NONE;

        if (coordinator && action != ACTION_REFUSE && coordinator_end(coordinator, move, action == ACTION_STOP, &error) < 0)
                fprintf(stderr, "understudy: %s\n", error.text);
}

/* ---- does a controller run here? ---- */

static int open_lock(const char *state, int flags)
{
        char path[PATH_MAX];

        return (size_t)snprintf(path, sizeof(path), "%s/" LOCK_NAME, state) < sizeof(path) ?
                       open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
}

/* A process's own lock (fcntl), and not one of the open file, which children that outlive it would still have. Two controllers
 * with one state are told by the journal; here the first counts. */
void coordination_mark(const char *state)
{
        const struct flock mine = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        const int fd = open_lock(state, O_RDWR | O_CREAT);

        if (fd >= 0)
                (void)fcntl(fd, F_SETLK, &mine); /* open until the process ends */
}

bool coordination_runs(const char *state)
{
        _cleanup_(fd_closep) int fd = open_lock(state, O_RDWR);
        struct flock other = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

        return fd >= 0 && fcntl(fd, F_GETLK, &other) == 0 && other.l_type != F_UNLCK;
}
