/*
 * backfill.h - events that are not in the rollup are taken into it: those from before there was one, and those of a
 * server that was killed between the two.
 */
#ifndef SPREAD_BACKFILL_H
#define SPREAD_BACKFILL_H

#include <stdint.h>

#include "base/error.h"
#include "spread/server.h"

/* Until no batch is left that the rollup lacks. One that is being taken just now is waited for. */
int backfill(struct server *server, int64_t deadline_ms, struct error *err);

#endif
