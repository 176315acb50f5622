#include "fence_mariadb.h"

#include "base/attributes.h"

#define WARM_MS 1000

void fence_mariadb_done(struct fence_mariadb *context)
{
        mariadb_close(context->mariadb);
        context->mariadb = NULL;
}

static int database_connect(void *opaque, struct error *err)
{
        struct fence_mariadb *context = opaque;
        int r = 0;

        /* The server may have been restarted since. */
        if (!context->mariadb || !mariadb_lives(context->mariadb)) {
                fence_mariadb_done(context);
                r = mariadb_open(&context->options, &context->mariadb, err);
        }
        if (r == 0)
                mariadb_set_folder(context->mariadb, context->options.folder);
        return r;
}

void fence_mariadb_warm(struct fence_mariadb *context)
{
        struct mariadb_options options = context->options;

        options.timeout_ms = WARM_MS;
        (void)mariadb_open(&options, &context->mariadb, NULL);
}

/* An account has no room for an epoch: whose act it was is in the fence's state. */
static int database_rules(void *opaque, uint64_t epoch _unused_, const struct peer *const *out, size_t out_count,
                          struct error *err)
{
        struct fence_mariadb *context = opaque;

        return mariadb_rules(context->mariadb, out, out_count, err);
}

static int database_sessions(void *opaque, const struct peer *peer, size_t *ret_count, struct error *err)
{
        struct fence_mariadb *context = opaque;

        return mariadb_sessions(context->mariadb, peer, ret_count, err);
}

static int database_terminate(void *opaque, const struct peer *peer, size_t *ret_count, struct error *err)
{
        struct fence_mariadb *context = opaque;

        return mariadb_terminate(context->mariadb, peer, ret_count, err);
}

static pid_t database_server(void *opaque)
{
        const struct fence_mariadb *context = opaque;

        return mariadb_server(context->mariadb);
}

static int database_remarks(void *opaque, const struct peer *peers, size_t peer_count,
                            void (*tell)(void *context, const char *sentence), void *context, struct error *err)
{
        const struct fence_mariadb *mariadb = opaque;

        return mariadb_remarks(mariadb->mariadb, peers, peer_count, tell, context, err);
}

const struct fence_database fence_database_mariadb = {
        .name = "MariaDB",
        .connect = database_connect,
        .rules = database_rules,
        .sessions = database_sessions,
        .terminate = database_terminate,
        .server = database_server,
        .remarks = database_remarks,
};
