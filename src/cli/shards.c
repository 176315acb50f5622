#include "shards.h"

#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/password_file.h"
#include "cli/fleet_view.h"
#include "tree/state.h"

void shards_done(struct shards *shards)
{
        for (size_t i = 0; i < SPREAD_SHARDS_MAXIMUM; i++) {
                if (shards->passwords[i])
                        memory_wipe(shards->passwords[i], strlen(shards->passwords[i]));
                free(shards->passwords[i]);
        }
        site_file_done(&shards->file);
}

int shards_fail(const struct shards *shards, const struct error *err)
{
        return site_file_fail(&shards->file, err);
}

static int read_password(const char *path, char **ret_password, struct error *err)
{
        _cleanup_(buffer_wipe) struct buffer text = BUFFER_INIT(PASSWORD_MAXIMUM);
        int r = password_file_read(path, &text, err);

        if (r < 0)
                return r;
        *ret_password = memory_string(buffer_text(&text));
        return *ret_password ? 0 : error_memory(err);
}

static int admits(void *context, const char *name, struct error *err)
{
        const struct shards *shards = context;

        return fleet_admits(shards->state, shards->config, name, err);
}

int shards_of(struct shards *shards, const struct config *config, const char *state, struct error *err)
{
        int r = 0;

        shards->config = config;
        shards->spread.database = config->clickhouse.database;
        shards->spread.deadline_ms = config->clickhouse.deadline_ms;
        shards->spread.shared_salts = config->clickhouse.salts != NULL;
        shards->spread.unproven = config->clickhouse.unproven;
        shards->state = state;
        shards->spread.admits = admits;
        shards->spread.context = shards;
        for (size_t i = 0; i < config->shard_count && r == 0; i++) {
                const struct config_shard *shard = &config->shards[i];

                if (shard->password_file)
                        r = read_password(shard->password_file, &shards->passwords[i], err);
                shards->spread.items[i] = (struct spread_shard){
                        .name = shard->name, .url = shard->url, .user = shard->user, .password = shards->passwords[i],
                        .script = shard->script
                };
                shards->spread.count++;
        }
        return r;
}

int shards_read(struct shards *shards, const struct common *common, struct error *err)
{
        int r = site_file_open(&shards->file, common, NULL, err);

        if (r < 0)
                return r;
        if (!shards->file.config->shard_count)
                return error_usage(err,
                                   _("%s names no analysis servers; write analyze { clickhouse { shard \"an1\" { url = "
                                     "\"http://an1.example.org:8123/\" } } }"),
                                   common->config);
        return shards_of(shards, shards->file.config, state_directory(common->state), err);
}
