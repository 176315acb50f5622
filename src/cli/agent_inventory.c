/* agent_inventory.c - the agent's word on what its server is built of and who may enter it. */
#include "cli/agent_verbs.h"

#include <string.h>

#include "base/text.h"
#include "fleet/survey.h"
#include "traffic/agent_site.h"

#define VERIFY_MS (12 * 60 * 1000)

/* Where Debian's PostgreSQL has it. */
#define HBA_FILES "/etc/postgresql/*/*/pg_hba.conf"

int agent_inventory(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        const struct config_database *database = &site->config->database;
        struct survey_options options = { .timeout_ms = VERIFY_MS };

        if (database->present && database->kind == CONFIG_POSTGRESQL && text_equal(database->host, site->server->name))
                options.hba_file = database->hba_file ? database->hba_file : HBA_FILES;
        return survey(&options, call->result, err);
}
