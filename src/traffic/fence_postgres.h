/* fence_postgres.h - PostgreSQL as a database that is fenced (fence.h). */
#ifndef TRAFFIC_FENCE_POSTGRES_H
#define TRAFFIC_FENCE_POSTGRES_H

#include "fence.h"
#include "postgres.h"

struct fence_postgres {
        struct postgres_options options;
        struct postgres *postgres; /* NULL at first; one that still works is used by the next operation */
};

/* Connects ahead of time, for half a second at the most. That it failed is told by the operation, which tries again. */
void fence_postgres_warm(struct fence_postgres *context);

/* Its context is a struct fence_postgres of the caller's. */
extern const struct fence_database fence_database_postgres;

void fence_postgres_done(struct fence_postgres *context);

#endif
