/*
 * ruleset_look.h - asking the kernel for nftables' rules as they are (linux/netfilter/nf_tables.h), not as a library renders
 * them: for whoever reads back what was written by ruleset.h.
 */
#ifndef TRAFFIC_RULESET_LOOK_H
#define TRAFFIC_RULESET_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink.h"

/* libmnl's own loops turn the distance of two pointers into an int without a cast. */
/* NOLINTBEGIN(bugprone-macro-parentheses): what is assigned to cannot stand in parentheses */
#define FOR_EACH_ATTRIBUTE(attribute, begin, end)                                                                      \
        for (attribute = (begin); mnl_attr_ok(attribute, (int)((const char *)(end) - (const char *)attribute));        \
             attribute = mnl_attr_next(attribute))
#define FOR_EACH_NESTED(attribute, nest)                                                                               \
        FOR_EACH_ATTRIBUTE(attribute, (const struct nlattr *)mnl_attr_get_payload(nest),                               \
                           (const char *)mnl_attr_get_payload(nest) + mnl_attr_get_payload_len(nest))
/* NOLINTEND(bugprone-macro-parentheses) */

/* Begins a request, NFT_MSG_GETRULE and the like, about tables of that family (NFPROTO_INET...). */
struct nlmsghdr *ruleset_ask(void *buffer, uint8_t family, uint16_t what, uint16_t flags);

/* The attribute `type` of a message behind its nfgenmsg, or within a nest (NULL allowed); NULL when it has none. */
const struct nlattr *ruleset_in_message(const struct nlmsghdr *message, uint16_t type);
const struct nlattr *ruleset_in_nest(const struct nlattr *nest, uint16_t type);

uint32_t ruleset_number(const struct nlattr *attribute, uint32_t otherwise);
bool ruleset_says(const struct nlattr *attribute, const char *text);

/* Not there is an answer, too. */
int ruleset_nothing_is_fine(int r);

#endif
