/*
 * ask.h - one question to all analysis servers at the same time, each with a deadline.
 *
 * A server that does not answer in time, or that is not proven, is left out, and the answer says so: with N servers about one Nth of all
 * visitors, and everything they did, is missing then. Nothing else of the figures is touched, because all that one
 * visitor did lies on one server.
 */
#ifndef SPREAD_ASK_H
#define SPREAD_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/beacon.h"
#include "analyze/embedders.h"
#include "analyze/funnel.h"
#include "analyze/histogram.h"
#include "analyze/store.h"
#include "base/buffer.h"
#include "base/error.h"
#include "spread/spread.h"

/* A server that did not answer, or that was left out because it is not proven (proof.h, outside.h). */
struct ask_silent {
        const char *name; /* the shard's, borrowed */
        char *words;      /* why */
        bool left_out;
};

struct ask_who {
        size_t asked, answered;
        struct ask_silent silent[SPREAD_SHARDS_MAXIMUM];
        size_t silent_count;
};

void ask_who_done(struct ask_who *who);

struct ask_answer {
        struct store_answer found; /* the rows, as of a store */
        struct ask_who who;
        struct buffer bytes[SPREAD_SHARDS_MAXIMUM]; /* private: what the rows' names lie in */
        struct buffer visit_bytes[SPREAD_SHARDS_MAXIMUM];
};

/* Whether there is such a list on analysis servers (enum dimension_kind, or QUERY_ALL). */
bool ask_has_list(int dimension);

/* Whether a visit belongs to a row of the list. */
bool ask_has_visits(int dimension);

/*
 * As store_query(); `beacon`: what the beacon counted, instead of the log. Visits are found in the events, which
 * takes longer than to read the rollup: only with `visits` (ask_has_visits()), else they are 0. Fails only when no server
 * answered, with the words of the last; else the caller looks at `who`.
 */
int ask_shards(const struct spread_shards *shards, const struct store_query *query, bool beacon, bool visits,
               struct ask_answer *ret_answer, struct error *err);
void ask_answer_done(struct ask_answer *answer);

/* 0: this one server answers and may take part, as in every question; else negative, with why not. */
int ask_proven(const struct spread_shards *shards, const char *name, struct error *err);

/* A step of a funnel: how many visitors of each day got so far. */
struct ask_step {
        uint64_t visitors, human_visitors;
};

/* How many reached the first of these goals, after that the second, ...; whole days of the query's time. */
int ask_funnel(const struct spread_shards *shards, const struct store_query *query, bool beacon,
               const char *const goals[], size_t count, struct ask_step ret_steps[static FUNNEL_STEPS_MAXIMUM],
               struct ask_who *ret_who, struct error *err);

/* What was measured, of the site and time of the query: enum beacon_vital. */
int ask_vitals(const struct spread_shards *shards, const struct store_query *query,
               struct histogram ret_histograms[VITAL_COUNT], struct ask_who *ret_who, struct error *err);

/* As store_embedders(), in no order; a site whose visitors lie on several servers comes from each of them. */
int ask_embedders(const struct spread_shards *shards, int64_t from_us, int64_t until_us, embedder_function *take,
                  void *context, struct ask_who *ret_who, struct error *err);

#endif
