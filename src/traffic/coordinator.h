/*
 * coordinator.h - several controllers, one of which may move the site: etcd decides (coordination { etcd } of the
 * configuration).
 *
 * A process of its own without rights holds this controller's lease and asks etcd; the controller only hears what comes of
 * it. In etcd, below /understudy/SITE/:
 *
 *     leader   who may begin a move; hangs on his lease. Its revision is his term
 *     move     the move that is under way, of a controller or of a person: "ID KIND FROM TO BY running" (or "waiting", for
 *              a person); stays until it has ended
 *     stage    who is meant to be on stage; the revision of each write is the move's epoch
 *
 * What makes it safe is not the lease but the epoch: the database's host acts for the newest only. A controller that was
 * stopped in the middle of a move and goes on after another has led finds its epoch over, at each act. The lease only says
 * who should try: one that cannot reach a majority does not lead `lease` after it last could, by its own clock, nor does one
 * that does not say that it is alive; after as long again at the most another does. When etcd is gone nobody leads, nobody
 * moves, and the site stays up, for the servers' leases are granted by the database's host.
 *
 * A failover whose leader died is taken over by the next one: it is begun anew under a new epoch, and finds done what is
 * done. A move of a person waits for the person.
 *
 *     r = coordinator_start(&options, &coordinator, err);
 *     coordinator_alive(coordinator, 0);                           in each turn
 *     if (coordinator_leads(coordinator)) ...
 *     r = coordinator_begin(coordinator, &move, err);              before the first step
 *     r = coordinator_epoch(coordinator, &move, holder, seen, &epoch, err);
 *     r = coordinator_end(coordinator, &move, false, err);         when it is done or undone
 */
#ifndef TRAFFIC_COORDINATOR_H
#define TRAFFIC_COORDINATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "ledger.h"

struct coordinator_options {
        const struct config *config; /* outlives it */
        bool leads;                  /* wants to: a controller. Otherwise, for a person's move, nobody needs to */
};

struct coordinator;

int coordinator_start(const struct coordinator_options *options, struct coordinator **ret_coordinator, struct error *err);
void coordinator_free(struct coordinator *coordinator); /* NULL is fine; another one may lead at once */
void coordinator_freep(struct coordinator **coordinator);

/* This process is not stuck, nor will be for so long; 0: for the lease's length. */
void coordinator_alive(struct coordinator *coordinator, int64_t for_ms);

/* Whether this controller may begin a move, now. */
bool coordinator_leads(const struct coordinator *coordinator);

/* The move that is written down: 1, 0: none. *ret_waits (may be NULL): it waits for a person. */
int coordinator_move(struct coordinator *coordinator, struct move *ret_move, bool *ret_waits, struct error *err);

/* Writes a new move down. -EBUSY (refused): another one is. */
int coordinator_begin(struct coordinator *coordinator, const struct move *move, struct error *err);

/* Goes on with one that is written down. -ESTALE (refused): it is not there; another controller has ended it. */
int coordinator_resume(struct coordinator *coordinator, const struct move *move, struct error *err);

/* Writes it in the place of `old`, whose controller is gone. */
int coordinator_take_over(struct coordinator *coordinator, const struct move *old, const struct move *move, struct error *err);

/* A new epoch in the name of this move, larger than `seen`. Refused when another move, or another leader, came. */
int coordinator_epoch(struct coordinator *coordinator, const struct move *move, const char *holder, uint64_t seen,
                      uint64_t *ret_epoch, struct error *err);

/* It has ended, or waits for a person. */
int coordinator_end(struct coordinator *coordinator, const struct move *move, bool waits, struct error *err);

/* The machine whose controller leads; "": none does. */
#define COORDINATOR_NAME_SIZE 65
int coordinator_leader(struct coordinator *coordinator, char name[static COORDINATOR_NAME_SIZE], struct error *err);

/* A member of etcd, by its place in the configuration, as it answers by itself. */
struct coordinator_member {
        char cluster[24], version[32]; /* version "?" when it did not say */
        bool led;                      /* it knows a leader, so it has a majority */
};
int coordinator_member(struct coordinator *coordinator, size_t place, struct coordinator_member *ret_member, struct error *err);

/* ---------------------------------------------------------------- pure */

#define COORDINATOR_MOVE_SIZE 256
void coordinator_move_write(const struct move *move, bool waits, char text[static COORDINATOR_MOVE_SIZE]);
/* False when it is none. ret_waits may be NULL. */
bool coordinator_move_read(const char *text, struct move *ret_move, bool *ret_waits);

#endif
