/* agent_inventory.c - the agent's word on what its server is built of and who may enter it. */
#include "cli/agent_verbs.h"

#include <string.h>

#include "base/text.h"
#include "fleet/survey.h"
#include "fleet/survey_parse.h"
#include "traffic/agent_site.h"
#include "traffic/mariadb.h"

#define VERIFY_MS (12 * 60 * 1000)

/* Where Debian's PostgreSQL has it. */
#define HBA_FILES "/etc/postgresql/*/*/pg_hba.conf"

static void add_account(void *names, const char *user, const char *host)
{
        survey_mariadb(user, host, names);
}

/* Whom MariaDB lets in is in its tables: it is asked. */
static void ask_mariadb(const struct config_database *database, json_t *result)
{
        const struct mariadb_options options = { .connection = database->connection, .folder = -1, .port = (uint16_t)database->port };
        _cleanup_(mariadb_closep) struct mariadb *mariadb = NULL;
        struct error error = ERROR_NONE;
        int r = mariadb_open(&options, &mariadb, &error);

        if (r == 0)
                r = mariadb_accounts(mariadb, add_account, json_object_get(result, "names"), &error);
        if (r < 0)
                survey_add(json_object_get(result, "problems"), survey_text(error.text, strlen(error.text)));
}

int agent_inventory(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        const struct config_database *database = &site->config->database;
        const bool here = database->present && text_equal(database->host, site->server->name);
        struct survey_options options = { .timeout_ms = VERIFY_MS };
        int r;

        if (here && database->kind == CONFIG_POSTGRESQL)
                options.hba_file = database->hba_file ? database->hba_file : HBA_FILES;
        r = survey(&options, call->result, err);
        if (r == 0 && here && database->kind == CONFIG_MARIADB)
                ask_mariadb(database, call->result);
        return r;
}
