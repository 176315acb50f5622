/*
 * reconcile.h - the same visits, seen by a log and by a beacon: beside each other, never added.
 */
#ifndef ANALYZE_RECONCILE_H
#define ANALYZE_RECONCILE_H

#include "analyze/summary.h"
#include "analyze/tally.h"
#include "base/error.h"

/*
 * Puts the beacon's summary beside the log's (`log` owns it then; it is empty afterwards), or in its place when the log
 * has no hit. What is told of all lines (their number, invalid and empty ones) is that of `log` in both cases.
 */
int reconcile_summaries(struct summary *log, struct summary *beacon, struct error *err);

/* Adds what only the tallies know: visitors in both or one, and the views of each page. */
int reconcile_tallies(struct summary *log, const struct tally *log_tally, const struct tally *beacon_tally,
                      struct error *err);

#endif
