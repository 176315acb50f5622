/*
 * controller_alerts.h - what the controller tells people: that it has moved the site, that it will not, and that a server does
 * not answer any more. To the targets of the configuration's `alerts`; without any nothing is told, and nothing is done.
 *
 * Each is told once, and again only after it was over. While a move is being made nobody is told: a queue on a disk takes
 * time, and the site has none.
 */
#ifndef CLI_CONTROLLER_ALERTS_H
#define CLI_CONTROLLER_ALERTS_H

#include <poll.h>
#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"
#include "notify/alert.h"

struct controller_alerts;

/* Forks: before the caller becomes anything that a child should not inherit. */
int controller_alerts_open(const struct config *config, const char *state, struct controller_alerts **ret_alerts,
                           struct error *err);
void controller_alerts_closep(struct controller_alerts **alerts);

/* `kind` is for machines and groups: failover_done, failover_stopped, failover_refused. */
void controller_alerts_tell(struct controller_alerts *alerts, enum alert_severity severity, const char *kind,
                            const char *sentence);

/* To be called in each turn for each server: whether its agent is connected. After ten seconds without it is told. */
void controller_alerts_hear(struct controller_alerts *alerts, const struct config_server *server, bool connected);

struct pollfd controller_alerts_poll(const struct controller_alerts *alerts);
int controller_alerts_wait_ms(const struct controller_alerts *alerts); /* -1: no limit */
void controller_alerts_tick(struct controller_alerts *alerts);

#endif
