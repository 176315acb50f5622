/* rules.c - what must fit together in a configuration. Each rule is a function; what it says names the key and what to
 * write. A value that could not be read was told already, and is not complained of again. */
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "config/reading.h"

#define POSTGRESQL_PORT 5432
#define MARIADB_PORT    3306

static bool moves_by(const struct config *config, int means)
{
        return ((config->move.planned | config->move.failover) & means) != 0;
}

static unsigned int move_line(const struct reading *reading)
{
        unsigned int line = reading_line(reading, &reading->config->move.planned);

        return line ? line : reading_line(reading, &reading->config->move.failover);
}

static bool serves(const struct config_server *server)
{
        return server->role == CONFIG_PRODUCTION || server->role == CONFIG_STANDBY;
}

/* ---- servers ---- */

/* One production server, one database server at the most, and at least one stand-by. */
static void check_roles(struct reading *reading)
{
        const struct config *config = reading->config;
        const struct config_server *first[CONFIG_CONTROLLER + 1] = { NULL };
        bool told = false;

        for (size_t i = 0; i < config->server_count; i++) {
                const struct config_server *server = &config->servers[i];

                told = told || server->role == CONFIG_ROLE_UNSAID;
                if (first[server->role] && (server->role == CONFIG_PRODUCTION || server->role == CONFIG_DATABASE))
                        config_problem(reading->problems, reading_line(reading, &server->role),
                                       _("server %s: there is a server with the role %s already, %s; a site has one"),
                                       server->name ? server->name : "?", config_role_name(server->role),
                                       first[server->role]->name ? first[server->role]->name : "?");
                if (!first[server->role])
                        first[server->role] = server;
        }
        if (!first[CONFIG_PRODUCTION] && !told)
                config_problem(reading->problems, 0,
                               _("there is no production server; write server \"web1\" { role = production ... }"));
        if (!first[CONFIG_STANDBY] && !told)
                config_problem(reading->problems, 0,
                               _("there is no stand-by; write server \"web2\" { role = standby ... }"));
}

static void check_server(struct reading *reading, const struct config_server *server, unsigned int line)
{
        const struct config *config = reading->config;
        const char *name = server->name ? server->name : "?";
        bool said_roots = reading_line(reading, server->roots.items) != 0;

        if ((serves(server) || server->role == CONFIG_DATABASE) && !server->ssh && !reading_line(reading, &server->ssh))
                config_problem(reading->problems, line,
                               _("server %s has no ssh; write ssh = \"root@%s\", where its agent is reached"), name, name);
        if ((serves(server) || server->role == CONFIG_DATABASE) && server->addresses.count == 0 &&
            !reading_line(reading, server->addresses.items))
                config_problem(reading->problems, line,
                               _("server %s has no addresses; write addresses = {\"192.0.2.11\"}, its own"), name);
        if (serves(server) && !config_root_dest(server, "docroot") &&
            (!said_roots || server->roots.count > 0))
                config_problem(reading->problems, said_roots ? reading_line(reading, server->roots.items) : line,
                               _("server %s has no docroot; write roots = {\"docroot=/var/www/html\"}"), name);
        if (serves(server) && moves_by(config, CONFIG_BY_ADDRESS) && !server->interface &&
            !reading_line(reading, &server->interface))
                config_problem(reading->problems, line,
                               _("server %s has no interface; write interface = eth0, which carries the service "
                                 "address while the server is on stage"),
                               name);
        if (server->role == CONFIG_STANDBY && server->standby_rest != CONFIG_RUNNING && !server->web_start)
                config_problem(reading->problems, line,
                               _("server %s rests stopped and has no web_start; write web_start = \"systemctl start "
                                 "nginx\""),
                               name);
        if (server->role == CONFIG_STANDBY && server->standby_rest == CONFIG_WEB_STOPPED && !server->web_stop)
                config_problem(reading->problems, line,
                               _("server %s rests stopped and has no web_stop; write web_stop = \"systemctl stop "
                                 "nginx\""),
                               name);
        if (server->role == CONFIG_STANDBY && server->standby_rest == CONFIG_POWERED_OFF && !server->power_on)
                config_problem(reading->problems, line,
                               _("server %s rests powered off and has no power_on; write the command that starts it"),
                               name);
        if (server->role != CONFIG_STANDBY && reading_line(reading, &server->standby_rest))
                config_problem(reading->problems, reading_line(reading, &server->standby_rest),
                               _("server %s: standby_rest is for a stand-by; leave it out"), name);
}

