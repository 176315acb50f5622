/* store.c - the file: opening, schema, statements, marks. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "analyze/store_private.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"

#define SCHEMA_VERSION  4
#define BUSY_MS         5000

/* One for each version: brings the schema from the version before to it. */
static const char *const migrations[SCHEMA_VERSION] = {
        "CREATE TABLE site(id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, first_us INTEGER, last_us INTEGER,"
        " lines INTEGER NOT NULL DEFAULT 0, invalid INTEGER NOT NULL DEFAULT 0, empty INTEGER NOT NULL DEFAULT 0,"
        " formats INTEGER NOT NULL DEFAULT 0);"
        "CREATE TABLE name(id INTEGER PRIMARY KEY, dimension INTEGER NOT NULL, text BLOB NOT NULL,"
        " UNIQUE(dimension, text));"
        "CREATE TABLE rollup(site INTEGER, span INTEGER, dimension INTEGER, start INTEGER, name INTEGER,"
        " hits INTEGER NOT NULL, visitors INTEGER NOT NULL, visits INTEGER NOT NULL, bytes INTEGER NOT NULL,"
        " bot_hits INTEGER NOT NULL, errors INTEGER NOT NULL,"
        " PRIMARY KEY(site, span, dimension, start, name)) WITHOUT ROWID;"
        "CREATE TABLE other(site INTEGER, span INTEGER, dimension INTEGER, start INTEGER, sketch BLOB NOT NULL,"
        " PRIMARY KEY(site, span, dimension, start)) WITHOUT ROWID;"
        "CREATE TABLE took(site INTEGER, day INTEGER, histogram BLOB NOT NULL, PRIMARY KEY(site, day)) WITHOUT ROWID;"
        "CREATE TABLE book(id INTEGER PRIMARY KEY, site INTEGER NOT NULL, day INTEGER NOT NULL, bytes BLOB NOT NULL);"
        "CREATE INDEX book_day ON book(site, day, id);"
        "CREATE TABLE day(day INTEGER PRIMARY KEY, closed INTEGER NOT NULL);"
        "CREATE TABLE log(path BLOB, number INTEGER, mark BLOB NOT NULL, PRIMARY KEY(path, number)) WITHOUT ROWID;",
        "CREATE TABLE embedder(server BLOB, day INTEGER, host BLOB, script BLOB, first_us INTEGER NOT NULL,"
        " last_us INTEGER NOT NULL, fetches INTEGER NOT NULL, PRIMARY KEY(server, day, host, script)) WITHOUT ROWID;"
        "CREATE TABLE vital(site INTEGER, day INTEGER, vital INTEGER, histogram BLOB NOT NULL,"
        " PRIMARY KEY(site, day, vital)) WITHOUT ROWID;"
        "CREATE TABLE left_out(begin INTEGER PRIMARY KEY, end INTEGER, reason TEXT NOT NULL);",
        "CREATE TABLE reached(site INTEGER, day INTEGER, visitor BLOB, time INTEGER, position INTEGER, goal INTEGER,"
        " PRIMARY KEY(site, day, visitor, time, position, goal)) WITHOUT ROWID;"
        "CREATE TABLE funnel(site INTEGER, day INTEGER, funnel BLOB, step INTEGER, goal BLOB NOT NULL,"
        " visitors INTEGER NOT NULL, human_visitors INTEGER NOT NULL,"
        " PRIMARY KEY(site, day, funnel, step)) WITHOUT ROWID;",
        "ALTER TABLE day ADD COLUMN salt_check BLOB; ALTER TABLE day ADD COLUMN salt_replaced INTEGER;",
};

