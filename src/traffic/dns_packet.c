/* dns_packet.c - updates, queries and what comes back, as packets: by ldns. */
#include "dns_private.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

#define FUDGE_SECONDS 300 /* how far the clocks may be apart (RFC 8945 10) */

/* RFC 8945 5.2: why a request's TSIG was not accepted. */
#define TSIG_BADSIG  16
#define TSIG_BADKEY  17
#define TSIG_BADTIME 18
#define TSIG_FIELDS  7
#define TSIG_MAC     3
#define TSIG_ERROR   5

struct dns_request {
        ldns_pkt *packet; /* with its TSIG, whose MAC the answer's covers */
        uint8_t *bytes;
        size_t length;
};

static void name_freep(ldns_rdf **name)
{
        ldns_rdf_deep_free(*name);
}

static void list_freep(ldns_rr_list **list)
{
        ldns_rr_list_deep_free(*list);
}

static void packet_freep(ldns_pkt **packet)
{
        ldns_pkt_free(*packet);
}

void dns_request_free(struct dns_request *request)
{
        if (!request)
                return;
        ldns_pkt_free(request->packet);
        free(request->bytes);
        free(request);
}

void dns_request_freep(struct dns_request **request)
{
        dns_request_free(*request);
}

const uint8_t *dns_request_bytes(const struct dns_request *request, size_t *ret_length)
{
        *ret_length = request->length;
        return request->bytes;
}

/* A name from the configuration; NULL with words when it is none. */
static ldns_rdf *name_new(const char *text, struct error *err)
{
        ldns_rdf *name = strlen(text) < DNS_NAME_SIZE ? ldns_dname_new_frm_str(text) : NULL;

        if (!name)
                error_usage(err, _("%s is not a name that DNS can have"), text);
        return name;
}

static ldns_rr_type type_of(int family)
{
        return family == AF_INET ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA;
}

/* One record; a NULL value makes one without data, which in an update means the whole set (RFC 2136 2.5.2). */
static ldns_rr *record_new(const struct dns_records *records, const ldns_rdf *name, const struct peer_address *value,
                           uint32_t ttl)
{
        bool four = records->family == AF_INET;
        ldns_rr *record = ldns_rr_new();
        ldns_rdf *data;

        if (!record)
                return NULL;
        ldns_rr_set_owner(record, ldns_rdf_clone(name));
        ldns_rr_set_type(record, type_of(records->family));
        ldns_rr_set_class(record, value ? LDNS_RR_CLASS_IN : LDNS_RR_CLASS_ANY);
        ldns_rr_set_ttl(record, ttl);
        if (!value)
                return record;
        data = ldns_rdf_new_frm_data(four ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA, four ? 4 : 16, value->bytes);
        if (!data || !ldns_rr_push_rdf(record, data)) {
                ldns_rdf_deep_free(data);
                ldns_rr_free(record);
                return NULL;
        }
        return record;
}

static int push(ldns_rr_list *list, ldns_rr *record)
{
        if (record && ldns_rr_list_push_rr(list, record))
                return 0;
        ldns_rr_free(record);
        return -ENOMEM;
}

/* The old values as prerequisite (class IN, TTL 0); then: delete the set, add the new values. */
static int fill(ldns_rr_list *before, ldns_rr_list *after, const ldns_rdf *name, const struct dns_records *old,
                const struct dns_records *new)
{
        int r = before && after ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < old->count; i++)
                r = push(before, record_new(old, name, &old->values[i], 0));
        if (r == 0)
                r = push(after, record_new(new, name, NULL, 0));
        for (size_t i = 0; r == 0 && i < new->count; i++)
                r = push(after, record_new(new, name, &new->values[i], new->ttl));
        return r;
}

