/*
 * tally.h - counting: one tally per worker, merged in the end.
 *
 * Exact: strings are interned whole (a 64-bit hash finds them, their bytes decide), visitors are keys of (address,
 * agent, day). Memory has a limit: when it is reached the longest tail of a dimension is folded into "(other)" and
 * visitors go over to HyperLogLog, and the summary says so.
 *
 * The result does not depend on the number of workers or on how blocks fell to them: tally_merge() must be called in
 * the order of block numbers... each tally therefore keeps what happens at the edges of its blocks (a visit that goes
 * on in the next one) until the merge.
 */
#ifndef ANALYZE_TALLY_H
#define ANALYZE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/line.h"
#include "analyze/summary.h"
#include "base/error.h"

struct goal {
        const char *name;
        const char *path; /* a path; "*" at the end: every path that begins so */
};

struct tally_options {
        size_t top;                   /* rows per dimension; 0: all */
        const char *const *own_hosts; /* referrers that are the site itself; NULL-terminated */
        const struct goal *goals;
        size_t goal_count;
        uint64_t memory_bytes;     /* 0: a quarter of the machine's */
        bool bots_apart;           /* leave bots out of every figure but those about bots */
        const char *countries;     /* a MaxMind-format database, or NULL */
        const char *bot_list;      /* data file; NULL: the installed one */
        int64_t from_us, until_us; /* 0: no bound */
};

struct tally;

int tally_new(const struct tally_options *options, struct tally **ret_tally, struct error *err);
void tally_free(struct tally *tally);

/* A block begins: lines that follow belong to it. */
int tally_block(struct tally *tally, uint64_t number, struct error *err);
int tally_add(struct tally *tally, const struct log_line *line, struct error *err);
void tally_invalid(struct tally *tally, const char *file, const char *line, size_t length);
void tally_empty(struct tally *tally);

/* Moves everything of `from` into `into`; `from` is empty afterwards. */
int tally_merge(struct tally *into, struct tally *from, struct error *err);

int tally_finish(struct tally *tally, struct summary *ret_summary, struct error *err);

#endif
