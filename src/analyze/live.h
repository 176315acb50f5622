/*
 * live.h - counting that goes on: lines into the rollups of a store, in transactions.
 *
 * Lines are counted by the same tally as those of a whole log (tally.h), one for each hour and site of what came since
 * the last transaction; then what each tally found is added to the store. So the sum of the rollups is what an analysis
 * of the whole log says.
 *
 *     live_new(store, salts, &options, &live, err);
 *     while (follow_next(follow, &block, err) > 0)
 *             live_block(live, &block, err);
 *     live_commit(live, follow, err);      (negative: nothing of it was kept; follow_rewind() and try again later)
 */
#ifndef ANALYZE_LIVE_H
#define ANALYZE_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "accesslog/follow.h"
#include "analyze/salts.h"
#include "analyze/store.h"
#include "analyze/tally.h"
#include "base/error.h"

#define LIVE_SITES_MAXIMUM  1000 /* virtual hosts that are counted apart, as a log has them and as a beacon has them */
#define LIVE_NAMES_DEFAULT  10000 /* of a list for each hour; twice as many for a day */
#define LIVE_MEMORY_DEFAULT (256U << 20)

struct live_options {
        const struct goal *goals;
        size_t goal_count;
        const struct funnel *funnels; /* at most FUNNELS_MAXIMUM */
        size_t funnel_count;
        const char *bot_list;
        const struct countries *countries; /* NULL: nothing is known of them */
        const char *server;                /* this server's name, for embedders.h */
        const char *const *own_hosts;      /* virtual hosts that are counted apart whoever else comes; NULL-terminated,
                                              or NULL */
        uint64_t names;        /* more names than so many of one list are put together as "(other)"; 0: the default */
        uint64_t memory_bytes; /* of what is remembered of visitors; 0: the default */
};

struct live;

/* All are borrowed. */
int live_new(struct store *store, struct salts *salts, const struct live_options *options, struct live **ret_live,
             struct error *err);
void live_free(struct live *live);
void live_freep(struct live **live);

/* Counts the lines of a block. When it fails, nothing since the last live_commit() is kept: live_drop(). */
int live_block(struct live *live, const struct follow_block *block, struct error *err);

/* There are more virtual hosts than LIVE_SITES_MAXIMUM: those that came later are in the figures of everything alone. True
 * once. */
bool live_crowded(struct live *live);

/* How many lines were counted since the last live_commit(). */
uint64_t live_pending(const struct live *live);

/* Keeps them, and how far the logs were read. When it fails, nothing is kept. `follow` is settled or rewound. */
int live_commit(struct live *live, struct follow *follow, struct error *err);
void live_drop(struct live *live, struct follow *follow);

/* Destroys salts that are too old and closes their days. */
int live_expire(struct live *live, int64_t now, struct error *err);

/* Deletes figures of hours and of days that are older than so many days before the newest line. */
int live_retain(struct live *live, uint64_t hour_days, uint64_t day_days, struct error *err);

#endif
