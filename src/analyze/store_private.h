/* store_private.h - the database, its statements and its names; for store*.c, live*.c, embedders.c and the spool and
 * the feed of src/spread alone. */
#ifndef ANALYZE_STORE_PRIVATE_H
#define ANALYZE_STORE_PRIVATE_H

#include <sqlite3.h>

#include "analyze/histogram.h"
#include "analyze/names.h"
#include "analyze/salts.h"
#include "analyze/store.h"
#include "base/buffer.h"

enum statement {
        STATEMENT_BEGIN,
        STATEMENT_COMMIT,
        STATEMENT_ROLLBACK,
        STATEMENT_FIND_NAME,
        STATEMENT_ADD_NAME,
        STATEMENT_LAST_NAME,
        STATEMENT_NAME_GAP,
        STATEMENT_TEXT,
        STATEMENT_FIND_SITE,
        STATEMENT_ADD_SITE,
        STATEMENT_TOUCH_SITE,
        STATEMENT_COUNT_LINES,
        STATEMENT_ADD,
        STATEMENT_PRESENT,
        STATEMENT_OTHERS,
        STATEMENT_PUT_OTHER,
        STATEMENT_TOOK,
        STATEMENT_PUT_TOOK,
        STATEMENT_VITALS,
        STATEMENT_PUT_VITAL,
        STATEMENT_REACHED,
        STATEMENT_PUT_REACHED,
        STATEMENT_ADD_FUNNEL,
        STATEMENT_BOOK,
        STATEMENT_PUT_BOOK,
        STATEMENT_DROP_BOOK,
        STATEMENT_DAY,
        STATEMENT_PUT_DAY,
        STATEMENT_PUT_MARK,
        STATEMENT_DROP_MARKS,
        STATEMENT_EMBEDDER_ROOM,
        STATEMENT_PUT_EMBEDDER,
        STATEMENT_COUNT
};

struct store {
        sqlite3 *database;
        char *path;
        int lock; /* descriptor; -1: only reading */
        sqlite3_stmt *statements[STATEMENT_COUNT];
        struct name_table names; /* those that were asked for lately: kind is the dimension, hits the id */
        int64_t last_name;       /* the highest id; -1: not asked yet */
        int64_t name_gap;        /* below this no id is free but at the end; when names went it begins anew */
};

/* Prepared once, reset, without bindings; NULL with words. */
sqlite3_stmt *store_statement(struct store *store, enum statement which, struct error *err);

int store_bind_text(sqlite3_stmt *statement, int at, const char *text, size_t length);

/* Runs one that gives no rows. */
int store_run(struct store *store, sqlite3_stmt *statement, struct error *err);

/* Words for what SQLite says: "cannot WHAT the store PATH: ...". */
int store_fail(struct store *store, const char *what, struct error *err);

int store_begin(struct store *store, struct error *err);
int store_commit(struct store *store, struct error *err);
void store_rollback(struct store *store);

/* Ids that were remembered are asked for again. */
void store_forget_names(struct store *store);

/* Ids of names have few bits, so those that went are given again. The last ones are for lists that are short by nature
 * (statuses, browsers, "(other)"): lists whose names come from outside get none of them. */
#define NAME_ID_MAXIMUM  ((INT64_C(1) << (32 - DIMENSION_BITS)) - 1)
#define NAME_ID_RESERVED 65536

/* Whether a name from outside still gets an id. */
int store_has_room(struct store *store, bool *ret_room, struct error *err);

/*
 * The id of a name; 0 when there is none such, or (make) it is made. `dimension` says in which list it is: NOT_FOUND,
 * ENTRY and EXIT have the names of PAGES and ASSETS, STORE_EMBEDDING those of REFERRERS.
 */
int store_name(struct store *store, unsigned int dimension, const char *text, size_t length, bool make,
               uint32_t *ret_id, struct error *err);

/* The text behind an id, appended. */
int store_text(struct store *store, uint32_t id, struct buffer *text, struct error *err);

int store_site(struct store *store, const char *name, size_t length, int64_t *ret_site, struct error *err);

/* A histogram as numbers (LEB128): how many empty classes come before one, and its count. What makes no sense is left
 * out in reading. */
int store_write_took(const struct histogram *histogram, struct buffer *bytes);
void store_read_took(const void *bytes, size_t length, struct histogram *into);

/* A span of time as the largest rollups that make it up: at most five pieces of [first, until). */
#define STORE_PIECES 5
struct store_piece {
        int span;
        int64_t first, until;
};
struct store_pieces {
        struct store_piece pieces[STORE_PIECES];
        size_t count;
};

/* Pure. Hours since 1970. */
void store_cut(int64_t from_hour, int64_t until_hour, struct store_pieces *ret_pieces);

/* The id of a site by its name, 0 when there is none. */
int store_find_site(struct store *store, const char *name, size_t length, int64_t *ret_site, struct error *err);

/* From where to where a site has figures, in hours since 1970 (whole days), within bounds in microseconds (0: none).
 * Checks that hours that are needed are still kept. */
int store_bounds(struct store *store, int64_t site, int64_t from_us, int64_t until_us, int64_t *ret_from_hour,
                 int64_t *ret_until_hour, struct error *err);

/* ---- days and their salts (store_salts.c) */

struct store_day {
        bool known, closed, checked; /* checked: `check` is that of the salt of before */
        uint8_t check[SALT_CHECK_SIZE];
};

int store_day_read(struct store *store, int32_t day, struct store_day *ret_day, struct error *err);

/* The day is open. `check` NULL: it has no salt; `replaced`: when it was found to be another, 0: it was not. */
int store_day_write(struct store *store, int32_t day, const uint8_t *check, int64_t replaced, struct error *err);

/* Whether this salt is another one than the day had, and what it is known by from now on. */
int store_day_compare(const struct store_day *day, const uint8_t salt[static SALT_SIZE],
                      uint8_t ret_check[static SALT_CHECK_SIZE], bool *ret_replaced, struct error *err);

/* Those of [from_day, until_day), the newest REPLACED_SALTS_MAXIMUM; in the memory of a summary. */
int store_replaced_salts(struct store *store, int64_t from_day, int64_t until_day, struct summary *memory,
                         struct replaced_salts *ret_salts, struct error *err);

int store_put_mark(struct store *store, const struct follow_change *change, struct error *err);

#endif