static int check_key(const struct dns_key *key, struct error *err)
{
        static const char *const algorithms[] = { "hmac-sha256", "hmac-sha512", "hmac-sha1" };
        uint8_t secret[512];
        size_t length = 0;
        bool known = false;

        for (size_t i = 0; i < LENGTH(algorithms); i++)
                known = known || text_equal(key->algorithm, algorithms[i]);
        if (!known)
                return error_usage(err, _("%s is not an algorithm for the key of DNS updates; write hmac-sha256"),
                                   key->algorithm);
        if (text_unbase64(key->secret, strlen(key->secret), secret, sizeof(secret), &length) < 0 || length == 0)
                return error_usage(err, _("the secret of the DNS key %s is not base64"), key->name);
        memory_wipe(secret, sizeof(secret));
        return 0;
}

static int sign(ldns_pkt *packet, const struct dns_key *key, struct error *err)
{
        char algorithm[32];
        ldns_status status;

        snprintf(algorithm, sizeof(algorithm), "%s.", key->algorithm);
        status = ldns_pkt_tsig_sign(packet, key->name, key->secret, FUDGE_SECONDS, algorithm, NULL);
        if (status != LDNS_STATUS_OK || !ldns_pkt_tsig(packet))
                return error_set(err, -EINVAL, _("cannot sign a DNS update with the key %s (%s): %s"), key->name,
                                 key->algorithm, ldns_get_errorstr_by_id(status));
        return 0;
}

static int random_id(uint16_t *ret_id, struct error *err)
{
        if (getrandom(ret_id, sizeof(*ret_id), 0) != sizeof(*ret_id))
                return error_errno(err, errno, _("cannot get random bytes from the system"));
        return 0;
}

static int build(const struct dns_zone *zone, const struct dns_records *old, const struct dns_records *new,
                 ldns_pkt **ret_packet, struct error *err)
{
        _cleanup_(name_freep) ldns_rdf *name = name_new(new->name, err),
                                       *origin = name ? name_new(zone->name, err) : NULL;
        _cleanup_(list_freep) ldns_rr_list *before = ldns_rr_list_new(), *after = ldns_rr_list_new();
        _cleanup_(packet_freep) ldns_pkt *packet = NULL;
        uint16_t id = 0;
        int r;

        if (!name || !origin)
                return -EINVAL;
        if (!ldns_dname_is_subdomain(name, origin) && ldns_dname_compare(name, origin) != 0)
                return error_usage(err, _("%s is not in the zone %s"), new->name, zone->name);
        if (fill(before, after, name, old, new) < 0)
                return error_memory(err);
        packet = ldns_update_pkt_new(origin, LDNS_RR_CLASS_IN, before, after, NULL);
        if (!packet)
                return error_memory(err);
        origin = NULL; /* the packet's now */
        r = random_id(&id, err);
        if (r < 0)
                return r;
        ldns_pkt_set_id(packet, id);
        ldns_pkt_set_rd(packet, false);
        r = sign(packet, &zone->key, err);
        if (r < 0)
                return r;
        *ret_packet = packet;
        packet = NULL;
        return 0;
}

int dns_request_new(const struct dns_zone *zone, const struct dns_records *old, const struct dns_records *new,
                    struct dns_request **ret_request, struct error *err)
{
        _cleanup_(dns_request_freep) struct dns_request *request = memory_new(1, sizeof(*request));
        int r;

        if (!request)
                return error_memory(err);
        /* Without values the prerequisite would be none, and the update would no longer compare. */
        if (old->count == 0 || new->count == 0 || old->family != new->family || !text_equal(old->name, new->name))
                return error_usage(err, _("a DNS update needs the old and the new addresses of one name, of one kind"));
        r = check_key(&zone->key, err);
        if (r == 0)
                r = build(zone, old, new, &request->packet, err);
        if (r < 0)
                return r;
        if (ldns_pkt2wire(&request->bytes, request->packet, &request->length) != LDNS_STATUS_OK)
                return error_memory(err);
        *ret_request = request;
        request = NULL;
        return 0;
}

/* ---------------------------------------------------------------- the answer to an update */

/* The answer's TSIG, whole; NULL when it has none (ldns takes one without data, too). */
static ldns_rr *tsig_of(const ldns_pkt *packet)
{
        ldns_rr *tsig = ldns_pkt_tsig(packet);

        return tsig && ldns_rr_rd_count(tsig) == TSIG_FIELDS ? tsig : NULL;
}

