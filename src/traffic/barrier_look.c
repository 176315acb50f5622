/*
 * barrier_look.c - what the kernel has in force, asked for with netlink messages (linux/netfilter/nf_tables.h).
 *
 * Looked at are: the table, which must not be dormant; the chain's hook, priority and policy; both rules, as the names
 * of their expressions and the sets that they look into; the sets' elements, which must be ours and no others.
 */
#include "barrier.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "barrier_private.h"
#include "netlink.h"
#include "ruleset_look.h"

#define ELEMENTS (PEER_HOSTS * PEER_ADDRESSES)
#define RULES    2

/* An element of a set as the kernel has it: its key's bytes. */
struct element {
        uint8_t bytes[16];
        size_t length;
};

struct elements {
        size_t count;
        struct element list[ELEMENTS + 1];
};

struct seen {
        uint32_t table_flags;
        bool table, chain;
        uint32_t hook, policy;
        int32_t priority;
        size_t rules;
        bool rule_is_ours[RULES];
};

static int see_table(const struct nlmsghdr *message, void *context)
{
        struct seen *seen = context;

        seen->table = true;
        seen->table_flags = ruleset_number(ruleset_in_message(message, NFTA_TABLE_FLAGS), UINT32_MAX);
        return 0;
}

static int see_chain(const struct nlmsghdr *message, void *context)
{
        struct seen *seen = context;
        const struct nlattr *hook = ruleset_in_message(message, NFTA_CHAIN_HOOK);

        seen->chain = true;
        seen->hook = ruleset_number(ruleset_in_nest(hook, NFTA_HOOK_HOOKNUM), UINT32_MAX);
        seen->priority = (int32_t)ruleset_number(ruleset_in_nest(hook, NFTA_HOOK_PRIORITY), INT32_MAX);
        seen->policy = ruleset_number(ruleset_in_message(message, NFTA_CHAIN_POLICY), UINT32_MAX);
        return 0;
}

/* A rule is ours when it looks into the sets that it should and then rejects, with nothing unknown in between. */
static bool is_rule(const struct nlattr *expressions, const char *out)
{
        const char *const sets[] = { out, BARRIER_PORTS_SET };
        const struct nlattr *one;
        bool rejects = false;
        size_t lookups = 0;

        FOR_EACH_NESTED(one, expressions)
        {
                const struct nlattr *name = ruleset_in_nest(one, NFTA_EXPR_NAME), *data = ruleset_in_nest(one, NFTA_EXPR_DATA);

                if (rejects)
                        return false;
                if (ruleset_says(name, "lookup")) {
                        if (lookups == LENGTH(sets) || !ruleset_says(ruleset_in_nest(data, NFTA_LOOKUP_SET), sets[lookups]) ||
                            ruleset_number(ruleset_in_nest(data, NFTA_LOOKUP_FLAGS), 0) != 0)
                                return false;
                        lookups++;
                } else if (ruleset_says(name, "reject")) {
                        rejects = ruleset_number(ruleset_in_nest(data, NFTA_REJECT_TYPE), UINT32_MAX) == NFT_REJECT_TCP_RST;
                } else if (!ruleset_says(name, "meta") && !ruleset_says(name, "cmp") && !ruleset_says(name, "payload")) {
                        return false;
                }
        }
        return rejects && lookups == LENGTH(sets);
}

static int see_rule(const struct nlmsghdr *message, void *context)
{
        static const char *const out[RULES] = { BARRIER_OUT4, BARRIER_OUT6 };
        const struct nlattr *expressions = ruleset_in_message(message, NFTA_RULE_EXPRESSIONS);
        struct seen *seen = context;

        if (seen->rules < RULES && expressions)
                seen->rule_is_ours[seen->rules] = is_rule(expressions, out[seen->rules]);
        seen->rules++;
        return 0;
}

static int see_elements(const struct nlmsghdr *message, void *context)
{
        struct elements *elements = context;
        const struct nlattr *list = ruleset_in_message(message, NFTA_SET_ELEM_LIST_ELEMENTS), *one;

        if (!list)
                return 0;
        FOR_EACH_NESTED(one, list)
        {
                const struct nlattr *value = ruleset_in_nest(ruleset_in_nest(one, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
                struct element *to = &elements->list[elements->count];

                if (!value || mnl_attr_get_payload_len(value) > sizeof(to->bytes) || elements->count == ELEMENTS)
                        return -EBADMSG;
                to->length = mnl_attr_get_payload_len(value);
                memcpy(to->bytes, mnl_attr_get_payload(value), to->length);
                elements->count++;
        }
        return 0;
}

/* ---------------------------------------------------------------- asking */

static int look(struct netlink *netlink, struct seen *seen)
{
        char buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(8)));
        struct nlmsghdr *message = ruleset_ask(buffer, NFPROTO_INET, NFT_MSG_GETTABLE, 0);
        int r;

        mnl_attr_put_strz(message, NFTA_TABLE_NAME, BARRIER_TABLE);
        r = ruleset_nothing_is_fine(netlink_ask(netlink, message, see_table, seen));
        if (r < 0 || !seen->table)
                return r;
        message = ruleset_ask(buffer, NFPROTO_INET, NFT_MSG_GETCHAIN, 0);
        mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, BARRIER_TABLE);
        mnl_attr_put_strz(message, NFTA_CHAIN_NAME, BARRIER_CHAIN);
        r = ruleset_nothing_is_fine(netlink_ask(netlink, message, see_chain, seen));
        if (r < 0 || !seen->chain)
                return r;
        message = ruleset_ask(buffer, NFPROTO_INET, NFT_MSG_GETRULE, NLM_F_DUMP);
        mnl_attr_put_strz(message, NFTA_RULE_TABLE, BARRIER_TABLE);
        mnl_attr_put_strz(message, NFTA_RULE_CHAIN, BARRIER_CHAIN);
        return ruleset_nothing_is_fine(netlink_ask(netlink, message, see_rule, seen));
}

