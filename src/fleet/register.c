/* register.c - the register as SQLite. */
#include "fleet/register.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "sql/sql.h"

struct register_file {
        struct sql sql;
};

static const char schema[] =
        "CREATE TABLE server(name TEXT PRIMARY KEY, role INTEGER NOT NULL, origin INTEGER NOT NULL, owner TEXT NOT "
        "NULL,"
        " contractor TEXT NOT NULL, build TEXT NOT NULL, replaces TEXT NOT NULL, replaced_by TEXT NOT NULL,"
        " contract_end_s INTEGER NOT NULL, build_since_s INTEGER NOT NULL, added_s INTEGER NOT NULL,"
        " retired_s INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE item(server TEXT, kind INTEGER, text TEXT, time_s INTEGER NOT NULL,"
        " PRIMARY KEY(server, kind, text)) WITHOUT ROWID;"
        "CREATE TABLE facts(server TEXT PRIMARY KEY, asked_s INTEGER NOT NULL, facts_s INTEGER NOT NULL DEFAULT 0,"
        " failure TEXT NOT NULL, json TEXT) WITHOUT ROWID;";

/* Version 2: clocks. */
static const char *const upgrades[] = {
        "CREATE TABLE clock(server TEXT, time_s INTEGER, offset_us INTEGER NOT NULL, error_us INTEGER NOT NULL,"
        " PRIMARY KEY(server, time_s)) WITHOUT ROWID;",
};

int register_open(const char *state_directory, bool writable, struct register_file **ret_file, struct error *err)
{
        const struct sql_options options = { .state = state_directory,
                                             .folder = "fleet",
                                             .name = "register.db",
                                             .schema = schema,
                                             .upgrades = upgrades,
                                             .version = 2,
                                             .writable = writable,
                                             .missing = _("there is no register in %s: no server was added") };
        struct register_file *file = memory_new(1, sizeof(*file));
        int r;

        if (!file)
                return error_memory(err);
        r = sql_open(&file->sql, &options, err);
        if (r < 0) {
                register_close(file);
                return r;
        }
        *ret_file = file;
        return 0;
}

void register_close(struct register_file *file)
{
        if (!file)
                return;
        sql_close(&file->sql);
        free(file);
}

void register_closep(struct register_file **file)
{
        register_close(*file);
}

int register_begin(struct register_file *file, struct error *err)
{
        return sql_begin(&file->sql, err);
}

int register_commit(struct register_file *file, struct error *err)
{
        return sql_commit(&file->sql, err);
}

/* ---- reading ---- */

static void copy(char *text, size_t size, sqlite3_stmt *statement, int at)
{
        snprintf(text, size, "%s", sql_text(statement, at));
}

static int load_servers(struct register_file *file, struct fleet *fleet, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&file->sql, err, &statement,
                        "SELECT name, role, origin, owner, contractor, build, replaces, replaced_by, contract_end_s,"
                        " build_since_s, added_s, retired_s FROM server ORDER BY name LIMIT ?1",
                        "i", (int64_t)FLEET_SERVERS);

        while (r == 0 && (r = sql_step(&file->sql, statement, err)) > 0) {
                struct fleet_server *server;
                int origin = sqlite3_column_int(statement, 2);

                if (memory_grow(&fleet->servers, fleet->count, sizeof(*fleet->servers)) < 0)
                        return error_memory(err);
                server = &fleet->servers[fleet->count++];
                *server = (struct fleet_server){ .role = sqlite3_column_int(statement, 1),
                                                 .origin = origin >= 0 && origin <= FLEET_OUTSOURCED ? origin
                                                                                                     : FLEET_UNKNOWN,
                                                 .contract_end_s = sqlite3_column_int64(statement, 8),
                                                 .build_since_s = sqlite3_column_int64(statement, 9),
                                                 .added_s = sqlite3_column_int64(statement, 10),
                                                 .retired_s = sqlite3_column_int64(statement, 11) };
                copy(server->name, sizeof(server->name), statement, 0);
                copy(server->owner, sizeof(server->owner), statement, 3);
                copy(server->contractor, sizeof(server->contractor), statement, 4);
                copy(server->build, sizeof(server->build), statement, 5);
                copy(server->replaces, sizeof(server->replaces), statement, 6);
                copy(server->replaced_by, sizeof(server->replaced_by), statement, 7);
                r = 0;
        }
        return r;
}

static int load_items(struct register_file *file, struct fleet_server *server, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&file->sql, err, &statement,
                        "SELECT kind, text, time_s FROM item WHERE server = ?1 ORDER BY kind, text LIMIT ?2", "ti",
                        server->name, (int64_t)FLEET_ITEMS);

        while (r == 0 && (r = sql_step(&file->sql, statement, err)) > 0) {
                struct fleet_item *item;

                if (memory_grow(&server->items, server->item_count, sizeof(*server->items)) < 0)
                        return error_memory(err);
                item = &server->items[server->item_count++];
                *item = (struct fleet_item){ .kind = (enum fleet_item_kind)sqlite3_column_int(statement, 0),
                                             .time_s = sqlite3_column_int64(statement, 2) };
                copy(item->text, sizeof(item->text), statement, 1);
                r = 0;
        }
        return r;
}

