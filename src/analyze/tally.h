/*
 * tally.h - counting: one tally per worker, merged in the end.
 *
 * Exact: strings are kept whole (a keyed 64-bit hash finds them, their bytes decide), visitors are records of (address,
 * agent, day). Memory has a limit: beyond it rare names are folded into "(other)" and only every 2nd, 4th ... visitor
 * is followed, and the summary says so.
 *
 * The result does not depend on the number of workers, on how blocks fell to them or in which order tallies are merged:
 * each line brings its position in the input, and what comes first is decided by time and position alone.
 *
 *     tally_new(&options, &tally, err);
 *     for each line: if (log_parse(..., tally_line(tally)) == LOG_OK) tally_push(tally, position, err) ...
 *     tally_flush(tally, err);
 *     tally_merge(tally, other, err); ...
 *     tally_finish(tally, &summary, err);
 *
 * Lines of a beacon's log (accesslog/beacon.h) are counted by a tally of their own, by the same rules: each page view
 * is a hit there. What a log and a beacon saw of the same visits is put beside each other, never added (reconcile.h).
 *
 * A tally belongs to one thread at a time.
 */
#ifndef ANALYZE_TALLY_H
#define ANALYZE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/format.h"
#include "accesslog/line.h"
#include "analyze/countries.h"
#include "analyze/funnel.h"
#include "analyze/summary.h"
#include "base/error.h"

#define GOALS_MAXIMUM 32

struct bots;

struct goal {
        const char *name;
        const char *path; /* a path, or "event:NAME" of a beacon; "*" at the end: all that begin so */
};

/* Which goals a path reaches, and which an event of a beacon (at most BEACON_VALUE_MAXIMUM bytes): bits. */
uint32_t goals_of(const struct goal *list, size_t count, const char *text, size_t text_length);
uint32_t goals_of_event(const struct goal *list, size_t count, struct span event);

struct tally_options {
        size_t top;                   /* rows per dimension; 0: all */
        const char *const *own_hosts; /* referrers that are the site itself; NULL-terminated; NULL: find out */
        const struct goal *goals;     /* at most GOALS_MAXIMUM */
        size_t goal_count;
        uint64_t memory_bytes; /* of one tally; 0: no limit */
        bool bots_apart;       /* leave bots out of every figure but those about bots */
        bool answered_only;    /* leave paths that nobody ever got (4xx alone) out of the pages: what scanners ask
                                  for would fill the list */
        const struct funnel *funnels; /* at most FUNNELS_MAXIMUM */
        size_t funnel_count;
        const struct countries *countries; /* NULL: nothing is known of them */
        const char *bot_list;              /* a file as data/bots.txt; NULL: the one that is compiled in */
        const struct bots *bots;           /* that list, loaded already for all tallies; NULL: each loads it */
        int64_t from_us, until_us;         /* 0: no bound */
};

struct tally;

/* The options' strings must outlive the tally and those merged into it. */
int tally_new(const struct tally_options *options, struct tally **ret_tally, struct error *err);
void tally_free(struct tally *tally);
void tally_freep(struct tally **tally);

/*
 * `position` grows with the place of the line in the input, over all files, and is below 2^48: log_position() of
 * accesslog/source.h. No two lines should have the same.
 */
int tally_add(struct tally *tally, const struct log_line *line, uint64_t position, struct error *err);

/*
 * The same for many lines, and faster, because several are worked at together: a line is parsed to where tally_line()
 * says and pushed. The bytes that its spans lie in must stay for TALLY_AHEAD - 1 further pushes or until tally_flush(),
 * after which nothing is on its way.
 */
#define TALLY_AHEAD 8

struct log_line *tally_line(struct tally *tally);
int tally_push(struct tally *tally, uint64_t position, struct error *err);
int tally_flush(struct tally *tally, struct error *err);

/* Another limit from now on. */
void tally_limit(struct tally *tally, uint64_t memory_bytes);

/* A line that fits no format. The samples are those with the lowest positions. `file` must outlive the summary. */
void tally_invalid(struct tally *tally, const char *file, const char *line, size_t length, uint64_t position);

/* A blank line, a comment. */
void tally_empty(struct tally *tally);

/* Moves everything of `from` into `into`; `from` can only be freed afterwards. Both were made with equal options. */
int tally_merge(struct tally *into, struct tally *from, struct error *err);

/* The same for several, with as many threads. */
int tally_merge_all(struct tally *into, struct tally *const others[], size_t count, struct error *err);

/* The summary stands by itself: the tally may be freed, or counted on with. */
int tally_finish(struct tally *tally, struct summary *ret_summary, struct error *err);

#endif
