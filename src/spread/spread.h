/*
 * spread.h - the analysis servers that events are spread over, and what all of src/spread agrees on.
 *
 * A shard is a ClickHouse server with tables of its own (schema.h); the servers know nothing of each other. An event
 * goes to the shard that its visitor's keyed hash names, so that all that one visitor did lies on one of them and
 * different visitors of the shards simply add up.
 *
 *     feed.c      lines -> rows (row.c) -> batches in the spool
 *     spool.c     the batches on this machine's disk, and how far the logs were read, committed together
 *     sender.c    a thread for each shard: batches out of the spool into the shard
 *     proof.c     whether a server may take part: what it says of itself
 *     outside.c   whether the script that it gives out is the one of the tag
 *     ask.c       a question to all shards at the same time, with a deadline; answer.c puts what they say together
 *     schema.c    tables and views, made and brought up to date; rollup.c what the view makes, backfill.c of old events
 *     server.c    one exchange with one server over HTTP
 */
#ifndef SPREAD_SPREAD_H
#define SPREAD_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SPREAD_SHARDS_MAXIMUM 16

/* All borrowed. */
struct spread_shard {
        const char *name;
        const char *url;
        const char *user;     /* NULL: ClickHouse's default */
        const char *password; /* NULL: none */
        const char *script;   /* where the tag's script is fetched from it, as a visitor would; NULL: nowhere */
};

struct spread_shards {
        struct spread_shard items[SPREAD_SHARDS_MAXIMUM];
        size_t count;
        const char *database; /* a name of [a-z0-9._-]: it stands in SQL within backquotes */
        int64_t deadline_ms;  /* of a question */
        bool shared_salts;    /* one server makes the salts of all who send events */
        bool unproven;        /* servers that nobody vouches for take part as well (proof.h) */
        /* May this shard have data, and be asked? Asked before each batch and each question, by the threads of senders,
         * too; a refusal counts as no answer. NULL: all may. */
        int (*admits)(void *context, const char *name, struct error *err);
        void *context;
};

/* Which shard a visitor's events go to. The upper bits decide: whoever follows one of 2^n visitors looks at the lower. */
static inline size_t spread_shard_of(uint64_t visitor, size_t count)
{
        return (size_t)(((visitor >> 32) * count) >> 32);
}

#endif
