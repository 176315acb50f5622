/* store_ask.h - reading rollups of a site and span of time; for store_summary.c, store_days.c and store_query.c alone. */
#ifndef ANALYZE_STORE_ASK_H
#define ANALYZE_STORE_ASK_H

#include "analyze/store_private.h"
#include "analyze/summary_private.h"

struct ask {
        struct store *store;
        const char *const *own_hosts; /* that were named; NULL-terminated, or NULL */
        int64_t site, from_hour, until_hour;
        struct store_pieces pieces;
        struct summary *summary;               /* own hosts are put there */
        const struct store_question *question; /* of store_summary() */
        uint64_t late;
        struct error *err;
};

/* Finds site, bounds and pieces. */
int ask_begin(struct ask *ask, const char *site, int64_t from_us, int64_t until_us, unsigned int last_days);

/* Six figures of a row from this column on. */
struct figures ask_figures(sqlite3_stmt *statement, int at);

/* Site, span, dimension, first and until as parameters 1 to 5. */
void ask_bind(struct ask *ask, sqlite3_stmt *statement, unsigned int dimension, const struct store_piece *piece);

/* Every row of one piece: name's id, start, figures. */
int ask_rows(struct ask *ask, unsigned int dimension, const struct store_piece *piece,
             void (*take)(void *context, uint32_t id, int64_t start, const struct figures *figures), void *context);

/* Figures of each name, added up over the pieces: a table by id, whose slots the caller frees. */
struct sum {
        uint32_t id;
        bool used;
        struct figures figures;
};
struct sums {
        struct sum *slots;
        size_t mask, count;
        bool failed;
};

int ask_sums(struct ask *ask, unsigned int dimension, struct sums *sums);
struct sum *ask_sum(struct sum *slots, size_t mask, uint32_t id);
void ask_sums_add(void *context, uint32_t id, int64_t start, const struct figures *figures);

/* Calls with the text of every name that has figures; false: no memory. */
typedef bool ask_row_function(struct ask *ask, void *context, const char *text, size_t length,
                              const struct figures *figures);
int ask_names(struct ask *ask, unsigned int dimension, ask_row_function *take, void *context);

/* The figures of everything. */
int ask_total(struct ask *ask, unsigned int dimension, struct figures *ret_figures);

/* store_days.c: what is kept of whole days, into the summary. */
int ask_days(struct ask *ask);

/* Of the days that the span of time touches: store_replaced_salts(). */
int ask_replaced_salts(struct ask *ask, struct replaced_salts *ret_salts);

/* Whose referrers are the site's own: those that were named, virtual hosts, or the one that embeds most. */
int ask_find_own(struct ask *ask);
bool ask_is_own(const struct summary *summary, const char *host, size_t length);

/* Whether a row is left out because it is of the site itself. */
bool ask_is_own_row(const struct summary *summary, unsigned int dimension, const char *text, size_t length);

#endif
