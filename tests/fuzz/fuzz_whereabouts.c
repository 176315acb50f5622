/* Any bytes as what the program says that looks who is on stage: one server is seen only where its name or address stands. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "traffic/whereabouts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char names[][16] = { "web1", "standby", "other" };
static const char *const addresses[] = { "192.0.2.10", "192.0.2.20", "2001:db8::30" };

static void make(struct config *config)
{
        for (size_t i = 0; i < LENGTH(names); i++) {
                struct config_server *server = &config->servers[config->server_count++];
                struct config_address *address = &server->addresses.items[server->addresses.count++];

                server->name = names[i];
                address->family = strchr(addresses[i], ':') ? AF_INET6 : AF_INET;
                if (inet_pton(address->family, addresses[i], address->bytes) != 1)
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct config config;
        const struct config_server *from = &config.servers[0], *to = &config.servers[1];
        struct error error = ERROR_NONE;
        enum event event, other;

        if (config.server_count == 0)
                make(&config);
        event = whereabouts_read((const char *)data, size, &config, from, to, &error);
        if ((event == EVENT_SEEN_WANTED || event == EVENT_SEEN_BEFORE) == (error.code != 0))
                abort(); /* what is not one of the two is said, and nothing else */
        /* Asked the other way round it says the opposite. */
        other = whereabouts_read((const char *)data, size, &config, to, from, NULL);
        if (event == EVENT_SEEN_WANTED ? other != EVENT_SEEN_BEFORE
                                       : event == EVENT_SEEN_BEFORE ? other != EVENT_SEEN_WANTED : other != event)
                abort();
        return 0;
}
