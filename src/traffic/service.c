#include "service.h"

#include <stdio.h>

#include "base/i18n.h"

int service_address(const struct config *config, const struct config_server *server, size_t n, struct address *ret_address,
                    struct error *err)
{
        const struct config_address *wanted = &config->service.addresses.items[n];
        char text[CONFIG_ADDRESS_SIZE + 8];

        if (!server->interface)
                return error_usage(err, _("server %s has no interface in its configuration, so it cannot have the service's "
                                          "address"), server->name);
        snprintf(text, sizeof(text), "%s/%u", wanted->text, wanted->family == AF_INET ? 32U : 128U);
        return address_parse(text, server->interface, ret_address, err);
}
