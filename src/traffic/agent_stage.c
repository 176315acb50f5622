/* agent_stage.c - addresses and connections; the fence is agent_fence.c. */
#include "agent_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "address.h"
#include "agent_site.h"
#include "base/attributes.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "connections.h"
#include "service.h"
#include "sockets.h"
#include "turn.h"

/* How long the segment is asked before an address is taken. Kernels answer in the interrupt, also that of a machine whose
 * processes are all stopped; and it is the last of the reasons why nobody has it (holder.h). */
#define PROBE_MS 9

static const char *const address_actions[] = { "take", "drop", NULL };
const struct agent_argument agent_address_arguments[] = {
        { "action", AGENT_WORD, true,  0, address_actions },
        { "force",  AGENT_FLAG, false, 0, NULL            },
        { NULL,     AGENT_FLAG, false, 0, NULL            },
};

static const char *const place_names[] = {
        [ADDRESS_NOWHERE] = "nowhere", [ADDRESS_HERE] = "here", [ADDRESS_ELSEWHERE] = "elsewhere",
        [ADDRESS_UNUSABLE] = "unusable",
};

static size_t service_count(const struct agent_site *site)
{
        return site->config->service.present ? site->config->service.addresses.count : 0;
}

/*
 * What was connected at an address that this machine has not got any more (a move that did not keep connections, a lease that
 * was over): nothing flows there, but its web server would keep it for its own timeouts, and when the address is back it would be
 * taken for visitors. A kernel that cannot end them leaves that to the web server.
 */
static void end_stale(const struct agent_site *site, const struct address *address)
{
        static const uint16_t usual[] = { 80, 443 };
        const struct config_ports *ports = &site->config->service.ports;
        _cleanup_(sockets_ended_done) struct sockets_ended ended = { 0 };
        enum address_place place = ADDRESS_HERE;
        struct peer_address here = { .family = address->family };
        uint16_t own[CONFIG_PORTS_MAXIMUM];

        memcpy(here.bytes, address->bytes, sizeof(here.bytes));
        for (size_t i = 0; i < ports->count; i++)
                own[i] = (uint16_t)ports->items[i];
        if (address_look(address, &place, NULL) == 0 && place == ADDRESS_NOWHERE)
                (void)sockets_destroy(&(struct sockets_which){ .here = &here, .ports = ports->count ? own : usual,
                                                               .port_count = ports->count ? ports->count : LENGTH(usual) },
                                      &ended, NULL);
}

int agent_address(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        const struct address_options options = { .probe_ms = PROBE_MS, .force = agent_flag(call, "force") };
        const bool take = text_equal(agent_text(call, "action", ""), "take");
        _cleanup_(fd_closep) int turn = turn_open(site->state);
        int r = 0;

        (void)turn_take(turn, TURN_MS);

        for (size_t i = 0; i < service_count(site) && r == 0; i++) {
                struct address address;

                r = service_address(site->config, site->server, i, &address, err);
                if (r == 0 && take)
                        end_stale(site, &address);
                if (r == 0)
                        r = take ? address_take(&address, &options, err) : address_drop(&address, err);
                if (r == 0 && !take)
                        end_stale(site, &address);
        }
        return r;
}

/* The holder of the address has the keeper's lock as long as it lives (holder.h). */
static bool keeper_runs(const struct agent_site *site)
{
        char path[PATH_MAX];
        _cleanup_(fd_closep) int fd = -1;

        if ((size_t)snprintf(path, sizeof(path), "%s/keeper.lock", site->state) >= sizeof(path))
                return false;
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int agent_address_look(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        json_t *list = json_array();

        for (size_t i = 0; i < service_count(site); i++) {
                struct address address;
                enum address_place place;
                int r = service_address(site->config, site->server, i, &address, err);

                if (r == 0)
                        r = address_look(&address, &place, err);
                if (r < 0) {
                        json_decref(list);
                        return r;
                }
                json_array_append_new(list, json_pack("{s:s, s:s}", "address", site->config->service.addresses.items[i].text,
                                                      "place", place_names[place]));
        }
        if (json_object_set_new(call->result, "addresses", list) < 0 ||
            json_object_set_new(call->result, "keeper", json_boolean(keeper_runs(site))) < 0)
                return error_memory(err);
        return 0;
}

/* May a process be bound to it: does this machine have it? Over connections at one that has left nothing flows any more. */
static bool is_here(const struct peer_address *address)
{
        struct sockaddr_in in = { .sin_family = AF_INET };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
        const bool four = address->family == AF_INET;
        _cleanup_(fd_closep) int fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        memcpy(&in.sin_addr, address->bytes, 4);
        memcpy(&in6.sin6_addr, address->bytes, 16);
        return fd < 0 || bind(fd, four ? (struct sockaddr *)&in : (struct sockaddr *)&in6, four ? sizeof(in) : sizeof(in6)) == 0 ||
                errno != EADDRNOTAVAIL;
}

/* Where visitors come to: at the service's addresses, and at the server's own where names or programs lead them there. */
static int visited(const struct agent_site *site, struct connections_which *which, struct peer_address *addresses,
                   uint16_t *ports, struct error *err)
{
        static const uint16_t usual[] = { 80, 443 };
        const struct config *config = site->config;
        const struct config_addresses *lists[] = { &config->service.addresses, &site->server->addresses };
        const bool own = !config->service.present || (config->move.planned & ~CONFIG_BY_ADDRESS);
        const size_t first = config->service.present ? 0 : 1, last = own ? 2 : 1;

        *which = (struct connections_which){ .addresses = addresses, .ports = ports };
        for (size_t k = first; k < last; k++)
                for (size_t i = 0; i < lists[k]->count; i++) {
                        struct peer_address *address = &addresses[which->address_count];
                        int r = peer_address_parse(lists[k]->items[i].text, address, err);

                        if (r < 0)
                                return r;
                        which->address_count += is_here(address);
                }
        for (size_t i = 0; config->service.present && i < config->service.ports.count; i++)
                ports[which->port_count++] = (uint16_t)config->service.ports.items[i];
        if (which->port_count == 0) {
                memcpy(ports, usual, sizeof(usual));
                which->port_count = LENGTH(usual);
        }
        return 0;
}

int agent_connections(struct agent_call *call, struct error *err)
{
        struct peer_address addresses[2 * CONFIG_ADDRESSES_MAXIMUM];
        uint16_t ports[CONFIG_PORTS_MAXIMUM];
        struct connections_which which;
        size_t count = 0;
        int r = visited(call->context, &which, addresses, ports, err);

        if (r == 0 && which.address_count > 0)
                r = connections_count(&which, &count, err);
        if (r < 0)
                return r;
        return json_object_set_new(call->result, "connections", json_integer((json_int_t)count)) < 0 ? error_memory(err) : 0;
}
