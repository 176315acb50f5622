#include "barrier.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "late/nftables.h"
#include "barrier_private.h"
#include "ruleset.h"

/* One command of the transaction, {VERB: {KIND: WHAT}}; takes `what` over, also when it is NULL (no memory). */
static int command(json_t *list, const char *verb, const char *kind, json_t *what)
{
        json_t *one = what ? json_pack("{s:{s:o}}", verb, kind, what) : NULL;

        return one && json_array_append_new(list, one) == 0 ? 0 : -ENOMEM;
}

static int add_set(json_t *list, const char *name, const char *type, json_t *elements)
{
        int r = command(list, "add", "set",
                        json_pack("{s:s, s:s, s:s, s:s}", "family", "inet", "table", BARRIER_TABLE, "name", name,
                                  "type", type));

        if (r == 0 && json_array_size(elements) > 0)
                r = command(list, "add", "element",
                            json_pack("{s:s, s:s, s:s, s:O}", "family", "inet", "table", BARRIER_TABLE, "name", name,
                                      "elem", elements));
        return r;
}

static int add_rule(json_t *list, const char *protocol, const char *out)
{
        json_t *from = json_pack("{s:{s:s, s:{s:{s:s, s:s}}, s:s}}", "match", "op", "==", "left", "payload", "protocol",
                                 protocol, "field", "saddr", "right", out);
        json_t *to = json_pack("{s:{s:s, s:{s:{s:s, s:s}}, s:s}}", "match", "op", "==", "left", "payload", "protocol",
                               "tcp", "field", "dport", "right", "@ports");
        json_t *rule = json_pack("{s:s, s:s, s:s, s:[o, o, {s:{s:s}}]}", "family", "inet", "table", BARRIER_TABLE,
                                 "chain", BARRIER_CHAIN, "expr", from, to, "reject", "type", "tcp reset");

        return command(list, "add", "rule", rule);
}

static int add_addresses(const struct barrier *barrier, int family, json_t *elements)
{
        for (size_t i = 0; i < barrier->out_count; i++) {
                const struct peer *peer = barrier->out[i];

                for (size_t j = 0; j < peer->address_count; j++) {
                        char text[PEER_ADDRESS_TEXT];

                        if (peer->addresses[j].family != family)
                                continue;
                        peer_address_text(&peer->addresses[j], text);
                        if (json_array_append_new(elements, json_string(text)) < 0)
                                return -ENOMEM;
                }
        }
        return 0;
}

/* The table is added so that deleting it cannot fail, deleted so that nothing old is left, and added again. */
static int add_table(json_t *list)
{
        static const char *const verbs[] = { "add", "delete", "add" };
        int r = 0;

        for (size_t i = 0; r == 0 && i < LENGTH(verbs); i++)
                r = command(list, verbs[i], "table", json_pack("{s:s, s:s}", "family", "inet", "name", BARRIER_TABLE));
        return r;
}

static int compose(const struct barrier *barrier, json_t *list)
{
        _cleanup_(json_decrefp) json_t *out4 = json_array(), *out6 = json_array(), *ports = json_array();
        int r = out4 && out6 && ports ? add_table(list) : -ENOMEM;

        for (size_t i = 0; r == 0 && i < barrier->port_count; i++)
                r = json_array_append_new(ports, json_integer(barrier->ports[i])) < 0 ? -ENOMEM : 0;
        if (r == 0)
                r = add_addresses(barrier, AF_INET, out4);
        if (r == 0)
                r = add_addresses(barrier, AF_INET6, out6);
        if (r == 0)
                r = add_set(list, BARRIER_OUT4, "ipv4_addr", out4);
        if (r == 0)
                r = add_set(list, BARRIER_OUT6, "ipv6_addr", out6);
        if (r == 0)
                r = add_set(list, BARRIER_PORTS_SET, "inet_service", ports);
        if (r == 0)
                r = command(list, "add", "chain",
                            json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s}", "family", "inet", "table", BARRIER_TABLE,
                                      "name", BARRIER_CHAIN, "type", "filter", "hook", "prerouting", "prio",
                                      BARRIER_PRIORITY, "policy", "accept"));
        if (r == 0)
                r = add_rule(list, "ip", "@" BARRIER_OUT4);
        if (r == 0)
                r = add_rule(list, "ip6", "@" BARRIER_OUT6);
        return r;
}

int barrier_prepare(struct error *err)
{
        return late_load(&late_nftables, err);
}

static int run(json_t *list, struct error *err)
{
        _cleanup_(json_decrefp) json_t *all = json_pack("{s:O}", "nftables", list);
        _cleanup_(memory_freep) char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;

        return text ? ruleset_run(text, RULESET_JSON, BARRIER_TABLE, err) : error_memory(err);
}

int barrier_apply(const struct barrier *barrier, struct error *err)
{
        _cleanup_(json_decrefp) json_t *list = json_array();

        if (!list || compose(barrier, list) < 0)
                return error_memory(err);
        return run(list, err);
}

int barrier_remove(struct error *err)
{
        _cleanup_(json_decrefp) json_t *list = json_array();
        static const char *const verbs[] = { "add", "delete" };
        int r = list ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < LENGTH(verbs); i++)
                r = command(list, verbs[i], "table", json_pack("{s:s, s:s}", "family", "inet", "name", BARRIER_TABLE));
        return r < 0 ? error_memory(err) : run(list, err);
}