static bool is_signed(const struct dns_request *request, const struct dns_key *key, ldns_pkt *answer,
                      const uint8_t *bytes, size_t length)
{
        ldns_rdf *mac = ldns_rr_rdf(ldns_pkt_tsig(request->packet), TSIG_MAC);
        ldns_rr *tsig = tsig_of(answer);
        bool good = tsig && ldns_pkt_tsig_verify(answer, bytes, length, key->name, key->secret, mac);

        /* ldns takes it out of the packet meanwhile, and not every way out of there puts it back. */
        if (tsig)
                ldns_pkt_set_tsig(answer, tsig);
        return good;
}

static enum dns_result denied(const struct dns_zone *zone, const ldns_pkt *answer, struct error *err)
{
        const ldns_rr *tsig = tsig_of(answer);
        uint16_t why = tsig ? ldns_rdf2native_int16(ldns_rr_rdf(tsig, TSIG_ERROR)) : 0;
        _cleanup_(memory_freep) char *rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(answer));

        if (why == TSIG_BADKEY)
                error_set(err, -EACCES,
                          _("the DNS server of %s does not take the key %s: it does not know it, or the key may not "
                            "change this name (BADKEY)"),
                          zone->name, zone->key.name);
        else if (why == TSIG_BADSIG)
                error_set(err, -EACCES,
                          _("the DNS server of %s has another secret or algorithm for the key %s (BADSIG)"), zone->name,
                          zone->key.name);
        else if (why == TSIG_BADTIME)
                error_set(err, -EACCES,
                          _("the clocks of this machine and of the DNS server of %s are more than %d seconds apart "
                            "(BADTIME)"),
                          zone->name, FUDGE_SECONDS);
        else
                error_set(err, -EACCES,
                          _("the DNS server of %s refuses the update (%s); see that its key %s may change this name"),
                          zone->name, rcode ? rcode : "?", zone->key.name);
        return DNS_DENIED;
}

static enum dns_result read_rcode(const struct dns_zone *zone, const ldns_pkt *answer, struct error *err)
{
        switch (ldns_pkt_get_rcode(answer)) {
        case LDNS_RCODE_NOERROR: return DNS_APPLIED;
        case LDNS_RCODE_NXDOMAIN:
        case LDNS_RCODE_YXDOMAIN:
        case LDNS_RCODE_YXRRSET:
        case LDNS_RCODE_NXRRSET:
                error_set(err, -ESTALE, _("the name in the zone %s does not have the addresses that it had before"),
                          zone->name);
                return DNS_NOT_AS_OLD;
        default: return denied(zone, answer, err);
        }
}

enum dns_result dns_request_read(const struct dns_request *request, const struct dns_zone *zone, const uint8_t *bytes,
                                 size_t length, struct error *err)
{
        _cleanup_(packet_freep) ldns_pkt *answer = NULL;

        if (ldns_wire2pkt(&answer, bytes, length) != LDNS_STATUS_OK || !ldns_pkt_qr(answer) ||
            ldns_pkt_id(answer) != ldns_pkt_id(request->packet) || ldns_pkt_get_opcode(answer) != LDNS_PACKET_UPDATE) {
                error_set(err, -EBADMSG, _("what the DNS server of %s answered to an update is no answer to it"),
                          zone->name);
                return DNS_NOT_KNOWN;
        }
        if (is_signed(request, &zone->key, answer, bytes, length))
                return read_rcode(zone, answer, err);
        /* Who does not know the key cannot sign with it: a refusal comes without. A success does not. */
        if (ldns_pkt_get_rcode(answer) != LDNS_RCODE_NOERROR)
                return denied(zone, answer, err);
        error_set(err, -EBADMSG, _("the answer of the DNS server of %s is not signed by the key %s"), zone->name,
                  zone->key.name);
        return DNS_NOT_KNOWN;
}

/* ---------------------------------------------------------------- plain queries */

