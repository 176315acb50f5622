#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/i18n.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

int peer_address_parse(const char *text, struct peer_address *ret_address, struct error *err)
{
        struct peer_address address = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

        if (inet_pton(address.family, text, address.bytes) != 1)
                return error_usage(err, _("%s is not an address; write it as 192.0.2.77 or 2001:db8::77"), text);
        if (address.family == AF_INET6 && memcmp(address.bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
                address.family = AF_INET;
                memmove(address.bytes, address.bytes + 12, 4);
                memset(address.bytes + 4, 0, 12);
        }
        *ret_address = address;
        return 0;
}

void peer_address_text(const struct peer_address *address, char text[static PEER_ADDRESS_TEXT])
{
        if (!inet_ntop(address->family, address->bytes, text, PEER_ADDRESS_TEXT))
                text[0] = '\0';
}

bool peer_address_is(const struct peer_address *address, int family, const void *bytes)
{
        if (family == AF_INET6 && memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
                family = AF_INET;
                bytes = (const uint8_t *)bytes + 12;
        }
        return family == address->family && memcmp(bytes, address->bytes, family == AF_INET ? 4 : 16) == 0;
}

bool peer_has(const struct peer *peer, int family, const void *bytes)
{
        for (size_t i = 0; i < peer->address_count; i++)
                if (peer_address_is(&peer->addresses[i], family, bytes))
                        return true;
        return false;
}

int peer_add(struct peer *peer, const char *address, struct error *err)
{
        int r;

        if (peer->address_count == PEER_ADDRESSES)
                return error_usage(err,
                                   _("%s has more than %d addresses; name those that it comes to the database from"),
                                   peer->name, PEER_ADDRESSES);
        r = peer_address_parse(address, &peer->addresses[peer->address_count], err);
        if (r == 0)
                peer->address_count++;
        return r;
}
