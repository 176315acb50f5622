/*
 * config.h - the one file that describes a whole site, as an immutable structure.
 *
 * The file is libconfuse's syntax, narrowed to one spelling (scan.h); what may stand in it is the table in schema.c,
 * how single values are written is value.c, and what must fit together is rules.c. understudy.conf(5) is the manual,
 * data/site.conf the commented example; a test holds all three together.
 *
 * Reading has no effect but the structure: nothing is looked up, resolved or opened. Whether the file may be believed
 * (its signature) is decided by the caller before these bytes are acted upon. Not for several threads at once: the
 * library's lexer is one for the process.
 *
 *     _cleanup_(buffer_done) struct buffer problems = BUFFER_INIT(CONFIG_PROBLEMS_MAXIMUM);
 *     _cleanup_(config_freep) struct config *config = NULL;
 *     r = config_read("/etc/understudy/site.conf", &problems, &config, err);
 *     server = config_find_server(config, "web1");
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define CONFIG_FILE_MAXIMUM     (256U << 10) /* bytes */
#define CONFIG_PROBLEMS_MAXIMUM (64U << 10)  /* bytes of words about one file */
#define CONFIG_TEXT_MAXIMUM     1000         /* bytes of one value */

#define CONFIG_SERVERS_MAXIMUM   32
#define CONFIG_ADDRESSES_MAXIMUM 8
#define CONFIG_ROOTS_MAXIMUM     16
#define CONFIG_NAMES_MAXIMUM     64
#define CONFIG_CHECKS_MAXIMUM    16
#define CONFIG_PORTS_MAXIMUM     16
#define CONFIG_ALERTS_MAXIMUM    16
#define CONFIG_SHARDS_MAXIMUM    16

/* An address as it is written: "192.0.2.10", or with a prefix where the key asks for one: "192.0.2.10/24". */
#define CONFIG_ADDRESS_SIZE 64
struct config_address {
        int family;        /* AF_INET or AF_INET6 */
        uint8_t bytes[16]; /* network order; 4 or 16 of them count */
        uint8_t prefix;    /* 32 or 128 where none is written */
        char text[CONFIG_ADDRESS_SIZE];    /* the address alone, in its canonical form */
};

/* "NAME=DEST": a root of the release and where it lies on this server. */
struct config_root {
        char *name;
        char *dest;
};

/* A list of values has its members and their count side by side. */
struct config_addresses {
        struct config_address items[CONFIG_ADDRESSES_MAXIMUM];
        size_t count;
};
struct config_roots {
        struct config_root items[CONFIG_ROOTS_MAXIMUM];
        size_t count;
};
struct config_names {
        char *items[CONFIG_NAMES_MAXIMUM];
        size_t count;
};
struct config_ports {
        uint64_t items[CONFIG_PORTS_MAXIMUM];
        size_t count;
};
struct config_texts {
        char *items[CONFIG_ALERTS_MAXIMUM];
        size_t count;
};

enum config_role {
        CONFIG_ROLE_UNSAID, /* never after reading */
        CONFIG_PRODUCTION,
        CONFIG_STANDBY,
        CONFIG_DATABASE,
        CONFIG_ANALYSIS,
        CONFIG_PUBLISHER,
        CONFIG_CONTROLLER,
};

/* How a stand-by waits. */
enum config_rest { CONFIG_RUNNING, CONFIG_WEB_STOPPED, CONFIG_POWERED_OFF };

struct config_server {
        char *name; /* the section's title */
        int role;   /* enum config_role */
        char *ssh;  /* destination as ssh(1) takes it; NULL: no agent is there */
        struct config_addresses addresses; /* its own, not the service's */
        char *interface;                   /* that carries the service address; NULL: not said */
        struct config_roots roots;         /* the docroot among them */
        int standby_rest;                  /* enum config_rest */
        char *web_start, *web_stop, *web_reload, *web_check; /* commands for sh; NULL: not said */
        char *power_on;                                      /* run by the controller for a powered_off one */
};

/* What is moved: the service address from one server to the other, the names in DNS, or both; or whatever programs move. */
enum config_means { CONFIG_BY_ADDRESS = 1, CONFIG_BY_DNS = 2, CONFIG_BY_BOTH = 3, CONFIG_BY_EXEC = 4 };

struct config_move {
        int planned, failover; /* enum config_means: bits */
        int64_t carry_every_ms; /* between two batches of what is in mutable areas */
};

struct config_service {
        bool present;
        struct config_addresses addresses; /* with prefix */
        struct config_ports ports;
        int64_t announce_ms; /* how long to repeat gratuitous ARP and unsolicited NA */
};

enum config_dns_driver { CONFIG_DNS_RFC2136 };

struct config_dns {
        bool present;
        int driver;                      /* enum config_dns_driver */
        struct config_addresses servers; /* every authoritative one: all are read back, the first is updated */
        uint64_t port;
        char *zone;
        struct config_names names;
        uint64_t ttl, move_ttl; /* seconds: at rest, and before a move */
        int64_t settle_ms;      /* most time until every authoritative server shows a change */
        char *tsig_key;         /* file; NULL: none */
};

