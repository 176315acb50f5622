#include "dns.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "dns_private.h"

#define TRIES       3   /* of an update of which it is not known whether it was applied */
#define AGAIN_MS    400 /* a query by UDP is repeated after that */
#define PAUSE_US    50000
#define ASK_MS      1500 /* for one look at one server, within a longer wait */
#define UDP_MAXIMUM 4096

/* ---------------------------------------------------------------- values */

static bool has(const struct dns_records *records, const struct peer_address *value)
{
        for (size_t i = 0; i < records->count; i++)
                if (peer_address_is(&records->values[i], value->family, value->bytes))
                        return true;
        return false;
}

bool dns_same_values(const struct dns_records *a, const struct dns_records *b)
{
        bool same = a->family == b->family;

        for (size_t i = 0; i < a->count; i++)
                same = same && has(b, &a->values[i]);
        for (size_t i = 0; i < b->count; i++)
                same = same && has(a, &b->values[i]);
        return same;
}

bool dns_same(const struct dns_records *a, const struct dns_records *b)
{
        return dns_same_values(a, b) && (a->ttl == b->ttl || a->count == 0);
}

int dns_server_parse(const char *text, struct dns_server *ret_server, struct error *err)
{
        const char *colon = strrchr(text, ':'), *begin = text, *end = text + strlen(text);
        struct dns_server server = { .port = 0 };
        char address[PEER_ADDRESS_TEXT] = "";
        uint64_t port = 0;
        bool has_port;

        if (*text == '[') {
                begin++;
                end = strchr(text, ']');
                has_port = end && end[1] == ':';
                if (!end || (!has_port && end[1] != '\0'))
                        return error_usage(err, _("%s is not the address of a DNS server; write [2001:db8::53]:5353"),
                                           text);
        } else {
                has_port = colon && strchr(text, ':') == colon;
                end = has_port ? colon : end;
        }
        if (has_port && (text_parse_u64(colon + 1, strlen(colon + 1), 65535, &port) < 0 || port == 0))
                return error_usage(err, _("%s is not the address of a DNS server; write 192.0.2.53:5353"), text);
        if ((size_t)(end - begin) < sizeof(address))
                memcpy(address, begin, (size_t)(end - begin));
        server.port = (uint16_t)port;
        if (peer_address_parse(address, &server.address, NULL) < 0)
                return error_usage(err, _("%s is not the address of a DNS server; write 192.0.2.53:5353"), text);
        *ret_server = server;
        return 0;
}

/* ---------------------------------------------------------------- asking */

static void server_text(const struct dns_server *server, char text[static PEER_ADDRESS_TEXT])
{
        peer_address_text(&server->address, text);
}

static int ask_tcp(const struct dns_server *server, const uint8_t *query, size_t length, int64_t deadline, uint16_t id,
                   struct dns_records *records, struct error *err)
{
        _cleanup_(buffer_done) struct buffer answer = BUFFER_INIT(DNS_PACKET_MAXIMUM);
        bool sent = false;
        int r = dns_exchange_tcp(server, query, length, deadline, &answer, &sent);

        if (r == 0)
                r = dns_answer_read((const uint8_t *)buffer_text(&answer), answer.length, id, records->name,
                                    records->family, records, err);
        return r == 1 ? -EBADMSG : r;
}

/* One datagram after another until one is the answer: others may be late ones, or forged. */
static int await(int fd, int64_t until, uint16_t id, struct dns_records *records, struct error *err)
{
        for (;;) {
                uint8_t answer[UDP_MAXIMUM];
                ssize_t n;
                int r;

                if (fd_wait(fd, POLLIN, until) < 0)
                        return -ETIMEDOUT;
                n = recv(fd, answer, sizeof(answer), 0);
                if (n < 0)
                        return errno == EAGAIN || errno == EINTR ? -ETIMEDOUT : -errno;
                r = dns_answer_read(answer, (size_t)n, id, records->name, records->family, records, err);
                if (r != -EBADMSG)
                        return r;
        }
}

