#include "schema.h"

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/text.h"
#include "config/config.h"

#define MS     UINT64_C(1)
#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

const struct config_word config_roles[] = {
        {"production",  CONFIG_PRODUCTION},
        { "standby",    CONFIG_STANDBY   },
        { "database",   CONFIG_DATABASE  },
        { "analysis",   CONFIG_ANALYSIS  },
        { "publisher",  CONFIG_PUBLISHER },
        { "controller", CONFIG_CONTROLLER},
        { NULL,         0                },
};

static const struct config_word rests[] = {
        {"running",      CONFIG_RUNNING    },
        { "web_stopped", CONFIG_WEB_STOPPED},
        { "powered_off", CONFIG_POWERED_OFF},
        { NULL,          0                 },
};

static const struct config_word means[] = {
        {"address", CONFIG_BY_ADDRESS},
        { "dns",    CONFIG_BY_DNS    },
        { "both",   CONFIG_BY_BOTH   },
        { "exec",   CONFIG_BY_EXEC   },
        { NULL,     0                },
};

static const struct config_word dns_drivers[] = {
        {"rfc2136", CONFIG_DNS_RFC2136},
        { NULL,     0                 },
};

static const struct config_word database_kinds[] = {
        {"postgresql", CONFIG_POSTGRESQL},
        { "mariadb",   CONFIG_MARIADB   },
        { NULL,        0                },
};

static const struct config_word filter_drivers[] = {
        {"nftables", CONFIG_NFTABLES},
        { NULL,      0              },
};

static const struct config_word unproven[] = {
        {"left_out",   0},
        { "take_part", 1},
        { NULL,        0},
};

static const struct config_word tamper[] = {
        {"refuse", CONFIG_REFUSE},
        { "heal",  CONFIG_HEAL  },
        { NULL,    0            },
};

#define AT(type, member) .offset = offsetof(struct type, member)
/* A list: a struct with items[] and count. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a member's name cannot stand in parentheses */
#define LIST(type, member)                                                                                             \
        .offset = offsetof(struct type, member.items), .count_offset = offsetof(struct type, member.count),            \
        .items_maximum = LENGTH(((struct type *)NULL)->member.items)
/* NOLINTEND(bugprone-macro-parentheses) */
#define BETWEEN(low, high) .minimum = (low), .maximum = (high)

static const struct config_key site_keys[] = {
        { .name = "site", .kind = VALUE_NAME, .required = true, AT(config, site), .example = "site = example" },
        { .name = "serial", .kind = VALUE_NUMBER, AT(config, serial), BETWEEN(1, 999999999), .fallback = "1" },
        { .name = "ssh_config", .kind = VALUE_PATH, AT(config, ssh_config) },
        { .name = "alerts",
          .kind = VALUE_TEXT,
          LIST(config, alerts),
          .example = "alerts = {\"mailto:ops@example.org\"}" },
        { .name = "contacts", .kind = VALUE_TEXT, LIST(config, contacts) },
};

static const struct config_key server_keys[] = {
        { .name = "role", .kind = VALUE_WORD, .required = true, AT(config_server, role), .words = config_roles },
        { .name = "ssh", .kind = VALUE_SSH, AT(config_server, ssh) },
        { .name = "addresses", .kind = VALUE_ADDRESS, LIST(config_server, addresses) },
        { .name = "interface", .kind = VALUE_INTERFACE, AT(config_server, interface) },
        { .name = "roots", .kind = VALUE_ROOT, LIST(config_server, roots) },
        { .name = "standby_rest",
          .kind = VALUE_WORD,
          AT(config_server, standby_rest),
          .words = rests,
          .fallback = "running" },
        { .name = "web_start", .kind = VALUE_COMMAND, AT(config_server, web_start) },
        { .name = "web_stop", .kind = VALUE_COMMAND, AT(config_server, web_stop) },
        { .name = "web_reload", .kind = VALUE_COMMAND, AT(config_server, web_reload) },
        { .name = "web_check", .kind = VALUE_COMMAND, AT(config_server, web_check) },
        { .name = "power_on", .kind = VALUE_COMMAND, AT(config_server, power_on) },
};

