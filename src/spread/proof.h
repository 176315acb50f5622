/*
 * proof.h - an analysis server takes part only while it is proven.
 *
 * In 2009 the second analysis server was never moved to the managed build, and gave out an injected script; nobody had
 * to do anything for it to go on taking part. Here somebody has to: on each server `understudy analyze vouch` compares
 * what the server consists of with its signed release and writes into its own table, every few seconds, what came of it.
 * Whoever sends events or asks for figures reads that first. A server that says nothing, or has said nothing lately, is
 * as one that says that something is wrong: it gets no events, its figures are not in the answer, and both is told.
 *
 * The time is the server's own on both sides, so no clocks are compared.
 */
#ifndef SPREAD_PROOF_H
#define SPREAD_PROOF_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "spread/spread.h"

#define PROOF_FRESH_SECONDS 15 /* what was said before that does not count any more */

/* The question to a server: the version of its tables, and its standing unless none is required. */
int proof_question(struct buffer *sql, const struct spread_shards *shards, const struct spread_shard *shard);

/* 0: it takes part, and has tables of this version. -EPERM: it is left out, and why; -EBADMSG: the answer is none. */
int proof_judge(const struct spread_shards *shards, const struct spread_shard *shard, const struct buffer *answer,
                uint64_t *ret_version, struct error *err);

/* "INSERT INTO standing": what the server says of itself; obstacle NULL: it is proven. */
int proof_say(struct buffer *sql, const char *shard, const char *obstacle);

#endif
