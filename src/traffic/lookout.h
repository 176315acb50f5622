/*
 * lookout.h - what the controller sees of its site: through an observer of its own, and through the agents.
 *
 * Always: the site's pages from here; the arbiter's state; whether visitors may be sent to the stand-by. When the site is
 * suspected: the same pages from the stand-by, and the database itself; these are asked now and then before, so that those
 * who answer have what they need, but only what is asked at the first failure or after it counts. Nothing here decides
 * (failover.h), and nothing waits: each answer has its time, and what does not answer grows old.
 */
#ifndef TRAFFIC_LOOKOUT_H
#define TRAFFIC_LOOKOUT_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "agent_client.h"
#include "base/error.h"
#include "config/config.h"
#include "failover.h"
#include "observer.h"

#define LOOKOUT_POLLS (1 + 3 * AGENT_CLIENT_POLLS)

struct lookout_options {
        const struct config *config; /* outlives it */
        observer_probe_function *probe;
        void *context;
};

struct lookout;

/* -EINVAL when the configuration lacks what a failover needs. */
int lookout_open(const struct lookout_options *options, struct lookout **ret_lookout, struct error *err);
void lookout_close(struct lookout *lookout);
void lookout_closep(struct lookout **lookout);

size_t lookout_poll(const struct lookout *lookout, struct pollfd *fds);
int lookout_wait_ms(const struct lookout *lookout);
void lookout_tick(struct lookout *lookout);

/* The site is suspected: asks the stand-by and the database, unless they are being asked; and the stand-by whether visitors may
 * be sent there. */
void lookout_suspect(struct lookout *lookout);

/* Has the stand-by pull, and verify; once, until that has ended. */
void lookout_heal(struct lookout *lookout);

/* What is known now, but for `moving`; and the policy, from the configuration. */
void lookout_sight(const struct lookout *lookout, struct failover_sight *ret_sight);
void lookout_policy(const struct lookout *lookout, struct failover_policy *ret_policy);

/* The site was moved away just now: what was seen and asked before says nothing of it, and must not move it a second
 * time. */
void lookout_moved(struct lookout *lookout);

/* What the stand-by says of its trees, asked since the site failed, and a second ago at the most: 1; 0 when it is being asked;
 * -EAGAIN when neither. Borrowed until the next tick. */
int lookout_standing(const struct lookout *lookout, const json_t **ret_result);

/* What was wrong with the site when it was last looked at from here; "". */
const char *lookout_words(const struct lookout *lookout);

const struct config_server *lookout_standby(const struct lookout *lookout);

/* The connection to a server's agent, borrowed; NULL: there is none. */
struct agent_client *lookout_agent(const struct lookout *lookout, const struct config_server *server);

#endif
