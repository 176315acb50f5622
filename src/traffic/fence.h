/*
 * fence.h - who may write to the database: shutting a server out, proving it, and letting another in.
 *
 * On the database host, as root. The order is the one that holds (each other one was shown to leave a hole):
 *
 *     1 the packet filter, ahead of every rule about established connections        barrier.h
 *     2 all sockets from that server are ended, the unauthenticated, too            sockets.h
 *     3 the database's access rules are written, loaded and seen in force           postgres.h, mariadb.h
 *     4 its sessions are ended until there is none, twice                           postgres.h, mariadb.h
 *     5 proof: the filter read back, no socket, no session, no process that still holds an ended socket
 *     6 only then is it OUT, and only then may another be let in                    fence_state.h
 *
 * Before the first act the intention is in the state file, synced. That it has come true is written there as well, but not
 * waited for: what a crash of the machine loses of that says CLOSING or OPENING, and is done again. Every act can be repeated; so
 * after a crash at any point the same call finishes the work. Nothing here decides when: that is the switch machine's, which shows its
 * epoch.
 *
 *     r = fence_claim(&setup, &(struct fence_claim){ .seen = 7, .epoch = 8, .holder = "standby" }, &error);
 *     r = fence_shut_out(&setup, 8, "production", &proof, &error);
 *     r = fence_admit(&setup, 8, "standby", false, &error);
 *
 * -EPERM with status 4: refused by a rule of fence_state.h. -ENOENT: the fence was never begun here. -EBUSY: somebody
 * else is at it. Any other failure of fence_shut_out(): it is *not* proven that the server is out; don't let another
 * in.
 */
#ifndef TRAFFIC_FENCE_H
#define TRAFFIC_FENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "fence_state.h"
#include "peer.h"

/* A kind of database. Each call returns 0 or a negative errno with words, within a time of its own. */
struct fence_database {
        const char *name; /* "PostgreSQL", "MariaDB" */
        /* Called once in each operation, after the sockets of the one to be shut out are ended: a server that has used
         * up all connections cannot keep us out. What is connected already is asked whether it still works. */
        int (*connect)(void *context, struct error *err);
        /* What can be done before for the same call of rules(), with no effect and without waiting for the database: it is called
         * while the intention goes to the disk, and nothing that fails in it matters. NULL: nothing. */
        void (*prepare)(void *context, uint64_t epoch, const struct peer *const *out, size_t out_count);
        int (*rules)(void *context, uint64_t epoch, const struct peer *const *out, size_t out_count, struct error *err);
        int (*sessions)(void *context, const struct peer *peer, size_t *ret_count, struct error *err);
        int (*terminate)(void *context, const struct peer *peer, size_t *ret_count, struct error *err);
        /* The process whose children have the sessions; 0: not known. Where to look first, not where to look only. */
        pid_t (*server)(void *context);
        /* Tells what lets one of these in that the access rules cannot shut out; NULL: there is no such thing. */
        int (*remarks)(void *context, const struct peer *peers, size_t peer_count,
                       void (*tell)(void *context, const char *sentence), void *tell_context, struct error *err);
};

enum fence_step {
        FENCE_STEP_STATE,
        FENCE_STEP_FILTER,
        FENCE_STEP_SOCKETS,
        FENCE_STEP_RULES,
        FENCE_STEP_SESSIONS,
        FENCE_STEP_PROOF,
        FENCE_STEP_DONE,
};

struct fence_setup {
        int folder;               /* of the state; root's alone */
        const struct peer *peers; /* every server of the site that may ever come to the database */
        size_t peer_count;
        const uint16_t *ports; /* of the database */
        size_t port_count;
        struct fence_limits limits;
        const struct fence_database *database;
        void *context;  /* the database's */
        int64_t lease_take_ms; /* nobody takes the address sooner than so long after another's last grant */
        int timeout_ms; /* for the sessions to be gone, and for the lock; 0: 5,000 */
        void (*before)(void *context, enum fence_step step); /* called before each step; may be NULL */
        void *before_context;
};

struct fence_proof {
        size_t sockets_ended, sessions_ended; /* what was done */
        size_t sockets, sessions, holders;    /* what was measured afterwards: all 0 */
        bool filter;                          /* read back as it should be */
        int64_t took_ms;
};

/* Makes the first state: `holder` is in, the others are out, epoch 1; and puts that in force. -EEXIST when there is
 * one. */
int fence_begin(const struct fence_setup *setup, const char *holder, struct error *err);

/* Compare-and-set of the epoch. *ret_state (may be NULL) is the state afterwards. */
int fence_claim(const struct fence_setup *setup, const struct fence_claim *claim, struct fence_state *ret_state,
                struct error *err);

/* Shuts a server out and proves it. *ret_proof (may be NULL) is filled as far as it got, also on failure. */
int fence_shut_out(const struct fence_setup *setup, uint64_t epoch, const char *name, struct fence_proof *ret_proof,
                   struct error *err);

/* Lets a server in: in a planned move (`overlap`) beside the one that is in, else only when all others are proven out.
 * The undo of fence_shut_out() as well. */
int fence_admit(const struct fence_setup *setup, uint64_t epoch, const char *name, bool overlap, struct error *err);

/*
 * Gives a server the service's address to hold: its lease is renewed from now on, that of any other ends. Where nobody had
 * it (a failover), this first waits until the last lease that another was granted is over by its own clock (grant.h).
 */
int fence_stage(const struct fence_setup *setup, uint64_t epoch, const char *name, struct error *err);

/* What the state says, without looking at anything else: a few microseconds. `folder` is the state's. */
int fence_peek(int folder, struct fence_state *ret_state, struct error *err);

/* After a start of the machine or of the role: puts in force what the state says, and finishes what was begun. */
int fence_restore(const struct fence_setup *setup, struct error *err);

/* What is so, measured now. */
struct fence_view {
        struct fence_state state;
        bool filter;                                      /* the packet filter is as the state says */
        const char *filter_why;                           /* if not: a sentence */
        size_t sockets[PEER_HOSTS], sessions[PEER_HOSTS]; /* in the order of setup->peers */
};
int fence_look(const struct fence_setup *setup, struct fence_view *ret_view, struct error *err);

#endif
