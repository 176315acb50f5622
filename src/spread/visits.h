/*
 * visits.h - questions about the order of what visitors did, as SQL for an analysis server: pure.
 *
 * All that a visitor did on a day lies on one server (spread_shard_of()), whichever web server he did it on: so each
 * server finds his visits, and how far he got in a funnel, by itself, and the servers' figures add up. Both come from the
 * events, not from the rollup, and are as exact as a store's:
 *   - requests of one time are in the order of the log: by the batch's number and the place in it. Of two web servers
 *     that log the same millisecond, the order is that of their numbers.
 *   - visits are the clusters of times with pauses of at most 30 minutes, within a day; they belong to the hour in which
 *     they begin. 18.16 has no windows, so they are made of arrays, one for each visitor and day.
 */
#ifndef SPREAD_VISITS_H
#define SPREAD_VISITS_H

#include <stdbool.h>
#include <stddef.h>

#include "spread/question.h"

/* Whether there are visits of each row of such a list: of everything, of what a visitor is, of where a visit began. */
bool visits_has_list(int dimension);

/* Whether the list is made of visits alone: first and last pages. */
bool visits_are_all(int dimension);

/* The columns that answer_take_visits() reads. -ENOMEM, -E2BIG. */
int visits_put(struct buffer *sql, const struct question *question) _must_check_;

/*
 * How many visitors of each day reached the first of these goals, after that the second, ...: for each step the visitors
 * and those of them that are people, UInt64 each. Whole days of the query's time.
 */
int visits_put_funnel(struct buffer *sql, const struct question *question, const char *const goals[], size_t count)
        _must_check_;

#endif
