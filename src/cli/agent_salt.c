/* agent_salt.c - the salt of a day for another analysis server, while it is proven. */
#include "cli/agent_verbs.h"

#include <errno.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/analyze_salt.h"
#include "cli/shards.h"
#include "spread/ask.h"
#include "traffic/agent_site.h"

const struct agent_argument agent_salt_arguments[] = {
        {"day", AGENT_NUMBER, true,  UINT16_MAX, NULL},
        { NULL, AGENT_FLAG,   false, 0,          NULL},
};

/* By this server's own look, not by what the other says of itself over this line. */
static int check_asker(const struct agent_site *site, struct error *err)
{
        _cleanup_(shards_done) struct shards shards = SHARDS_NONE;
        int r;

        if (!site->asker)
                return error_usage(err, _("a salt is asked for by an analysis server; its line in authorized_keys has "
                                          "--for NAME"));
        if (!site->config->clickhouse.salts || !text_equal(site->config->clickhouse.salts, site->server->name))
                return error_refuse(err, _("salts are not made by %s, by its configuration"), site->server->name);
        r = shards_of(&shards, site->config, site->state, err);
        return r < 0 ? r : ask_proven(&shards.spread, site->asker, err);
}

int agent_salt(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        struct shared_salt salt;
        char hex[2 * SALT_SIZE + 1];
        int r = check_asker(site, err);

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
