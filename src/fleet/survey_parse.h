/*
 * survey_parse.h - other programs' files and answers as members of facts (facts.h). Pure; fuzzed, for the files belong
 * to users and to other programs.
 *
 * Each function adds objects to a list, FACTS_MEMBERS at the most, and leaves out what it does not understand: what a
 * server does not say is not known, and the rules count that against it.
 */
#ifndef FLEET_SURVEY_PARSE_H
#define FLEET_SURVEY_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* Appends an object or text; takes the reference. false when the list is full. */
bool survey_add(json_t *list, json_t *value);

/* A text of FACTS_TEXT bytes at the most, what is not printable as \ooo. */
json_t *survey_text(const char *text, size_t length);

/* The next word of a line, quotes kept together; false at the end. */
bool survey_word(const char **at, const char *end, const char **ret_word, size_t *ret_length);

/* What `dpkg --verify` printed (dpkg(1)): adds "PATH: content" or "PATH: missing" to `files`, which holds the first of
 * them, and returns how many there are. Configuration files are meant to be changed and don't count. */
int64_t survey_dpkg_verify(const char *text, size_t length, json_t *files);

/* authorized_keys(5) of sshd(8): {"user", "fingerprint", "comment", "forced", "seen"}. */
void survey_authorized_keys(const char *text, size_t length, const char *user, int64_t seen, json_t *keys);

/* "SHA256:..." of a public key "TYPE BASE64 ...", as ssh-keygen -l prints it; NULL: it is none. A new reference. */
json_t *survey_fingerprint(const char *line, size_t length);

/* /proc/net/tcp, tcp6, udp, udp6 (proc(5)): what listens. */
void survey_sockets(const char *text, size_t length, const char *protocol, json_t *listening);

/* ---- survey_names.c: the addresses that are named by what a server runs ---- */

/* nginx.conf: servers of upstream blocks, and what proxy_pass and its like name, {"source": "upstream", ...}. Names of
 * upstream blocks go to `upstreams`, a list of texts: survey_drop_upstreams() takes them out of `names` at the end. */
void survey_nginx(const char *text, size_t length, const char *path, json_t *names, json_t *upstreams);
void survey_drop_upstreams(json_t *names, const json_t *upstreams);

/* pg_hba.conf: whom the database lets in, {"source": "database", ...}. */
void survey_hba(const char *text, size_t length, const char *path, json_t *names);

/* An account of MariaDB, 'user'@'host': whom it lets in, {"source": "database", ...}. A host may be an address, one with a
 * netmask, a name, or a pattern with % and _ ("Account Names" in MariaDB's manual), which is a network: the smallest that
 * has all of it, by whole numbers between dots. */
void survey_mariadb(const char *user, const char *host, json_t *names);

/* `nft --json list ruleset` (libnftables-json(5)): the addresses of rules that accept, {"source": "filter", ...}. */
void survey_nftables(const json_t *ruleset, json_t *names);

#endif
