/* analyze_migrate.c - understudy analyze migrate: the tables of the analysis servers, made and brought up to date. */
#include <inttypes.h>
#include <stdio.h>

#include "base/i18n.h"
#include "cli/analyze.h"
#include "cli/command.h"
#include "cli/shards.h"
#include "spread/schema.h"

#define STATEMENT_MS 60000

static const struct option options[] = {
        {NULL, 0, NULL, 0},
};

static const char *help(void)
{
        return _("Makes the tables on the analysis servers that the configuration names (--config FILE, analyze { "
                 "clickhouse { shard ... } }),\n"
                 "or brings them to this version. It can be run again at any time.\n");
}

/* 0, or negative with words. */
static int migrate_one(const struct spread_shards *shards, size_t shard, uint64_t *ret_before, struct error *err)
{
        _cleanup_(server_freep) struct server *server = NULL;
        int r = server_new(&shards->items[shard], shards->database, NULL, &server, err);

        return r < 0 ? r : schema_migrate(server, shards->database, STATEMENT_MS, ret_before, err);
}

static json_t *shard_json(const char *name, uint64_t before, const struct error *failure)
{
        json_t *one = json_object();

        json_object_set_new(one, "shard", json_string(name));
        if (failure) {
                json_object_set_new(one, "error", json_string(failure->text));
                return one;
        }
        json_object_set_new(one, "version", json_integer(SCHEMA_LATEST));
        json_object_set_new(one, "before", json_integer((json_int_t)before));
        return one;
}

static int migrate(const struct common *common, const struct spread_shards *shards)
{
        json_t *list = json_array();
        int status = EXIT_DONE;

        for (size_t i = 0; i < shards->count; i++) {
                struct error error = ERROR_NONE;
                uint64_t before = 0;
                int r = migrate_one(shards, i, &before, &error);

                if (r < 0)
                        status = command_fail(&error);
                json_array_append_new(list, shard_json(shards->items[i].name, before, r < 0 ? &error : NULL));
                if (r < 0 || common->json || common->quiet)
                        continue;
                if (before == SCHEMA_LATEST)
                        printf(_("%s: version %d, nothing to do\n"), shards->items[i].name, SCHEMA_LATEST);
                else
                        printf(_("%s: version %d now, %d before\n"), shards->items[i].name, SCHEMA_LATEST, (int)before);
        }
        if (common->json)
                return command_print_json(json_pack("{s:o}", "shards", list)) == EXIT_DONE ? status : EXIT_FAILED;
        json_decref(list);
        return status;
}

int analyze_migrate(int argc, char *argv[])
{
        struct common common = { 0 };
        _cleanup_(shards_done) struct shards shards = SHARDS_NONE;
        struct error error = ERROR_NONE;

        if (command_option(argc, argv, &command_analyze, options, help(), &common) != -1)
                return EXIT_USAGE;
        if (!common.config || optind < argc)
                return command_usage(&command_analyze, _("migrate needs --config FILE, and nothing else"));
        if (shards_read(&shards, &common, &error) < 0)
                return shards_fail(&shards, &error);
        return migrate(&common, &shards.spread);
}
