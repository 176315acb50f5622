/*
 * sender.h - a thread for each shard that brings its batches from the spool to it.
 *
 * A server that is not proven (proof.h), or gives out another script than the tag's (outside.h), gets nothing.
 * Each batch: how many of its rows are there? None: they are sent. Once the server itself says that all are there, and
 * in its rollup, the batch is removed from the spool. What an insert was answered with does not decide, so a lost answer, a server that
 * stood still and goes on, and a sender that was killed are all the same case. A server that is down, hung or full is
 * asked again after a pause that grows; the others go on.
 */
#ifndef SPREAD_SENDER_H
#define SPREAD_SENDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "spread/spool.h"
#include "spread/spread.h"

struct senders;

/* Starts them. All are borrowed; `node_name` is this server's, for ask_embedders(). */
int senders_start(struct spool *spool, const struct spread_shards *shards, const char *node_name,
                  struct senders **ret_senders, struct error *err);

/* Stops them, also in the middle of an insert. */
void senders_stop(struct senders *senders);

/* There is something new in the spool. */
void senders_wake(struct senders *senders);

/* What is to be told of a shard: that it does not take its batches (once for each reason), or that it does again.
 * True when there is something. */
bool senders_notice(struct senders *senders, struct error *ret_words);

/* Whether every shard has all of its batches, or was tried since the call of senders_wake() and did not take them. */
bool senders_settled(struct senders *senders);

#endif
