/*
 * question.h - a question about figures as SQL for an analysis server: pure.
 *
 * Where it can be answered from the rollup (rollup.h) it is: lists of names by hour, day, month or at all. From the
 * events themselves come the pages of referrers and what a beacon tells besides page views.
 */
#ifndef SPREAD_QUESTION_H
#define SPREAD_QUESTION_H

#include <stdbool.h>

#include "analyze/store.h"
#include "base/buffer.h"

/* The host of whose pages assets are embedded in: no list of `query`, but a question to find out whose site it is. */
#define QUESTION_EMBEDDING (-2)

struct question {
        const struct store_query *query;
        int dimension;          /* instead of the query's */
        bool beacon;            /* what the beacon counted, instead of the log */
        bool rollup;            /* the server has one */
        const char *const *own; /* hosts that are no referrers, NULL at the end; NULL: none */
};

/* Whether there is such a list on analysis servers (enum dimension_kind, or QUERY_ALL). */
bool question_has_list(int dimension);

/* The columns that answer_take() reads. -ENOMEM, -E2BIG. */
int question_put(struct buffer *sql, const struct question *question) _must_check_;

/* How often each value of a web vital was measured for people: vital UInt64, value UInt64, count UInt64. */
int question_put_vitals(struct buffer *sql, const struct store_query *query) _must_check_;

/* Fetches of the tag's script: milliseconds since 1970 of the first and the last, their count (UInt64 each), the
 * referrer's host, the name of who sent the events (its number when it said none), the script's path. */
int question_put_embedders(struct buffer *sql, int64_t from_us, int64_t until_us) _must_check_;

#endif
