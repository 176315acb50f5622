/*
 * dns.h - moving a name: RFC 2136 updates signed by TSIG (RFC 8945), and what the authoritative servers really answer.
 *
 * An update is compare-and-set: it carries the old records as a prerequisite ("RRset exists, value dependent", RFC 2136
 * 2.4.2), so that it does nothing when somebody else changed the name meanwhile; sent twice, it is done once.
 *
 * An answer that does not come proves nothing: the update may have been applied, may be applied yet, or was lost. Then
 * the primary is asked what it has, and only if that is still the old value is the update sent again. What an update's
 * answer says is believed only if it is signed; and even then the name is read back by plain queries, from every
 * authoritative server, for visitors ask any of them.
 *
 * Parses what DNS servers send: for a process without rights on the machine.
 *
 *     r = dns_change(&zone, &old, &new, 5000, &error);             done and read back from the primary
 *     r = dns_wait(&zone, &new, 30000, seen, &behind, &error);     behind: how many of zone.servers are not there yet
 *     r = dns_change(&zone, &new, &old, 5000, &error);             its undo
 */
#ifndef TRAFFIC_DNS_H
#define TRAFFIC_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "peer.h"

#define DNS_NAME_SIZE 256
#define DNS_VALUES    16
#define DNS_SERVERS   16

/* The addresses of one name: all of type A or all of type AAAA. */
struct dns_records {
        char name[DNS_NAME_SIZE]; /* "www.example.org", with or without the last dot */
        int family;               /* AF_INET: A, AF_INET6: AAAA */
        uint32_t ttl;
        struct peer_address values[DNS_VALUES];
        size_t count;
};

/* Whether the same values, in whatever order; TTLs are compared apart. */
bool dns_same_values(const struct dns_records *a, const struct dns_records *b);
bool dns_same(const struct dns_records *a, const struct dns_records *b);

struct dns_server {
        struct peer_address address;
        uint16_t port; /* 0: 53 */
};

/* "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353". A usage error otherwise. */
int dns_server_parse(const char *text, struct dns_server *ret_server, struct error *err);

struct dns_key {
        const char *name;      /* "understudy.example.org" */
        const char *algorithm; /* "hmac-sha256" or "hmac-sha1" or "hmac-sha512", as far as ldns has it */
        const char *secret;    /* base64 */
};

struct dns_zone {
        const char *name;          /* "example.org" */
        struct dns_server primary; /* takes updates */
        struct dns_key key;
        const struct dns_server *servers; /* all that visitors' resolvers ask, at most DNS_SERVERS */
        size_t server_count;
};

enum dns_result {
        DNS_APPLIED,    /* a signed answer says so */
        DNS_NOT_AS_OLD, /* the prerequisite did not hold: the name has other values than `old` */
        DNS_DENIED,     /* the server says no: key, policy, zone */
        DNS_NOT_SENT,   /* the server was not reached: nothing was changed */
        DNS_NOT_KNOWN,  /* it was sent, and no answer came that could be believed */
};

/* One update: `old` becomes `new` (same name and type). 0 for DNS_APPLIED only, otherwise a negative errno with words;
 * *ret_result is always set. */
int dns_update(const struct dns_zone *zone, const struct dns_records *old, const struct dns_records *new,
               int timeout_ms, enum dns_result *ret_result, struct error *err);

/*
 * The same until it is known: observes after an answer that did not come, tries again where that is safe, and ends with
 * the primary showing `new`. Already being so is success. -EPERM with status 4: the name has values that are neither
 * the old nor the new ones; -ETIMEDOUT: it is not known whether it was changed, look again later.
 */
int dns_change(const struct dns_zone *zone, const struct dns_records *old, const struct dns_records *new,
               int timeout_ms, struct error *err);

/* Changes the TTL only, whatever the values are; *ret_before is what the primary had. */
int dns_set_ttl(const struct dns_zone *zone, const char *name, int family, uint32_t ttl, int timeout_ms,
                struct dns_records *ret_before, struct error *err);

/* What a server answers for a name, by a plain query. No such record is an answer: count 0. -EPERM: it is not
 * authoritative for the name, or says no. */
int dns_ask(const struct dns_server *server, const char *name, int family, int timeout_ms,
            struct dns_records *ret_records, struct error *err);

enum dns_seen {
        DNS_SEEN_SAME,
        DNS_SEEN_OTHER,  /* other values, or another TTL */
        DNS_SEEN_SILENT, /* no answer, or none that counts */
};

/* Asks all of zone->servers again and again until each of them shows `wanted`, or the time is over; `seen` has a place
 * for each. *ret_behind is how many do not show it; that is no failure of this call. */
int dns_wait(const struct dns_zone *zone, const struct dns_records *wanted, int timeout_ms, enum dns_seen *seen,
             size_t *ret_behind, struct error *err);

#endif
