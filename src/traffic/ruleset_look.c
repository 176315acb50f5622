#include "ruleset_look.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

struct nlmsghdr *ruleset_ask(void *buffer, uint8_t family, uint16_t what, uint16_t flags)
{
        struct nlmsghdr *message = netlink_message(buffer, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | what), flags);
        struct nfgenmsg *head = mnl_nlmsg_put_extra_header(message, sizeof(*head));

        head->nfgen_family = family;
        head->version = NFNETLINK_V0;
        return message;
}

const struct nlattr *ruleset_in_message(const struct nlmsghdr *message, uint16_t type)
{
        const struct nlattr *attribute;

        FOR_EACH_ATTRIBUTE(attribute,
                           (const struct nlattr *)mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg)),
                           mnl_nlmsg_get_payload_tail(message))
        if (mnl_attr_get_type(attribute) == type)
                return attribute;
        return NULL;
}

const struct nlattr *ruleset_in_nest(const struct nlattr *nest, uint16_t type)
{
        const struct nlattr *attribute;

        if (nest)
                FOR_EACH_NESTED(attribute, nest)
        if (mnl_attr_get_type(attribute) == type)
                return attribute;
        return NULL;
}

uint32_t ruleset_number(const struct nlattr *attribute, uint32_t otherwise)
{
        return attribute && mnl_attr_get_payload_len(attribute) == 4 ? ntohl(mnl_attr_get_u32(attribute)) : otherwise;
}

bool ruleset_says(const struct nlattr *attribute, const char *text)
{
        size_t length = strlen(text) + 1;

        return attribute && mnl_attr_get_payload_len(attribute) == length &&
               memcmp(mnl_attr_get_payload(attribute), text, length) == 0;
}

int ruleset_nothing_is_fine(int r)
{
        return r == -ENOENT ? 0 : r;
}
