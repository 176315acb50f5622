#include "fence_postgres.h"

#define WARM_MS 500

void fence_postgres_done(struct fence_postgres *context)
{
        postgres_close(context->postgres);
        context->postgres = NULL;
}

static int database_connect(void *opaque, struct error *err)
{
        struct fence_postgres *context = opaque;

        /* The server may have been restarted since. */
        if (context->postgres && postgres_lives(context->postgres))
                return 0;
        fence_postgres_done(context);
        return postgres_open(&context->options, &context->postgres, err);
}

void fence_postgres_warm(struct fence_postgres *context)
{
        struct postgres_options options = context->options;

        options.timeout_ms = WARM_MS;
        if (postgres_open(&options, &context->postgres, NULL) < 0)
                return;
        postgres_rules_warm(context->postgres);
        postgres_be_patient(context->postgres, context->options.timeout_ms);
}

static void database_prepare(void *opaque, uint64_t epoch, const struct peer *const *out, size_t out_count)
{
        struct fence_postgres *context = opaque;

        if (context->postgres)
                postgres_rules_prepare(context->postgres, epoch, out, out_count);
}

static int database_rules(void *opaque, uint64_t epoch, const struct peer *const *out, size_t out_count,
                          struct error *err)
{
        struct fence_postgres *context = opaque;

        return postgres_rules(context->postgres, epoch, out, out_count, err);
}

static int database_sessions(void *opaque, const struct peer *peer, size_t *ret_count, struct error *err)
{
        struct fence_postgres *context = opaque;

        return postgres_sessions(context->postgres, peer, ret_count, err);
}

static int database_terminate(void *opaque, const struct peer *peer, size_t *ret_count, struct error *err)
{
        struct fence_postgres *context = opaque;

        return postgres_terminate(context->postgres, peer, ret_count, err);
}

static pid_t database_server(void *opaque)
{
        const struct fence_postgres *context = opaque;

        return postgres_server(context->postgres);
}

const struct fence_database fence_database_postgres = {
        .name = "PostgreSQL",
        .connect = database_connect,
        .prepare = database_prepare,
        .rules = database_rules,
        .sessions = database_sessions,
        .terminate = database_terminate,
        .server = database_server,
};
