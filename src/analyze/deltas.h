/*
 * deltas.h - what a transaction adds to the rollups of one site and day: figures by (hour or day, dimension, name).
 */
#ifndef ANALYZE_DELTAS_H
#define ANALYZE_DELTAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 to 23: an hour of the day. */
#define BUCKET_DAY 24U
#define BUCKETS    25U

/* Slots of the table are rarely in the processor's caches: so many are on their way at a time. */
#define DELTAS_AHEAD 8

struct delta {
        int64_t hits, visitors, visits, bytes, bot_hits, errors;
};

struct delta_slot {
        uint64_t key; /* 0: empty */
        struct delta delta;
};

struct deltas {
        struct delta_slot *slots;
        size_t mask, count;
        bool failed; /* no memory */
        uint64_t ahead[DELTAS_AHEAD]; /* keys whose slots were asked for, and get a visitor when they are there */
        unsigned int ahead_next;
        /* The search engine that a referrer's host is of: an id in DIMENSION_SEARCH, 0 for none. */
        uint32_t (*search_of)(void *context, uint32_t referrer);
        void *context;
        uint32_t hours[24]; /* ids of "00" to "23" in DIMENSION_HOURS */
};

void deltas_done(struct deltas *deltas);
void deltas_clear(struct deltas *deltas);

/* Adds; without memory it notes that, for the caller to see in the end. */
void deltas_add(struct deltas *deltas, unsigned int bucket, unsigned int dimension, uint32_t name,
                const struct delta *delta);

/* One visitor more. It is in the table after deltas_settle(). */
void deltas_visitor(struct deltas *deltas, unsigned int bucket, unsigned int dimension, uint32_t name);
void deltas_settle(struct deltas *deltas);

static inline unsigned int delta_bucket(uint64_t key)
{
        return (unsigned int)(key >> 40 & 31);
}

static inline unsigned int delta_dimension(uint64_t key)
{
        return (unsigned int)(key >> 32 & 255);
}

#endif