static const struct config_key move_keys[] = {
        { .name = "planned", .kind = VALUE_WORD, AT(config_move, planned), .words = means, .fallback = "address" },
        { .name = "failover", .kind = VALUE_WORD, AT(config_move, failover), .words = means, .fallback = "address" },
        { .name = "carry_every",
          .kind = VALUE_DURATION,
          AT(config_move, carry_every_ms),
          BETWEEN(SECOND, DAY),
          .fallback = "60s" },
};

static const struct config_key service_keys[] = {
        { .name = "addresses", .kind = VALUE_NETWORK, .required = true, LIST(config_service, addresses) },
        { .name = "ports", .kind = VALUE_NUMBER, LIST(config_service, ports), BETWEEN(1, 65535), .fallback = "80 443" },
        { .name = "announce",
          .kind = VALUE_DURATION,
          AT(config_service, announce_ms),
          BETWEEN(SECOND, HOUR),
          .fallback = "60s" },
};

static const struct config_key dns_keys[] = {
        { .name = "driver", .kind = VALUE_WORD, AT(config_dns, driver), .words = dns_drivers, .fallback = "rfc2136" },
        { .name = "servers", .kind = VALUE_ADDRESS, .required = true, LIST(config_dns, servers) },
        { .name = "port", .kind = VALUE_NUMBER, AT(config_dns, port), BETWEEN(1, 65535), .fallback = "53" },
        { .name = "zone", .kind = VALUE_DOMAIN, .required = true, AT(config_dns, zone) },
        { .name = "names", .kind = VALUE_DOMAIN, .required = true, LIST(config_dns, names) },
        { .name = "ttl", .kind = VALUE_NUMBER, AT(config_dns, ttl), BETWEEN(1, 604800), .fallback = "300" },
        { .name = "move_ttl", .kind = VALUE_NUMBER, AT(config_dns, move_ttl), BETWEEN(1, 604800), .fallback = "5" },
        { .name = "settle",
          .kind = VALUE_DURATION,
          AT(config_dns, settle_ms),
          BETWEEN(SECOND, HOUR),
          .fallback = "30s" },
        { .name = "tsig_key", .kind = VALUE_PATH, AT(config_dns, tsig_key) },
};

static const struct config_key exec_keys[] = {
        { .name = "move",
          .kind = VALUE_COMMAND,
          .required = true,
          AT(config_exec, move) },
        { .name = "look",
          .kind = VALUE_COMMAND,
          .required = true,
          AT(config_exec, look) },
        { .name = "timeout",
          .kind = VALUE_DURATION,
          AT(config_exec, timeout_ms),
          BETWEEN(100 * MS, HOUR),
          .fallback = "60s" },
        { .name = "settle",
          .kind = VALUE_DURATION,
          AT(config_exec, settle_ms),
          BETWEEN(100 * MS, HOUR),
          .fallback = "60s" },
        { .name = "ttl", .kind = VALUE_NUMBER, AT(config_exec, ttl), BETWEEN(0, 604800), .fallback = "0" },
};

static const struct config_key database_keys[] = {
        { .name = "kind", .kind = VALUE_WORD, .required = true, AT(config_database, kind), .words = database_kinds },
        { .name = "host", .kind = VALUE_SERVER, .required = true, AT(config_database, host) },
        { .name = "port", .kind = VALUE_NUMBER, AT(config_database, port), BETWEEN(1, 65535) },
        { .name = "connection", .kind = VALUE_TEXT, AT(config_database, connection) },
        { .name = "hba_file", .kind = VALUE_PATH, AT(config_database, hba_file) },
        { .name = "reload", .gone = N_("the agent has the rules read again by itself, and sees that they are in force") },
        { .name = "user", .gone = N_("a server is let in and shut out with all its users") },
        { .name = "database", .gone = N_("a server is let in at all databases, and shut out of all") },
};

