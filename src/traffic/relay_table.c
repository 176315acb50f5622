/* relay_table.c - the table of the one that comes: written, and what the kernel has of it. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/text.h"
#include "netlink.h"
#include "relay.h"
#include "ruleset.h"
#include "ruleset_look.h"

#define CHAIN     "relay"
#define PORTS_SET "ports"
#define BEGUN4    "begun4"
#define BEGUN6    "begun6"
#define BEGUN     262144 /* connections; one that does not fit is the old server's */
#define PROBE_MS  500    /* for the other one to answer on the segment, which takes less than one */
#define PER_ADDRESS 2    /* rules */

/* What nft is handed stands in quotes there; names of interfaces may be nearly anything. */
#define INTERFACE_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@:"

static bool has_family(const struct relay *relay, int family)
{
        for (size_t i = 0; i < relay->count; i++)
                if (relay->services[i].family == family)
                        return true;
        return false;
}

/* ---- writing ---- */

static int write_set(const struct relay *relay, int family, struct buffer *out)
{
        const char *ip = family == AF_INET ? "ip" : "ip6";

        if (!has_family(relay, family))
                return 0;
        return buffer_printf(out,
                             "\tset %s { typeof %s saddr . %s daddr . tcp sport . tcp dport; flags dynamic, timeout; "
                             "timeout %us; size %d; }\n",
                             family == AF_INET ? BEGUN4 : BEGUN6, ip, ip, relay->remember_s, BEGUN);
}

static int write_rules(const struct address *service, const struct peer_address *to, struct buffer *out)
{
        const char *ip = service->family == AF_INET ? "ip" : "ip6";
        const char *begun = service->family == AF_INET ? BEGUN4 : BEGUN6;
        char here[ADDRESS_TEXT_SIZE], there[PEER_ADDRESS_TEXT];
        int r;

        address_text(service, here);
        peer_address_text(to, there);
        r = buffer_printf(out,
                          "\t\tmeta pkttype host %s daddr %s tcp dport @" PORTS_SET " tcp flags & (syn | ack) == syn "
                          "update @%s { %s saddr . %s daddr . tcp sport . tcp dport } accept\n",
                          ip, here, begun, ip, ip);
        return r < 0 ? r : buffer_printf(out,
                             "\t\tmeta pkttype host %s daddr %s tcp dport @" PORTS_SET " %s saddr . %s daddr . tcp sport . "
                             "tcp dport != @%s fwd %s to %s device \"%s\"\n",
                             ip, here, ip, ip, begun, ip, there, service->interface);
}

int relay_write(const struct relay *relay, const struct peer_address *to4, const struct peer_address *to6, struct buffer *out)
{
        int r = buffer_append_text(out, "add table netdev " RELAY_TABLE "\ndelete table netdev " RELAY_TABLE
                                        "\ntable netdev " RELAY_TABLE " {\n\tset " PORTS_SET " { type inet_service; elements = {");

        for (size_t i = 0; i < relay->port_count && r == 0; i++)
                r = buffer_printf(out, "%s %u", i ? "," : "", relay->ports[i]);
        if (r == 0)
                r = buffer_append_text(out, " }; }\n");
        if (r == 0)
                r = write_set(relay, AF_INET, out);
        if (r == 0)
                r = write_set(relay, AF_INET6, out);
        if (r == 0)
                r = buffer_printf(out, "\tchain " CHAIN " {\n\t\ttype filter hook ingress device \"%s\" priority 0; policy accept;\n",
                                  relay->services[0].interface);
        for (size_t i = 0; i < relay->count && r == 0; i++)
                r = write_rules(&relay->services[i], relay->services[i].family == AF_INET ? to4 : to6, out);
        return r < 0 ? r : buffer_append_text(out, "\t}\n}\n");
}

/* An address of the other one that answers on this interface: 1, 0 or a negative errno. */
static int find_way(const struct relay *relay, int family, struct peer_address *ret_way, struct error *err)
{
        for (size_t i = 0; i < relay->other.address_count; i++) {
                const struct peer_address *one = &relay->other.addresses[i];
                struct address asked = { .family = family, .prefix = family == AF_INET ? 32 : 128 };
                struct neighbour_mac mac;
                int r;

                if (one->family != family)
                        continue;
                memcpy(asked.bytes, one->bytes, sizeof(asked.bytes));
                memcpy(asked.interface, relay->services[0].interface, sizeof(asked.interface));
                r = address_probe(&asked, PROBE_MS, &mac, err);
                if (r > 0)
                        *ret_way = *one;
                if (r != 0)
                        return r;
        }
        return 0;
}

