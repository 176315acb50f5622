/*
 * examine.h - a whole look at one site, in a thread beside the guard's loop.
 *
 * First every folder is marked, then every name and byte is compared: what changes meanwhile raises an event. Files that
 * are genuine are handed to the gate with their leases as they are found. At the start, after an exchange, after an
 * overflow of events, when mounts changed, and from time to time.
 */
#ifndef GUARD_EXAMINE_H
#define GUARD_EXAMINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "guard/keeper.h"
#include "guard/site.h"
#include "guard/watch.h"
#include "tree/verify.h"

#define EXAMINE_DIFFERENCES 10000 /* told one by one; more are only counted */

struct examined {
        unsigned int tree;
        char *path; /* relative to the tree */
};

struct examination;

/* Starts one of all trees of the site. `keeper` may be NULL (nothing is refused). *ret_fd (borrowed) can be read from
 * when it is over. */
int examine_start(const struct site *site, struct watch *watch, struct keeper *keeper, struct examination **ret,
                  int *ret_fd, struct error *err);

struct examine_result {
        uint64_t generation; /* of the site when it began */
        uint64_t release;
        struct verify_result total;
        struct examined *differing;
        size_t differing_count;
        bool clean; /* every name and byte is as in the release, and nobody can write */
        int r;      /* negative: could not be made, error says why */
        struct error error;
};

/* Waits for the thread. The result lives until examine_free(). */
const struct examine_result *examine_finish(struct examination *examination);

/* One that still runs is told to stop and waited for: before the keeper and the watch that it uses are closed. NULL is
 * fine. */
void examine_free(struct examination *examination);

/* Marks a folder of a mutable area and all below it, and calls back for what breaks the area's rules or is mounted
 * there. Also called by the loop when a folder appears in one. */
int examine_area(const struct site_tree *tree, int folder, const char *path, struct watch *watch,
                 int (*breach)(void *context, const char *path), void *context, struct error *err);

/* What is wrong with one name of a mutable area: 0, DIFFERENCE_EXTRA (it breaks the rules), or DIFFERENCE_MOUNT (something
 * is mounted over it, and is not looked at). */
unsigned int examine_area_name(const struct site_tree *tree, const char *path, struct statx *ret_stx);

#endif