static int ask(const struct dns_server *server, struct dns_records *records, int64_t deadline, struct error *err)
{
        _cleanup_(fd_closep) int fd = dns_connect(server, SOCK_DGRAM, deadline);
        uint8_t query[DNS_QUERY_MAXIMUM];
        uint16_t id = 0;
        int length, r;

        if (fd < 0)
                return fd;
        if (getrandom(&id, sizeof(id), 0) != sizeof(id))
                return -errno;
        length = dns_query_make(id, records->name, records->family, query, err);
        if (length < 0)
                return length;
        do {
                int64_t until = clock_monotonic_ms() + AGAIN_MS;

                if (send(fd, query, (size_t)length, 0) < 0)
                        r = -errno;
                else
                        r = await(fd, until < deadline ? until : deadline, id, records, err);
                if (r == 1)
                        return ask_tcp(server, query, (size_t)length, deadline, id, records, err);
                if (r < 0 && r != -ETIMEDOUT && r != -EPERM && r != -E2BIG && clock_monotonic_ms() < deadline) {
                        usleep(PAUSE_US); /* refused by the machine: the server may be starting */
                        r = -ETIMEDOUT;
                }
        } while (r == -ETIMEDOUT && clock_monotonic_ms() < deadline);
        return r;
}

int dns_ask(const struct dns_server *server, const char *name, int family, int timeout_ms,
            struct dns_records *ret_records, struct error *err)
{
        struct dns_records records = { .family = family };
        char text[PEER_ADDRESS_TEXT];
        struct error why = ERROR_NONE;
        int r;

        if (strlen(name) >= sizeof(records.name))
                return error_usage(err, _("%s is not a name that DNS can have"), name);
        memcpy(records.name, name, strlen(name));
        r = ask(server, &records, clock_monotonic_ms() + timeout_ms, &why);
        server_text(server, text);
        if (r < 0 && why.code == r) {
                if (err)
                        *err = why;
                return error_prefix(err, "%s", text);
        }
        if (r < 0)
                return error_errno(err, -r, _("cannot ask the DNS server %s for %s"), text, name);
        *ret_records = records;
        return 0;
}

/* ---------------------------------------------------------------- changing */

int dns_update(const struct dns_zone *zone, const struct dns_records *old, const struct dns_records *new,
               int timeout_ms, enum dns_result *ret_result, struct error *err)
{
        _cleanup_(dns_request_freep) struct dns_request *request = NULL;
        _cleanup_(buffer_done) struct buffer answer = BUFFER_INIT(DNS_PACKET_MAXIMUM);
        struct error why = ERROR_NONE;
        char text[PEER_ADDRESS_TEXT];
        const uint8_t *bytes;
        bool sent = false;
        size_t length;
        int r;

        *ret_result = DNS_NOT_SENT;
        r = dns_request_new(zone, old, new, &request, err);
        if (r < 0)
                return r;
        bytes = dns_request_bytes(request, &length);
        r = dns_exchange_tcp(&zone->primary, bytes, length, clock_monotonic_ms() + timeout_ms, &answer, &sent);
        server_text(&zone->primary, text);
        if (r < 0) {
                *ret_result = sent ? DNS_NOT_KNOWN : DNS_NOT_SENT;
                return error_errno(err, -r,
                                   sent ? _("the DNS server %s did not answer an update, which it may have made")
                                        : _("cannot send an update to the DNS server %s"),
                                   text);
        }
        *ret_result = dns_request_read(request, zone, (const uint8_t *)buffer_text(&answer), answer.length, &why);
        if (*ret_result != DNS_APPLIED && err)
                *err = why;
        return *ret_result == DNS_APPLIED ? 0 : why.code;
}

static int refuse_changed(const struct dns_zone *zone, const struct dns_records *now, struct error *err)
{
        char first[PEER_ADDRESS_TEXT] = "-";

        if (now->count > 0)
                peer_address_text(&now->values[0], first);
        return error_refuse(
                err,
                _("%s was not changed: somebody else changed it in the zone %s; it has %zu addresses now, the "
                  "first is %s"),
                now->name, zone->name, now->count, first);
}

/* After an update whose fate is not clear. 1: it is done; 0: the old values are there; else a negative errno with
 * words. */
