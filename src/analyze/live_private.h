/* live_private.h - what is between two transactions; for live*.c alone. */
#ifndef ANALYZE_LIVE_PRIVATE_H
#define ANALYZE_LIVE_PRIVATE_H

#include "analyze/book.h"
#include "analyze/deltas.h"
#include "analyze/embedders.h"
#include "analyze/histogram.h"
#include "analyze/live.h"
#include "analyze/sketch.h"
#include "analyze/store_private.h"
#include "analyze/tally_private.h"

/* One site on one day. */
struct live_day {
        int64_t site;
        int32_t day;
        bool closed; /* no visitors any more: its salt is gone */
        struct book *book;
        uint64_t page_bytes, written_bytes; /* of the book's pages: since it was written as a whole, and then */
        /* The names that have a row already, by (bucket, dimension, id), and how many of each list. */
        uint64_t *rows;
        size_t row_mask, row_count;
        uint32_t counts[BUCKETS][1U << DIMENSION_BITS];
        /* What had to be put together. */
        struct sketch *others[BUCKETS][1U << DIMENSION_BITS];
        bool other_changed[BUCKETS][1U << DIMENSION_BITS];
        struct histogram *took;
        bool took_changed;
        struct histogram *vitals[VITAL_COUNT]; /* NULL: none of the day */
        bool vitals_changed;
        struct deltas deltas; /* not in the store yet */
        uint64_t used;        /* when: the least is given up first */
};

/* What came of one hour and site since the last transaction. */
struct live_part {
        size_t site; /* index */
        int64_t hour;
        struct tally *tally;
};

struct live_site {
        int64_t id;
        char *name;
        size_t length;
};

#define SEARCH_CACHE 4096

struct live {
        struct store *store;
        struct salts *salts;
        struct live_options options;
        struct tally_options tally;
        struct bots *bots;
        struct embeddings embeddings;
        char *scratch;           /* for log_parse() */
        struct live_site *sites; /* 0: everything together */
        size_t site_count;
        struct live_part *parts;
        size_t part_count, last_part;
        struct live_day **days;
        size_t day_count;
        uint64_t clock; /* of uses */
        bool writing;   /* inside of a transaction */
        bool crowded, crowd_told;
        uint64_t pending, lines, invalid, empty;
        uint32_t hours[24]; /* ids of "00" ... */
        struct {
                uint32_t referrer, search;
        } searches[SEARCH_CACHE];
};

/* ---- live_day.c */

void live_day_free(struct live_day *day);

/* The name has a row in the store from now on; false without memory. */
bool live_day_add_row(struct live_day *day, unsigned int bucket, unsigned int dimension, uint32_t id);

/* Lists whose names come from outside. */
bool live_day_is_limited(unsigned int dimension);

/* Forgets days, those that were not used for longest first, until the limit is kept. Only when nothing is unwritten. */
void live_day_trim(struct live *live);
void live_day_forget(struct live *live);

/* The id of a name for one bucket; that of "(other)" when the list is full. `rare`: nobody got it yet; half of the room
 * is not for such. */
int live_day_name(struct live *live, struct live_day *day, unsigned int bucket, unsigned int dimension,
                  const char *text, size_t length, bool rare, uint32_t *ret_id, struct error *err);

void live_day_unfollowed(void *day, const uint8_t key[static BOOK_KEY_SIZE]);

/* ---- live_day_read.c */

/* The day, read from the store when it is not at hand. Borrowed until live_day_trim(). */
int live_day_get(struct live *live, size_t site, int32_t day, struct live_day **ret_day, struct error *err);

/* ---- live_day_write.c */

/* Adds a page to the book and to the store. */
int live_day_page(struct live *live, struct live_day *day, const struct buffer *page, struct error *err);

/* Writes what changed in the figures. */
int live_day_flush(struct live *live, struct live_day *day, struct error *err);

/* ---- live_funnels.c */

/* A visitor of an open day reached these goals: keeps that, and adds the steps of funnels that he gained by it. */
int live_funnels_add(struct live *live, const struct live_day *day, const uint8_t key[static BOOK_KEY_SIZE],
                     const struct reached *more, size_t count, struct error *err);

/* ---- live_apply.c */

/* What a tally of one hour found goes into its day. */
int live_apply(struct live *live, const struct live_part *part, struct error *err);

#endif