int dns_query_make(uint16_t id, const char *name, int family, uint8_t packet[static DNS_QUERY_MAXIMUM],
                   struct error *err)
{
        _cleanup_(memory_freep) uint8_t *bytes = NULL;
        _cleanup_(packet_freep) ldns_pkt *query = NULL;
        ldns_rdf *owner = name_new(name, err);
        size_t length = 0;

        if (!owner)
                return -EINVAL;
        query = ldns_pkt_query_new(owner, type_of(family), LDNS_RR_CLASS_IN, 0);
        if (!query) {
                ldns_rdf_deep_free(owner);
                return error_memory(err);
        }
        ldns_pkt_set_id(query, id);
        if (ldns_pkt2wire(&bytes, query, &length) != LDNS_STATUS_OK || length > DNS_QUERY_MAXIMUM)
                return error_memory(err);
        memcpy(packet, bytes, length);
        return (int)length;
}

static bool is_answer_to(const ldns_pkt *answer, uint16_t id, const ldns_rdf *name, ldns_rr_type type)
{
        const ldns_rr *question;

        if (!ldns_pkt_qr(answer) || ldns_pkt_id(answer) != id || ldns_pkt_get_opcode(answer) != LDNS_PACKET_QUERY ||
            ldns_rr_list_rr_count(ldns_pkt_question(answer)) != 1)
                return false;
        question = ldns_rr_list_rr(ldns_pkt_question(answer), 0);
        return ldns_rr_get_type(question) == type && ldns_rr_get_class(question) == LDNS_RR_CLASS_IN &&
               ldns_dname_compare(ldns_rr_owner(question), name) == 0;
}

static int collect(const ldns_pkt *answer, const ldns_rdf *name, struct dns_records *records, struct error *err)
{
        size_t size = records->family == AF_INET ? 4 : 16;
        const ldns_rr_list *list = ldns_pkt_answer(answer);

        for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
                const ldns_rr *one = ldns_rr_list_rr(list, i);
                const ldns_rdf *data = ldns_rr_rd_count(one) == 1 ? ldns_rr_rdf(one, 0) : NULL;

                if (ldns_rr_get_type(one) != type_of(records->family) || ldns_rr_get_class(one) != LDNS_RR_CLASS_IN ||
                    ldns_dname_compare(ldns_rr_owner(one), name) != 0 || !data || ldns_rdf_size(data) != size)
                        continue;
                if (records->count == DNS_VALUES)
                        return error_set(err, -E2BIG, _("%s has more than %d addresses"), records->name, DNS_VALUES);
                records->values[records->count].family = records->family;
                memcpy(records->values[records->count].bytes, ldns_rdf_data(data), size);
                records->ttl = ldns_rr_ttl(one);
                records->count++;
        }
        return 0;
}

int dns_answer_read(const uint8_t *bytes, size_t length, uint16_t id, const char *name, int family,
                    struct dns_records *ret_records, struct error *err)
{
        struct dns_records records = { .family = family };
        _cleanup_(packet_freep) ldns_pkt *answer = NULL;
        _cleanup_(name_freep) ldns_rdf *owner = name_new(name, err);
        ldns_pkt_rcode rcode;
        int r;

        if (!owner)
                return -EINVAL;
        if (ldns_wire2pkt(&answer, bytes, length) != LDNS_STATUS_OK ||
            !is_answer_to(answer, id, owner, type_of(family)))
                return -EBADMSG;
        if (ldns_pkt_tc(answer))
                return 1;
        rcode = ldns_pkt_get_rcode(answer);
        if ((rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) || !ldns_pkt_aa(answer)) {
                _cleanup_(memory_freep) char *text = ldns_pkt_rcode2str(rcode);

                if (rcode == LDNS_RCODE_NOERROR)
                        return error_set(err, -EPERM, _("the DNS server does not answer for %s: it is not authoritative"),
                                         name);
                return error_set(err, -EPERM, _("the DNS server does not answer for %s: %s"), name, text ? text : "?");
        }
        memcpy(records.name, name, strlen(name));
        r = collect(answer, owner, &records, err);
        if (r == 0)
                *ret_records = records;
        return r;
}
