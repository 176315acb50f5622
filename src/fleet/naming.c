/* naming.c - addresses compared as numbers, names by their first label. */
#include "fleet/naming.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct address {
        int family;
        uint8_t bytes[16];
        unsigned int prefix; /* bits that count */
};

static bool parse(const char *text, struct address *ret_address)
{
        char copy[INET6_ADDRSTRLEN];
        const char *slash = strchr(text, '/');
        size_t length = slash ? (size_t)(slash - text) : strlen(text);
        uint64_t prefix = 0;

        if (length >= sizeof(copy))
                return false;
        memcpy(copy, text, length);
        copy[length] = '\0';
        *ret_address = (struct address){ .family = AF_INET };
        if (inet_pton(AF_INET, copy, ret_address->bytes) != 1) {
                ret_address->family = AF_INET6;
                if (inet_pton(AF_INET6, copy, ret_address->bytes) != 1)
                        return false;
        }
        ret_address->prefix = ret_address->family == AF_INET ? 32 : 128;
        if (!slash)
                return true;
        if (text_parse_u64(slash + 1, strlen(slash + 1), ret_address->prefix, &prefix) < 0)
                return false;
        ret_address->prefix = (unsigned int)prefix;
        return true;
}

static bool is_host(const struct address *address)
{
        return address->prefix == (address->family == AF_INET ? 32 : 128);
}

static bool is_local(const struct address *address)
{
        static const uint8_t zero[16] = { 0 };
        const uint8_t *bytes = address->bytes;

        if (address->family == AF_INET)
                return bytes[0] == 127 || (bytes[0] == 0 && is_host(address)) || (bytes[0] == 169 && bytes[1] == 254) ||
                       (bytes[0] >= 224 && bytes[0] < 240);
        return (memcmp(bytes, zero, 15) == 0 && bytes[15] <= 1 && is_host(address)) ||
               (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) || bytes[0] == 0xff;
}

static bool same(const struct address *address, const char *text)
{
        struct address other;

        return parse(text, &other) && other.family == address->family &&
               memcmp(other.bytes, address->bytes, sizeof(other.bytes)) == 0;
}

static bool has_address(const struct fleet_server *server, const struct address *address)
{
        for (size_t i = 0; i < server->item_count; i++)
                if (server->items[i].kind == FLEET_ADDRESS && same(address, server->items[i].text))
                        return true;
        return false;
}

/* "web2.example.org" is web2. */
static bool has_name(const struct fleet_server *server, const char *name)
{
        const size_t length = strlen(server->name);

        return strncmp(name, server->name, length) == 0 && (name[length] == '\0' || name[length] == '.');
}

static bool is_service(const struct config *config, const struct address *address)
{
        for (size_t i = 0; config && config->service.present && i < config->service.addresses.count; i++)
                if (same(address, config->service.addresses.items[i].text))
                        return true;
        return false;
}

enum naming naming_of(const struct fleet *fleet, const struct config *config, const char *text,
                      const struct fleet_server **ret_server)
{
        const struct fleet_server *found = NULL;
        struct address address;
        const bool numeric = parse(text, &address);

        if (numeric ? is_local(&address)
                    : *text == '\0' || *text == '/' || text_starts(text, "unix:") || text_equal(text, "localhost"))
                return NAMING_LOCAL;
        if (numeric && !is_host(&address))
                return NAMING_NETWORK;
        for (size_t i = 0; i < fleet->count; i++) {
                const struct fleet_server *server = &fleet->servers[i];

                if ((numeric ? has_address(server, &address) : has_name(server, text)) && (!found || found->retired_s))
                        found = server;
        }
        if (numeric && !found && is_service(config, &address))
                return NAMING_SERVICE;
        if (!found)
                return NAMING_NOBODY;
        *ret_server = found;
        return NAMING_SERVER;
}