static int compose(const struct relay *relay, struct buffer *out, struct error *err)
{
        static const int families[] = { AF_INET, AF_INET6 };
        const char *interface = relay->count ? relay->services[0].interface : "";
        struct peer_address ways[LENGTH(families)] = { 0 };

        if (relay->count == 0 || relay->port_count == 0)
                return error_refuse(err, _("the service has no address, or no ports, in the configuration"));
        if (interface[strspn(interface, INTERFACE_BYTES)] != '\0')
                return error_refuse(err, _("the packet filter cannot be told of an interface with the name %s"), interface);
        for (size_t i = 0; i < LENGTH(families); i++) {
                int r = has_family(relay, families[i]) ? find_way(relay, families[i], &ways[i], err) : 1;

                if (r == 0)
                        return error_refuse(err, _("%s does not answer by %s on %s: the two servers are not on one segment, or "
                                                   "the configuration has no such address of it"),
                                            relay->other.name, families[i] == AF_INET ? "IPv4" : "IPv6", interface);
                if (r < 0)
                        return r;
        }
        return relay_write(relay, &ways[0], &ways[1], out) < 0 ? error_memory(err) : 0;
}

int relay_can_forward(const struct relay *relay, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(32768);
        struct error error = ERROR_NONE;
        int r = compose(relay, &text, err);

        if (r < 0)
                return r;
        if (ruleset_run(buffer_text(&text), RULESET_TRY, RELAY_TABLE, &error) < 0)
                return error_refuse(err, _("this server's kernel or its nftables cannot hand packets on (netdev, fwd): %s"),
                                    error.text);
        return 0;
}

int relay_forward(const struct relay *relay, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(32768);
        enum relay_sight sight = RELAY_NONE;
        int r = relay_forwards(relay, &sight, err);

        if (r < 0 || sight == RELAY_ALL)
                return r;
        r = compose(relay, &text, err);
        return r < 0 ? r : ruleset_run(buffer_text(&text), RULESET_TEXT, RELAY_TABLE, err);
}

int relay_forward_end(struct error *err)
{
        return ruleset_run("add table netdev " RELAY_TABLE "\ndelete table netdev " RELAY_TABLE "\n", RULESET_TEXT,
                           RELAY_TABLE, err);
}

/* ---- what the kernel has ---- */

struct seen {
        const struct relay *relay;
        bool table, hook, foreign; /* foreign: something that we did not write */
        size_t rules, ports;
};

static int see_table(const struct nlmsghdr *message, void *context)
{
        struct seen *seen = context;

        seen->table = true;
        seen->foreign |= ruleset_number(ruleset_in_message(message, NFTA_TABLE_FLAGS), UINT32_MAX) != 0;
        return 0;
}

static int see_chain(const struct nlmsghdr *message, void *context)
{
        struct seen *seen = context;
        const struct nlattr *hook = ruleset_in_message(message, NFTA_CHAIN_HOOK);

        seen->hook = ruleset_number(ruleset_in_nest(hook, NFTA_HOOK_HOOKNUM), UINT32_MAX) == NF_NETDEV_INGRESS &&
                     ruleset_says(ruleset_in_nest(hook, NFTA_HOOK_DEV), seen->relay->services[0].interface) &&
                     ruleset_number(ruleset_in_message(message, NFTA_CHAIN_POLICY), UINT32_MAX) == NF_ACCEPT;
        return 0;
}

static bool is_value(const struct nlattr *nest, const uint8_t *bytes, int family)
{
        const struct nlattr *value = ruleset_in_nest(nest, NFTA_DATA_VALUE);
        const size_t length = family == AF_INET ? 4 : 16;

        return value && mnl_attr_get_payload_len(value) == length && memcmp(mnl_attr_get_payload(value), bytes, length) == 0;
}

static bool is_way(const struct relay *relay, const struct nlattr *nest, int family)
{
        for (size_t i = 0; i < relay->other.address_count; i++)
                if (relay->other.addresses[i].family == family && is_value(nest, relay->other.addresses[i].bytes, family))
                        return true;
        return false;
}

enum part { PART_ADDRESS = 1, PART_PORTS = 2, PART_NOTE = 4, PART_UNKNOWN = 8, PART_WAY = 16, PART_FORWARD = 32 };

