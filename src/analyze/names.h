/*
 * names.h - every string that is counted, once: paths, agents, referrers, campaigns, hosts.
 *
 * A name is found by its keyed hash and decided by its bytes. It carries its counters beside its text, so that counting
 * a hit touches the table and the name and nothing else. Names never move; an id finds a name again.
 */
#ifndef ANALYZE_NAMES_H
#define ANALYZE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/arena.h"
#include "analyze/hash.h"
#include "base/error.h"

enum name_kind {
        NAME_PATH,
        NAME_AGENT,
        NAME_REFERRER_HOST,
        NAME_REFERRER_PAGE,
        NAME_SEARCH,
        NAME_CAMPAIGN,
        NAME_HOST, /* virtual */
        NAME_STATUS,
        NAME_METHOD,
        NAME_GOAL,
        NAME_CLIENT, /* a client that was logged by its name instead of its address */
        NAME_COUNTRY,
        NAME_EVENT,    /* of a beacon; so are the next two */
        NAME_PROPERTY, /* "event: key=value" */
        NAME_OUTBOUND, /* where a link led */
        NAME_KINDS
};

/* What is folded for lack of memory (no path begins so, no URL, no host). */
#define NAME_OTHER "(other)"

/* A visitor remembers the names with ids below this as bits: statuses and methods, and what name_table_favour() is told
 * of. */
#define NAME_LOW     64
#define NAME_MAXIMUM (1U << 28) /* of ids */

struct name {
        uint64_t hash;
        uint64_t hits, bytes, bot_hits, errors;
        uint32_t id;
        uint32_t length;
        uint8_t kind;
        bool fresh; /* nobody has looked yet at what it means: who does sets the details and clears it */
        union {
                struct {
                        bool asset;
                        uint32_t goals; /* bits */
                        uint32_t missing, missing_bots;
                        uint64_t missing_bytes; /* of answers 404 and 410 */
                        uint64_t people_views;  /* page views that were no bot's */
                } path;
                struct {
                        uint16_t browser, platform, device, bot; /* indices; bot 0: a person */
                } agent;
                struct {
                        uint32_t search;     /* of a host: id of the search engine's name, 0: none */
                        uint32_t host;       /* of a page: id of its host's name */
                        uint64_t asset_hits; /* requests for pictures and the like: who embeds them */
                } referrer;
        };
        char text[]; /* `length` bytes, any of which may be NUL, and a NUL behind them */
};

/* The whole hash stands beside the pointer: a probe of another name touches nothing else. */
struct name_slot {
        uint64_t hash;
        struct name *name; /* NULL: empty */
};

struct name_table {
        struct arena arena;
        struct name_slot *slots;
        size_t mask, used;
        struct name **by_id;
        uint32_t low_next, next, capacity;
};

int name_table_init(struct name_table *names, struct error *err);
void name_table_done(struct name_table *names);

/* Finds the name or makes it; NULL when there is no memory. */
struct name *name_table_get(struct name_table *names, enum name_kind kind, const char *text, size_t length);

/*
 * The same in steps, so that the memory is on its way while other things are done: hash, prefetch, find. The hash is
 * that of this kind and text.
 */
static inline uint64_t name_hash(enum name_kind kind, const char *text, size_t length)
{
        return hash_bytes(length ? text : "", length, (uint64_t)kind << 56);
}

static inline void name_table_prefetch(const struct name_table *names, uint64_t hash)
{
        __builtin_prefetch(&names->slots[hash & names->mask]);
}

/* Once the place is here. */
static inline void name_table_prefetch_name(const struct name_table *names, uint64_t hash)
{
        const struct name_slot *slot = &names->slots[hash & names->mask];

        if (slot->hash != hash)
                return;
        __builtin_prefetch(slot->name);
        __builtin_prefetch((const char *)slot->name + 64);
        __builtin_prefetch((const char *)slot->name + 128);
}

struct name *name_table_get_hashed(struct name_table *names, enum name_kind kind, const char *text, size_t length,
                                   uint64_t hash);

/* Gives a name that was just made, and nobody has seen the id of, one below NAME_LOW if there is one left to give away:
 * almost every visitor gets the same style sheets and logos. */
void name_table_favour(struct name_table *names, struct name *name);

/* As name_table_get(), but NULL when it is not there. */
struct name *name_table_find(const struct name_table *names, enum name_kind kind, const char *text, size_t length);

static inline struct name *name_table_by_id(const struct name_table *names, uint32_t id)
{
        return names->by_id[id];
}

/* Iterates over all names: for (uint32_t id = 0; (name = name_table_next(names, &id));) */
struct name *name_table_next(const struct name_table *names, uint32_t *id);

uint64_t name_table_bytes(const struct name_table *names);

#endif
