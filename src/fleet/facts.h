/*
 * facts.h - what an agent says of its server (the verb `inventory`), as data. Pure; fuzzed: a server that an intruder
 * has taken says what he wants, so it is limited here, and every text is printable or written with \ooo.
 *
 *     {"build": {"name": "house-3", "os": "Debian GNU/Linux 12 (bookworm)"},
 *      "packages": {"count": 312, "digest": "HEX", "verified": true, "altered": 1, "files": ["/usr/sbin/nginx:
 * content"]}, "host_keys": ["SHA256:..."], "addresses": ["192.0.2.11"], "users": [{"name": "root", "uid": 0,
 * "password_set": 1230768000}], "keys": [{"user": "root", "fingerprint": "SHA256:...", "comment": "ops", "forced":
 * true, "seen": 1230768000}], "listening": [{"protocol": "tcp", "address": "0.0.0.0", "port": 80}], "names":
 * [{"source": "upstream", "where": "/etc/nginx/nginx.conf:12", "address": "192.0.2.12"}], "trees": [{"dest":
 * "/var/www/html", "eligible": true, "verified": 1246870800}], "problems": ["cannot read /etc/nginx"]}
 *
 * Times are seconds since 1970. What is missing was not looked at, and counts as not known.
 */
#ifndef FLEET_FACTS_H
#define FLEET_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"

#define FACTS_BYTES   (256U << 10) /* of the JSON */
#define FACTS_TEXT    500          /* bytes of one text */
#define FACTS_MEMBERS 1000         /* of one list; a server with more has something to explain */

/* Texts are borrowed from `json`. */
struct facts_user {
        const char *name;
        int64_t uid, password_set; /* when the password was set; 0: it has none */
};
struct facts_key {
        const char *user, *fingerprint, *comment;
        int64_t seen; /* the age of the file that it stands in: at least that is what the server says */
        bool forced;  /* bound to one command */
};
struct facts_port {
        const char *protocol, *address;
        int64_t port;
};
struct facts_name {
        const char *source; /* dns, upstream, database, filter */
        const char *where;
        const char *address; /* an address, a network "192.0.2.0/24", or a host's name */
};
struct facts_tree {
        const char *dest;
        bool eligible;
        int64_t verified; /* 0: never */
};

struct facts {
        json_t *json;           /* owned */
        const char *build, *os; /* "": not said */
        const char *packages;   /* digest of the list of them; "": not known */
        bool packages_verified;
        int64_t altered;
        const char **altered_files, **host_keys, **addresses, **problems;
        struct facts_user *users;
        struct facts_key *keys;
        struct facts_port *ports;
        struct facts_name *names;
        struct facts_tree *trees;
        size_t altered_file_count, host_key_count, address_count, problem_count, user_count, key_count, port_count,
                name_count, tree_count;
};

/* Takes a reference of its own. -EBADMSG with words: no such object, a member of another type, a text that is not
 * printable or too long, a list that is too long. */
int facts_parse(json_t *json, struct facts *ret_facts, struct error *err);

/* The same from text, at most FACTS_BYTES. */
int facts_read(const char *text, size_t length, struct facts *ret_facts, struct error *err);
void facts_done(struct facts *facts);

/* Whether visitors can come to one of these ports: it is open at an address other than loopback's. */
bool facts_listens(const struct facts *facts, const uint64_t *ports, size_t count);

#endif
