/* agent_relay.c - established connections in a planned move: the agent's part of relay.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "agent_site.h"
#include "agent_stage.h"
#include "base/attributes.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "relay.h"
#include "service.h"

#define REMEMBER_S 3600 /* beyond the time that a server is drained at most */

static const char *const actions[] = { "forward", "keep", "end", NULL };
const struct agent_argument agent_relay_arguments[] = {
        { "action", AGENT_WORD, true,  0,   actions },
        { "server", AGENT_TEXT, true,  200, NULL    },
        { NULL,     AGENT_FLAG, false, 0,   NULL    },
};
const struct agent_argument agent_relay_look_arguments[] = {
        { "server", AGENT_TEXT, true,  200, NULL },
        { NULL,     AGENT_FLAG, false, 0,   NULL },
};

/* With which other server, of the configuration. */
static int relay_of(const struct agent_call *call, struct relay *relay, struct error *err)
{
        const struct agent_site *site = call->context;
        const struct config_service *service = &site->config->service;
        const char *name = agent_text(call, "server", "");
        const struct config_server *other = config_find_server(site->config, name);
        int r = 0;

        if (!other || other == site->server || (other->role != CONFIG_PRODUCTION && other->role != CONFIG_STANDBY))
                return error_usage(err, _("there is no other server '%s' that could be on stage in this server's configuration"),
                                   name);
        *relay = (struct relay){ .remember_s = (unsigned int)(site->config->limits.drain_ms / 1000) + REMEMBER_S };
        snprintf(relay->other.name, sizeof(relay->other.name), "%s", other->name);
        for (size_t i = 0; i < other->addresses.count && i < PEER_ADDRESSES && r == 0; i++)
                r = peer_add(&relay->other, other->addresses.items[i].text, err);
        relay->count = service->present ? service->addresses.count : 0;
        for (size_t i = 0; i < relay->count && r == 0; i++)
                r = service_address(site->config, site->server, i, &relay->services[i], err);
        relay->port_count = service->ports.count;
        for (size_t i = 0; i < relay->port_count; i++)
                relay->ports[i] = (uint16_t)service->ports.items[i];
        return r;
}

static int open_state(const struct agent_site *site, struct error *err)
{
        int folder = open(site->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return folder < 0 ? error_errno(err, errno, _("cannot open the state folder %s"), site->state) : folder;
}

int agent_relay_ready(struct agent_call *call, struct error *err)
{
        struct relay relay;
        int r = relay_of(call, &relay, err);

        if (r < 0)
                return r;
        return text_equal(agent_text(call, "action", ""), "forward") ? relay_can_forward(&relay, err) :
                                                                       relay_can_keep(&relay, err);
}

/* Whatever an earlier move has left goes first: a server that hands packets on and has them handed back is a circle. */
int agent_relay(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        const char *action = agent_text(call, "action", "");
        _cleanup_(fd_closep) int folder = open_state(site, err);
        struct relay relay;
        int r = folder < 0 ? folder : relay_of(call, &relay, err);

        if (r == 0 && !text_equal(action, "forward"))
                r = relay_forward_end(err);
        if (r == 0 && !text_equal(action, "keep"))
                r = relay_keep_end(folder, err);
        if (r == 0 && text_equal(action, "forward"))
                r = relay_forward(&relay, err);
        if (r == 0 && text_equal(action, "keep"))
                r = relay_keep(&relay, folder, err);
        return r;
}

int agent_relay_look(struct agent_call *call, struct error *err)
{
        static const char *const names[] = { [RELAY_NONE] = "none", [RELAY_PART] = "part", [RELAY_ALL] = "all" };
        const struct agent_site *site = call->context;
        _cleanup_(fd_closep) int folder = open_state(site, err);
        enum relay_sight forwards = RELAY_NONE, keeps = RELAY_NONE;
        struct relay relay;
        int r = folder < 0 ? folder : relay_of(call, &relay, err);

        if (r == 0)
                r = relay_forwards(&relay, &forwards, err);
        if (r == 0)
                r = relay_keeps(folder, &keeps, err);
        if (r < 0)
                return r;
        return json_object_set_new(call->result, "forwards", json_string(names[forwards])) < 0 ||
                               json_object_set_new(call->result, "keeps", json_string(names[keeps])) < 0 ? error_memory(err) : 0;
}
