/*
 * store.h - rollups of an analysis that goes on for years, in SQLite: figures by hour, day and month, what they were
 * counted from as long as a day is open, and how far each log was read; all of it changed in one transaction.
 *
 * Schema (PRAGMA user_version is its version):
 *
 *     site    id, name                 '' is everything together; each virtual host is a site besides; what a beacon
 *                                      counted is 'beacon:' and 'beacon:HOST'
 *     name    id, dimension, text      every path, referrer ... once
 *     rollup  site, span, dimension, start, name -> hits, visitors, visits, bytes, bot_hits, errors
 *     other   the HyperLogLog sketch of what was put together as "(other)" for an hour or a day
 *     took    the histogram of durations of a day
 *     funnel  how many visitors of a day got how far
 *     reached when who reached which goal of a funnel, on days that are open
 *     vital   those of web vitals, as a beacon measured them
 *     book    what has to be remembered of the visitors of a day that is open: see book.h
 *     day     days that were counted, and whether they are closed (their salt is gone); while they are open by what their
 *             salt is known again (salts.h), and when it was first found to be another
 *     log     how far each file of each log was read
 *     embedder   whose pages had the tag's script fetched from here, by day (embedders.h)
 *     left_out   when this server did not take part, and why; end NULL: it still does not
 *
 * span is 0 (hour), 1 (day) or 2 (month); start is its number since 1970. dimension is an enum dimension_kind, or one
 * of those below. No address is in it: a visitor is a hash under a salt that lies in a file of its own and is destroyed
 * after 48 hours (salts.h).
 *
 * One process writes (a lock beside the file sees to that); any number may read at the same time. After a power failure
 * the last transactions may be missing, all of each: the logs are read again from there.
 */
#ifndef ANALYZE_STORE_H
#define ANALYZE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/follow.h"
#include "analyze/summary.h"
#include "base/error.h"

/* Further kinds of rows; numbers are in files: never change one. The first 19 are enum dimension_kind. */
enum store_dimension {
        STORE_TOTAL = 20,       /* name 0: everything */
        STORE_PEOPLE = 21,      /* of visitors and visits those that are no bot's */
        STORE_VIEWS = 22,       /* hits: page views; bot_hits: of those */
        STORE_BOUNCES = 23,     /* the same of visits with one page view */
        STORE_VISIT_MS = 24,    /* hits: milliseconds of visits */
        STORE_ADDRESSES = 25,   /* visitors: different client addresses (of a day) */
        STORE_LATE = 26,        /* hits: came when the day was closed; not in visitors and visits */
        STORE_UNFOLLOWED = 27,  /* visitors beyond the limit of memory: in `other` */
        STORE_EMBEDDING = 28,   /* name: a referrer's host; hits: requests for pictures and the like from there */
        STORE_NAVIGATIONS = 29, /* of STORE_VIEWS of a beacon; bot_hits: of those */
        STORE_PIXELS = 30,
        STORE_EVENTS = 32, /* DIMENSION_EVENTS, and so on: kinds that came when these numbers were taken */
        STORE_PROPERTIES = 33,
        STORE_OUTBOUND = 34,
};

#define DIMENSION_BITS 6

/* The number of a list in the store. */
static inline unsigned int store_dimension(enum dimension_kind kind)
{
        return kind < DIMENSION_EVENTS ? kind : STORE_EVENTS + (kind - DIMENSION_EVENTS);
}

/* Sites of what a beacon counted have this before the name of the virtual host. */
#define STORE_BEACON "beacon:"

enum store_span { SPAN_HOUR, SPAN_DAY, SPAN_MONTH };

#define STORE_HOURS_DEFAULT 93   /* days for which hours are kept */
#define STORE_DAYS_DEFAULT  1130 /* and days and months: three years and a month, to compare with */

struct store;

/* Opens or (writable) makes it, and brings an older schema to this one. -EBUSY when another process writes. */
int store_open(const char *path, bool writable, struct store **ret_store, struct error *err);
void store_close(struct store *store);
void store_closep(struct store **store);