static const struct config_key filter_keys[] = {
        { .name = "driver",
          .kind = VALUE_WORD,
          AT(config_filter, driver),
          .words = filter_drivers,
          .fallback = "nftables" },
        { .name = "table", .gone = N_("its table of nftables is always called understudy") },
};

static const struct config_key check_keys[] = {
        { .name = "url", .kind = VALUE_URL, .required = true, AT(config_check, url) },
        { .name = "expect", .kind = VALUE_TEXT, AT(config_check, expect) },
        { .name = "status", .kind = VALUE_NUMBER, AT(config_check, status), BETWEEN(100, 599), .fallback = "200" },
        { .name = "interval",
          .kind = VALUE_DURATION,
          AT(config_check, interval_ms),
          BETWEEN(20 * MS, HOUR),
          .fallback = "1s" },
        { .name = "timeout",
          .kind = VALUE_DURATION,
          AT(config_check, timeout_ms),
          BETWEEN(10 * MS, MINUTE),
          .fallback = "1s" },
        { .name = "failures", .kind = VALUE_NUMBER, AT(config_check, failures), BETWEEN(1, 100), .fallback = "3" },
};

static const struct config_key limits_keys[] = {
        { .name = "drain",
          .kind = VALUE_DURATION,
          AT(config_limits, drain_ms),
          BETWEEN(SECOND, DAY),
          .fallback = "5m" },
        { .name = "hold_down",
          .kind = VALUE_DURATION,
          AT(config_limits, hold_down_ms),
          BETWEEN(SECOND, DAY),
          .fallback = "5m" },
        { .name = "flips", .kind = VALUE_NUMBER, AT(config_limits, flips), BETWEEN(1, 100), .fallback = "2" },
        { .name = "flips_window",
          .kind = VALUE_DURATION,
          AT(config_limits, flips_window_ms),
          BETWEEN(MINUTE, 30 * DAY),
          .fallback = "24h" },
        { .name = "lease_self",
          .kind = VALUE_DURATION,
          AT(config_limits, lease_self_ms),
          BETWEEN(50 * MS, MINUTE),
          .fallback = "200ms" },
        { .name = "lease_take",
          .kind = VALUE_DURATION,
          AT(config_limits, lease_take_ms),
          BETWEEN(60 * MS, 2 * MINUTE),
          .fallback = "300ms" },
        { .name = "verified",
          .kind = VALUE_DURATION,
          AT(config_limits, verified_ms),
          BETWEEN(MINUTE, 30 * DAY),
          .fallback = "2h" },
        { .name = "clock_skew",
          .kind = VALUE_DURATION,
          AT(config_limits, clock_skew_ms),
          BETWEEN(10 * MS, HOUR),
          .fallback = "2s" },
};

static const struct config_key on_tamper_keys[] = {
        { .name = "planned", .kind = VALUE_WORD, AT(config_on_tamper, planned), .words = tamper, .fallback = "heal" },
        { .name = "failover",
          .kind = VALUE_WORD,
          AT(config_on_tamper, failover),
          .words = tamper,
          .fallback = "refuse" },
};

static const struct config_key repository_keys[] = {
        { .name = "url", .kind = VALUE_REPOSITORY, .required = true, AT(config_repository, url) },
        { .name = "pub", .kind = VALUE_PATH, .required = true, AT(config_repository, pub) },
};

static const struct config_key etcd_keys[] = {
        { .name = "endpoints",
          .kind = VALUE_URL,
          .required = true,
          LIST(config_etcd, endpoints),
          .example = "endpoints = {\"http://192.0.2.21:2379\"}" },
        { .name = "ca", .kind = VALUE_PATH, AT(config_etcd, ca) },
        { .name = "cert", .kind = VALUE_PATH, AT(config_etcd, cert) },
        { .name = "key", .kind = VALUE_PATH, AT(config_etcd, key) },
        { .name = "lease",
          .kind = VALUE_DURATION,
          AT(config_etcd, lease_ms),
          BETWEEN(2 * SECOND, MINUTE),
          .fallback = "5s" },
};

