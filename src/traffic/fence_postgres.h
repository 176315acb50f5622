/* fence_postgres.h - PostgreSQL as a database that is fenced (fence.h). */
#ifndef TRAFFIC_FENCE_POSTGRES_H
#define TRAFFIC_FENCE_POSTGRES_H

#include "fence.h"
#include "postgres.h"

struct fence_postgres {
        struct postgres_options options;
        struct postgres *postgres; /* NULL at first; each operation connects anew */
};

/* Its context is a struct fence_postgres of the caller's. */
extern const struct fence_database fence_database_postgres;

void fence_postgres_done(struct fence_postgres *context);

#endif