/* ---- how far logs were read */

typedef int store_mark_function(void *context, const char *path, uint64_t number, const struct log_mark *mark,
                                struct error *err);

/* By path and number. */
int store_marks(struct store *store, store_mark_function *take, void *context, struct error *err);

/* ---- whether this server takes part (store_left_out.c) */

/* Notes that it does not, and why, or (reason NULL) that it does again. Nothing is written when it is so already. */
int store_leave_out(struct store *store, const char *reason, int64_t now, struct error *err);

/* Why it does not, a copy; NULL when it does. */
int store_left_out(struct store *store, char **ret_reason, struct error *err);

/* ---- questions (store_summary.c) */

struct store_question {
        const char *site;             /* a virtual host; "" or NULL: everything together */
        int64_t from_us, until_us;    /* whole hours (others are widened to one); 0: no bound */
        unsigned int last_days;       /* only so many, the newest; 0: no bound */
        size_t top;                   /* rows of each dimension; 0: all */
        const char *const *own_hosts; /* as in tally_options */
        bool answered_only;
};

/*
 * The summary of a span of time, from rollups (with the beacon's beside it, if there is one: reconcile.h); of the whole
 * log it is what analyze_run() says, but that hosts and visitors of several days are those of each day, added up.
 * -ENOENT: there is no such site; -ERANGE: a part of a day whose hours are not kept any more.
 */
int store_summary(struct store *store, const struct store_question *question, struct summary *ret_summary,
                  struct error *err);

/* ---- figures by dimension and time (store_query.c) */

enum store_metric {
        METRIC_HITS,
        METRIC_VISITORS,
        METRIC_VISITS,
        METRIC_BYTES,
        METRIC_BOT_HITS,
        METRIC_ERRORS,
        METRIC_COUNT
};

#define QUERY_ALL  (-1) /* of dimension: everything together */
#define QUERY_ONCE (-1) /* of span: the whole time as one */

struct store_query {
        const char *site; /* as in store_question */
        int64_t from_us, until_us;
        unsigned int last_days;
        int dimension;    /* an enum dimension_kind, or QUERY_ALL */
        int span;         /* an enum store_span, or QUERY_ONCE */
        const char *name; /* of the dimension; "*" at its end: all that begin so; NULL: all */
        enum store_metric order;
        size_t top; /* names, those with the most of `order`; 0: all */
        const char *const *own_hosts;
};

struct store_row {
        const char *name; /* raw bytes; "" of QUERY_ALL */
        size_t name_length;
        int64_t start; /* hour, day or month since 1970; 0 of QUERY_ONCE */
        struct figures figures;
};

/* What visitors of a row are: different ones only within one day, because the salt changes with the day. */
enum store_visitors { VISITORS_DIFFERENT, VISITORS_SUM_OF_DAYS, VISITORS_SUM_OF_HOURS };

struct store_answer {
        struct store_row *rows; /* by name (the most first), then by time */
        size_t count;
        size_t names; /* how many there are, also those beyond `top` */
        int64_t from_hour, until_hour;
        enum store_visitors visitors;
        struct replaced_salts replaced_salts; /* of days that the answer touches */
        struct summary memory;                /* private: owns all of it */
};

/* As store_summary(). Months and days are whole ones: parts at the ends of the time that was asked for belong to it. */
int store_query(struct store *store, const struct store_query *query, struct store_answer *ret_answer,
                struct error *err);
void store_answer_done(struct store_answer *answer);

uint64_t store_metric(const struct figures *figures, enum store_metric metric);

/* ---- time */

/* Months since 1970 of a day since 1970, and the first day of a month. */
int64_t store_month_of(int64_t day);
int64_t store_month_begin(int64_t month);

/* ---- retention: deletes what is older than so many days before the newest line; the machine's clock does not matter
 */
int store_retain(struct store *store, uint64_t hour_days, uint64_t day_days, struct error *err);

#endif
