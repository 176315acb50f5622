/* filter_text.c - the table that nft is handed, and whether what it lists is that table. */
#include "traffic/filter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

#define PRIORITY (-300) /* "raw": before connections are tracked and addresses translated */

const struct filter_ports filter_web_ports = {
        {{ 80, false }, { 443, false }, { 443, true }},
        3
};

/* ---- ports ---- */

static bool same_port(const struct filter_port *a, const struct filter_port *b)
{
        return a->number == b->number && a->udp == b->udp;
}

static bool has_port(const struct filter_ports *ports, const struct filter_port *port)
{
        for (size_t i = 0; i < ports->count; i++)
                if (same_port(&ports->list[i], port))
                        return true;
        return false;
}

static bool parse_port(const char *text, struct filter_port *ret_port)
{
        size_t digits = strspn(text, "0123456789");
        uint64_t number = 0;

        if (text_parse_u64(text, digits, UINT16_MAX, &number) < 0 || number == 0 ||
            !(text[digits] == '\0' || text_equal(&text[digits], "/tcp") || text_equal(&text[digits], "/udp")))
                return false;
        *ret_port = (struct filter_port){ (uint16_t)number, text_equal(&text[digits], "/udp") };
        return true;
}

int filter_port_add(struct filter_ports *ports, const char *text, struct error *err)
{
        struct filter_port port;

        if (!parse_port(text, &port))
                return error_usage(err, _("'%s' is no port; write 8080, 8080/tcp or 443/udp"), text);
        if (has_port(ports, &port))
                return 0;
        if (ports->count == FILTER_PORTS)
                return error_usage(err, _("more than %d ports are named"), FILTER_PORTS);
        ports->list[ports->count++] = port;
        return 0;
}

void filter_port_text(const struct filter_port *port, char text[static FILTER_PORT_SIZE])
{
        snprintf(text, FILTER_PORT_SIZE, "%u/%s", port->number, port->udp ? "udp" : "tcp");
}

/* ---- the table ---- */

/* Rules are known again by their comments. A reset must pass in both directions, ours above all: the ones that these
 * rules send go the same way through the kernel. */
static const struct rule {
        const char *comment, *chain, *text;
} rules[] = {
        {"visitors by TCP",  "prerouting",
         "fib daddr type local tcp dport @tcp_ports tcp flags & rst != rst counter reject with tcp reset"             },
        { "visitors by UDP", "prerouting",
         "fib daddr type local udp dport @udp_ports counter reject with icmpx type port-unreachable"                  },
        { "answers by TCP",  "output",     "tcp sport @tcp_ports tcp flags & rst != rst counter reject with tcp reset"},
        { "answers by UDP",  "output",     "udp sport @udp_ports counter drop"                                        },
};

static const char *const chains[] = { "prerouting", "output" };

static int write_set(const struct filter_ports *ports, bool udp, struct buffer *out)
{
        int r = buffer_printf(out, "\tset %s_ports { type inet_service;", udp ? "udp" : "tcp"), n = 0;

        for (size_t i = 0; i < ports->count && r == 0; i++)
                if (ports->list[i].udp == udp)
                        r = buffer_printf(out, "%s%u", n++ ? ", " : " elements = { ", ports->list[i].number);
        return r < 0 ? r : buffer_append_text(out, n ? " }; }\n" : " }\n");
}

static int write_chain(const char *chain, struct buffer *out)
{
        int r = buffer_printf(out, "\tchain %s {\n\t\ttype filter hook %s priority %d; policy accept;\n", chain, chain,
                              PRIORITY);

        for (size_t i = 0; i < LENGTH(rules) && r == 0; i++)
                if (text_equal(rules[i].chain, chain))
                        r = buffer_printf(out, "\t\t%s comment \"%s\"\n", rules[i].text, rules[i].comment);
        return r < 0 ? r : buffer_append_text(out, "\t}\n");
}

int filter_write(const struct filter_ports *ports, struct buffer *out)
{
        /* Added first, so that there is one to delete: the whole is one transaction. */
        int r = buffer_append_text(out, "add table inet " FILTER_TABLE "\ndelete table inet " FILTER_TABLE
                                        "\ntable inet " FILTER_TABLE " {\n");

        if (r == 0)
                r = write_set(ports, false, out);
        if (r == 0)
                r = write_set(ports, true, out);
        for (size_t i = 0; i < LENGTH(chains) && r == 0; i++)
                r = write_chain(chains[i], out);
        return r < 0 ? r : buffer_append_text(out, "}\n");
}

/* ---- what the kernel has ---- */

static bool says(const json_t *object, const char *key, const char *value)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text && text_equal(text, value);
}

/* The chain is called for every packet. */
static bool is_hooked(const json_t *chain)
{
        const char *name = json_string_value(json_object_get(chain, "name"));

        return name && says(chain, "hook", name) && says(chain, "type", "filter") &&
               json_integer_value(json_object_get(chain, "prio")) == PRIORITY;
}

static size_t find_chain(const json_t *chain)
{
        for (size_t i = 0; i < LENGTH(chains); i++)
                if (says(chain, "name", chains[i]))
                        return i;
        return LENGTH(chains);
}

/* A rule of ours that still ends in a refusal. */
static size_t find_rule(const json_t *rule)
{
        const json_t *expressions = json_object_get(rule, "expr");
        const json_t *last = json_array_get(expressions, json_array_size(expressions) - 1);

        for (size_t i = 0; i < LENGTH(rules); i++)
                if (says(rule, "comment", rules[i].comment) && says(rule, "chain", rules[i].chain) &&
                    (json_object_get(last, "reject") || json_object_get(last, "drop")))
                        return i;
        return LENGTH(rules);
}

static bool set_is(const struct filter_ports *ports, const json_t *set, bool udp)
{
        const json_t *elements = json_object_get(set, "elem");
        size_t wanted = 0;

        for (size_t i = 0; i < ports->count; i++)
                wanted += ports->list[i].udp == udp;
        for (size_t i = 0; i < json_array_size(elements); i++) {
                json_int_t number = json_integer_value(json_array_get(elements, i));
                struct filter_port port = { (uint16_t)number, udp };

                if (number <= 0 || number > UINT16_MAX || !has_port(ports, &port))
                        return false;
        }
        return json_array_size(elements) == wanted;
}

enum filter_sight filter_judge(const struct filter_ports *ports, const char *json, size_t length)
{
        const unsigned int all_chains = (1U << LENGTH(chains)) - 1, all_rules = (1U << LENGTH(rules)) - 1;
        unsigned int seen_chains = 0, seen_rules = 0, seen_sets = 0;
        json_t *root = json_loadb(json, length, 0, NULL);
        const json_t *list = json_object_get(root, "nftables");

        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *item = json_array_get(list, i), *chain = json_object_get(item, "chain"),
                             *rule = json_object_get(item, "rule"), *set = json_object_get(item, "set");

                if (chain && is_hooked(chain))
                        seen_chains |= 1U << find_chain(chain);
                if (rule)
                        seen_rules |= 1U << find_rule(rule);
                if (set && says(set, "name", "tcp_ports") && set_is(ports, set, false))
                        seen_sets |= 1;
                if (set && says(set, "name", "udp_ports") && set_is(ports, set, true))
                        seen_sets |= 2;
        }
        json_decref(root);
        return (seen_chains & all_chains) == all_chains && (seen_rules & all_rules) == all_rules && seen_sets == 3
                       ? FILTER_CLOSED
                       : FILTER_BROKEN;
}
