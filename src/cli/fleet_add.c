/* fleet_add.c - understudy fleet add: what is entered once of a server, by a person. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/fleet.h"

/* ---- texts ---- */

static int put_text(char *text, size_t size, const char *option, const char *value, struct error *err)
{
        if (!value)
                return 0;
        if (strlen(value) >= size || !text_is_printable(value, strlen(value)))
                return error_usage(err, _("'%s' is no value for --%s: at most %zu bytes, and no control characters"),
                                   value, option, size - 1);
        snprintf(text, size, "%s", value);
        return 0;
}

static int put_date(int64_t *time_s, const char *value, struct error *err)
{
        if (text_equal(value, "none"))
                *time_s = 0;
        else if (clock_parse_utc(value, time_s) < 0)
                return error_usage(err, _("'%s' is no date; write 2009-07-06"), value);
        return 0;
}

static int add_item(struct fleet_server *server, enum fleet_item_kind kind, const char *text, size_t length,
                    int64_t time_s, struct error *err)
{
        struct fleet_item *item;

        for (size_t i = 0; i < server->item_count; i++) {
                item = &server->items[i];
                if (item->kind != kind || strlen(item->text) != length || memcmp(item->text, text, length) != 0)
                        continue;
                if (kind == FLEET_CREDENTIAL && time_s > item->time_s)
                        item->time_s = time_s;
                return 0;
        }
        if (length == 0 || length >= sizeof(item->text) || !text_is_printable(text, length))
                return error_usage(err, _("'%.*s' is too long for the register, or has control characters"),
                                   (int)length, text);
        if (server->item_count == FLEET_ITEMS)
                return error_usage(err, _("%s has %d addresses, credentials and keys, more than the register keeps"),
                                   server->name, FLEET_ITEMS);
        if (memory_grow(&server->items, server->item_count, sizeof(*server->items)) < 0)
                return error_memory(err);
        item = &server->items[server->item_count++];
        *item = (struct fleet_item){ .kind = kind, .time_s = time_s };
        memcpy(item->text, text, length);
        item->text[length] = '\0';
        return 0;
}

static int add_items(struct fleet_server *server, enum fleet_item_kind kind, const struct command_texts *texts,
                     struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < texts->count && r == 0; i++)
                r = add_item(server, kind, texts->list[i], strlen(texts->list[i]), clock_now(), err);
        return r;
}

/* "NAME=DATE". */
static int add_credentials(struct fleet_server *server, const struct command_texts *texts, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < texts->count && r == 0; i++) {
                const char *equals = strrchr(texts->list[i], '=');
                int64_t time_s = 0;

                if (!equals || equals == texts->list[i] || clock_parse_utc(equals + 1, &time_s) < 0)
                        return error_usage(err, _("'%s' is no credential; write NAME=DATE, when it was last changed"),
                                           texts->list[i]);
                r = add_item(server, FLEET_CREDENTIAL, texts->list[i], (size_t)(equals - texts->list[i]), time_s, err);
        }
        return r;
}

/* ---- from elsewhere ---- */

static int take_config(const struct fleet_request *request, struct fleet_server *server, struct error *err)
{
        const struct config *config = request->file.config;
        const struct config_server *there = config ? config_find_server(config, server->name) : NULL;
        int r = 0;

        if (!there)
                return 0;
        if (server->role == CONFIG_ROLE_UNSAID && !*server->replaces)
                server->role = there->role;
        for (size_t i = 0; i < there->addresses.count && r == 0; i++)
                r = add_item(server, FLEET_ADDRESS, there->addresses.items[i].text,
                             strlen(there->addresses.items[i].text), clock_now(), err);
        return r;
}

/* A person has looked at what the last check found, and enters it. */
static int take_found(const struct fleet_request *request, struct fleet_server *server, struct error *err)
{
        const struct facts *facts = server->facts;
        int r = 0;

        if (!request->as_found)
                return 0;
        if (!facts)
                return error_usage(err, _("nothing was found of %s yet; run 'understudy fleet check %s' first"),
                                   server->name, server->name);
        for (size_t i = 0; i < facts->host_key_count && r == 0; i++)
                r = add_item(server, FLEET_HOST_KEY, facts->host_keys[i], strlen(facts->host_keys[i]), clock_now(),
                             err);
        for (size_t i = 0; i < facts->key_count && r == 0; i++)
                r = add_item(server, FLEET_KEY, facts->keys[i].fingerprint, strlen(facts->keys[i].fingerprint),
                             clock_now(), err);
        return r;
}

/* ---- the entry ---- */

static int set_role(struct fleet_server *server, const char *role, struct error *err)
{
        for (int i = CONFIG_ROLE_UNSAID + 1; i <= CONFIG_CONTROLLER; i++)
                if (text_equal(config_role_name((enum config_role)i), role)) {
                        server->role = i;
                        return 0;
                }
        return error_usage(
                err, _("there is no role '%s': production, standby, database, analysis, publisher, controller"), role);
}

static int set_build(struct fleet_server *server, const char *build, struct error *err)
{
        char before[sizeof(server->build)];
        int r;

        memcpy(before, server->build, sizeof(before));
        r = put_text(server->build, sizeof(server->build), "build", build, err);
        if (r == 0 && !text_equal(before, server->build))
                server->build_since_s = clock_now();
        return r;
}

