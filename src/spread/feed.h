/*
 * feed.h - lines of logs into events, and events into the spool of their visitor's shard.
 *
 * As live.h, for analysis servers instead of a store: what a line means is decided here, by the same functions as in
 * the tally, so that the figures are those of an analysis of the whole log. An event carries no address: the visitor is
 * a keyed hash of (site, address, browser) under a salt of the day (salts.h).
 */
#ifndef SPREAD_FEED_H
#define SPREAD_FEED_H

#include <stdint.h>

#include "accesslog/follow.h"
#include "analyze/countries.h"
#include "analyze/salts.h"
#include "analyze/salts_share.h"
#include "analyze/tally.h"
#include "base/error.h"
#include "spread/spool.h"

struct feed_options {
        const char *site;                  /* it is a part of who a visitor is */
        const char *bot_list;              /* NULL: the one that is compiled in */
        const struct countries *countries; /* NULL: nothing is known of them */
        const struct goal *goals;          /* at most GOALS_MAXIMUM */
        size_t goal_count;
        /* The salt of a day that is new, which other servers have, too; NULL: this one makes its own. When it cannot be had
         * the day's lines are not taken (they wait in the log), but for -ESTALE: nobody gets it any more, and the lines are
         * counted without visitors. */
        int (*share)(void *context, int32_t day, struct shared_salt *ret_salt, struct error *err);
        void *share_context;
};

struct feed;

/* All are borrowed. */
int feed_new(struct spool *spool, struct salts *salts, const struct spread_shards *shards,
             const struct feed_options *options, struct feed **ret_feed, struct error *err);
void feed_free(struct feed *feed);

/* The lines of a block. When it fails, nothing since the last feed_commit() is kept: feed_drop(). */
int feed_block(struct feed *feed, const struct follow_block *block, struct error *err);

/* How many lines since the last feed_commit(). */
uint64_t feed_pending(const struct feed *feed);

/* Keeps them, and how far the logs were read. When it fails, nothing is kept. `follow` is settled or rewound. */
int feed_commit(struct feed *feed, struct follow *follow, struct error *err);
void feed_drop(struct feed *feed, struct follow *follow);

/* Destroys salts that are too old. */
int feed_expire(struct feed *feed, int64_t now, struct error *err);

/* Lines that fit no format or no year, since the start. */
uint64_t feed_invalid(const struct feed *feed);

#endif
