/* dns_private.h - within dns: packets (dns_packet.c), sockets (dns_exchange.c), what is done with them (dns.c). */
#ifndef TRAFFIC_DNS_PRIVATE_H
#define TRAFFIC_DNS_PRIVATE_H

#include "dns.h"

#define DNS_PACKET_MAXIMUM 65535

/* ---------------------------------------------------------------- packets */

/* An update that was made, with what is needed to believe its answer. */
struct dns_request;
void dns_request_free(struct dns_request *request);
void dns_request_freep(struct dns_request **request);

/* Makes a signed update; the words are about a name or key that cannot be used. */
int dns_request_new(const struct dns_zone *zone, const struct dns_records *old, const struct dns_records *new,
                    struct dns_request **ret_request, struct error *err);

/* Its bytes; borrowed. */
const uint8_t *dns_request_bytes(const struct dns_request *request, size_t *ret_length);

/* What an answer to it says. */
enum dns_result dns_request_read(const struct dns_request *request, const struct dns_zone *zone, const uint8_t *bytes,
                                 size_t length, struct error *err);

/* A plain query into `packet`; returns its length, or a negative errno. */
#define DNS_QUERY_MAXIMUM 512
int dns_query_make(uint16_t id, const char *name, int family, uint8_t packet[static DNS_QUERY_MAXIMUM],
                   struct error *err);

/*
 * An answer to it: 0 with *ret_records, 1 when it is cut short (ask by TCP), -EBADMSG when it is none to this query (go
 * on waiting), -EPERM when the server says no or is not authoritative.
 */
int dns_answer_read(const uint8_t *bytes, size_t length, uint16_t id, const char *name, int family,
                    struct dns_records *ret_records, struct error *err);

/* ---------------------------------------------------------------- sockets */

/* A connection to the server, by the deadline of clock_monotonic_ms(); the descriptor, or a negative errno. */
int dns_connect(const struct dns_server *server, int type, int64_t deadline);

/* One message each way over TCP (RFC 1035 4.2.2). *ret_sent says whether all of it was handed to the system: if not,
 * the server cannot have acted on it. */
int dns_exchange_tcp(const struct dns_server *server, const uint8_t *request, size_t length, int64_t deadline,
                     struct buffer *answer, bool *ret_sent);

#endif
