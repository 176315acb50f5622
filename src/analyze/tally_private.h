/* tally_private.h - what a tally is inside, for tally.c (counting), tally_merge.c and tally_finish.c alone. */
#ifndef ANALYZE_TALLY_PRIVATE_H
#define ANALYZE_TALLY_PRIVATE_H

#include "analyze/bots.h"
#include "analyze/histogram.h"
#include "analyze/names.h"
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

struct tally {
        struct tally_options options;
        struct bots *bots;
        struct name_table names;
        struct visitors shards[VISITOR_SHARDS];
        struct hours hours;
        struct name *statuses[1000];
        struct name *method; /* of the last line */
        uint64_t lines, invalid, empty, outside;
        uint64_t hits, bytes, errors, bot_hits, page_views, bot_page_views;
        int64_t first_us, last_us; /* of hits; hits 0: none */
        bool durations;
        unsigned int formats; /* bits of enum log_format_kind */
        struct histogram *histogram;
        struct sample *samples; /* SAMPLES_MAXIMUM, by position */
        size_t sample_count;
};

/* NULL without memory. */
struct hour *hours_at(struct hours *hours, int64_t hour);

void tally_sample(struct tally *tally, const struct sample *sample);

static inline unsigned int shard_of(uint64_t address_hash)
{
        return (unsigned int)(address_hash >> 60);
}

#endif