static int take_facts(struct fleet *fleet, sqlite3_stmt *statement, struct error *err)
{
        const char *name = sql_text(statement, 0), *json = sql_text(statement, 4);
        struct fleet_server *server = fleet_find(fleet, name);
        struct facts facts = { 0 };
        const bool read = *json && facts_read(json, strlen(json), &facts, NULL) == 0;

        if (*name == '\0' && read) {
                facts_done(&fleet->named);
                fleet->named = facts;
                fleet->named_s = sqlite3_column_int64(statement, 2);
                return 0;
        }
        if (!server || server->facts) {
                facts_done(&facts);
                return 0;
        }
        server->asked_s = sqlite3_column_int64(statement, 1);
        copy(server->failure, sizeof(server->failure), statement, 3);
        if (!read)
                return 0;
        server->facts_s = sqlite3_column_int64(statement, 2);
        server->facts = memory_new(1, sizeof(facts));
        if (!server->facts) {
                facts_done(&facts);
                return error_memory(err);
        }
        *server->facts = facts;
        return 0;
}

static int load_facts(struct register_file *file, struct fleet *fleet, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int r = sql_ask(&file->sql, err, &statement, "SELECT server, asked_s, facts_s, failure, json FROM facts", "");

        while (r == 0 && (r = sql_step(&file->sql, statement, err)) > 0)
                r = take_facts(fleet, statement, err);
        return r;
}

int register_load(struct register_file *file, struct fleet *ret_fleet, struct error *err)
{
        struct fleet fleet = { 0 };
        int r = load_servers(file, &fleet, err);

        for (size_t i = 0; i < fleet.count && r == 0; i++)
                r = load_items(file, &fleet.servers[i], err);
        if (r == 0)
                r = load_facts(file, &fleet, err);
        if (r < 0) {
                fleet_done(&fleet);
                return r;
        }
        *ret_fleet = fleet;
        return 0;
}

/* ---- writing ---- */

int register_put(struct register_file *file, const struct fleet_server *server, struct error *err)
{
        int r = sql_run(&file->sql, err,
                        "INSERT OR REPLACE INTO server VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                        "tiitttttiiii", server->name, (int64_t)server->role, (int64_t)server->origin, server->owner,
                        server->contractor, server->build, server->replaces, server->replaced_by,
                        server->contract_end_s, server->build_since_s, server->added_s, server->retired_s);

        for (size_t i = 0; i < server->item_count && r == 0; i++)
                r = sql_run(&file->sql, err,
                            "INSERT INTO item VALUES(?1, ?2, ?3, ?4) ON CONFLICT(server, kind, text) DO UPDATE SET"
                            " time_s = max(time_s, ?4)",
                            "titi", server->name, (int64_t)server->items[i].kind, server->items[i].text,
                            server->items[i].time_s);
        return r;
}

int register_remove_item(struct register_file *file, const char *server, enum fleet_item_kind kind, const char *text,
                         struct error *err)
{
        return sql_run(&file->sql, err, "DELETE FROM item WHERE server = ?1 AND kind = ?2 AND text = ?3", "tit", server,
                       (int64_t)kind, text);
}

int register_put_facts(struct register_file *file, const char *server, const char *json, const char *failure,
                       int64_t time_s, struct error *err)
{
        if (!json)
                return sql_run(&file->sql, err,
                               "INSERT INTO facts(server, asked_s, failure) VALUES(?1, ?2, ?3) ON CONFLICT(server) DO"
                               " UPDATE SET asked_s = ?2, failure = ?3",
                               "tit", server, time_s, failure);
        return sql_run(&file->sql, err, "INSERT OR REPLACE INTO facts VALUES(?1, ?2, ?2, '', ?3)", "tit", server,
                       time_s, json);
}

/* ---- clocks ---- */

#define DRIFT_US_A_SECOND 100

int register_put_clock(struct register_file *file, const char *server, const struct register_clock *clock,
                       struct error *err)
{
        return sql_run(&file->sql, err, "INSERT OR REPLACE INTO clock VALUES(?1, ?2, ?3, ?4)", "tiii", server,
                       clock->time_s, clock->offset_us, clock->error_us);
}

static int64_t later(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

int register_clock_between(struct register_file *file, const char *server, int64_t from_s, int64_t to_s,
                           struct register_clock *ret_clock, struct error *err)
{
        _cleanup_(sql_finalizep) sqlite3_stmt *statement = NULL;
        int64_t low = INT64_MAX, high = INT64_MIN, gap_s = 0, last_s = 0;
        size_t count = 0;
        int r = sql_ask(&file->sql, err, &statement,
                        "SELECT time_s, offset_us, error_us FROM clock WHERE server = ?1 AND"
                        " time_s >= ifnull((SELECT max(time_s) FROM clock WHERE server = ?1 AND time_s <= ?2), ?2) AND"
                        " time_s <= ifnull((SELECT min(time_s) FROM clock WHERE server = ?1 AND time_s >= ?3), ?3)"
                        " ORDER BY time_s",
                        "tii", server, from_s, to_s);

        while (r == 0 && (r = sql_step(&file->sql, statement, err)) > 0) {
                const int64_t time_s = sqlite3_column_int64(statement, 0), offset = sqlite3_column_int64(statement, 1);
                const int64_t error = sqlite3_column_int64(statement, 2);

                gap_s = later(gap_s, time_s - (count ? last_s : from_s));
                low = offset - error < low ? offset - error : low;
                high = later(high, offset + error);
                last_s = time_s;
                count++;
                r = 0;
        }
        if (r < 0 || !count)
                return r;
        gap_s = later(gap_s, to_s - last_s);
        *ret_clock = (struct register_clock){ last_s, low + (high - low) / 2,
                                              (high - low + 1) / 2 + gap_s * DRIFT_US_A_SECOND };
        return 1;
}
