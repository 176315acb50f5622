/*
 * ask.h - one question to all analysis servers at the same time, each with a deadline.
 *
 * A server that does not answer in time is left out, and the answer says so: with N servers about one Nth of all
 * visitors, and everything they did, is missing then. Nothing else of the figures is touched, because all that one
 * visitor did lies on one server.
 */
#ifndef SPREAD_ASK_H
#define SPREAD_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/store.h"
#include "base/buffer.h"
#include "base/error.h"
#include "spread/spread.h"

/* A server that did not answer. */
struct ask_silent {
        const char *name; /* the shard's, borrowed */
        char *words;      /* why */
};

struct ask_answer {
        struct store_answer found; /* the rows, as of a store */
        size_t asked, answered;
        struct ask_silent silent[SPREAD_SHARDS_MAXIMUM];
        size_t silent_count;
        struct buffer bytes[SPREAD_SHARDS_MAXIMUM]; /* private: what the rows' names lie in */
};

/* Whether there is such a list on analysis servers (enum dimension_kind, or QUERY_ALL). */
bool ask_has_list(int dimension);

/*
 * As store_query(); `beacon`: what the beacon counted, instead of the log. Visits are not known: they are 0. Fails only
 * when no server answered, with the words of the first; else the caller looks at `answered`.
 */
int ask_shards(const struct spread_shards *shards, const struct store_query *query, bool beacon,
               struct ask_answer *ret_answer, struct error *err);
void ask_answer_done(struct ask_answer *answer);

#endif