static int look_into(struct netlink *netlink, const char *set, struct elements *elements)
{
        char buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(8)));
        struct nlmsghdr *message = ruleset_ask(buffer, NFPROTO_INET, NFT_MSG_GETSETELEM, NLM_F_DUMP);

        elements->count = 0;
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, BARRIER_TABLE);
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set);
        return ruleset_nothing_is_fine(netlink_ask(netlink, message, see_elements, elements));
}

static bool has(const struct elements *elements, const void *bytes, size_t length)
{
        for (size_t i = 0; i < elements->count; i++)
                if (elements->list[i].length == length && memcmp(elements->list[i].bytes, bytes, length) == 0)
                        return true;
        return false;
}

/* Every address in the set; more elements than addresses means that others are in it, too. (A server's address may be
 * listed twice: compared are the distinct ones, by what the set holds.) */
static bool holds_addresses(const struct elements *elements, const struct barrier *barrier, int family)
{
        struct elements wanted = { 0 };
        size_t length = family == AF_INET ? 4 : 16;

        for (size_t i = 0; i < barrier->out_count; i++) {
                const struct peer *peer = barrier->out[i];

                for (size_t j = 0; j < peer->address_count; j++) {
                        const struct peer_address *address = &peer->addresses[j];

                        if (address->family != family || has(&wanted, address->bytes, length))
                                continue;
                        if (!has(elements, address->bytes, length) || wanted.count == ELEMENTS)
                                return false;
                        wanted.list[wanted.count].length = length;
                        memcpy(wanted.list[wanted.count++].bytes, address->bytes, length);
                }
        }
        return wanted.count == elements->count;
}

static bool holds_ports(const struct elements *elements, const struct barrier *barrier)
{
        for (size_t i = 0; i < barrier->port_count; i++) {
                uint16_t port = htons(barrier->ports[i]);

                if (!has(elements, &port, sizeof(port)))
                        return false;
        }
        return elements->count == barrier->port_count;
}

static const char *fault_of(const struct seen *seen)
{
        if (!seen->table)
                return _("there is no nftables table inet understudy_fence");
        if (seen->table_flags != 0)
                return _("the nftables table inet understudy_fence is dormant");
        if (!seen->chain)
                return _("the nftables table inet understudy_fence has no chain fence");
        if (seen->hook != NF_INET_PRE_ROUTING || seen->priority != BARRIER_PRIORITY || seen->policy != NF_ACCEPT)
                return _("the chain fence of the nftables table inet understudy_fence hangs in another place than it "
                         "was put");
        if (seen->rules != RULES || !seen->rule_is_ours[0] || !seen->rule_is_ours[1])
                return _("the rules of the nftables table inet understudy_fence are not those that were put there");
        return NULL;
}

/* Stays open for the next look: closing it would wait for a grace period of the kernel's (ruleset.c). */
static struct netlink netlink = NETLINK_NONE;

int barrier_is_in_force(const struct barrier *barrier, const char **ret_why, struct error *err)
{
        struct elements out4 = { 0 }, out6 = { 0 }, ports = { 0 };
        struct seen seen = { 0 };
        const char *why = NULL;
        int r = netlink.socket ? 0 : netlink_open(&netlink, NETLINK_NETFILTER);

        if (r == 0)
                r = look(&netlink, &seen);
        if (r == 0)
                why = fault_of(&seen);
        if (r == 0 && !why)
                r = look_into(&netlink, BARRIER_OUT4, &out4);
        if (r == 0 && !why)
                r = look_into(&netlink, BARRIER_OUT6, &out6);
        if (r == 0 && !why)
                r = look_into(&netlink, BARRIER_PORTS_SET, &ports);
        if (r == 0 && !why &&
            !(holds_addresses(&out4, barrier, AF_INET) && holds_addresses(&out6, barrier, AF_INET6) &&
              holds_ports(&ports, barrier)))
                why = _("the addresses or ports in the nftables table inet understudy_fence are not those that were "
                        "put "
                        "there");
        if (r < 0) {
                netlink_close(&netlink); /* what is left unread in it is not the next one's answer */
                return error_errno(err, -r, _("cannot read the packet filter's rules back"));
        }
        if (why && ret_why)
                *ret_why = why;
        return why ? 0 : 1;
}
