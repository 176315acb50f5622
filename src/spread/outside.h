/*
 * outside.h - the tag's script fetched as a visitor's browser does, and compared with the `integrity` of the tag.
 *
 * Not what a server says of itself but what it gives out: in 2009 the pages were as they had been, and the second
 * analysis server gave out another script. A script that differs, and one that cannot be fetched, count the same.
 * libcurl; no redirect is followed, and what is read has a limit and a deadline.
 */
#ifndef SPREAD_OUTSIDE_H
#define SPREAD_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define OUTSIDE_BYTES_MAXIMUM (64U << 10)

struct outside_look {
        const char *server; /* for the words */
        const char *place;  /* where the script is, with "/" at its end, as of `analyze tag --at`; NULL: it serves none */
        int result;         /* 0, or negative with words */
        struct error error;
};

/* All at the same time. Negative when none could be looked at for a reason of our own. */
int outside_look(struct outside_look looks[], size_t count, int64_t deadline_ms, struct error *err);

/* ---- for tests: pure. Whether these bytes are the script. */
int outside_compare(const char *server, const char *url, long status, const void *bytes, size_t length,
                    struct error *err);

#endif
