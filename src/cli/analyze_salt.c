#include "analyze_salt.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "analyze/salts_answer.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "traffic/agent_client.h"

#define ASK_MS      20000
#define PAUSE_MS    5000 /* after a failure; the lines of the day wait meanwhile */
#define DAY_SECONDS 86400

int salt_source_init(struct salt_source *source, const struct config *config, const char *server, const char *state,
                     struct error *err)
{
        *source = (struct salt_source){ .config = config, .server = server, .state = state, .told = -1 };
        source->maker = config_find_server(config, config->clickhouse.salts);
        if (!source->maker || !server || !config_find_server(config, server))
                return error_usage(err,
                                   _("the configuration has salts that servers share, and no server '%s'; say --server NAME, "
                                     "which of its servers this is"),
                                   server ? server : "");
        return 0;
}

static int ask_maker(const struct salt_source *source, int32_t day, struct shared_salt *ret_salt, struct error *err)
{
        const struct agent_client_options options = { .name = source->maker->name,
                                                      .destination = source->maker->ssh,
                                                      .ssh_config = source->config->ssh_config };
        _cleanup_(agent_client_freep) struct agent_client *client = NULL;
        json_t *answer = NULL, *arguments = json_pack("{s:i, s:b}", "day", (int)day, "proven", source->proven);
        int r = agent_client_new(&options, &client, err);

        if (r < 0) {
                json_decref(arguments);
                return r;
        }
        r = agent_client_call(client, "salt", arguments, ASK_MS, NULL, NULL, &answer, err);
        if (r == 0)
                r = salts_answer_take(answer, source->maker->name, ret_salt, err);
        json_decref(answer);
        return r;
}

int salt_made_here(const char *state, int32_t day, struct shared_salt *ret_salt, struct error *err)
{
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/salts", state);
        return salts_share(path, day, clock_now(), ret_salt, err);
}

static void tell_gone(struct salt_source *source, int32_t day)
{
        char text[CLOCK_TEXT_SIZE];

        if (source->told == day)
                return;
        source->told = day;
        clock_format_utc((int64_t)day * DAY_SECONDS, text);
        fprintf(stderr, _("understudy: the salt of %.10s is gone: what comes of that day is counted without visitors\n"), text);
}

int salt_source_get(void *context, int32_t day, struct shared_salt *ret_salt, struct error *err)
{
        struct salt_source *source = context;
        struct error why = ERROR_NONE;
        int r;

        if (source->failure.code && clock_monotonic_ms() < source->again_ms) {
                *err = source->failure;
                return err->code;
        }
        source->failure = ERROR_NONE;
        r = source->maker == config_find_server(source->config, source->server)
                    ? salt_made_here(source->state, day, ret_salt, &why)
                    : ask_maker(source, day, ret_salt, &why);
        if (r == 0)
                return 0;
        if (r == -ESTALE) {
                tell_gone(source, day);
                *err = why;
                return r;
        }
        source->failure = why;
        error_prefix(&source->failure, _("there is no salt for the visitors of the day, so its lines wait"));
        source->again_ms = clock_monotonic_ms() + PAUSE_MS;
        *err = source->failure;
        return r;
}
