/*
 * summary.h - the result of an analysis, as plain data: what every report (terminal, HTML, JSON, CSV, queries) is made
 * from.
 *
 * A dimension is a list of rows with the same figures; reports iterate over dimensions and know none of them by heart.
 * Every figure that is not exact is named in `approximate` with its error.
 */
#ifndef ANALYZE_SUMMARY_H
#define ANALYZE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dimension_kind {
        DIMENSION_PAGES,     /* paths without assets, whatever the answer was; without query */
        DIMENSION_ASSETS,    /* style sheets, scripts, pictures, fonts ... */
        DIMENSION_NOT_FOUND, /* paths that were answered with 404 or 410, with those hits alone */
        DIMENSION_ENTRY,     /* first page of a visit; hits are visits here, and in DIMENSION_EXIT */
        DIMENSION_EXIT,      /* last page of a visit */
        DIMENSION_REFERRERS, /* hosts that led to pages; own ones left out */
        DIMENSION_REFERRER_PAGES,
        DIMENSION_CAMPAIGNS, /* utm_campaign / utm_source / utm_medium */
        DIMENSION_SEARCH,    /* search engines */
        DIMENSION_BROWSERS,
        DIMENSION_SYSTEMS,
        DIMENSION_DEVICES, /* desktop, mobile, tablet, bot */
        DIMENSION_BOTS,    /* names */
        DIMENSION_COUNTRIES,
        DIMENSION_HOSTS, /* virtual hosts */
        DIMENSION_STATUS,
        DIMENSION_METHODS,
        DIMENSION_HOURS, /* hour of the day, 00-23 UTC */
        DIMENSION_GOALS,
        DIMENSION_EVENTS,     /* of a beacon; so are the next two */
        DIMENSION_PROPERTIES, /* "event: key=value" */
        DIMENSION_OUTBOUND,   /* pages of other sites that links led to */
        DIMENSION_COUNT
};

/* "pages", "assets", ...: keys of JSON and CSV, never translated. */
const char *dimension_name(enum dimension_kind kind);

/* Whether rows of this dimension have visits; in the others the figure is 0 and means nothing. */
bool dimension_has_visits(enum dimension_kind kind);

struct figures {
        uint64_t hits;
        uint64_t visitors; /* distinct (address, agent, UTC day) of requests whose status is not 4xx */
        uint64_t visits;   /* what lies at most 30 minutes apart; of rows only where a visit belongs to one of them
                              (dimension_has_visits()): by its entry page, its browser, the hour of its first request */
        uint64_t bytes;
        uint64_t bot_hits; /* of hits */
        uint64_t errors;   /* status 4xx and 5xx, of hits */
};

/* Of two parts of the whole; who visited both, counts twice. */
static inline void figures_add(struct figures *into, const struct figures *from)
{
        into->hits += from->hits;
        into->visitors += from->visitors;
        into->visits += from->visits;
        into->bytes += from->bytes;
        into->bot_hits += from->bot_hits;
        into->errors += from->errors;
}

struct row {
        const char *name; /* raw bytes as logged, owned by the summary */
        size_t name_length;
        struct figures figures;
};

struct dimension {
        struct row *rows; /* sorted by hits, then by name; at most `top` of them */
        size_t count;
        uint64_t total; /* distinct names, also those that are not in rows */
};

/* One hour or day. */
struct interval {
        int64_t start; /* seconds since 1970 UTC */
        struct figures figures;
        uint64_t human_visitors; /* of its visitors */
};

/* How many requests took longer than the class before, and up to so long; the last one has all that took longer. */
struct duration_class {
        uint64_t upto_us; /* UINT64_MAX: the last */
        uint64_t hits;
};

/* Hits by status: all of them, whatever `top` is. */
struct status_hits {
        unsigned int code; /* as logged */
        uint64_t hits;
};

struct approximate {
        const char *figure; /* "visitors", "pages.visitors", ... */
        double error;       /* relative, one standard deviation */
        const char *reason; /* N_() */
};

struct invalid_sample {
        const char *file;
        const char *line; /* escaped, at most 200 bytes */
};

