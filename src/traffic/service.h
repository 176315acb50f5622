/* service.h - the service's address, of the configuration, as one of a server's own interface. */
#ifndef TRAFFIC_SERVICE_H
#define TRAFFIC_SERVICE_H

#include <stddef.h>

#include "address.h"
#include "base/error.h"
#include "config/config.h"

/* The nth one, always a single address (/32, /128). A usage error when the server has no interface for it. */
int service_address(const struct config *config, const struct config_server *server, size_t n, struct address *ret_address,
                    struct error *err);

#endif
