/* tally_private.h - what a tally is inside, for tally.c (counting), tally_merge.c and tally_finish.c alone. */
#ifndef ANALYZE_TALLY_PRIVATE_H
#define ANALYZE_TALLY_PRIVATE_H

#include "accesslog/beacon.h"
#include "analyze/bots.h"
#include "analyze/hash.h"
#include "analyze/histogram.h"
#include "analyze/names.h"
#include "analyze/sketch.h"
#include "analyze/tally.h"
#include "analyze/visitors.h"

#define SAMPLES_MAXIMUM 10
#define SAMPLE_BYTES    200

struct hour {
        int64_t hour; /* since 1970; a slot with `used` false is empty */
        bool used;
        struct figures figures;
};

/* Hours by number, with open addressing: a log may hold any. */
struct hours {
        struct hour *slots;
        size_t mask, count;
        struct hour *last; /* the one that was asked for last */
};

struct sample {
        uint64_t position;
        const char *file;
        size_t length;
        char line[SAMPLE_BYTES];
};

/* How the last referrer began: on most sites most come from the site itself. */
struct referrer_memory {
        struct name *host; /* NULL: nothing is remembered */
        size_t length;     /* scheme and host, as sent */
        char begin[128];
};

/* What is known of a line that is being counted. */
struct hit {
        const struct log_line *line;
        uint64_t position;
        unsigned int step; /* see tally.c */
        struct visitors *shard;
        struct visitor *visitor; /* NULL: not followed, for lack of memory */
        struct name *agent, *path;
        bool bot, error, counted, page_view; /* counted: not answered with 4xx */
        bool named;                          /* the client was logged by name */
        uint8_t address[16];
        uint32_t source, campaign;
        int32_t day;   /* since 1970 */
        uint32_t time; /* milliseconds of the day */
        uint32_t visitor_hash, page_length;
        uint64_t agent_hash, path_hash, page_hash, address_hash, key;
};

/* Lines on their way. */
struct queue {
        struct log_line lines[TALLY_AHEAD];
        struct hit hits[TALLY_AHEAD];
        unsigned int begin, end;
};

struct tally {
        struct tally_options options;
        const struct bots *bots;
        struct bots *own_bots; /* when the options have none */
        struct name_table names;
        struct visitors shards[VISITOR_SHARDS];
        struct hours hours;
        struct name *statuses[1000];
        struct name *method;                 /* of the last line */
        struct referrer_memory referrers[2]; /* of the last page, and of the last asset */
        uint64_t lines, invalid, empty, outside;
        uint64_t hits, bytes, errors, bot_hits, page_views, bot_page_views;
        int64_t first_us, last_us;                                 /* of hits; hits 0: none */
        uint64_t navigations, bot_navigations, pixels, bot_pixels; /* of page_views; a beacon's */
        bool durations;
        unsigned int formats; /* bits of enum log_format_kind */
        struct histogram *histogram;
        struct histogram *vitals[VITAL_COUNT]; /* NULL: none yet; owned */
        uint32_t funnel_goals;                 /* bits of those that are a step of a funnel */
        struct reached_list reached;           /* of these, by visitors who are followed */
        struct country_memory *countries;      /* of COUNTRY_MEMORY addresses; NULL: no database; owned */
        struct sample *samples;                /* SAMPLES_MAXIMUM, by position */
        size_t sample_count;
        /* When memory is short (tally_limit.c): */
        unsigned int until_check;  /* lines; 0: it is time */
        unsigned int level;        /* one of 2^level visitors is followed: those whose hash ends in so many zeros */
        struct sketches *sketches; /* from level 1 on: all visitors, people and hosts; owned */
        uint64_t folded;           /* names with up to so many hits may be in "(other)"; 0: none is */
        struct queue queue;
};

struct sketches {
        struct sketch visitors, people, hosts;
};

/*
 * What a line names, in the order in which it is asked for and found (tally_find.c). Between two of these other lines
 * are worked at, while the memory comes. False without memory.
 */
void hit_ask(const struct tally *tally, struct hit *hit);
void hit_ask_names(const struct tally *tally, const struct hit *hit);
bool hit_find(struct tally *tally, struct hit *hit);
void hit_ask_visitor(const struct tally *tally, const struct hit *hit);
bool hit_find_visitor(struct tally *tally, struct hit *hit);

/* The host that a referrer names: 1; 0 when it is no URL; -1 without memory. */
int hit_referrer_host(struct tally *tally, struct span text, bool asset, struct name **ret_host);

/* How many lines are counted before memory is looked at again. */
#define CHECK_LINES 8192

/* What a beacon tells besides page views: events, links out, vitals. False without memory. (tally_beacon.c) */
bool hit_count_action(struct tally *tally, struct hit *hit);

/* Counts the line under a name, and its visitor if it has one. False without memory, or without a name. */
bool hit_count_seen(struct name *name, const struct hit *hit);

/* Counts these goals, and that the visitor got there. False without memory. */
bool hit_count_goals(struct tally *tally, const struct hit *hit, uint32_t goals);

/* Where an address is that was asked for lately: most requests come from the same ones as those before. */
#define COUNTRY_MEMORY 1024
struct country_memory {
        uint64_t address_hash;
        struct name *name; /* NULL: empty */
};

/* Keeps the memory below the limit of the options. */
int tally_check_limit(struct tally *tally, struct error *err);

/* Makes the sketches of all that was counted so far, if there are none. */
int tally_sketch(struct tally *tally, struct error *err);

/* Leaves the visitors out that a higher level does not follow, and folds names with up to `fold` hits (0: none). */
int tally_shrink(struct tally *tally, unsigned int level, uint64_t fold, struct error *err);

/* Which visitor it is, the same in every tally: by address, agent and day. */
static inline uint64_t visitor_key(uint64_t address_hash, uint64_t agent_hash, int32_t day)
{
        return hash_mix(address_hash ^ hash_key[3], agent_hash ^ hash_mix((uint32_t)day ^ hash_key[0], hash_key[1]));
}

static inline bool is_followed(uint64_t key, unsigned int level)
{
        return (key & ((UINT64_C(1) << level) - 1)) == 0;
}

/* The hash of a record's address. */
uint64_t visitor_address_hash(const struct tally *tally, const struct visitors *shard, const struct visitor *visitor);

/* tally_merge() with what is left out and folded: names with up to `fold` hits go into "(other)" of their kind. */
int tally_take(struct tally *into, struct tally *from, uint64_t fold, struct error *err);

/* NULL without memory. */
struct hour *hours_at(struct hours *hours, int64_t hour);

void tally_sample(struct tally *tally, const struct sample *sample);

static inline unsigned int shard_of(uint64_t address_hash)
{
        return (unsigned int)(address_hash >> 61);
}

#endif