/* A day whose salt was found to be another one than before: whoever came before and after is two visitors. */
struct replaced_salt {
        int64_t day;  /* since 1970 */
        int64_t time; /* when it was found, seconds since 1970 */
};
#define REPLACED_SALTS_MAXIMUM 100
struct replaced_salts {
        struct replaced_salt *items; /* by day */
        size_t count;
};

/* Core Web Vitals: three of four page views were at most so long (milliseconds; CLS in thousandths). */
struct vital {
        uint64_t p75, count;
};

/*
 * The log and the beacon saw the same pages: what each of them missed. Views are people's. A view that the log has and
 * the beacon has not: no script ran (or it is a bot that says nothing), GPC, opted out, blocked. One that the beacon
 * has alone: the browser or a CDN had the page already; or it was navigation without loading, which is told apart.
 */
struct reconciled_page {
        const char *name;
        size_t name_length;
        uint64_t log_views, beacon_views; /* without navigations */
};
struct reconciled {
        uint64_t log_views, beacon_views, navigations, pixels; /* pixels: of beacon_views */
        bool matched; /* the next three are known: visitors of a whole log, who are in the same tables */
        uint64_t both_visitors, log_visitors, beacon_visitors; /* people in both, in one alone */
        struct reconciled_page *pages;                         /* by the larger number of views, at most `top` */
        size_t page_count;
};

/* How many visitors reached a goal after those before it. */
struct funnel_step {
        const char *goal;
        uint64_t visitors, human_visitors;
};
struct funnel_result {
        const char *name;
        struct funnel_step *steps;
        size_t count;
};

struct summary {
        uint64_t lines, invalid;
        uint64_t empty;   /* blank lines and comments */
        uint64_t outside; /* good lines that lie before or behind the span that was asked for */
        struct figures totals;
        uint64_t hosts; /* distinct client addresses */
        uint64_t human_visitors, human_visits, human_bounces, human_hits;
        uint64_t page_views;       /* GET or POST of a page, answered with 2xx or 304 */
        uint64_t human_page_views; /* of page_views */
        uint64_t bounces;          /* visits of one page view */
        uint64_t visit_seconds;    /* added up over visits of more than one hit */
        int64_t first_us, last_us; /* times of hits */
        struct dimension dimensions[DIMENSION_COUNT];
        struct status_hits *statuses; /* by code */
        size_t status_count;
        struct interval *hours, *days; /* without gaps between the first and the last, unless they lie decades apart */
        size_t hour_count, day_count;
        uint64_t duration_p50_us, duration_p95_us, duration_p99_us; /* 0 when the log has no durations */
        struct duration_class *duration_classes; /* 1, 2, 5 of each power of ten, from the shortest to the longest */
        size_t duration_class_count;
        struct approximate *approximate;
        size_t approximate_count;
        struct invalid_sample *samples; /* at most 10 */
        size_t sample_count;
        const char **formats; /* names of the formats met */
        size_t format_count;
        const char **own_hosts; /* whose referrers were left out: those that were named, and those found in the log */
        size_t own_host_count;
        bool own_hosts_guessed; /* the log does not say which host it is of; the one that its pictures are on was taken
                                 */
        bool durations;
        struct funnel_result *funnels;
        size_t funnel_count;
        struct replaced_salts replaced_salts;
        bool from_beacon;              /* all of this was counted from a beacon's log: hits are page views */
        uint64_t navigations;          /* of page_views of a beacon, people's: without loading a page */
        uint64_t pixels;               /* and by browsers without scripts */
        struct vital vitals[3];        /* enum beacon_vital */
        struct summary *beacon;        /* what the beacon counted beside the log; owned; NULL: nothing */
        struct reconciled *reconciled; /* NULL: there are not both */
        void *arena;                   /* private: owns all of the above */
};

void summary_done(struct summary *summary);

/* A sentence about one of replaced_salts. */
#define REPLACED_WORDS_SIZE 300
void summary_replaced_words(const struct replaced_salt *salt, char words[static REPLACED_WORDS_SIZE]);

/* A sentence about one of the web vitals; false when it was not measured. */
#define VITAL_WORDS_SIZE 200
bool summary_vital_words(const struct summary *summary, unsigned int vital, char words[static VITAL_WORDS_SIZE]);

#endif
