/* agent_salt.c - the salt of a day for another server whose logs are followed, while it is proven. */
#include "cli/agent_verbs.h"

#include <errno.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/analyze_salt.h"
#include "cli/fleet_view.h"
#include "cli/shards.h"
#include "spread/ask.h"
#include "traffic/agent_site.h"

const struct agent_argument agent_salt_arguments[] = {
        {"day",     AGENT_NUMBER, true,  UINT16_MAX, NULL},
        { "proven", AGENT_FLAG,   false, 0,          NULL},
        { NULL,     AGENT_FLAG,   false, 0,          NULL},
};

static bool is_shard(const struct config *config, const char *name)
{
        for (size_t i = 0; i < config->shard_count; i++)
                if (text_equal(config->shards[i].name, name))
                        return true;
        return false;
}

/*
 * A web server has no tables in which it could say what it is built of, so it says it here: that it reads its logs only
 * while its trees are proven. That is worth what a shard's word is worth. It has the visitors' addresses in any case.
 */
static int check_web_server(const struct agent_site *site, bool proven, struct error *err)
{
        const struct config_server *asker = config_find_server(site->config, site->asker);

        if (!asker || (asker->role != CONFIG_PRODUCTION && asker->role != CONFIG_STANDBY && asker->role != CONFIG_ANALYSIS))
                return error_refuse(err, _("%s is neither a web server nor an analysis server of the configuration"),
                                    site->asker);
        if (!proven && !site->config->clickhouse.unproven)
                return error_refuse(err,
                                    _("%s is left out: it does not say what it is built of; 'understudy analyze --follow' "
                                      "needs --require there"),
                                    site->asker);
        return fleet_admits(site->state, site->config, site->asker, err);
}

/* A shard by this server's own look, not by what it says of itself over this line. */
static int check_asker(const struct agent_site *site, bool proven, struct error *err)
{
        _cleanup_(shards_done) struct shards shards = SHARDS_NONE;
        int r;

        if (!site->asker)
                return error_usage(err, _("a salt is asked for by a server that follows logs; its line in authorized_keys has "
                                          "--for NAME"));
        if (!site->config->clickhouse.salts || !text_equal(site->config->clickhouse.salts, site->server->name))
                return error_refuse(err, _("salts are not made by %s, by its configuration"), site->server->name);
        if (!is_shard(site->config, site->asker))
                return check_web_server(site, proven, err);
        r = shards_of(&shards, site->config, site->state, err);
        return r < 0 ? r : ask_proven(&shards.spread, site->asker, err);
}

int agent_salt(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        struct shared_salt salt;
        char hex[2 * SALT_SIZE + 1];
        int r = check_asker(site, agent_flag(call, "proven"), err);

        if (r < 0)
                return r;
        r = salt_made_here(site->state, (int32_t)agent_number(call, "day", 0), &salt, err);
        if (r == -ESTALE)
                return json_object_set_new(call->result, "gone", json_true()) < 0 ? error_memory(err) : 0;
        if (r < 0)
                return r;
        text_hex(salt.bytes, SALT_SIZE, hex);
        if (json_object_set_new(call->result, "salt", json_string(hex)) < 0 ||
            json_object_set_new(call->result, "age_s", json_integer(salt.age_seconds)) < 0)
                r = error_memory(err);
        memory_wipe(&salt, sizeof(salt));
        memory_wipe(hex, sizeof(hex));
        return r;
}