/* Two programs of the operator's, run by the controller: one leads visitors to a server, the other says to which they are led. */
struct config_exec {
        bool present;
        char *move, *look; /* commands for sh */
        int64_t timeout_ms; /* of one run */
        int64_t settle_ms;  /* most time until `look` sees what `move` did */
        uint64_t ttl;       /* seconds that visitors may still be led to the old one then */
};

enum config_database_kind { CONFIG_POSTGRESQL, CONFIG_MARIADB };

struct config_database {
        bool present;
        int kind;         /* enum config_database_kind */
        char *host;       /* name of a server of this file */
        uint64_t port;    /* 0 while reading: then the kind's own */
        char *connection; /* of the administrator, for that host's agent: libpq's or my.cnf's words */
        char *hba_file;   /* PostgreSQL's pg_hba.conf */
};

enum config_filter_driver { CONFIG_NFTABLES };

struct config_filter {
        bool present;
        int driver; /* enum config_filter_driver */
};

struct config_check {
        char *name;   /* the section's title */
        char *url;    /* its host is asked for by name; the connection goes to the server that is checked */
        char *expect; /* text that must be in the page; NULL: the status alone */
        uint64_t status;
        int64_t interval_ms, timeout_ms;
        uint64_t failures; /* in a row until it counts as failed */
};

struct config_limits {
        int64_t drain_ms;       /* most time for the old one's connections to end */
        int64_t hold_down_ms;   /* least time between two failovers */
        uint64_t flips;         /* most failovers ... */
        int64_t flips_window_ms;/* ... within this time */
        int64_t lease_self_ms;  /* T_self: without the arbiter for so long, a server drops the address by itself */
        int64_t lease_take_ms;  /* T_take: nobody may take the address sooner than so long after the last sign of life */
        int64_t verified_ms;    /* a stand-by that was not verified for so long is not eligible */
        int64_t clock_skew_ms;  /* most difference between two servers' clocks */
};

/* What happens when a stand-by, wanted on stage, is not genuine: it is not used, or pulled and verified first. */
enum config_tamper { CONFIG_REFUSE, CONFIG_HEAL };

struct config_on_tamper {
        int planned, failover; /* enum config_tamper */
};

struct config_repository {
        bool present;
        char *url;
        char *pub; /* file of the release key or the root key */
};

/* analyze { clickhouse { ... } }: the analysis servers that the events are spread over. */
struct config_clickhouse {
        bool present;
        char *database;
        int64_t deadline_ms; /* most time for the answer to a question */
        int unproven;        /* 1: servers that nobody vouches for take part as well */
        char *salts;         /* the server that makes the salts of visitors for all; NULL: each has its own */
};

struct config_shard {
        char *name;          /* the section's title */
        char *url;           /* of its HTTP interface */
        char *user;          /* NULL: ClickHouse's default */
        char *password_file; /* NULL: none */
        char *script;        /* where visitors get the tag's script from it, with "/" at its end; NULL: nowhere */
};

/* coordination { etcd { ... } }: several controllers, of which one at a time may move the site. */
struct config_etcd {
        bool present;
        struct config_texts endpoints; /* "http://192.0.2.21:2379": a client's URL of each member */
        char *ca, *cert, *key;         /* files, for https; NULL: the system's, none, none */
        int64_t lease_ms;              /* of the controller that may move; another one follows after so long */
};

struct config {
        char *site;
        uint64_t serial;  /* grows with each signed version of the file */
        char *ssh_config; /* for ssh -F; NULL: the user's own */
        struct config_server servers[CONFIG_SERVERS_MAXIMUM];
        size_t server_count;
        struct config_move move;
        struct config_service service;
        struct config_dns dns;
        struct config_exec exec;
        struct config_database database;
        struct config_filter filter;
        struct config_check checks[CONFIG_CHECKS_MAXIMUM];
        size_t check_count;
        struct config_limits limits;
        struct config_on_tamper on_tamper;
        struct config_repository repository;
        struct config_etcd etcd;
        struct config_clickhouse clickhouse;
        struct config_shard shards[CONFIG_SHARDS_MAXIMUM];
        size_t shard_count;
        struct config_texts alerts;   /* targets as `understudy alert` takes them */
        struct config_texts contacts; /* people, for words */
};

/*
 * Reads a file, or its text that the caller has already (`name` is for the words). -EINVAL (status 2) when there is
 * something wrong in it: then `problems` has a line "NAME:LINE: what is wrong; what to write instead" for each thing,
 * all that could be found in one run. After a mistake of the syntax the rest of the file is not looked at.
 */
int config_read(const char *path, struct buffer *problems, struct config **ret_config, struct error *err);
int config_parse(const char *text, size_t length, const char *name, struct buffer *problems,
                 struct config **ret_config, struct error *err);

void config_free(struct config *config);
void config_freep(struct config **config);

/* NULL when there is none. The first one of a role; production and database are one each. */
const struct config_server *config_find_server(const struct config *config, const char *name);
const struct config_server *config_first_of(const struct config *config, enum config_role role);

/* The folder of a root on a server, NULL when it has none; "docroot" is the site's own. */
const char *config_root_dest(const struct config_server *server, const char *root);

/* The word of the file for a role: "production". */
const char *config_role_name(enum config_role role);

#endif
