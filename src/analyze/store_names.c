/* store_names.c - names and sites of a store, and their ids. */
#include <errno.h>

#include "analyze/store_private.h"
#include "base/i18n.h"

#define NAMES_MAXIMUM (64U << 20) /* bytes of names that are remembered */

/* The number in the first column, 0 when there is no row. */
static int find_id(struct store *store, sqlite3_stmt *statement, int64_t *ret_id, struct error *err)
{
        int r = sqlite3_step(statement);

        *ret_id = r == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
        if (r != SQLITE_ROW && r != SQLITE_DONE)
                r = store_fail(store, _("read"), err);
        else
                r = 0;
        sqlite3_reset(statement);
        return r;
}

static int last_name(struct store *store, int64_t *ret_id, struct error *err)
{
        sqlite3_stmt *statement;
        int r = 0;

        if (store->last_name < 0) {
                statement = store_statement(store, STATEMENT_LAST_NAME, err);
                r = statement ? find_id(store, statement, &store->last_name, err) : -EIO;
        }
        *ret_id = store->last_name;
        return r;
}

/* The next id that is free between two others; 0: there is none. What is in use was looked through once. */
static int find_gap(struct store *store, int64_t *ret_id, struct error *err)
{
        sqlite3_stmt *statement = store_statement(store, STATEMENT_NAME_GAP, err);
        int r;

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, store->name_gap);
        sqlite3_bind_int64(statement, 2, NAME_ID_MAXIMUM - NAME_ID_RESERVED);
        r = find_id(store, statement, ret_id, err);
        if (r == 0)
                store->name_gap = *ret_id ? *ret_id - 1 : NAME_ID_MAXIMUM; /* it is not taken yet */
        return r;
}

/* 0: there is none. */
static int free_id(struct store *store, bool reserved, int64_t *ret_id, struct error *err)
{
        int64_t last = 0, gap = 0;
        int r = last_name(store, &last, err);

        if (r == 0 && last >= NAME_ID_MAXIMUM - NAME_ID_RESERVED)
                r = find_gap(store, &gap, err);
        if (r < 0)
                return r;
        if (last < NAME_ID_MAXIMUM - NAME_ID_RESERVED || (!gap && reserved && last < NAME_ID_MAXIMUM))
                gap = last + 1;
        *ret_id = gap;
        return 0;
}

int store_has_room(struct store *store, bool *ret_room, struct error *err)
{
        int64_t id = 0;
        int r = free_id(store, false, &id, err);

        *ret_room = id != 0;
        return r;
}

static int add_name(struct store *store, unsigned int dimension, const char *text, size_t length, int64_t *ret_id,
                    struct error *err)
{
        sqlite3_stmt *statement = store_statement(store, STATEMENT_ADD_NAME, err);
        int64_t id = 0;
        int r = statement ? free_id(store, true, &id, err) : -EIO;

        if (r < 0)
                return r;
        if (!id)
                return error_set(err, -EOVERFLOW, _("the store %s holds too many names"), store->path);
        sqlite3_bind_int64(statement, 1, dimension);
        store_bind_text(statement, 2, text, length);
        sqlite3_bind_int64(statement, 3, id);
        r = store_run(store, statement, err);
        if (r == 0 && id > store->last_name)
                store->last_name = id;
        *ret_id = id;
        return r;
}

static int find_name(struct store *store, unsigned int dimension, const char *text, size_t length, int64_t *ret_id,
                     struct error *err)
{
        sqlite3_stmt *statement = store_statement(store, STATEMENT_FIND_NAME, err);

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, dimension);
        store_bind_text(statement, 2, text, length);
        return find_id(store, statement, ret_id, err);
}

/* Looks a name up in the list of those that were asked for lately the next time. */
static int remember(struct store *store, unsigned int dimension, const char *text, size_t length, int64_t id,
                    struct error *err)
{
        struct name *name;
        int r = 0;

        if (name_table_bytes(&store->names) > NAMES_MAXIMUM) {
                name_table_done(&store->names);
                r = name_table_init(&store->names, err);
        }
        if (r < 0)
                return r;
        name = name_table_get(&store->names, (enum name_kind)dimension, text, length);
        if (!name)
                return error_memory(err);
        name->hits = (uint64_t)id;
        return 0;
}

int store_name(struct store *store, unsigned int dimension, const char *text, size_t length, bool make,
               uint32_t *ret_id, struct error *err)
{
        struct name *name = name_table_find(&store->names, (enum name_kind)dimension, text, length);
        int64_t id = name ? (int64_t)name->hits : 0;
        int r = 0;

        if (!id) {
                r = find_name(store, dimension, text, length, &id, err);
                if (r == 0 && !id && make)
                        r = add_name(store, dimension, text, length, &id, err);
                if (r == 0 && id)
                        r = remember(store, dimension, text, length, id, err);
                if (r < 0)
                        return r;
        }
        *ret_id = (uint32_t)id;
        return 0;
}

int store_text(struct store *store, uint32_t id, struct buffer *text, struct error *err)
{
        sqlite3_stmt *statement = store_statement(store, STATEMENT_TEXT, err);
        int r;

        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, id);
        r = sqlite3_step(statement);
        if (r == SQLITE_ROW)
                r = buffer_append(text, sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)) <
                                    0
                            ? error_memory(err)
                            : 0;
        else
                r = r == SQLITE_DONE ? 0 : store_fail(store, _("read"), err);
        sqlite3_reset(statement);
        return r;
}

int store_find_site(struct store *store, const char *name, size_t length, int64_t *ret_site, struct error *err)
{
        sqlite3_stmt *statement = store_statement(store, STATEMENT_FIND_SITE, err);

        if (!statement)
                return -EIO;
        store_bind_text(statement, 1, name, length);
        return find_id(store, statement, ret_site, err);
}

int store_site(struct store *store, const char *name, size_t length, int64_t *ret_site, struct error *err)
{
        sqlite3_stmt *statement;
        int r = store_find_site(store, name, length, ret_site, err);

        if (r < 0 || *ret_site)
                return r;
        statement = store_statement(store, STATEMENT_ADD_SITE, err);
        if (!statement)
                return -EIO;
        store_bind_text(statement, 1, name, length);
        r = store_run(store, statement, err);
        *ret_site = sqlite3_last_insert_rowid(store->database);
        return r;
}