static const struct config_key clickhouse_keys[] = {
        { .name = "database", .kind = VALUE_NAME, AT(config_clickhouse, database), .fallback = "understudy" },
        { .name = "deadline",
          .kind = VALUE_DURATION,
          AT(config_clickhouse, deadline_ms),
          BETWEEN(100 * MS, 10 * MINUTE),
          .fallback = "5s" },
        { .name = "unproven",
          .kind = VALUE_WORD,
          AT(config_clickhouse, unproven),
          .words = unproven,
          .fallback = "left_out" },
        { .name = "salts", .kind = VALUE_NAME, AT(config_clickhouse, salts) },
};

static const struct config_key shard_keys[] = {
        { .name = "url", .kind = VALUE_URL, .required = true, AT(config_shard, url) },
        { .name = "user", .kind = VALUE_TEXT, AT(config_shard, user) },
        { .name = "password_file", .kind = VALUE_PATH, AT(config_shard, password_file) },
        { .name = "script", .kind = VALUE_URL, AT(config_shard, script) },
};

#define KEYS(array) .keys = (array), .key_count = LENGTH(array)
#define ONE(member, optional)                                                                                          \
        .offset = offsetof(struct config, member), .size = sizeof(((struct config *)NULL)->member),                    \
        .present_offset = (optional)
#define MANY(member, count)                                                                                            \
        .offset = offsetof(struct config, member), .size = sizeof(((struct config *)NULL)->member[0]),                 \
        .count_offset = offsetof(struct config, count), .present_offset = SIZE_MAX,                                    \
        .items_maximum = LENGTH(((struct config *)NULL)->member)

const struct config_section config_sections[] = {
        { .name = "", KEYS(site_keys), .size = sizeof(struct config), .present_offset = SIZE_MAX },
        { .name = "server", KEYS(server_keys), MANY(servers, server_count) },
        { .name = "move", KEYS(move_keys), ONE(move, SIZE_MAX) },
        { .name = "service", KEYS(service_keys), ONE(service, offsetof(struct config_service, present)) },
        { .name = "dns", KEYS(dns_keys), ONE(dns, offsetof(struct config_dns, present)) },
        { .name = "exec", KEYS(exec_keys), ONE(exec, offsetof(struct config_exec, present)) },
        { .name = "database", KEYS(database_keys), ONE(database, offsetof(struct config_database, present)) },
        { .name = "filter", KEYS(filter_keys), ONE(filter, offsetof(struct config_filter, present)) },
        { .name = "check", KEYS(check_keys), MANY(checks, check_count) },
        { .name = "limits", KEYS(limits_keys), ONE(limits, SIZE_MAX) },
        { .name = "on_tamper", KEYS(on_tamper_keys), ONE(on_tamper, SIZE_MAX) },
        { .name = "repository", KEYS(repository_keys), ONE(repository, offsetof(struct config_repository, present)) },
        { .name = "coordination", .present_offset = SIZE_MAX },
        { .name = "etcd", .inside = "coordination", KEYS(etcd_keys), ONE(etcd, offsetof(struct config_etcd, present)) },
        { .name = "analyze", .present_offset = SIZE_MAX },
        { .name = "clickhouse",
          .inside = "analyze",
          KEYS(clickhouse_keys),
          ONE(clickhouse, offsetof(struct config_clickhouse, present)) },
        { .name = "shard", .inside = "clickhouse", KEYS(shard_keys), MANY(shards, shard_count) },
};
const size_t config_section_count = LENGTH(config_sections);

const struct config_section *config_section_find(const char *name)
{
        for (size_t i = 0; i < config_section_count; i++)
                if (text_equal(config_sections[i].name, name))
                        return &config_sections[i];
        return NULL;
}

const struct config_key *config_key_find(const struct config_section *section, const char *name)
{
        for (size_t i = 0; i < section->key_count; i++)
                if (text_equal(section->keys[i].name, name))
                        return &section->keys[i];
        return NULL;
}
