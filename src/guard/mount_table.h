/*
 * mount_table.h - has a mount changed that concerns a tree? Mounts raise no event in the trees that they cover, and the
 * table of a busy machine changes every second for reasons of others.
 */
#ifndef GUARD_MOUNT_TABLE_H
#define GUARD_MOUNT_TABLE_H

#include <stdint.h>

#include "guard/site.h"

/* A number that changes when a mount comes or goes in a tree of the site, at it, or above it. Added to `hash`, so that
 * several sites make one number. `table` is /proc/self/mountinfo. */
uint64_t mount_table_hash(int table, const struct site *site, uint64_t hash);

#endif
