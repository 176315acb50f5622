/*
 * visitors.h - who came: one record per (client address, user agent, UTC day), with the visits in it and what was seen.
 *
 * A visit is what of one visitor's requests lies at most 30 minutes from the next; it ends with the day, as the visitor
 * does. Requests may be added in any order, and records of several tables put together in any order: visits are the
 * clusters of times, first and last page are decided by (time, position in the input). So nothing depends on who
 * counted which block.
 *
 * Clients that got nothing but 4xx have a record too (their address counts as a host); it has no visit and is no
 * visitor.
 *
 * These records are most of what an analysis keeps in memory, so they are packed: 80 bytes with the first visit, 48 for
 * each further one, 4 for a place in the table. An address is decided by all of its bits, never by a hash.
 */
#ifndef ANALYZE_VISITORS_H
#define ANALYZE_VISITORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/hash.h"
#include "analyze/names.h"
#include "analyze/pool.h"
#include "base/error.h"

#define VISIT_GAP_MS        (30U * 60 * 1000)
#define VISIT_PAGES_MAXIMUM 31 /* more are not told apart */
#define VISITOR_SHARDS      8
#define VISITOR_DAY_MAXIMUM ((1 << 24) - 1) /* since 1970, and as far before it: 45,000 years */
#define POSITION_BITS       48

/* Times are milliseconds of the day. */
struct visit {
        uint32_t start : 27;
        uint32_t pages : 5; /* page views; 0: nothing but pictures, feeds' pictures, redirects: no entry, no exit */
        uint32_t end : 27;
        uint32_t entry_time : 27, exit_time : 27;
        uint32_t entry_low, exit_low;   /* where in the input: the lower 32 bits */
        uint16_t entry_high, exit_high; /* and the upper 16 */
        uint32_t entry, exit;           /* ids of paths */
        uint32_t source;                /* id of the referrer's host of the entry page, 0: none */
        uint32_t campaign;              /* of the entry page */
        uint32_t next;                  /* number + 1 of the next of the same visitor, 0: the last */
};

enum client_kind { CLIENT_IPV4, CLIENT_IPV6, CLIENT_NAMED };

#define IDS_IN_PLACE 4

struct visitor {
        uint32_t address; /* the four bytes; of IPv6 its number in `addresses`; of a named client its name's id */
        uint32_t agent;   /* id */
        uint32_t day_code : 25;
        uint32_t kind : 2;    /* enum client_kind */
        uint32_t visited : 1; /* `visit` holds one: the visitor is one */
        uint32_t room : 3;    /* where further ids are, see visitors.c */
        uint32_t low[2];      /* ids below NAME_LOW: bits */
        uint32_t further;     /* number of the block of ids */
        uint16_t ids[IDS_IN_PLACE];
        struct visit visit; /* the first that was found; the others follow by `next`, in no order */
};

#define ID_BLOCKS 4

struct visitors {
        struct pool records, visits;
        struct pool addresses;         /* IPv6 */
        struct pool blocks[ID_BLOCKS]; /* of ids: 8, 16, 32, 64 */
        struct id_table **tables;      /* of those who saw more; owned */
        uint32_t table_count;
        uint64_t table_bytes;
        uint32_t *slots; /* upper bits of the hash, and as many lower ones as the mask has: number + 1; 0: empty */
        size_t mask;
};

/* One request of a visitor, as far as visits care. */
struct visit_request {
        uint32_t time; /* milliseconds of the day */
        bool page;     /* a page view */
        uint32_t path, source, campaign;
        uint64_t position; /* where in the input: below 2^POSITION_BITS */
};

int visitors_init(struct visitors *visitors, struct error *err);
void visitors_done(struct visitors *visitors);

static inline uint32_t visitors_count(const struct visitors *visitors)
{
        return visitors->records.count;
}

static inline struct visitor *visitors_at(const struct visitors *visitors, uint32_t index)
{
        return pool_at(&visitors->records, index);
}

/* Where the record with these is looked for. A client that was logged by name has its name's id as the first bytes of
 * the address, and zeros behind it. */
static inline uint32_t visitors_hash(const uint8_t address[static 16], bool named, uint32_t agent, int32_t day)
{
        uint64_t when = (uint64_t)(uint32_t)day << 1 | named;

        return (uint32_t)(hash_mix(hash_address(address) ^ agent, when ^ hash_key[2]) >> 32);
}

static inline void visitors_prefetch(const struct visitors *visitors, uint32_t hash)
{
        __builtin_prefetch(&visitors->slots[hash & visitors->mask]);
}

/* Once the place is here. */
static inline void visitors_prefetch_record(const struct visitors *visitors, uint32_t hash)
{
        uint32_t mask = (uint32_t)visitors->mask, slot = visitors->slots[hash & mask];

        if (slot && !((slot ^ hash) & ~mask)) {
                const struct visitor *visitor = visitors_at(visitors, (slot & mask) - 1);

                __builtin_prefetch(visitor);
                __builtin_prefetch((const char *)visitor + sizeof(*visitor) - 1);
        }
}

/* Finds or makes the record with these; NULL without memory. `hash` is that of all of them; the caller chose the shard
 * by the address. */
struct visitor *visitors_get(struct visitors *visitors, const uint8_t address[static 16], bool named, uint32_t agent,
                             int32_t day, uint32_t hash);

/* Nothing is looked for in this table any more: what finds records may go. All that can be done with it afterwards is
 * to go through the records, and visitors_done(). */
void visitors_unfind(struct visitors *visitors);

/* Says that the record with this index will not be asked for again, nor any before it: their memory may go. All that
 * can be done with the table afterwards is to drop the others and visitors_done(). */
static inline void visitors_drop(struct visitors *visitors, uint32_t index)
{
        pool_drop(&visitors->records, index);
}

/* The address as visitors_get() took it. */
void visitor_address(const struct visitors *visitors, const struct visitor *visitor, uint8_t ret_address[static 16]);

static inline int32_t visitor_day(const struct visitor *visitor)
{
        return (int32_t)visitor->day_code - (VISITOR_DAY_MAXIMUM + 1);
}

/* Remembers that the visitor saw what has this id. False without memory. */
bool visitor_saw(struct visitors *visitors, struct visitor *visitor, uint32_t id);

/* Puts the request into its visit. False without memory. */
bool visitor_request(struct visitors *visitors, struct visitor *visitor, const struct visit_request *request);

/* Puts `visit`, of the same visitor but another table, in. */
bool visitor_visit(struct visitors *visitors, struct visitor *visitor, const struct visit *visit);

/* All that the visitor saw, low ids included: for (uint32_t at = 0; (id = visitor_seen(visitors, visitor, &at));) */
uint32_t visitor_seen(const struct visitors *visitors, const struct visitor *visitor, uint32_t *at);

/* The hours of the day with a request that was not answered with 4xx, as bits. */
uint32_t visitor_hours(const struct visitors *visitors, const struct visitor *visitor);

/* The visits: for (visit = visitor_first(v); visit; visit = visitors_next_visit(vs, visit)) */
static inline const struct visit *visitor_first(const struct visitor *visitor)
{
        return visitor->visited ? &visitor->visit : NULL;
}

static inline struct visit *visitors_next_visit(const struct visitors *visitors, const struct visit *visit)
{
        return visit->next ? pool_at(&visitors->visits, visit->next - 1) : NULL;
}

uint64_t visitors_bytes(const struct visitors *visitors);

#endif