static int fill(const struct fleet_request *request, const struct fleet *fleet, struct fleet_server *server,
                struct error *err)
{
        enum fleet_origin origin = (enum fleet_origin)server->origin;
        int r = request->role ? set_role(server, request->role, err) : 0;

        if (r == 0 && request->origin && !fleet_origin_parse(request->origin, &origin))
                r = error_usage(err, _("'%s' is no origin: in-house, outsourced or unknown"), request->origin);
        server->origin = origin;
        if (r == 0 && request->replaces && !fleet_find(fleet, request->replaces))
                r = error_usage(err, _("%s is not in the register, so it cannot be replaced"), request->replaces);
        if (r == 0)
                r = put_text(server->replaces, sizeof(server->replaces), "replaces", request->replaces, err);
        if (r == 0)
                r = put_text(server->owner, sizeof(server->owner), "owner", request->owner, err);
        if (r == 0)
                r = put_text(server->contractor, sizeof(server->contractor), "contractor", request->contractor, err);
        if (r == 0 && request->contract_end)
                r = put_date(&server->contract_end_s, request->contract_end, err);
        if (r == 0)
                r = set_build(server, request->build, err);
        if (r == 0)
                r = add_items(server, FLEET_ADDRESS, &request->addresses, err);
        if (r == 0)
                r = add_items(server, FLEET_KEY, &request->keys, err);
        if (r == 0)
                r = add_items(server, FLEET_HOST_KEY, &request->host_keys, err);
        if (r == 0)
                r = add_credentials(server, &request->credentials, err);
        if (r == 0)
                r = take_config(request, server, err);
        if (r == 0)
                r = take_found(request, server, err);
        if (r == 0 && server->role == CONFIG_ROLE_UNSAID && !*server->replaces)
                r = error_usage(err, _("%s needs a --role, or --config with a server of this name, or --replaces"),
                                server->name);
        return r;
}

static json_t *items_json(const struct fleet_server *server)
{
        static const char *const kinds[] = { "address", "credential", "key", "host_key" };
        json_t *list = json_array();

        for (size_t i = 0; i < server->item_count; i++)
                json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "kind", kinds[server->items[i].kind], "text",
                                                      server->items[i].text, "time",
                                                      fleet_time_json(server->items[i].time_s)));
        return list;
}

static void journal_entry(struct fleet_request *request, const struct fleet_server *server)
{
        journal_sink_add(
                &request->journal, "fleet_added", NULL,
                json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o}", "subject", server->name, "role",
                          server->role == CONFIG_ROLE_UNSAID ? "" : config_role_name((enum config_role)server->role),
                          "origin", fleet_origin_name((enum fleet_origin)server->origin), "owner", server->owner,
                          "contractor", server->contractor, "build", server->build, "contract_end",
                          fleet_time_json(server->contract_end_s), "replaces", server->replaces, "items",
                          items_json(server)),
                "%s was entered in the register of servers", server->name);
        for (size_t i = 0; i < request->removed.count; i++)
                journal_sink_add(
                        &request->journal, "fleet_removed", NULL,
                        json_pack("{s:s, s:o}", "subject", server->name, "text",
                                  command_json_name(request->removed.list[i], strlen(request->removed.list[i]))),
                        "an address, credential or key of %s was taken out of the register", server->name);
        journal_sink_commit(&request->journal);
}

/* What is to be removed is taken out of the entry as well: --as-found must not put it back. */
static int remove_items(const struct fleet_request *request, struct register_file *file, const char *name,
                        struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < request->removed.count; i++)
                for (int kind = FLEET_ADDRESS; kind <= FLEET_HOST_KEY && r == 0; kind++)
                        r = register_remove_item(file, name, (enum fleet_item_kind)kind, request->removed.list[i], err);
        return r;
}

static int enter(struct fleet_request *request, struct register_file *file, struct error *err)
{
        struct fleet fleet = { 0 };
        struct fleet_server fresh = { .added_s = clock_now() }, *server;
        int r = register_load(file, &fleet, err);

        if (r < 0)
                return r;
        server = fleet_find(&fleet, request->names[0]);
        if (!server && fleet.count == FLEET_SERVERS)
                r = error_usage(err, _("the register holds %d servers, no more"), FLEET_SERVERS);
        if (!server)
                server = &fresh;
        if (r == 0)
                r = put_text(server->name, sizeof(server->name), "name", request->names[0], err);
        if (r == 0 && server->retired_s)
                r = error_refuse(err,
                                 _("%s was retired; a server that comes back is built anew and gets a name of its own"),
                                 server->name);
        if (r == 0)
                r = fill(request, &fleet, server, err);
        if (r == 0) {
                journal_entry(request, server);
                r = register_put(file, server, err);
        }
        if (r == 0)
                r = remove_items(request, file, server->name, err);
        free(fresh.items);
        fleet_done(&fleet);
        return r;
}

int fleet_add(struct fleet_request *request)
{
        _cleanup_(register_closep) struct register_file *file = NULL;
        struct error error = ERROR_NONE;
        int r;

        if (!*request->names[0])
                return command_usage(&command_fleet, _("a server has a name"));
        r = register_open(request->state, true, &file, &error);
        if (r == 0) {
                journal_sink_open(&request->journal, request->state, false);
                r = register_begin(file, &error);
        }
        if (r == 0)
                r = enter(request, file, &error);
        if (r == 0)
                r = register_commit(file, &error);
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}
