/*
 * analyze_spread.h - what analyze --follow has in the place of a store when the configuration names analysis servers: a
 * spool, what fills it, and the senders that empty it.
 */
#ifndef CLI_ANALYZE_SPREAD_H
#define CLI_ANALYZE_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "accesslog/follow.h"
#include "analyze/countries.h"
#include "base/error.h"
#include "cli/analyze_salt.h"
#include "cli/command.h"
#include "cli/shards.h"
#include "spread/feed.h"
#include "spread/sender.h"
#include "spread/spool.h"

struct spreading {
        struct shards shards;
        struct spool *spool;
        struct salts *salts;
        struct feed *feed;
        struct senders *senders;
        struct salt_source source;
};

#define SPREADING_NONE                                                                                                 \
        {                                                                                                              \
                .shards = SHARDS_NONE                                                                                  \
        }

struct spreading_options {
        const char *spool; /* the folder */
        const char *salts; /* a file; NULL: in the spool */
        const char *bot_list;
        const struct countries *countries;
        const struct goal *goals;
        size_t goal_count;
        const char *server; /* this server's name */
        bool proven;        /* it reads lines only while its trees are proven */
        uint64_t limit_bytes; /* of each shard's part of the spool; 0: the default */
};

/* Opens the spool and starts the senders. Status 2 with the configuration's problems printed. */
int spreading_start(struct spreading *spreading, const struct common *common, const struct spreading_options *options,
                    struct error *err);
void spreading_stop(struct spreading *spreading);

/* As live_commit(); the senders are woken. */
int spreading_commit(struct spreading *spreading, struct follow *follow, struct error *err);

/* Prints what is to be told of shards. */
void spreading_tell(struct spreading *spreading);

/* Waits until every shard has its batches, or does not take them: then negative, with words. `stop` ends it, too. */
int spreading_drain(struct spreading *spreading, const volatile int *stop, struct error *err);

#endif