static int observe(const struct dns_zone *zone, const struct dns_records *old, const struct dns_records *new,
                   int timeout_ms, struct error *err)
{
        struct dns_records now = { .count = 0 };
        struct error why = ERROR_NONE;

        if (dns_ask(&zone->primary, new->name, new->family, timeout_ms, &now, &why) < 0)
                return error_set(err, -ETIMEDOUT, _("it is not known whether %s was changed: %s; look again later"),
                                 new->name, why.text);
        if (dns_same(&now, new))
                return 1;
        if (dns_same_values(&now, old))
                return 0;
        return refuse_changed(zone, &now, err);
}

int dns_change(const struct dns_zone *zone, const struct dns_records *old, const struct dns_records *new,
               int timeout_ms, struct error *err)
{
        int64_t deadline = clock_monotonic_ms() + timeout_ms;
        struct error why = ERROR_NONE;
        int seen = 0, r = 0;

        for (int tries = 0; tries < TRIES; tries++) {
                int64_t left = deadline - clock_monotonic_ms();
                enum dns_result result;

                if (left <= 0)
                        break;
                r = dns_update(zone, old, new, (int)(left / (TRIES - tries)), &result, &why);
                if (result == DNS_NOT_SENT)
                        break; /* that alone is certain without a look */
                left = deadline - clock_monotonic_ms();
                seen = observe(zone, old, new, (int)(left > ASK_MS ? left : ASK_MS), err);
                if (seen != 0)
                        return seen > 0 ? 0 : seen;
                if (result == DNS_DENIED)
                        break;
                /* Still the old values: it was lost, or is on its way. Again is safe, for an update compares. */
                usleep(PAUSE_US);
        }
        if (r == 0)
                return error_set(err, -ETIMEDOUT,
                                 _("the DNS server says that it changed %s, but it still answers as before; look again "
                                   "later"),
                                 new->name);
        if (err)
                *err = why;
        return r;
}

int dns_set_ttl(const struct dns_zone *zone, const char *name, int family, uint32_t ttl, int timeout_ms,
                struct dns_records *ret_before, struct error *err)
{
        struct dns_records before, after;
        int r = dns_ask(&zone->primary, name, family, timeout_ms, &before, err);

        if (r < 0)
                return r;
        if (before.count == 0)
                return error_set(err, -ENOENT, _("%s has no addresses in the zone %s"), name, zone->name);
        after = before;
        after.ttl = ttl;
        if (!dns_same(&before, &after))
                r = dns_change(zone, &before, &after, timeout_ms, err);
        if (r == 0)
                *ret_before = before;
        return r;
}

int dns_wait(const struct dns_zone *zone, const struct dns_records *wanted, int timeout_ms, enum dns_seen *seen,
             size_t *ret_behind, struct error *err)
{
        int64_t deadline = clock_monotonic_ms() + timeout_ms;
        size_t behind;

        if (zone->server_count > DNS_SERVERS)
                return error_usage(err, _("the zone %s has more than %d name servers"), zone->name, DNS_SERVERS);
        for (size_t i = 0; i < zone->server_count; i++)
                seen[i] = DNS_SEEN_SILENT;
        do {
                behind = 0;
                for (size_t i = 0; i < zone->server_count; i++) {
                        struct dns_records now;
                        int64_t left = deadline - clock_monotonic_ms();
                        int patience = (int)(left > ASK_MS ? ASK_MS : left < AGAIN_MS ? AGAIN_MS : left);

                        if (seen[i] == DNS_SEEN_SAME)
                                continue;
                        if (dns_ask(&zone->servers[i], wanted->name, wanted->family, patience, &now, NULL) < 0)
                                seen[i] = DNS_SEEN_SILENT;
                        else
                                seen[i] = dns_same(&now, wanted) ? DNS_SEEN_SAME : DNS_SEEN_OTHER;
                        behind += seen[i] != DNS_SEEN_SAME;
                }
                if (behind > 0)
                        usleep(PAUSE_US);
        } while (behind > 0 && clock_monotonic_ms() < deadline);
        *ret_behind = behind;
        return 0;
}
