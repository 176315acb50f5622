/*
 * agent_stage.h - what a switch asks a server for: its address, its visitors' connections, and on the database's host the
 * fence. Handlers of the agent's verbs (agent.h); their context is a struct agent_site.
 *
 * None takes an address, a port or a connection string: those are the configuration's. A server's name is looked up there,
 * and an epoch is a number that the database's host judges by its own rules.
 */
#ifndef TRAFFIC_AGENT_STAGE_H
#define TRAFFIC_AGENT_STAGE_H

#include "agent.h"

/* address {action: take|drop, force}: the service's addresses, on this server's interface. */
int agent_address(struct agent_call *call, struct error *err);
extern const struct agent_argument agent_address_arguments[];

/* {"addresses": [{"address": "192.0.2.10", "place": "here"}], "keeper": true}; places: here, nowhere, elsewhere, unusable;
 * keeper: one runs here. */
int agent_address_look(struct agent_call *call, struct error *err);

/* {"connections": 12}: of visitors, at the service's addresses and ports. */
int agent_connections(struct agent_call *call, struct error *err);

/*
 * Established connections in a planned move (relay.h), with another server of the configuration:
 *
 *     relay {action: forward|keep|end, server}    this one comes, or leaves; or no trace is left of either
 *     relay-ready {action: forward|keep, server}  whether it could; changes nothing, refused with the reason
 *     relay-look {server}                         {"forwards": "all", "keeps": "none"}, or "part", read back another way
 */
int agent_relay(struct agent_call *call, struct error *err);
int agent_relay_ready(struct agent_call *call, struct error *err);
int agent_relay_look(struct agent_call *call, struct error *err);
extern const struct agent_argument agent_relay_arguments[], agent_relay_look_arguments[];

/*
 * fence {action, epoch, seen, server, planned, overlap}: on the database's host.
 *
 *     begin  server               the first state: that server is in
 *     claim  seen epoch server    compare-and-set of the epoch; the server is to be on stage
 *     close  epoch server         shuts it out, and proves it: the proof is the result
 *     open   epoch server         lets it in; overlap: while another is still in
 *     stage  epoch server         it may hold the service's address from now on
 *     restore                     puts in force what the state says
 */
int agent_fence(struct agent_call *call, struct error *err);
extern const struct agent_argument agent_fence_arguments[];
void agent_fence_warm(void *context); /* also of fence-look */

/* {"epoch", "holder", "stage", "filter", "members": [{"server", "place", "sockets", "sessions"}]}, measured now. */
int agent_fence_look(struct agent_call *call, struct error *err);

/* {"kind": "MariaDB", "remarks": ["..."]}: whether the fence can ask the database, and what its rules cannot shut out. */
int agent_database(struct agent_call *call, struct error *err);

/*
 * lease: on the database's host, asked by the keeper of a server for itself: {"granted", "epoch", "stage"}. Granted means
 * that the server may hold the service's address for lease_self from the moment at which it asked.
 */
int agent_lease(struct agent_call *call, struct error *err);

/* arbiter: on the database's host, what its state says, without a look at the database: {"epoch", "holder", "stage",
 * "flips": [seconds ago], "members": [{"server", "place", "granted_ms" (ago; -1: never)}]}. */
int agent_arbiter(struct agent_call *call, struct error *err);

/* The folder of the fence's state: a descriptor, or a negative errno. */
int agent_fence_folder(const char *state, struct error *err);

#endif