/* Names once, folders once. */
static void check_roots(struct reading *reading, const struct config_server *server)
{
        const struct config_roots *roots = &server->roots;

        for (size_t i = 0; i < roots->count; i++)
                for (size_t k = 0; k < i; k++)
                        if (text_equal(roots->items[i].name, roots->items[k].name) ||
                            text_path_inside(roots->items[i].dest, roots->items[k].dest) ||
                            text_path_inside(roots->items[k].dest, roots->items[i].dest))
                                config_problem(reading->problems, reading_line(reading, roots->items),
                                               _("roots: \"%s=%s\" and \"%s=%s\" have the same name, or one lies in "
                                                 "the other; give each its own"),
                                               roots->items[k].name, roots->items[k].dest, roots->items[i].name,
                                               roots->items[i].dest);
}

/* ---- addresses ---- */

static bool same_address(const struct config_address *a, const struct config_address *b)
{
        return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool has_address(const struct config_addresses *list, size_t count, const struct config_address *address)
{
        for (size_t i = 0; i < count; i++)
                if (same_address(&list->items[i], address))
                        return true;
        return false;
}

/* An address belongs to one server, or is the service's. */
static void check_addresses(struct reading *reading)
{
        const struct config *config = reading->config;

        for (size_t i = 0; i < config->server_count; i++) {
                const struct config_addresses *own = &config->servers[i].addresses;

                for (size_t k = 0; k < own->count; k++) {
                        bool twice = has_address(own, k, &own->items[k]) ||
                                     has_address(&config->service.addresses, config->service.addresses.count,
                                                 &own->items[k]);

                        for (size_t m = 0; m < i; m++)
                                twice = twice || has_address(&config->servers[m].addresses,
                                                             config->servers[m].addresses.count, &own->items[k]);
                        if (twice)
                                config_problem(reading->problems, reading_line(reading, own->items),
                                               _("addresses: %s is there twice; each server has its own, and the "
                                                 "service address is nobody's own"),
                                               own->items[k].text);
                }
        }
        for (size_t i = 0; i < config->service.addresses.count; i++)
                if (has_address(&config->service.addresses, i, &config->service.addresses.items[i]))
                        config_problem(reading->problems, reading_line(reading, config->service.addresses.items),
                                       _("addresses: %s is there twice; leave one out"),
                                       config->service.addresses.items[i].text);
}

/* ---- sections that need each other ---- */

static void check_move(struct reading *reading)
{
        const struct config *config = reading->config;

        if (moves_by(config, CONFIG_BY_ADDRESS) && !config->service.present)
                config_problem(reading->problems, move_line(reading),
                               _("a move by address needs service { addresses = {\"192.0.2.10/24\"} }"));
        if (moves_by(config, CONFIG_BY_DNS) && !config->dns.present)
                config_problem(reading->problems, move_line(reading),
                               _("a move by DNS needs a section dns with servers, zone and names"));
        if (moves_by(config, CONFIG_BY_EXEC) && !config->exec.present)
                config_problem(reading->problems, move_line(reading),
                               _("a move by programs needs exec { move = \"...\" look = \"...\" }: one that moves, and another that "
                                 "says who is on stage"));
        if (config->exec.move && config->exec.look && text_equal(config->exec.move, config->exec.look))
                config_problem(reading->problems, reading_line(reading, &config->exec.look),
                               _("look: the program that moves cannot be the one that says whether it did; write another, which "
                                 "finds out another way"));
        if (config->move.failover && config->check_count == 0)
                config_problem(reading->problems, 0,
                               _("nothing says how to see whether the site lives; write check \"front\" { url = "
                                 "\"https://www.example.org/\" expect = \"Welcome\" }"));
}

static bool in_zone(const char *name, const char *zone)
{
        size_t length = strlen(name), zone_length = strlen(zone);

        return length >= zone_length && strcasecmp(name + length - zone_length, zone) == 0 &&
               (length == zone_length || name[length - zone_length - 1] == '.');
}

static void check_dns(struct reading *reading)
{
        const struct config_dns *dns = &reading->config->dns;
        unsigned int line = reading_line(reading, &dns->move_ttl);

        if (!dns->present)
                return;
        for (size_t i = 0; dns->zone && i < dns->names.count; i++)
                if (!in_zone(dns->names.items[i], dns->zone))
                        config_problem(reading->problems, reading_line(reading, dns->names.items),
                                       _("names: %s does not lie in the zone %s"), dns->names.items[i], dns->zone);
        if (dns->move_ttl > dns->ttl)
                config_problem(reading->problems, line ? line : reading_line(reading, &dns->ttl),
                               _("move_ttl is longer than ttl; it is what the TTL is lowered to before a move"));
        if (moves_by(reading->config, CONFIG_BY_DNS) && !dns->tsig_key && !reading_line(reading, &dns->tsig_key))
                config_problem(reading->problems, 0,
                               _("a move by DNS needs a key that signs the updates; write tsig_key = "
                                 "/etc/understudy/tsig.key in the section dns"));
}

static void check_database(struct reading *reading)
{
        struct config_database *database = &reading->config->database;
        const struct config_server *host;

        if (!database->present)
                return;
        if (database->port == 0)
                database->port = database->kind == CONFIG_MARIADB ? MARIADB_PORT : POSTGRESQL_PORT;
        host = database->host ? config_find_server(reading->config, database->host) : NULL;
        if (database->host && !host)
                config_problem(reading->problems, reading_line(reading, &database->host),
                               _("host: there is no server %s; write its section, with role = database"),
                               database->host);
        else if (host && host->role != CONFIG_DATABASE && host->role != CONFIG_ROLE_UNSAID)
                config_problem(reading->problems, reading_line(reading, &database->host),
                               _("host: the server %s has the role %s; a web server that is shut out cannot be the "
                                 "one that shuts out"),
                               database->host, config_role_name(host->role));
        if (database->kind == CONFIG_POSTGRESQL && !database->hba_file && !reading_line(reading, &database->hba_file))
                config_problem(reading->problems, reading_line(reading, &database->kind),
                               _("kind = postgresql needs hba_file, as \"/etc/postgresql/15/main/pg_hba.conf\""));
        if (!database->connection && !reading_line(reading, &database->connection))
                config_problem(reading->problems, reading_line(reading, &database->kind),
                               database->kind == CONFIG_MARIADB
                                       ? _("the database needs a connection for its administrator, as "
                                           "\"socket=/run/mysqld/mysqld.sock user=root\"")
                                       : _("the database needs a connection for its administrator, as \"host=/run/postgresql "
                                           "user=postgres dbname=postgres\""));
}

/* ---- limits ---- */

/* A server that lost the arbiter must have dropped the address before anybody may take it, with room for what an
 * overloaded machine adds. */
static void check_leases(struct reading *reading)
{
        const struct config_limits *limits = &reading->config->limits;
        unsigned int line = reading_line(reading, &limits->lease_take_ms);

        if (limits->lease_self_ms >= limits->lease_take_ms)
                config_problem(reading->problems, line ? line : reading_line(reading, &limits->lease_self_ms),
                               _("lease_take must be longer than lease_self, or two servers could hold the address"));
}

static void check_checks(struct reading *reading)
{
        const struct config *config = reading->config;

        for (size_t i = 0; i < config->check_count; i++)
                if (config->checks[i].timeout_ms > config->checks[i].interval_ms * 10)
                        config_problem(reading->problems, reading_line(reading, &config->checks[i].timeout_ms),
                                       _("timeout is longer than ten intervals; shorten it"));
}

/* ---- analysis servers ---- */

static void check_salts(struct reading *reading)
{
        const struct config *config = reading->config;
        const struct config_server *server =
                config->clickhouse.salts ? config_find_server(config, config->clickhouse.salts) : NULL;

        if (config->clickhouse.salts && (!server || !server->ssh))
                config_problem(reading->problems, reading_line(reading, &config->clickhouse.salts),
                               _("salts: there is no server '%s' with ssh, and the others ask it for the salts over that"),
                               config->clickhouse.salts);
}

static void check_shards(struct reading *reading)
{
        const struct config *config = reading->config;

        if (config->clickhouse.present && config->shard_count == 0)
                config_problem(reading->problems, 0,
                               _("clickhouse has no shard; write shard \"an1\" { url = \"http://an1.example.org:8123/\" } "
                                 "in it, for each analysis server"));
        for (size_t i = 0; i < config->shard_count; i++) {
                const char *script = config->shards[i].script;

                if (script && (!*script || script[strlen(script) - 1] != '/'))
                        config_problem(reading->problems, reading_line(reading, &config->shards[i].script),
                                       _("script: '%s' names no folder; write \"https://an1.example.org/understudy/\""),
                                       script);
        }
        for (size_t i = 0; i < config->shard_count; i++)
                for (size_t k = 0; k < i; k++)
                        if (config->shards[i].url && config->shards[k].url &&
                            text_equal(config->shards[i].url, config->shards[k].url))
                                config_problem(reading->problems, reading_line(reading, &config->shards[i].url),
                                               _("url: the shards %s and %s are the same server; leave one out"),
                                               config->shards[k].name, config->shards[i].name);
}

void config_check_rules(struct reading *reading)
{
        const struct config *config = reading->config;

        check_roles(reading);
        for (size_t i = 0; i < config->server_count; i++) {
                check_server(reading, &config->servers[i], reading->server_lines[i]);
                check_roots(reading, &config->servers[i]);
        }
        check_addresses(reading);
        check_move(reading);
        check_dns(reading);
        check_database(reading);
        check_leases(reading);
        check_checks(reading);
        check_shards(reading);
        check_salts(reading);
        if (!config->repository.present)
                config_problem(reading->problems, 0,
                               _("nothing says where releases come from; write repository { url = ... pub = ... }"));
}
