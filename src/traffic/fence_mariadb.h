/* fence_mariadb.h - MariaDB as a database that is fenced (fence.h). */
#ifndef TRAFFIC_FENCE_MARIADB_H
#define TRAFFIC_FENCE_MARIADB_H

#include "fence.h"
#include "mariadb.h"

struct fence_mariadb {
        struct mariadb_options options; /* its folder is the fence's, while an operation lasts */
        struct mariadb *mariadb;        /* NULL at first; one that still works is used by the next operation */
};

/* Connects ahead of time, for a second at the most. That it failed is told by the operation, which tries again. */
void fence_mariadb_warm(struct fence_mariadb *context);

/* Its context is a struct fence_mariadb of the caller's. */
extern const struct fence_database fence_database_mariadb;

void fence_mariadb_done(struct fence_mariadb *context);

#endif
