/*
 * visitors.h - who came: one record per (client address, user agent, UTC day), with the visits in it and what was seen.
 *
 * A visit is what of one visitor's requests lies at most 30 minutes from the next; it ends with the day, as the visitor
 * does. Requests may be added in any order, and records of several tables put together in any order: visits are the
 * clusters of times, first and last page are decided by (time, position in the input). So nothing depends on who
 * counted which block.
 *
 * Clients that got nothing but 4xx have a record too (their address counts as a host); its `hours` are empty and it is
 * no visitor.
 */
#ifndef ANALYZE_VISITORS_H
#define ANALYZE_VISITORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/arena.h"
#include "analyze/names.h"
#include "base/error.h"

#define VISIT_GAP_MS   (30U * 60 * 1000)
#define IDS_INLINE     6 /* even: a pointer lies in the same place */
#define VISITOR_SHARDS 16

/* A set of ids of names: a few in place, then a block that is searched through, then a table. */
union ids {
        uint32_t in_place[IDS_INLINE];
        uint32_t *block;
};

/* Times are milliseconds of the day. */
struct visit {
        uint32_t start, end;
        uint32_t pages; /* page views; 0: nothing but pictures, feeds' pictures, redirects: no entry, no exit */
        uint32_t entry_time, exit_time;
        uint32_t entry, exit; /* ids of paths */
        uint32_t source;      /* id of the referrer's host of the entry page, 0: none */
        uint32_t campaign;    /* of the entry page */
        uint32_t next;        /* index + 1 among the shard's further visits, 0: the last */
        uint64_t entry_position, exit_position;
};

/* Kept small, for there are millions. */
struct visitor {
        uint8_t address[16];     /* binary; of a named client its name's id */
        uint32_t agent;          /* id */
        int32_t day;             /* since 1970 */
        uint64_t low;            /* statuses and methods: bits of ids below NAME_LOW */
        unsigned int hours : 24; /* those with a request that was not answered with 4xx: none is no visitor */
        unsigned int power : 6;  /* of the block's number of ids; 0: they are in place */
        unsigned int named : 1;
        unsigned int visited : 1; /* `visit` holds one */
        uint32_t id_count;
        union ids ids;
        struct visit visit; /* the first that was found; the others follow by `next`, in no order */
};

struct visitors {
        struct arena arena;
        uint64_t *slots; /* upper half of the hash << 32 | index + 1 */
        size_t mask;
        struct visitor **chunks;
        uint32_t count, chunk_count, chunk_capacity;
        struct visit *more; /* further visits; index 0 is not used */
        uint32_t more_count, more_capacity;
};

/* One request of a visitor, as far as visits care. */
struct visit_request {
        uint32_t time; /* milliseconds of the day */
        bool page;     /* a page view */
        uint32_t path, source, campaign;
        uint64_t position; /* where in the input */
};

int visitors_init(struct visitors *visitors, struct error *err);
void visitors_done(struct visitors *visitors);

static inline struct visitor *visitors_at(const struct visitors *visitors, uint32_t index)
{
        return &visitors->chunks[index >> 8][index & 255];
}

/* Finds or makes the record with these address, agent and day; NULL without memory. `key` is a hash of all three; the
 * caller chose the shard by the address. */
struct visitor *visitors_get(struct visitors *visitors, const uint8_t address[static 16], bool named, uint32_t agent,
                             int32_t day, uint64_t key);

static inline void visitors_prefetch(const struct visitors *visitors, uint64_t key)
{
        __builtin_prefetch(&visitors->slots[(key >> 32) & visitors->mask]);
}

/* Remembers that the visitor saw what has this id. False without memory. */
bool visitor_saw(struct visitors *visitors, struct visitor *visitor, uint32_t id);

/* Puts the request into its visit. False without memory. */
bool visitor_request(struct visitors *visitors, struct visitor *visitor, const struct visit_request *request);

/* Puts `visit`, of the same visitor but another table, in. */
bool visitor_visit(struct visitors *visitors, struct visitor *visitor, const struct visit *visit);

/* All that the visitor saw, low ids included: for (uint32_t at = 0; (id = visitor_seen(visitor, &at));) */
uint32_t visitor_seen(const struct visitor *visitor, uint32_t *at);

/* The visits: for (visit = visitor_first(v); visit; visit = visitors_next_visit(vs, visit)) */
static inline const struct visit *visitor_first(const struct visitor *visitor)
{
        return visitor->visited ? &visitor->visit : NULL;
}

static inline const struct visit *visitors_next_visit(const struct visitors *visitors, const struct visit *visit)
{
        return visit->next ? &visitors->more[visit->next] : NULL;
}

uint64_t visitors_bytes(const struct visitors *visitors);

#endif
