/*
 * alive.h - a guard's sign of life in the state of its DEST: STATE/dest/X/guard.json, written every ten seconds, and
 * once more when it ends in order. One that did not end in order, of this boot, and no guard that answers: it died.
 */
#ifndef GUARD_ALIVE_H
#define GUARD_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define ALIVE_MS 10000

struct alive {
        int64_t time; /* seconds since 1970 */
        char boot_id[CLOCK_BOOT_ID_SIZE];
        bool stopped; /* it ended in order */
};

/* -ENOENT: DEST was never under guard; -EBADMSG. `folder` is the state's folder of DEST. */
int alive_read(int folder, struct alive *ret_alive);

int alive_write(int folder, const char *mode, bool stopping);

#endif
