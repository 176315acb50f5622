/*
 * controller_mover.h - the moves that the controller makes by itself: a failover to its end, one that was begun before
 * it, and one that another controller has left behind.
 *
 * The decision to move is the caller's. A move takes as long as it takes (seconds), and nothing else is done meanwhile.
 * What is to be said is said here, on standard error and to the targets of alerts.
 */
#ifndef CLI_CONTROLLER_MOVER_H
#define CLI_CONTROLLER_MOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/controller_alerts.h"
#include "cli/controller_carry.h"
#include "cli/controller_left.h"
#include "config/config.h"
#include "traffic/coordinator.h"
#include "traffic/lookout.h"

#define MOVER_ACT_MS 30000 /* the longest that a step waits for an answer */

struct controller_mover {
        const char *state; /* this and what follows is borrowed */
        const struct config *config;
        struct lookout *lookout;
        struct coordinator *coordinator; /* NULL: this is the only controller */
        struct controller_alerts *alerts;
        struct controller_carry *carry;
        struct controller_left *left;
        bool verbose; /* a step is said when it begins, too */

        const struct move *move; /* that is being made */
        int64_t began_ms;        /* the move's, for its lines */
        bool heir;               /* of a move whose controller is gone, which must not be taken back */

        int64_t moving_until; /* somebody else's move was under way; it is looked for again then */
        int64_t pause_until;  /* a move could not be made; none before */
};

/* Moves the site to its stand-by. */
void controller_mover_fail_over(struct controller_mover *mover);

/* A failover that a controller before this one began in this state is ended: half of it is worse than either. */
void controller_mover_resume(struct controller_mover *mover);

/* With several controllers: goes on with a failover whose controller is gone, and that does not wait for a person.
 * False: etcd could not be asked for it. */
bool controller_mover_inherit(struct controller_mover *mover);

/* Has the stand-by pulled, unless somebody is moving the site to it: then `moving_until` is set. */
void controller_mover_heal(struct controller_mover *mover);

/* One of the site's checks, as steps.h and lookout.h want it. */
int controller_mover_probe(void *context, const struct config_check *check, const char *address, struct error *err);

#endif