/* What of a rule one expression is; 0: nothing that tells them apart. */
static unsigned int part_of(const struct seen *seen, const struct address *service, const struct nlattr *name,
                            const struct nlattr *data)
{
        const char *begun = service->family == AF_INET ? BEGUN4 : BEGUN6;

        if (ruleset_says(name, "cmp"))
                return is_value(ruleset_in_nest(data, NFTA_CMP_DATA), service->bytes, service->family) ? PART_ADDRESS : 0;
        if (ruleset_says(name, "lookup") && ruleset_says(ruleset_in_nest(data, NFTA_LOOKUP_SET), PORTS_SET))
                return PART_PORTS;
        if (ruleset_says(name, "lookup") && ruleset_says(ruleset_in_nest(data, NFTA_LOOKUP_SET), begun))
                return ruleset_number(ruleset_in_nest(data, NFTA_LOOKUP_FLAGS), 0) == NFT_LOOKUP_F_INV ? PART_UNKNOWN : 0;
        if (ruleset_says(name, "dynset"))
                return ruleset_says(ruleset_in_nest(data, NFTA_DYNSET_SET_NAME), begun) ? PART_NOTE : 0;
        if (ruleset_says(name, "immediate"))
                return is_way(seen->relay, ruleset_in_nest(data, NFTA_IMMEDIATE_DATA), service->family) ? PART_WAY : 0;
        return ruleset_says(name, "fwd") ? PART_FORWARD : 0;
}

/* The rules of an address come together: first the one that notes, then the one that hands on. */
static int see_rule(const struct nlmsghdr *message, void *context)
{
        static const unsigned int wanted[PER_ADDRESS] = { PART_ADDRESS | PART_PORTS | PART_NOTE,
                                                          PART_ADDRESS | PART_PORTS | PART_UNKNOWN | PART_WAY | PART_FORWARD };
        const struct nlattr *expressions = ruleset_in_message(message, NFTA_RULE_EXPRESSIONS), *one;
        struct seen *seen = context;
        const size_t number = seen->rules++;
        unsigned int parts = 0;

        if (!expressions || number / PER_ADDRESS >= seen->relay->count) {
                seen->foreign = true;
                return 0;
        }
        FOR_EACH_NESTED(one, expressions)
        parts |= part_of(seen, &seen->relay->services[number / PER_ADDRESS], ruleset_in_nest(one, NFTA_EXPR_NAME),
                         ruleset_in_nest(one, NFTA_EXPR_DATA));
        seen->foreign |= parts != wanted[number % PER_ADDRESS];
        return 0;
}

static int see_ports(const struct nlmsghdr *message, void *context)
{
        const struct nlattr *list = ruleset_in_message(message, NFTA_SET_ELEM_LIST_ELEMENTS), *one;
        struct seen *seen = context;

        if (!list)
                return 0;
        FOR_EACH_NESTED(one, list)
        {
                const struct nlattr *value = ruleset_in_nest(ruleset_in_nest(one, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
                bool ours = false;

                for (size_t i = 0; value && mnl_attr_get_payload_len(value) == 2 && i < seen->relay->port_count; i++)
                        ours |= ntohs(mnl_attr_get_u16(value)) == seen->relay->ports[i];
                seen->foreign |= !ours;
                seen->ports++;
        }
        return 0;
}

/* One question about the table; `chain`: attribute and name of what is asked for within it. */
static int ask(struct netlink *netlink, uint16_t what, uint16_t flags, uint16_t table, uint16_t within, const char *name,
               netlink_each each, struct seen *seen)
{
        char buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(8)));
        struct nlmsghdr *message = ruleset_ask(buffer, NFPROTO_NETDEV, what, flags);

        mnl_attr_put_strz(message, table, RELAY_TABLE);
        if (name)
                mnl_attr_put_strz(message, within, name);
        return ruleset_nothing_is_fine(netlink_ask(netlink, message, each, seen));
}

static int look(struct netlink *netlink, struct seen *seen)
{
        int r = ask(netlink, NFT_MSG_GETTABLE, 0, NFTA_TABLE_NAME, 0, NULL, see_table, seen);

        if (r == 0 && seen->table)
                r = ask(netlink, NFT_MSG_GETCHAIN, 0, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, CHAIN, see_chain, seen);
        if (r == 0 && seen->hook)
                r = ask(netlink, NFT_MSG_GETRULE, NLM_F_DUMP, NFTA_RULE_TABLE, NFTA_RULE_CHAIN, CHAIN, see_rule, seen);
        if (r == 0 && seen->hook)
                r = ask(netlink, NFT_MSG_GETSETELEM, NLM_F_DUMP, NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET, PORTS_SET,
                        see_ports, seen);
        return r;
}

int relay_forwards(const struct relay *relay, enum relay_sight *ret_sight, struct error *err)
{
        _cleanup_(netlink_close) struct netlink netlink = NETLINK_NONE;
        struct seen seen = { .relay = relay };
        int r = netlink_open(&netlink, NETLINK_NETFILTER);

        if (r == 0)
                r = look(&netlink, &seen);
        if (r < 0)
                return error_errno(err, -r, _("cannot read the packet filter's rules back"));
        if (!seen.table)
                *ret_sight = RELAY_NONE;
        else
                *ret_sight = seen.hook && !seen.foreign && seen.rules == PER_ADDRESS * relay->count &&
                                             seen.ports == relay->port_count ? RELAY_ALL : RELAY_PART;
        return 0;
}