static const char *const texts[STATEMENT_COUNT] = {
        [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
        [STATEMENT_COMMIT] = "COMMIT",
        [STATEMENT_ROLLBACK] = "ROLLBACK",
        [STATEMENT_FIND_NAME] = "SELECT id FROM name WHERE dimension = ?1 AND text = ?2",
        [STATEMENT_ADD_NAME] = "INSERT INTO name(dimension, text, id) VALUES(?1, ?2, ?3)",
        [STATEMENT_LAST_NAME] = "SELECT max(id) FROM name",
        [STATEMENT_NAME_GAP] = "SELECT id + 1 FROM name AS one WHERE id >= ?1 AND id < ?2 AND"
                               " NOT EXISTS(SELECT 1 FROM name WHERE id = one.id + 1) ORDER BY id LIMIT 1",
        [STATEMENT_TEXT] = "SELECT text FROM name WHERE id = ?1",
        [STATEMENT_FIND_SITE] = "SELECT id FROM site WHERE name = ?1",
        [STATEMENT_ADD_SITE] = "INSERT INTO site(name) VALUES(?1)",
        [STATEMENT_TOUCH_SITE] =
                "UPDATE site SET first_us = min(ifnull(first_us, ?2), ?2), last_us = max(ifnull(last_us, ?3), ?3),"
                " formats = formats | ?4 WHERE id = ?1",
        [STATEMENT_COUNT_LINES] = "UPDATE site SET lines = lines + ?1, invalid = invalid + ?2, empty = empty + ?3"
                                  " WHERE name = x''",
        [STATEMENT_ADD] = "INSERT INTO rollup VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
                          " ON CONFLICT DO UPDATE SET hits = hits + ?6, visitors = visitors + ?7, visits = visits + ?8,"
                          " bytes = bytes + ?9, bot_hits = bot_hits + ?10, errors = errors + ?11",
        [STATEMENT_PRESENT] = "SELECT dimension, start, name FROM rollup WHERE site = ?1 AND span = ?2 AND"
                              " dimension = ?3 AND start BETWEEN ?4 AND ?5",
        [STATEMENT_OTHERS] = "SELECT dimension, start, sketch FROM other WHERE site = ?1 AND span = ?2 AND"
                             " start BETWEEN ?3 AND ?4",
        [STATEMENT_PUT_OTHER] = "INSERT OR REPLACE INTO other VALUES(?1, ?2, ?3, ?4, ?5)",
        [STATEMENT_TOOK] = "SELECT histogram FROM took WHERE site = ?1 AND day = ?2",
        [STATEMENT_PUT_TOOK] = "INSERT OR REPLACE INTO took VALUES(?1, ?2, ?3)",
        [STATEMENT_VITALS] = "SELECT vital, histogram FROM vital WHERE site = ?1 AND day = ?2",
        [STATEMENT_PUT_VITAL] = "INSERT OR REPLACE INTO vital VALUES(?1, ?2, ?3, ?4)",
        [STATEMENT_REACHED] = "SELECT time, position, goal FROM reached WHERE site = ?1 AND day = ?2 AND visitor = ?3"
                              " ORDER BY time, position",
        [STATEMENT_PUT_REACHED] = "INSERT OR IGNORE INTO reached VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
        [STATEMENT_ADD_FUNNEL] = "INSERT INTO funnel VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET"
                                 " goal = ?5, visitors = visitors + ?6, human_visitors = human_visitors + ?7",
        [STATEMENT_BOOK] = "SELECT bytes FROM book WHERE site = ?1 AND day = ?2 ORDER BY id",
        [STATEMENT_PUT_BOOK] = "INSERT INTO book(site, day, bytes) VALUES(?1, ?2, ?3)",
        [STATEMENT_DROP_BOOK] = "DELETE FROM book WHERE site = ?1 AND day = ?2",
        [STATEMENT_DAY] = "SELECT closed, salt_check FROM day WHERE day = ?1",
        [STATEMENT_PUT_DAY] = "INSERT INTO day(day, closed, salt_check, salt_replaced) VALUES(?1, 0, ?2, ?3)"
                              " ON CONFLICT DO UPDATE SET salt_check = ?2, salt_replaced = ifnull(salt_replaced, ?3)",
        [STATEMENT_PUT_MARK] = "INSERT OR REPLACE INTO log VALUES(?1, ?2, ?3)",
        [STATEMENT_DROP_MARKS] = "DELETE FROM log WHERE path = ?1 AND (number < ?2 OR number = ?3)",
        [STATEMENT_EMBEDDER_ROOM] =
                "SELECT EXISTS(SELECT 1 FROM embedder WHERE server = ?1 AND day = ?2 AND host = ?3 AND script = ?4),"
                " (SELECT count(*) FROM embedder WHERE server = ?1 AND day = ?2)",
        [STATEMENT_PUT_EMBEDDER] = "INSERT INTO embedder VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET"
                                   " first_us = min(first_us, ?5), last_us = max(last_us, ?6), fetches = fetches + ?7",
};

/* ---------------------------------------------------------------- errors, statements */

int store_fail(struct store *store, const char *what, struct error *err)
{
        int code = store->database ? sqlite3_errcode(store->database) : SQLITE_NOMEM;
        int result = -EIO;

        switch (code & 0xff) {
        case SQLITE_NOMEM: return error_memory(err);
        case SQLITE_FULL: result = -ENOSPC; break;
        case SQLITE_BUSY: result = -EBUSY; break;
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT: result = -EBADMSG; break;
        default: break;
        }
        /* TRANSLATORS: the first %s is "open", "read" or "write" */
        return error_set(err, result, _("cannot %s the store %s: %s"), what, store->path,
                         sqlite3_errmsg(store->database));
}

sqlite3_stmt *store_statement(struct store *store, enum statement which, struct error *err)
{
        sqlite3_stmt **statement = &store->statements[which];

        if (!*statement && sqlite3_prepare_v3(store->database, texts[which], -1, SQLITE_PREPARE_PERSISTENT, statement,
                                              NULL) != SQLITE_OK) {
                store_fail(store, _("read"), err);
                return NULL;
        }
        sqlite3_reset(*statement);
        return *statement;
}

int store_run(struct store *store, sqlite3_stmt *statement, struct error *err)
{
        int r = sqlite3_step(statement);

        if (r != SQLITE_DONE && r != SQLITE_ROW)
                r = store_fail(store, _("write"), err);
        else
                r = 0;
        sqlite3_reset(statement);
        return r;
}

static int run_simple(struct store *store, enum statement which, struct error *err)
{
        sqlite3_stmt *statement = store_statement(store, which, err);

        return statement ? store_run(store, statement, err) : -EIO;
}

int store_begin(struct store *store, struct error *err)
{
        return run_simple(store, STATEMENT_BEGIN, err);
}

int store_commit(struct store *store, struct error *err)
{
        return run_simple(store, STATEMENT_COMMIT, err);
}

void store_forget_names(struct store *store)
{
        struct name *name;

        for (uint32_t id = 0; (name = name_table_next(&store->names, &id));)
                name->hits = 0; /* needs no memory, as making a new table would */
        store->last_name = -1;
}

void store_rollback(struct store *store)
{
        if (!sqlite3_get_autocommit(store->database))
                run_simple(store, STATEMENT_ROLLBACK, NULL);
        store_forget_names(store); /* those that were made in the transaction are not there any more */
}

/* ---------------------------------------------------------------- opening */

static int execute(struct store *store, const char *text, struct error *err)
{
        return sqlite3_exec(store->database, text, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                                  : store_fail(store, _("open"), err);
}

static int schema_version(struct store *store, int64_t *ret_version, struct error *err)
{
        sqlite3_stmt *statement = NULL;

        if (sqlite3_prepare_v2(store->database, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK ||
            sqlite3_step(statement) != SQLITE_ROW) {
                sqlite3_finalize(statement);
                return store_fail(store, _("open"), err);
        }
        *ret_version = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        return 0;
}

static int migrate(struct store *store, struct error *err)
{
        int64_t version = 0;
        int r = schema_version(store, &version, err);

        if (r < 0)
                return r;
        if (version > SCHEMA_VERSION)
                return error_set(err, -ENOTSUP,
                                 _("the store %s was made by a newer version of Understudy (schema %d, "
                                   "this one knows %d)"),
                                 store->path, (int)version, SCHEMA_VERSION);
        if (store->lock < 0 && version < SCHEMA_VERSION)
                return error_set(err, -ENOTSUP,
                                 _("the store %s is none, or older than this version of Understudy; "
                                   "analyze --follow brings it up to date"),
                                 store->path);
        for (; r == 0 && version < SCHEMA_VERSION; version++) {
                char text[64];

                snprintf(text, sizeof(text), "PRAGMA user_version = %d", (int)version + 1);
                r = store_begin(store, err);
                if (r == 0)
                        r = execute(store, migrations[version], err);
                if (r == 0)
                        r = execute(store, text, err);
                if (r == 0)
                        r = store_commit(store, err);
                if (r < 0)
                        store_rollback(store);
        }
        return r;
}

static int take_lock(struct store *store, struct error *err)
{
        _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(PATH_MAX);

        if (buffer_printf(&name, "%s.lock", store->path) < 0)
                return error_memory(err);
        store->lock = open(buffer_text(&name), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (store->lock < 0)
                return error_errno(err, errno, _("cannot open the lock %s"), buffer_text(&name));
        if (flock(store->lock, LOCK_EX | LOCK_NB) == 0)
                return 0;
        return error_set(err, -EBUSY, _("another process writes the store %s; one is enough for all logs"),
                         store->path);
}

/* SQLite makes its files with 0644: who visited what is not for everybody. */
static int make_file(const char *path, struct error *err)
{
        _cleanup_(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

        return fd < 0 ? error_errno(err, errno, _("cannot make the store %s"), path) : 0;
}

static int open_database(struct store *store, bool writable, struct error *err)
{
        int flags = writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
        int r = 0;

        if (writable) {
                r = make_file(store->path, err);
                if (r == 0)
                        r = take_lock(store, err);
                if (r < 0)
                        return r;
        }
        if (sqlite3_open_v2(store->path, &store->database, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL) !=
            SQLITE_OK)
                return store_fail(store, _("open"), err);
        sqlite3_busy_timeout(store->database, BUSY_MS);
        r = execute(store,
                    writable ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768;"
                               "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 2000"
                             : "PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 268435456",
                    err);
        return r < 0 ? r : migrate(store, err);
}

int store_open(const char *path, bool writable, struct store **ret_store, struct error *err)
{
        struct store *store = memory_new(1, sizeof(*store));
        int r;

        if (!store)
                return error_memory(err);
        store->lock = -1;
        store->last_name = -1;
        store->path = realpath(path, NULL); /* SQLITE_OPEN_NOFOLLOW is about every part of it */
        if (!store->path)
                store->path = memory_string(path);
        r = store->path ? name_table_init(&store->names, err) : error_memory(err);
        if (r == 0)
                r = open_database(store, writable, err);
        if (r < 0) {
                store_close(store);
                return r;
        }
        *ret_store = store;
        return 0;
}

void store_close(struct store *store)
{
        if (!store)
                return;
        for (size_t i = 0; i < STATEMENT_COUNT; i++)
                sqlite3_finalize(store->statements[i]);
        sqlite3_close(store->database);
        if (store->lock >= 0)
                fd_close(&store->lock);
        name_table_done(&store->names);
        free(store->path);
        free(store);
}

void store_closep(struct store **store)
{
        store_close(*store);
}

/* ---------------------------------------------------------------- marks */

int store_bind_text(sqlite3_stmt *statement, int at, const char *text, size_t length)
{
        return sqlite3_bind_blob64(statement, at, length ? text : "", length, SQLITE_STATIC);
}

/* As numbers in text: a mark is seldom written, and can be read by a person. */
static int mark_to_text(const struct log_mark *mark, struct buffer *text)
{
        int r = buffer_printf(text,
                              "1 %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32
                              " %" PRId64 " %d %d %d %d %u",
                              mark->device, mark->inode, mark->offset, mark->head_hash, mark->tail_hash,
                              mark->head_length, mark->tail_length, mark->first_us, mark->skipping, mark->rotated,
                              mark->done, (int)mark->format.kind, mark->format.w3c_count);

        for (unsigned int i = 0; i < mark->format.w3c_count && r == 0; i++)
                r = buffer_printf(text, " %u", mark->format.w3c_fields[i]);
        return r;
}

static bool mark_from_text(const char *text, struct log_mark *mark)
{
        int flags[3], kind, used = 0;

        *mark = (struct log_mark){ 0 };
        if (sscanf(text,
                   "1 %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu32 " %" SCNu32 " %" SCNd64
                   " %d %d %d %d %u%n",
                   &mark->device, &mark->inode, &mark->offset, &mark->head_hash, &mark->tail_hash, &mark->head_length,
                   &mark->tail_length, &mark->first_us, &flags[0], &flags[1], &flags[2], &kind, &mark->format.w3c_count,
                   &used) != 13)
                return false;
        mark->skipping = flags[0] != 0;
        mark->rotated = flags[1] != 0;
        mark->done = flags[2] != 0;
        mark->format.kind = (enum log_format_kind)kind;
        if (mark->head_length > MARK_HEAD_MAXIMUM || mark->tail_length > MARK_TAIL_MAXIMUM ||
            mark->tail_length > mark->offset || kind < 0 || kind >= LOG_FORMATS ||
            mark->format.w3c_count > LOG_W3C_FIELDS_MAXIMUM)
                return false;
        for (unsigned int i = 0; i < mark->format.w3c_count; i++) {
                unsigned int field;
                int more = 0;

                if (sscanf(text + used, " %u%n", &field, &more) != 1 || field > UINT8_MAX)
                        return false;
                mark->format.w3c_fields[i] = (uint8_t)field;
                used += more;
        }
        return true;
}

static int put_mark(struct store *store, const struct follow_change *change, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4096);
        sqlite3_stmt *statement = store_statement(store, STATEMENT_PUT_MARK, err);

        if (!statement)
                return -EIO;
        if (mark_to_text(change->mark, &text) < 0)
                return error_memory(err);
        store_bind_text(statement, 1, change->path, strlen(change->path));
        sqlite3_bind_int64(statement, 2, (int64_t)change->number);
        sqlite3_bind_text(statement, 3, buffer_text(&text), (int)text.length, SQLITE_STATIC);
        return store_run(store, statement, err);
}

int store_put_mark(struct store *store, const struct follow_change *change, struct error *err)
{
        sqlite3_stmt *statement;
        int r = change->mark ? put_mark(store, change, err) : 0;

        if (r < 0)
                return r;
        statement = store_statement(store, STATEMENT_DROP_MARKS, err);
        if (!statement)
                return -EIO;
        store_bind_text(statement, 1, change->path, strlen(change->path));
        sqlite3_bind_int64(statement, 2, (int64_t)change->oldest);
        sqlite3_bind_int64(statement, 3, change->mark ? -1 : (int64_t)change->number);
        return store_run(store, statement, err);
}

int store_marks(struct store *store, store_mark_function *take, void *context, struct error *err)
{
        sqlite3_stmt *statement = NULL;
        int step = 0, r = 0;

        if (sqlite3_prepare_v2(store->database, "SELECT path, number, mark FROM log ORDER BY path, number", -1,
                               &statement, NULL) != SQLITE_OK)
                return store_fail(store, _("read"), err);
        while (r == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW) {
                _cleanup_(memory_freep) char *path =
                        memory_copy(sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
                const char *text = (const char *)sqlite3_column_text(statement, 2);
                struct log_mark mark;

                if (!path)
                        r = error_memory(err);
                else if (!text || !mark_from_text(text, &mark))
                        r = error_set(err, -EBADMSG, _("the store %s is damaged: how far %s was read makes no sense"),
                                      store->path, path);
                else
                        r = take(context, path, (uint64_t)sqlite3_column_int64(statement, 1), &mark, err);
        }
        if (r == 0 && step != SQLITE_DONE)
                r = store_fail(store, _("read"), err);
        sqlite3_finalize(statement);
        return r;
}
