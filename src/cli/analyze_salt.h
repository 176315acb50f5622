/*
 * analyze_salt.h - where analyze --follow has the salts of visitors from that several servers share: out of its own state
 * when the configuration names this server (analyze { clickhouse { salts = NAME } }), else from the agent of that server,
 * which gives them to those alone that are proven (agent_salt.c). A shard it looks at itself; of a web server it has
 * that server's own word.
 */
#ifndef CLI_ANALYZE_SALT_H
#define CLI_ANALYZE_SALT_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/salts_share.h"
#include "base/error.h"
#include "config/config.h"

struct salt_source {
        const struct config *config;
        const struct config_server *maker;
        const char *server; /* this one */
        bool proven;        /* it reads lines only while it is proven (--require) */
        const char *state;
        struct error failure; /* the last one, and until when it is not asked again */
        int64_t again_ms;
        int32_t told; /* the last day of which was said that it has none */
};

/* Out of the state of the server that makes them, which is this one; errors as of salts_share(). */
int salt_made_here(const char *state, int32_t day, struct shared_salt *ret_salt, struct error *err);

/* All is borrowed; `proven` is false. Status 2 when the configuration has no server of this name. */
int salt_source_init(struct salt_source *source, const struct config *config, const char *server, const char *state,
                     struct error *err);

/* As feed_options.share: context is the source. A day without a salt is told on standard error. */
int salt_source_get(void *context, int32_t day, struct shared_salt *ret_salt, struct error *err);

#endif
